"""Mails that follow what somebody did about a request: called without reaching anybody, answered, answered back."""

from __future__ import annotations

from datetime import datetime

from rdv import clock, french, inbox, links, notices, proposals, taking
from rdv.mails import dates, people
from rdv.mails.candidate import PAGE, WHY, theirs
from rdv.mails.cfa import LAST_OF_DAY
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import CandidateRequest, OutgoingMail, Slot


def call_missed(row: OutgoingMail) -> Mail:
    """The CFA called and reached nobody: three real slots, and other hours to be called."""
    request = named(row.request)
    offered = dates.to_take(request, row.to_email)
    page = links.personal(request, row.to_email)
    wrong_number = named(row.event).data["result"] == "wrong_number"
    number = people.phone_ending(request.phone)
    return Mail(
        subject="Le centre de formation a essayé de vous appeler",
        preheader="Choisissez un moment, ou dites quand vous rappeler.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"{request.cfa.shown_name} a essayé de vous appeler, sans réussir à vous joindre."
            + (f" Le numéro qui finit par {number} ne semble pas être le bon." if wrong_number and number else ""),
            "Ces dates sont libres. Choisissez celle qui vous convient\u00a0: un bouton la réserve, rien à remplir."
            if offered
            else "Dites-nous quand vous êtes joignable\u00a0: le centre vous rappellera.",
        ),
        choices=offered,
        button=None if offered else ("Dire quand m’appeler", page),
        links=(
            ("Choisir une autre date", links.choose_slot(request, row.to_email)),
            ("Dire plutôt quand m’appeler", page),
        )
        if offered
        else (),
        after=(
            f"Référence\u00a0: {request.reference}. Le numéro du centre{french.NBSP}: {french.phone(request.cfa.phone)}.",
        )
        if request.cfa.phone
        else (f"Référence\u00a0: {request.reference}.",),
        footer_reason=WHY,
    )


CLOSED = {
    "not_for_us": (
        "Votre demande ne concerne pas ce centre de formation",
        "{name} indique que votre demande ne le concerne pas. Un autre centre peut y répondre.",
    ),
    "unreachable": (
        "Le centre de formation n’a pas réussi à vous joindre",
        "{name} a essayé de vous joindre, sans succès, et a terminé votre demande. Un mot sur votre page suffit pour la reprendre.",
    ),
    "no_follow_up": (
        "Votre demande est terminée",
        "{name} a terminé votre demande. Un mot sur votre page suffit pour la reprendre, si elle est toujours d’actualité.",
    ),
}


def request_closed(row: OutgoingMail) -> Mail:
    """The CFA ended the request without an answer: said honestly, with what can still be done."""
    request = named(row.request)
    subject, words = CLOSED[named(row.event).data["outcome"]]
    page = ("Ouvrir ma page personnelle", links.personal(request, row.to_email))
    elsewhere = ("Chercher un autre centre de formation", links.home())
    not_for_us = named(row.event).data["outcome"] == "not_for_us"
    return Mail(
        subject=subject,
        preheader=f"Demande {request.reference}.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(words.format(name=request.cfa.shown_name),),
        facts=facts(
            ("Formation", request.training.shown_title if request.training else None),
            ("Téléphone du centre", french.phone((request.site.phone if request.site else None) or request.cfa.phone)),
            ("Référence", request.reference),
        ),
        button=elsewhere if not_for_us else page,
        links=(page if not_for_us else elsewhere,),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def _still_closed(row: OutgoingMail, _now: datetime) -> bool:
    request = named(row.request)
    theirs = row.to_email in notices.addresses(request)
    return theirs and request.status == "closed" and request.outcome == named(row.event).data["outcome"]


def request_answered(row: OutgoingMail) -> Mail:
    """The CFA's written answer, word for word, the slots it proposes as buttons, and how to reply."""
    request, event = named(row.request), row.event
    author = event.user if event else None
    name = request.cfa.shown_name
    reply_to = (author.email if author else None) or request.recipient_email
    now = clock.now()
    slots = [slot for slot in proposals.of_event(event) if taking.free_for(request, slot, now)] if event else []
    choices = tuple(
        (dates.words(slot.starts_at, slot.site.timezone, slot.place), links.take_slot(request, slot, row.to_email))
        for slot in slots
    )
    page = (PAGE, links.personal(request, row.to_email))
    other = ("Choisir une autre date" if choices else "Choisir une date", links.choose_slot(request, row.to_email))
    free_choice = event is not None and proposals.leaves_choice(event)
    return Mail(
        subject=f"{name} vous a répondu",
        preheader=f"Réponse à votre demande {request.reference}.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(f"{author.shown_name}, {name}, vous répond\u00a0:" if author else f"{name} vous répond\u00a0:",),
        quote=(event.text if event else None) or "",
        facts=facts(
            ("Formation", request.training.shown_title if request.training else None),
            ("Gardé pour vous", _kept(request, slots)),
            ("Référence", request.reference),
        ),
        choices=choices,
        button=None if choices else other if free_choice else page,
        links=(*((other,) if choices and free_choice else ()), *((page,) if choices or free_choice else ())),
        after=(
            *(("Un bouton réserve la date choisie, sans rien à remplir.",) if choices else ()),
            "Pour répondre, utilisez «\u00a0Répondre\u00a0» dans votre messagerie\u00a0: votre message ira au centre de formation."
            if reply_to
            else "Pour suivre votre demande ou prendre rendez-vous, ouvrez votre page personnelle.",
        ),
        footer_reason=WHY,
        reply_to=reply_to,
    )


def _kept(request: CandidateRequest, slots: list[Slot]) -> str | None:
    """« Jusqu’au mardi 24 novembre à 9 h », the soonest of the ends, when each of these slots is kept."""
    now = clock.now()
    held = [kept for slot in slots if (kept := taking.kept(request, slot, now)) is not None]
    if not slots or len(held) < len(slots):
        return None
    until = french.moment(min(kept.until for kept in held), inbox.calling.zone_of(request))
    return f"{'Ces créneaux' if len(held) > 1 else 'Ce créneau'}, jusqu’au {until}"


def candidate_replied(row: OutgoingMail) -> Mail:
    """The person wrote on their page, or gave other hours to be called: it is the CFA's turn. Their words stay behind the link."""
    request, event = named(row.request), named(row.event)
    due = french.moment(request.due_at, inbox.calling.zone_of(request)) if request.due_at else None
    wrote = event.kind == "candidate_note"
    at_its_address = row.user_id is None and row.to_email == request.recipient_email
    return Mail(
        subject=("Un candidat vous a écrit" if wrote else "Nouveaux moments pour rappeler un candidat")
        + f" – {request.reference}",
        preheader=f"Réponse attendue avant {due}." if due else "",
        greeting=f"Bonjour {row.user.first_name}," if row.user else "Bonjour,",
        paragraphs=(
            "Une personne a ajouté un message à sa demande. Elle attend votre réponse."
            if wrote
            else "Une personne a changé les moments où elle peut être rappelée.",
        ),
        facts=facts(
            ("Réponse attendue avant", due),
            ("Candidat", people.candidate_name(request)),
            ("Formation", request.training.shown_title if request.training else None),
            ("Référence", request.reference),
        ),
        button=("Lire et répondre", links.answer(request) if at_its_address else links.staff_request(request)),
        after=(
            *(("Ce lien est réservé à votre adresse\u00a0: ne le transférez pas.",) if at_its_address else ()),
            *((LAST_OF_DAY,) if row.data.get("last") else ()),
        ),
        footer_reason="Vous recevez ce message parce que vous suivez cette demande."
        if row.user
        else "Vous recevez ce message parce que cette demande a été envoyée à votre adresse.",
    )


def _still_missed(row: OutgoingMail, now: datetime) -> bool:
    """Theirs, and nothing was said since: the request still waits for that next call."""
    request = named(row.request)
    return theirs(row, now) and request.status == "in_progress" and request.attempts > 0


def _still_answered(row: OutgoingMail, now: datetime) -> bool:
    """Theirs, and not taken back meanwhile."""
    event = row.event
    undone = event is not None and event.id in inbox.state.undone_ids(named(row.request).events)
    return theirs(row, now) and not undone


def _still_waits(row: OutgoingMail, _now: datetime) -> bool:
    """Nobody answered since, and who is told still works there, or is still the address of the request."""
    request = named(row.request)
    user = row.user
    there = (
        user.active and inbox.works_for(request.cfa_id, user.id) if user else row.to_email == request.recipient_email
    )
    return request.status in inbox.TO_TREAT and there


KINDS = {
    "call_missed": Kind(call_missed, _still_missed),
    "request_answered": Kind(request_answered, _still_answered, call_instead=True, written=True),
    "request_closed": Kind(request_closed, _still_closed),
    "candidate_replied": Kind(candidate_replied, _still_waits),
}
