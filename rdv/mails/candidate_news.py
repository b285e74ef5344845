"""Mails to advisers of what a candidate says of a meeting that they keep."""

from __future__ import annotations

from datetime import datetime

from rdv import french, links
from rdv.clock import to_zone
from rdv.mails import meeting
from rdv.mails.message import Kind, Mail, facts
from rdv.mails.people import candidate_name
from rdv.models import OutgoingMail


def _minutes(row: OutgoingMail) -> int:
    return int(row.event.data["minutes"]) if row.event else 0


def adviser_candidate_late(row: OutgoingMail) -> Mail:
    """Somebody who is expected today will be late."""
    booking = meeting.of(row)
    slot, length = booking.slot, french.duration(_minutes(row))
    zone = slot.site.timezone
    return Mail(
        subject=f"Retard de {length} : rendez-vous de {french.clock_time(to_zone(slot.starts_at, zone))}",
        preheader=slot.shown_title,
        paragraphs=(f"La personne attendue prévient qu’elle aura environ {length} de retard.",),
        facts=facts(
            ("Candidat", candidate_name(booking.request)),
            ("Quand", meeting.when(slot)),
            ("Retard annoncé", f"environ {length}"),
            ("Rendez-vous", slot.shown_title),
            ("Référence", booking.request.reference),
        ),
        button=("Voir la demande", links.staff_request(booking.request)),
        after=("Son numéro est dans sa demande, si vous préférez l’appeler.",),
        links=(("Voir le créneau", links.staff_slot(slot)),),
        footer_reason="Vous recevez ce message parce que ce créneau est publié à votre nom.",
    )


def _still_late(row: OutgoingMail, now: datetime) -> bool:
    """Worth knowing while the meeting is to come or under way, and while this is the last word on it."""
    booking = meeting.of(row)
    return (
        booking.status == "booked"
        and booking.late_minutes == _minutes(row)
        and booking.slot.ends_at > now
        and meeting.works_there(row.user, booking.slot)
    )


KINDS = {"adviser_candidate_late": Kind(adviser_candidate_late, _still_late)}
