"""Calendars read by others than who wrote them: three readers from PyPI, and what a strict linter asks of the bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ics
import vobject
from ical.calendar_stream import IcsCalendarStream


@dataclass(frozen=True)
class Read:
    """One event as a reader understood it; days for what lasts whole days, the last one not included."""

    start: datetime | date
    end: datetime | date
    summary: str
    description: str
    location: str


def by_vobject(data: bytes) -> dict[str, Read]:
    """What vobject reads, by UID."""
    calendar = vobject.readOne(data.decode())
    found = {}
    for event in getattr(calendar, "vevent_list", []):
        texts = (str(getattr(event, name).value) if hasattr(event, name) else "" for name in _TEXTS)
        found[str(event.uid.value)] = Read(event.dtstart.value, event.dtend.value, *texts)
    return found


def by_ical(data: bytes) -> dict[str, Read]:
    """What the reader of Home Assistant reads, by UID."""
    calendar = IcsCalendarStream.calendar_from_ics(data.decode())
    return {
        event.uid: Read(event.dtstart, event.dtend, *(getattr(event, name) or "" for name in _TEXTS))
        for event in calendar.events
    }


def by_ics(data: bytes) -> dict[str, Read]:
    """What ics.py reads, by UID."""
    found = {}
    for event in ics.Calendar(data.decode()).events:
        start, end = event.begin.datetime, event.end.datetime
        if event.all_day:
            start, end = start.date(), end.date()
        found[event.uid] = Read(start, end, event.name or "", event.description or "", event.location or "")
    return found


_TEXTS = ("summary", "description", "location")
READERS: dict[str, Callable[[bytes], dict[str, Read]]] = {"vobject": by_vobject, "ical": by_ical, "ics": by_ics}


def unfolded(data: bytes) -> list[str]:
    """Return the content lines."""
    return data.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def lint(data: bytes) -> list[str]:
    """Return what a strict reader refuses in a calendar (RFC 5545 §3.1, §3.3.11, §3.6)."""
    found = []
    if data.startswith(b"\xef\xbb\xbf"):
        found.append("byte order mark")
    if not data.endswith(b"END:VCALENDAR\r\n"):
        found.append("does not end as a calendar")
    if re.search(rb"(?<!\r)\n|\r(?!\n)", data):
        found.append("a line that does not end with CRLF")
    if re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data):
        found.append("control character")
    for line in data.removesuffix(b"\r\n").split(b"\r\n"):
        if len(line) > 75:
            found.append(f"{len(line)} octets in a line")
        try:
            line.decode()
        except UnicodeDecodeError:
            found.append("a character cut in two")
    if found:
        return found
    lines = unfolded(data)
    for name in ("PRODID", "VERSION"):
        if sum(line.startswith(f"{name}:") for line in lines) != 1:
            found.append(f"{name} not once")
    return found + [fault for event in events(data) for fault in _lint_event(event)]


def events(data: bytes) -> list[list[str]]:
    """Return the content lines of each event."""
    found: list[list[str]] = []
    inside = False
    for line in unfolded(data):
        if line == "BEGIN:VEVENT":
            found.append([])
            inside = True
        elif line == "END:VEVENT":
            inside = False
        elif inside:
            found[-1].append(line)
    return found


def values(lines: list[str], name: str) -> list[str]:
    """Return the values of a property, whatever its parameters."""
    return [line.split(":", 1)[1] for line in lines if re.match(rf"{name}[;:]", line)]


def _lint_event(lines: list[str]) -> list[str]:
    found = [f"{name} not once" for name in ("UID", "DTSTAMP", "DTSTART", "SEQUENCE") if len(values(lines, name)) != 1]
    for name in ("DTSTAMP", "CREATED", "LAST-MODIFIED"):
        found += [f"{name} not in UTC" for value in values(lines, name) if not re.fullmatch(r"\d{8}T\d{6}Z", value)]
    for line in lines:
        if re.match(r"DT(START|END)[;:]", line) and not re.fullmatch(
            r"DT(START|END)(:\d{8}T\d{6}Z|;VALUE=DATE:\d{8})", line
        ):
            found.append(f"neither UTC nor a date: {line}")
        if line.startswith("URL:") and not line.isascii():
            found.append("an address that is not ASCII")
    return found


def told(read: dict[str, Any], name: str) -> list[Any]:
    """Return one attribute of each event, in the order of UIDs."""
    return [getattr(read[uid], name) for uid in sorted(read)]
