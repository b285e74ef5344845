"""Mails to who waits: on the list, a seat to accept, a seat lost, a list closed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import french, links, notices, waitlist
from rdv.db import db
from rdv.mails import meeting, people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.dates import to_book
from rdv.mails.message import Fact, Kind, Link, Mail, facts, named
from rdv.models import CandidateRequest, OutgoingMail, SeatHold, Slot


def _slot(row: OutgoingMail) -> Slot:
    """Return the slot that the event of this mail names."""
    public_id = named(row.event).data["slot"]
    return db.session.scalars(sa.select(Slot).where(Slot.public_id == public_id)).one()


def _hold(row: OutgoingMail) -> SeatHold:
    public_id = named(row.event).data["hold"]
    return db.session.scalars(sa.select(SeatHold).where(SeatHold.public_id == public_id)).one()


def _facts(slot: Slot, request: CandidateRequest) -> tuple[Fact, ...]:
    return facts(
        ("Quand", meeting.when(slot)),
        ("Avec", slot.cfa.shown_name),
        *meeting.place(slot, None, for_candidate=True),
        ("Rendez-vous", slot.shown_title),
        ("Formation", request.training.shown_title if request.training else None),
    )


def _ending(slot: Slot, request: CandidateRequest) -> tuple[Fact, ...]:
    return facts(
        ("Téléphone du centre", french.phone(slot.site.phone or slot.cfa.phone)), ("Référence", request.reference)
    )


def _all_dates(request: CandidateRequest) -> Link:
    return "Voir toutes les dates", links.training(request.training) if request.training else links.cfa(request.cfa)


def _subject_of(who: people.Reader) -> str:
    """« Vous êtes », or « Zoé est » for the asker; begins a sentence."""
    return f"{who.candidate[:1].upper()}{who.candidate[1:]} est" if who.is_asker else "Vous êtes"


def _subject_not(who: people.Reader) -> str:
    """« Vous n’êtes », or « Zoé n’est » for the asker; begins a sentence."""
    return f"{who.candidate[:1].upper()}{who.candidate[1:]} n’est" if who.is_asker else "Vous n’êtes"


def _for(who: people.Reader) -> str:
    return f"pour {who.candidate}" if who.is_asker else "pour vous"


def waitlist_joined(row: OutgoingMail) -> Mail:
    """On the list: at which place, what happens when a seat is freed, and how to leave."""
    request, who, slot = named(row.request), people.reader(row), _slot(row)
    entry = waitlist.current(request.id)
    rank = french.rank(waitlist.position(named(entry)))
    return Mail(
        subject=f"Liste d’attente : {meeting.start(slot)}",
        preheader=f"{_subject_of(who)} la {rank} personne de la liste.",
        greeting=who.greeting,
        paragraphs=(
            f"Cette réunion est complète. {_subject_of(who)} la {rank} personne de sa liste d’attente.",
            "Dès qu’une place se libère, un message la propose à la personne suivante. Elle lui est gardée deux heures en "
            "journée, ou jusqu’à 10 h le lendemain si le message part le soir.",
        ),
        facts=_facts(slot, request) + _ending(slot, request),
        button=(PAGE, links.personal(request, row.to_email)),
        after=("Vous ne souhaitez plus attendre ? Quittez la liste d’un clic sur cette page.",),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def seat_offered(row: OutgoingMail) -> Mail:
    """A seat is held: until when, and one button to the page where it is accepted."""
    request, who, slot, held = named(row.request), people.reader(row), _slot(row), _hold(row)
    until = french.moment(held.until, slot.site.timezone)
    earlier = held.kind == "earlier"
    present = request.booking.slot if earlier and request.booking else None
    return Mail(
        subject=f"{'Un rendez-vous plus tôt' if earlier else 'Une place'} {_for(who)}, à accepter avant {until}",
        preheader=f"{meeting.start(slot).capitalize()}, {slot.cfa.shown_name}.",
        greeting=who.greeting,
        paragraphs=(
            f"{'Un rendez-vous plus tôt' if earlier else 'Une place'} s’est {'libéré' if earlier else 'libérée'} "
            f"{_for(who)}.",
            f"La place est gardée jusqu’au {until}. Pour l’accepter, ouvrez la page et confirmez.",
        ),
        facts=_facts(slot, request)
        + facts(
            ("Places gardées", str(held.seats) if held.seats > 1 else None),
            ("Rendez-vous actuel", meeting.when(present) if present else None),
        )
        + _ending(slot, request),
        button=("Voir la place et répondre", links.personal(request, row.to_email)),
        after=(
            "Sans réponse, le rendez-vous actuel ne change pas."
            if earlier
            else "Sans réponse avant ce moment, la place est proposée à la personne suivante.",
        ),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def offer_ended(row: OutgoingMail) -> Mail:
    """A seat is no longer held: it went to somebody else, or the centre cancelled the meeting."""
    request, who, slot = named(row.request), people.reader(row), _slot(row)
    cancelled = named(row.event).data["why"] == "cancelled"
    return Mail(
        subject=f"La place n’est plus gardée : {meeting.start(slot)}",
        preheader="Le rendez-vous actuel ne change pas." if cancelled else "Le délai pour l’accepter est passé.",
        greeting=who.greeting,
        paragraphs=(
            (
                "Le rendez-vous plus tôt que nous proposions est annulé par le centre de formation.",
                "Le rendez-vous actuel ne change pas.",
            )
            if cancelled
            else (
                "Le délai pour accepter la place est passé : elle est proposée à quelqu’un d’autre.",
                f"{_subject_not(who)} plus sur la liste d’attente.",
            )
        ),
        facts=_facts(slot, request) + _ending(slot, request),
        button=(PAGE, links.personal(request, row.to_email))
        if cancelled
        else ("Revoir cette réunion", links.slot(slot)),
        after=()
        if cancelled
        else ("Toujours intéressé ? Réservez s’il reste une place, ou reprenez rang sur la liste.",),
        links=() if cancelled else (_all_dates(request),),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def waitlist_closed(row: OutgoingMail) -> Mail:
    """A list ends with its session, cancelled or begun; other dates follow."""
    request, who, slot = named(row.request), people.reader(row), _slot(row)
    cancelled = named(row.event).data["why"] == "cancelled"
    offered = to_book(request)
    return Mail(
        subject=f"{'Réunion annulée' if cancelled else 'Liste d’attente close'} : {meeting.start(slot)}",
        preheader="D’autres dates sont possibles.",
        greeting=who.greeting,
        paragraphs=(
            "La réunion dont vous attendiez une place est annulée par le centre de formation. Nous en sommes désolés."
            if cancelled
            else "La réunion commence sans qu’une place se soit libérée à temps. Nous en sommes désolés.",
            "D’autres dates sont libres : choisissez-en une ci-dessous."
            if offered
            else "Dites-nous ce qui vous arrange : être rappelé, écrire, ou choisir une date dès qu’il y en a.",
        ),
        facts=facts(
            ("Réunion annulée" if cancelled else "Réunion", meeting.when(slot)), ("Rendez-vous", slot.shown_title)
        )
        + _ending(slot, request),
        button=_all_dates(request),
        links=offered,
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def _theirs(row: OutgoingMail, _now: datetime) -> bool:
    return row.to_email in notices.addresses(named(row.request))


def _waiting(row: OutgoingMail, now: datetime) -> bool:
    """Still waiting: who was offered a seat in between reads of it in another mail."""
    entry = waitlist.current(named(row.request).id)
    return _theirs(row, now) and entry is not None and entry.status == "waiting"


def _held(row: OutgoingMail, now: datetime) -> bool:
    held = _hold(row)
    return _theirs(row, now) and held.status == "live" and held.until > now


KINDS = {
    "waitlist_joined": Kind(waitlist_joined, _waiting),
    "seat_offered": Kind(seat_offered, _held),
    "offer_ended": Kind(offer_ended, _theirs),
    "waitlist_closed": Kind(waitlist_closed, _theirs),
}
