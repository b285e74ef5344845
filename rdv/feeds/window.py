"""The days that a calendar shows: everything that depends on time depends on the local day alone, so that the validator
of a day and its bytes agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rdv import clock

PAST = timedelta(days=30)
AHEAD = timedelta(days=366)  # Google drops silently what lies beyond 1 MB (reference/ical.md §0.8)
TOMBSTONE = timedelta(days=14)  # how long a cancellation stays visible as such


@dataclass(frozen=True)
class Window:
    """The instants between which meetings are shown, and since when cancellations are; the same all day in a zone."""

    day: date
    first: datetime
    last: datetime
    today: datetime
    cancelled_since: datetime

    @classmethod
    def at(cls, now: datetime, zone: str) -> Window:
        """Return the window of the local day that `now` belongs to."""
        day = clock.to_zone(now, zone).date()
        today, _ = clock.day_bounds(day, zone)
        return cls(day, today - PAST, today + AHEAD, today, today - TOMBSTONE)

    @property
    def first_day(self) -> date:
        return self.day - PAST

    @property
    def last_day(self) -> date:
        return self.day + AHEAD


def wide(now: datetime) -> tuple[datetime, datetime]:
    """Return instants around the windows of every zone, which move once a day: what a validator counts, zone unknown."""
    day = clock.to_zone(now, clock.PARIS).date()
    around = timedelta(days=2)
    return (
        clock.from_wall(day - PAST - around, time(12), "UTC"),
        clock.from_wall(day + AHEAD + around, time(12), "UTC"),
    )
