"""What a calendar shows: a meeting, or something of whole days; and its component, which `icalendar` writes.

What `icalendar` does by itself and we avoid (reference/ical.md §0, §1): a random UID for each calendar, DTSTAMP of the
moment, zones whose spring change comes an hour late, durations without their type, control characters let through.
Instants go out in UTC; the wall time of the place is said in words when it is not that of Paris.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import icalendar

from rdv import french
from rdv.clock import PARIS
from rdv.models import Site

# Every client asks again after a rendering change: part of the feeds' ETag, and of what rendered bytes are kept by.
RENDERING_VERSION = 3

MEDIA_TYPE = "text/calendar; charset=utf-8"
_PRODID = "-//RDV Apprentissage//Agenda//FR"  # constant: a version here would change every byte at each release

# A NUL makes libical drop the whole calendar; a lone surrogate cannot be encoded.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


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
    url: str = ""
    zone: str = PARIS
    video: str = ""  # the address of the room
    cancelled: bool = False
    free: bool = False  # an offer nobody has taken: it does not make its adviser busy

    def __post_init__(self) -> None:
        for instant in (self.created_at, self.updated_at, self.starts_at, self.ends_at):
            if instant.tzinfo is None:
                raise ValueError("naive datetime refused: an instant carries its zone")
        # In UTC: Python compares two times of one zone by their wall times, which autumn repeats.
        if self.ends_at.astimezone(UTC) <= self.starts_at.astimezone(UTC):
            raise ValueError("a meeting ends after it starts")


@dataclass(frozen=True)
class AllDay:
    """Something of whole days, the last one included, that makes nobody busy: an answer due, a closure."""

    uid: str
    sequence: int
    created_at: datetime
    updated_at: datetime
    first_day: date
    last_day: date
    summary: str
    description: str = ""
    url: str = ""


def new_calendar(method: str | None = None) -> icalendar.Calendar:
    """Return an empty calendar with what all of ours begin with."""
    head = icalendar.Calendar()
    head.add("prodid", _PRODID)
    head.add("version", "2.0")
    head.add("calscale", "GREGORIAN")
    if method:
        head.add("method", method)
    return head


def component(shown: Meeting | AllDay, *, sent_at: datetime | None = None) -> icalendar.Event:
    """Return the VEVENT of what is shown, without anybody's address.

    `sent_at`: the instant of a message about it. Without METHOD, DTSTAMP is the last change (RFC 5545 §3.8.7.2): it must
    not move by itself.
    """
    written = icalendar.Event()
    written.add("uid", shown.uid)
    written.add("dtstamp", (sent_at or shown.updated_at).astimezone(UTC))
    written.add("created", shown.created_at.astimezone(UTC))
    written.add("last-modified", shown.updated_at.astimezone(UTC))
    written.add("sequence", shown.sequence)
    if isinstance(shown, Meeting):
        _add_meeting(written, shown)
    else:
        written.add("dtstart", shown.first_day)
        written.add("dtend", shown.last_day + timedelta(days=1))  # the first day that is no longer in it
        _add_texts(written, shown.summary, shown.description, shown.url)
        _add_status(written, cancelled=False, idle=True)
    return written


def _add_meeting(written: icalendar.Event, shown: Meeting) -> None:
    written.add("dtstart", shown.starts_at.astimezone(UTC))
    written.add("dtend", shown.ends_at.astimezone(UTC))
    summary = f"Annulé{french.NBSP}: {shown.summary}" if shown.cancelled else shown.summary
    _add_texts(written, summary, _description(shown), shown.url)
    if shown.location:
        written.add("location", clean(shown.location))
    if shown.video:
        written.add(
            "conference", icalendar.vUri(_address(shown.video)), parameters={"VALUE": "URI", "FEATURE": "VIDEO"}
        )
    _add_status(written, shown.cancelled, idle=shown.cancelled or shown.free)


def _add_texts(written: icalendar.Event, summary: str, description: str, url: str) -> None:
    written.add("summary", clean(summary))
    if description:
        written.add("description", clean(description))
    if url:
        written.add("url", _address(url))


def _add_status(written: icalendar.Event, cancelled: bool, idle: bool) -> None:
    written.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    written.add("transp", "TRANSPARENT" if idle else "OPAQUE")
    written.add("x-microsoft-cdo-busystatus", "FREE" if idle else "BUSY")  # what Outlook reads instead
    written.add("class", "PRIVATE")


def where(place: str, detail: str | None, site: Site) -> str:
    """Return a slot's place as LOCATION says it: room and postal address, « Par téléphone », or the video's address."""
    if place == "phone":
        return "Par téléphone"
    if place == "video":
        return f"Visioconférence{french.NBSP}: {detail}" if detail else "Visioconférence"
    return ", ".join(part for part in (site.shown_name, detail, site.shown_address) if part)


def video(place: str, detail: str | None) -> str:
    """Return the address of the video room when the adviser gave one, else nothing."""
    address = (detail or "").strip()
    return address if place == "video" and address.startswith(("https://", "http://")) else ""


def clean(text: str) -> str:
    """Return a text that any reader takes: no control character, one line ending."""
    return _UNWRITABLE.sub("", _LINE_ENDS.sub("\n", text))


def _address(url: str) -> str:
    """The library writes an address as it is: one that is not ASCII, or holds a space, is no URI."""
    return quote(clean(url).replace("\n", ""), safe=_URL_SAFE)


def _description(meeting: Meeting) -> str:
    if meeting.zone == PARIS:
        return meeting.description
    local = f"Heure du lieu{french.NBSP}: {french.moment(meeting.starts_at, meeting.zone)}"
    return f"{local}\n{meeting.description}".strip()
