"""Mails about a request that goes on in another centre: the person is asked, then told; who asked hears of a refusal."""

from __future__ import annotations

from datetime import datetime

from rdv import french, links, notices, redirecting
from rdv.clock import PARIS
from rdv.mails import people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.cfa import for_member
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import OutgoingMail


def redirect_asked(row: OutgoingMail) -> Mail:
    """The CFA proposes another centre: yes or no on the person's page, which shows what would be passed on."""
    request, event = named(row.request), named(row.event)
    return Mail(
        subject="Votre demande peut être transmise à un autre centre de formation",
        preheader="Répondez oui ou non\u00a0: rien n’est transmis sans votre accord.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"{request.cfa.shown_name} propose de transmettre votre demande à un autre centre, qui peut mieux y répondre.",
            "Rien n’est transmis sans votre accord. La page montre ce que ce centre recevrait, avant de répondre.",
        ),
        facts=facts(
            ("Centre proposé", event.data.get("name")),
            ("Formation", request.training.shown_title if request.training else None),
            ("Référence", request.reference),
        ),
        button=("Voir et répondre", links.redirect(request, row.to_email)),
        after=("Sans réponse de votre part, votre demande reste où elle est.",),
        links=((PAGE, links.personal(request, row.to_email)),),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def request_redirected(row: OutgoingMail) -> Mail:
    """Another centre has the request: who, by when, the new reference, the page."""
    request, event = named(row.request), named(row.event)
    zone = request.site.timezone if request.site else PARIS
    due = french.moment(request.due_at, zone) if request.due_at else None
    phone = (request.site.phone if request.site else None) or request.cfa.phone
    by_them = event.actor == "candidate"
    former = event.data.get("name") or "Le centre"
    return Mail(
        subject="Votre demande est transmise à un autre centre de formation",
        preheader=f"Réponse attendue avant {due}." if due else "",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"Votre demande est transmise à {request.cfa.shown_name}, comme vous l’avez choisi."
            if by_them
            else f"{former} a transmis votre demande à {request.cfa.shown_name}, avec votre accord.",
            "Ce centre a reçu vos coordonnées et ce que vous aviez écrit\u00a0: vous n’avez rien à refaire.",
        ),
        facts=facts(
            ("Centre de formation", request.cfa.shown_name),
            ("Lieu", request.site.shown_name if request.site else None),
            ("Formation", request.training.shown_title if request.training else None),
            ("Réponse attendue avant", due),
            ("Téléphone du centre", french.phone(phone)),
            ("Nouvelle référence", request.reference),
        ),
        button=(PAGE, links.personal(request, row.to_email)),
        after=("Le lien que vous aviez déjà mène à la même page.",),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def redirect_refused(row: OutgoingMail) -> Mail:
    """The person keeps their request where it is: it still waits for an answer."""
    request, event = named(row.request), named(row.event)
    zone = request.site.timezone if request.site else PARIS
    waits = request.status in ("new", "in_progress") and request.due_at is not None
    at_its_address = row.user_id is None and row.to_email == request.recipient_email
    return Mail(
        subject="La personne préfère que sa demande reste chez vous",
        preheader="Elle attend votre réponse.",
        paragraphs=(
            "Vous aviez proposé de transmettre cette demande à un autre centre. La personne a répondu non\u00a0: "
            "elle attend une réponse de votre centre.",
        ),
        facts=facts(
            ("Candidat", people.candidate_name(request)),
            ("Centre proposé", event.data.get("name")),
            ("Réponse attendue avant", french.moment(request.due_at, zone) if waits and request.due_at else None),
            ("Référence", request.reference),
        ),
        button=("Voir la demande", links.answer(request) if at_its_address else links.staff_request(request)),
        footer_reason="Vous recevez ce message parce que votre centre a proposé de transmettre cette demande.",
    )


def _asked_still(row: OutgoingMail, _now: datetime) -> bool:
    request = named(row.request)
    question = redirecting.pending(request)
    theirs = row.to_email in notices.addresses(request)
    return theirs and question is not None and question.event.id == row.event_id


def _theirs(row: OutgoingMail, _now: datetime) -> bool:
    return row.to_email in notices.addresses(named(row.request))


def _still_open(row: OutgoingMail, _now: datetime) -> bool:
    """Not over, and who is told still works there, or is still the address of the request."""
    request = named(row.request)
    there = for_member(row) is not None if row.user_id else row.to_email == request.recipient_email
    return request.status != "closed" and there


KINDS = {
    "redirect_asked": Kind(redirect_asked, _asked_still),
    "request_redirected": Kind(request_redirected, _theirs),
    "redirect_refused": Kind(redirect_refused, _still_open),
}
