"""Whole calendars: what one subscribes to, what one keeps, what a candidate adds to theirs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import icalendar

from rdv.ical.events import AllDay, Meeting, clean, component, new_calendar
from rdv.ical.invitations import Organizer, of_booking
from rdv.models import Booking

_REFRESH = timedelta(hours=1)
_END = b"END:VCALENDAR\r\n"


def calendar(shown: Iterable[Meeting | AllDay], name: str) -> bytes:
    """Return a calendar to subscribe to, its events in the order given."""
    return joined(map(event, shown), name)


def joined(events: Iterable[bytes], name: str) -> bytes:
    """Return the same from events already rendered; without METHOD, which would ask for an ORGANIZER (RFC 5546 §3.2.1)."""
    head = new_calendar()
    for field in ("name", "x-wr-calname"):
        head.add(field, icalendar.vText(clean(name)))  # unknown to the library, which would not escape them
    head.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})  # RFC 7986 §5.7: no default type
    head.add("x-published-ttl", icalendar.vDuration(_REFRESH))
    return _around(head, events)


def file(shown: Iterable[Meeting]) -> bytes:
    """Return a file to keep: the meetings in the order given, nothing to subscribe to."""
    return _around(new_calendar(), map(event, shown))


def booking_file(booking: Booking, organizer: Organizer) -> bytes:
    """Return the file a candidate adds to their calendar: one meeting, no address of a person, no link to their page.

    Its UID is that of the adviser's feed and of the invitation, and SEQUENCE rises with moves: a later file replaces the
    earlier one. It publishes (RFC 5546 §3.2.1): nobody is asked to answer.
    """
    written = component(of_booking(booking))
    written.add("organizer", organizer.address())
    return _around(new_calendar("PUBLISH"), [written.to_ical()])


def event(shown: Meeting | AllDay) -> bytes:
    """Return one VEVENT. The library takes half a millisecond: feeds keep what it wrote."""
    written: bytes = component(shown).to_ical()
    return written


def _around(head: icalendar.Calendar, events: Iterable[bytes]) -> bytes:
    """Return the calendar with its events in the order given."""
    start: bytes = head.to_ical().removesuffix(_END)
    return b"".join([start, *events, _END])
