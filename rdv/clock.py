"""The only reader of the machine's clock, and the only converter between zones.

Instants are aware UTC everywhere; wall times are naive `datetime`s that never leave the function that made them.
"""

from __future__ import annotations

import time as time_module
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = "Europe/Paris"


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that only ever rise, for measuring a wait; they date nothing."""
    return time_module.monotonic()


def to_zone(instant: datetime, zone: str) -> datetime:
    """Return the same instant with the wall time of an IANA zone."""
    if instant.tzinfo is None:
        raise ValueError("naive datetime refused: an instant carries its zone")
    return instant.astimezone(ZoneInfo(zone))


def from_wall(day: date, at: time, zone: str) -> datetime:
    """Return the UTC instant of a wall time; a repeated one is its first occurrence (RFC 5545 §3.3.5).

    Raises ValueError for a wall time that the spring clock change skips.
    """
    local = datetime.combine(day, at, tzinfo=ZoneInfo(zone))
    instant = local.astimezone(UTC)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(f"{day} {at} n'existe pas dans {zone}")
    return instant


def days_before(instant: datetime, days: int, zone: str) -> datetime:
    """Return the instant with the same wall time that many days earlier; where spring skips it, as long after the jump."""
    return (to_zone(instant, zone) - timedelta(days=days)).astimezone(UTC)


def months_before(instant: datetime, months: int) -> datetime:
    """Return the instant of the same day that many months earlier, or of the last day of that month when it is shorter."""
    year, month = divmod(instant.year * 12 + instant.month - 1 - months, 12)
    return instant.replace(year=year, month=month + 1, day=min(instant.day, monthrange(year, month + 1)[1]))


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the UTC instants at which a local day begins and the next one begins."""
    start = datetime.combine(day, time.min, tzinfo=ZoneInfo(zone))
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=ZoneInfo(zone))
    return start.astimezone(UTC), end.astimezone(UTC)


def today(zone: str) -> date:
    """Return the current date in a zone."""
    return to_zone(now(), zone).date()
