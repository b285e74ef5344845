"""Invitations (RFC 5546, 6047): one meeting, one attendee, sent by the address the mail itself comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import icalendar

from rdv import french
from rdv.ical.events import Meeting, component, new_calendar, video, where
from rdv.models import Booking

ANSWER_IN_VAIN = "Répondre dans l’agenda ne prévient pas le centre de formation."


@dataclass(frozen=True)
class Organizer:
    """Who a calendar names as the organiser: the address our mails come from, and never a person's."""

    email: str
    name: str

    def address(self) -> icalendar.vCalAddress:
        """Return it as a property's value; the library writes any name as RFC 6868 says."""
        found = mailto(self.email)
        found.params["CN"] = self.name
        return found


def mailto(email: str) -> icalendar.vCalAddress:
    """Return an address as a URI (RFC 6068): read back, it is the very address the mail goes to."""
    local, _, domain = email.rpartition("@")
    return icalendar.vCalAddress(f"mailto:{quote(local, safe='+!$*-._~')}@{quote(domain, safe='.-')}")


def invitation(meeting: Meeting, organizer: Organizer, attendee: str, sent_at: datetime) -> bytes:
    """Return the calendar object of a mail to one person: a REQUEST, or a CANCEL when the meeting is cancelled.

    They come already, since they booked: no answer is asked, and what a calendar answers by itself is read by nobody.
    """
    head = new_calendar("CANCEL" if meeting.cancelled else "REQUEST")
    written = component(meeting, sent_at=sent_at)
    written.add("organizer", organizer.address())
    person = mailto(attendee)
    person.params["CUTYPE"] = "INDIVIDUAL"
    person.params["ROLE"] = "REQ-PARTICIPANT"
    person.params["PARTSTAT"] = "ACCEPTED"
    person.params["RSVP"] = "FALSE"
    written.add("attendee", person)
    head.add_component(written)
    content: bytes = head.to_ical()
    return content


def method_of(content: bytes) -> str:
    """Return the METHOD of an invitation, which the part of its mail repeats (RFC 6047 §2.4)."""
    return "CANCEL" if b"\r\nMETHOD:CANCEL\r\n" in content else "REQUEST"


def of_booking(booking: Booking) -> Meeting:
    """Return a booking as its candidate's calendar shows it: no address of a person, no link to their page.

    A cancelled one keeps its hour, were its slot changed since.
    """
    slot = booking.slot
    length = slot.ends_at - slot.starts_at
    telephone = slot.site.phone or slot.site.cfa.phone
    said = [
        slot.meeting_type.instructions,
        f"À apporter{french.NBSP}: {slot.shown_what_to_bring}" if slot.shown_what_to_bring else None,
        f"Votre référence{french.NBSP}: {booking.request.reference}",
        f"Téléphone du centre{french.NBSP}: {french.phone(telephone)}" if telephone else None,
        f"Pour déplacer ou annuler ce rendez-vous, utilisez votre lien personnel. {ANSWER_IN_VAIN}",
    ]
    cancelled = not booking.is_live
    return Meeting(
        uid=booking.uid,
        sequence=booking.sequence,
        created_at=booking.created_at,
        updated_at=booking.updated_at,
        starts_at=booking.starts_at if cancelled else slot.starts_at,
        ends_at=booking.starts_at + length if cancelled else slot.ends_at,
        summary=f"{slot.shown_title} – {slot.site.shown_name}",
        location=where(slot.place, slot.place_detail, slot.site),
        description="\n".join(line for line in said if line),
        zone=slot.site.timezone,
        video=video(slot.place, slot.place_detail),
        cancelled=cancelled,
    )
