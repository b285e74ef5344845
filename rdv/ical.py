"""Calendars as bytes (RFC 5545): given data, queries nothing, and the same data always gives the same bytes.

What `icalendar` does by itself and we avoid (reference/ical.md §0, §1): a random UID for each calendar, DTSTAMP of the
moment, zones whose spring change comes an hour late, durations without their type, control characters let through.
Instants go out in UTC; the wall time of the place is said in words when it is not that of Paris.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import icalendar

from rdv import french
from rdv.clock import PARIS
from rdv.models import Booking, Site

# Every client asks again after a rendering change: part of the feeds' ETag.
RENDERING_VERSION = 2

MEDIA_TYPE = "text/calendar; charset=utf-8"
_PRODID = "-//RDV Apprentissage//Agenda//FR"  # constant: a version here would change every byte at each release
_REFRESH = timedelta(hours=1)
_END = b"END:VCALENDAR\r\n"

# A NUL makes libical drop the whole calendar; a lone surrogate cannot be encoded.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Meeting:
    """What a calendar shows of one meeting; `zone` is that of its place (IANA), the instants are aware.

    Raises ValueError for a naive instant or a meeting that ends before it starts.
    """

    uid: str
    sequence: int
    created_at: datetime
    updated_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str = ""
    description: str = ""
    url: str = ""  # ASCII
    zone: str = PARIS
    cancelled: bool = False
    free: bool = False  # an offer nobody has taken: it does not make its adviser busy

    def __post_init__(self) -> None:
        for instant in (self.created_at, self.updated_at, self.starts_at, self.ends_at):
            if instant.tzinfo is None:
                raise ValueError("naive datetime refused: an instant carries its zone")
        if self.ends_at <= self.starts_at:
            raise ValueError("a meeting ends after it starts")


def calendar(meetings: Iterable[Meeting], name: str) -> bytes:
    """Return a calendar to subscribe to, its meetings in the order given; without METHOD (RFC 5546 §3.2.1)."""
    head = icalendar.Calendar()
    head.add("prodid", _PRODID)
    head.add("version", "2.0")
    head.add("calscale", "GREGORIAN")
    for field in ("name", "x-wr-calname"):
        head.add(field, icalendar.vText(_clean(name)))  # unknown to the library, which would not escape them
    head.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})  # RFC 7986 §5.7: no default type
    head.add("x-published-ttl", icalendar.vDuration(_REFRESH))
    return _around(head, meetings)


def file(meetings: Iterable[Meeting]) -> bytes:
    """Return a file to keep: the meetings in the order given, nothing to subscribe to."""
    head = icalendar.Calendar()
    head.add("prodid", _PRODID)
    head.add("version", "2.0")
    head.add("calscale", "GREGORIAN")
    return _around(head, meetings)


def booking_file(booking: Booking) -> bytes:
    """Return the file a candidate adds to their calendar: one meeting, no address of a person, no link to their page.

    Its UID is that of the adviser's feed, and SEQUENCE rises with moves: a later file replaces the earlier one.
    """
    head = icalendar.Calendar()
    head.add("prodid", _PRODID)
    head.add("version", "2.0")
    slot = booking.slot
    telephone = slot.site.phone or slot.site.cfa.phone
    said = [
        slot.meeting_type.instructions,
        f"À apporter{french.NBSP}: {slot.shown_what_to_bring}" if slot.shown_what_to_bring else None,
        f"Votre référence{french.NBSP}: {booking.request.reference}",
        f"Téléphone du centre{french.NBSP}: {french.phone(telephone)}" if telephone else None,
        "Pour déplacer ou annuler ce rendez-vous, utilisez votre lien personnel.",
    ]
    meeting = Meeting(
        uid=booking.uid,
        sequence=booking.sequence,
        created_at=booking.created_at,
        updated_at=booking.updated_at,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        summary=f"{slot.shown_title} – {slot.site.shown_name}",
        location=where(slot.place, slot.place_detail, slot.site),
        description="\n".join(line for line in said if line),
        zone=slot.site.timezone,
        cancelled=not booking.is_live,
    )
    return _around(head, [meeting])


def where(place: str, detail: str | None, site: Site) -> str:
    """Return a slot's place as LOCATION says it: room and postal address, « Par téléphone », or the video's address."""
    if place == "phone":
        return "Par téléphone"
    if place == "video":
        return f"Visioconférence{french.NBSP}: {detail}" if detail else "Visioconférence"
    return ", ".join(part for part in (site.shown_name, detail, site.shown_address) if part)


def _around(head: icalendar.Calendar, meetings: Iterable[Meeting]) -> bytes:
    start = head.to_ical().removesuffix(_END)
    return b"".join([start, *map(_event, meetings), _END])


@lru_cache(maxsize=2048)
def _event(meeting: Meeting) -> bytes:
    """Render one VEVENT. The library takes half a millisecond; equal data gives equal bytes, so they are kept."""
    event = icalendar.Event()
    event.add("uid", meeting.uid)
    # Without METHOD, DTSTAMP is the last change (RFC 5545 §3.8.7.2): it must not move by itself.
    event.add("dtstamp", meeting.updated_at.astimezone(UTC))
    event.add("created", meeting.created_at.astimezone(UTC))
    event.add("last-modified", meeting.updated_at.astimezone(UTC))
    event.add("sequence", meeting.sequence)
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    summary = f"Annulé{french.NBSP}: {meeting.summary}" if meeting.cancelled else meeting.summary
    event.add("summary", _clean(summary))
    for field, text in (("location", meeting.location), ("description", _description(meeting))):
        if text:
            event.add(field, _clean(text))
    if meeting.url:
        event.add("url", meeting.url)
    event.add("status", "CANCELLED" if meeting.cancelled else "CONFIRMED")
    idle = meeting.cancelled or meeting.free
    event.add("transp", "TRANSPARENT" if idle else "OPAQUE")
    event.add("x-microsoft-cdo-busystatus", "FREE" if idle else "BUSY")
    event.add("class", "PRIVATE")
    written: bytes = event.to_ical()
    return written


def _description(meeting: Meeting) -> str:
    if meeting.zone == PARIS:
        return meeting.description
    local = f"Heure du lieu{french.NBSP}: {french.moment(meeting.starts_at, meeting.zone)}"
    return f"{local}\n{meeting.description}".strip()


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("", _LINE_ENDS.sub("\n", text))
