"""The floor of writing calendars by hand: escape, fold by octets, UTC; no cache, no library, no database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from rdv.ical import Meeting

STAMP = "%Y%m%dT%H%M%SZ"


def write(meetings: Iterable[Meeting]) -> bytes:
    """Return a calendar with the properties that ours has."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//limit//FR", "CALSCALE:GREGORIAN"]
    for one in meetings:
        lines += [
            "BEGIN:VEVENT", f"SUMMARY:{_escaped(one.summary)}", f"DTSTART:{_utc(one.starts_at)}",
            f"DTEND:{_utc(one.ends_at)}", f"DTSTAMP:{_utc(one.updated_at)}", f"UID:{one.uid}", f"SEQUENCE:{one.sequence}",
            "CLASS:PRIVATE", f"CREATED:{_utc(one.created_at)}", f"DESCRIPTION:{_escaped(one.description)}",
            f"LAST-MODIFIED:{_utc(one.updated_at)}", f"LOCATION:{_escaped(one.location)}", "STATUS:CONFIRMED",
            "TRANSP:OPAQUE", f"URL:{one.url}", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY", "END:VEVENT",
        ]  # fmt: skip
    lines.append("END:VCALENDAR\r\n")
    return b"\r\n".join(map(_folded, lines))


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime(STAMP)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> bytes:
    data = line.encode()
    if len(data) <= 75:
        return data
    parts, start, room = [], 0, 75
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:  # never inside a character
            end -= 1
        parts.append(data[start:end])
        start, room = end, 74
    parts.append(data[start:])
    return b"\r\n ".join(parts)
