"""Mails of the day after: to who was missed, and to who has not said yet who came."""

from __future__ import annotations

from datetime import datetime

from rdv import attendance, clock, french, links, notices
from rdv.mails import dates, meeting, people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import Booking, OutgoingMail

LISTED = 8  # meetings in a mail to the staff


def missed_you(row: OutgoingMail) -> Mail:
    """Somebody did not come: no blame, three real slots, and other ways to talk."""
    booking = meeting.of(row)
    slot, request = booking.slot, booking.request
    offered = dates.to_book(request)
    everything = links.training(request.training) if request.training else links.cfa(request.cfa)
    phone = french.phone(slot.site.phone or slot.cfa.phone)
    return Mail(
        subject="On vous a manqué : choisissons un autre moment",
        preheader="Un empêchement, cela arrive. Votre projet nous intéresse toujours.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"Un rendez-vous était prévu {meeting.start(slot)} avec {slot.cfa.shown_name}. "
            "Un empêchement, cela arrive : nous serions heureux de vous parler.",
            "Ces dates sont libres. Ouvrez celle qui vous convient pour la réserver."
            if offered
            else "Dites-nous ce qui vous arrange\u00a0: être rappelé, écrire, ou choisir une date dès qu’il y en a.",
        ),
        button=offered[0] if offered else ("Reprendre contact", everything),
        links=(*offered[1:], ("Voir toutes les dates", everything), (PAGE, links.personal(request)))
        if offered
        else ((PAGE, links.personal(request)),),
        after=(
            *((f"Téléphone du centre\u00a0: {phone}. Référence\u00a0: {request.reference}.",) if phone else ()),
            "Votre projet a changé\u00a0? Vous n’avez rien à faire\u00a0: ce message est le seul.",
        ),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def outcomes_missing(row: OutgoingMail) -> Mail:
    """Meetings of the last days wait for a word: who came? One tap each."""
    user = named(row.user)
    waiting = attendance.recalled(user, clock.now())
    count = len(waiting)
    more = count - LISTED
    return Mail(
        subject=f"{french.plural(count, 'rendez-vous', 'rendez-vous')} sans suite : la personne est-elle venue ?",
        preheader="Un geste suffit pour chacun.",
        greeting=f"Bonjour {user.first_name},",
        paragraphs=(
            "Ces rendez-vous sont passés, et personne n’a noté si la personne est venue. "
            "Sans réponse, nous ne supposons rien.",
        ),
        facts=facts(*[_told(booking) for booking in waiting[:LISTED]]),
        button=("Noter qui est venu", links.staff_outcomes()),
        after=(
            *((f"Et {french.plural(more, 'autre')} encore, sur la même page.",) if more > 0 else ()),
            "Nous le rappelons une fois par jour ouvré, pendant sept jours au plus.",
        ),
        footer_reason="Vous recevez ce message parce que ces créneaux sont publiés à votre nom, ou dans le centre dont vous êtes "
        "responsable.",
    )


def _told(booking: Booking) -> tuple[str, str]:
    slot = booking.slot
    when = meeting.start(slot)
    return when[0].upper() + when[1:], f"{people.candidate_name(booking.request)}, {slot.shown_title}"


def _still_missed(row: OutgoingMail, _now: datetime) -> bool:
    """Missed as far as we know, by somebody who did not come back by themselves."""
    booking = meeting.of(row)
    request = booking.request
    return (
        booking.status == "no_show"
        and row.to_email in notices.addresses(request)
        and booking.slot.cfa.closed_at is None
        and not attendance.came_back(booking)
    )


def _still_missing(row: OutgoingMail, now: datetime) -> bool:
    user = named(row.user)
    return user.active and row.to_email == user.email and bool(attendance.recalled(user, now))


KINDS = {
    "missed_you": Kind(missed_you, _still_missed),
    "outcomes_missing": Kind(outcomes_missing, _still_missing),
}
