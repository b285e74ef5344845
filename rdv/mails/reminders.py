"""Reminders of a meeting: when, where, what to bring, and « Vous venez ? ». A link shows a page, a button there answers."""

from __future__ import annotations

from datetime import datetime

from rdv import links, notices
from rdv.mails import meeting, people
from rdv.mails.candidate import WHY, booking_facts, video_links
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import Booking, OutgoingMail


def reminder_week(row: OutgoingMail) -> Mail:
    """Seven days before."""
    booking = meeting.of(row)
    return _reminder(row, booking, f"Dans une semaine : rendez-vous {meeting.start(booking.slot)}")


def reminder_day(row: OutgoingMail) -> Mail:
    """The eve; late, the day itself."""
    booking = meeting.of(row)
    return _reminder(row, booking, f"Rappel : rendez-vous {meeting.start_soon(booking.slot)}")


def _reminder(row: OutgoingMail, booking: Booking, subject: str) -> Mail:
    request, slot, reader = booking.request, booking.slot, people.reader(row)
    programme = slot.shown_programme if slot.is_group else None
    yes, no = (
        (f"Oui, {reader.candidate} vient", f"Non, {reader.candidate} ne peut pas venir")
        if reader.is_asker
        else ("Oui, je viens", "Non, je ne peux pas venir")
    )
    answered = booking.presence_at is not None
    return Mail(
        subject=subject,
        preheader=f"Avec {slot.cfa.shown_name}. Référence {request.reference}.",
        greeting=reader.greeting,
        paragraphs=(f"{reader.meeting} approche. {_asked(reader, answered)}",),
        facts=booking_facts(booking, reader) + facts(("Programme", programme)),
        button=("Voir le rendez-vous", links.personal(request, row.to_email))
        if answered
        else (yes, links.presence(request, row.to_email)),
        links=(
            (no, links.cancel(request, row.to_email)),
            ("Choisir une autre date", links.move(request, row.to_email)),
            *video_links(booking),
        ),
        after=(
            "Chaque lien ouvre une page : rien ne change avant que vous y confirmiez votre choix.",
            "Un empêchement ? La place que vous rendez servira à quelqu’un d’autre.",
        ),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def _asked(reader: people.Reader, answered: bool) -> str:
    """« Vous venez ? », once."""
    if answered:
        said = "La venue est confirmée" if reader.is_asker else "Vous avez confirmé votre venue"
        return f"{said} : merci."
    name = reader.candidate
    question = f"{name[:1].upper()}{name[1:]} vient" if reader.is_asker else "Vous venez"
    return f"{question} ? Répondez par l’un de ces liens : l’équipe du centre le verra."


def _due(row: OutgoingMail, now: datetime) -> bool:
    return row.to_email in notices.addresses(named(row.request)) and meeting.still_at(row, now)


KINDS = {"reminder_week": Kind(reminder_week, _due), "reminder_day": Kind(reminder_day, _due)}
