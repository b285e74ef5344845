"""When the reminders of a meeting leave, in the wall time of its site; pure functions of instants.

Each booking has its own moment in the window, always the same, so that a session of fifty does not write to everybody
at once. The rhythm is that of Doctolib (reference/scheduling-peers.md §2.6).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from rdv import clock

# The job looks every five minutes, then the mail has to leave: the last moments of a window are left to them.
MARGIN = timedelta(minutes=10)
DAY_OPENS, DAY_SHUTS = time(14), time(16)
WEEK_OPENS, WEEK_SHUTS = time(9), time(19)
DAY_USEFUL = timedelta(hours=2)  # before the meeting: later, whoever comes is on the way
WEEK_USEFUL_DAYS = 2  # days after its own that a late one still helps; then the eve's is near


@dataclass(frozen=True)
class Window:
    """When one reminder may leave."""

    opens: datetime
    shuts: datetime
    useful_until: datetime  # late, it is still worth sending until then
    told_before: datetime  # who learned the hour later than this needs no reminder of it

    def moment(self, key: str) -> datetime:
        """Return the moment of this very booking, which `key` names."""
        share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32
        return self.opens + (self.shuts - MARGIN - self.opens) * share


def of_the_week(starts_at: datetime, zone: str) -> Window:
    """Return the window seven days before a meeting, at hours when one reads; for who knew of it before that day."""
    day = clock.to_zone(starts_at, zone).date() - timedelta(days=7)
    late = day + timedelta(days=WEEK_USEFUL_DAYS)
    return Window(
        clock.from_wall(day, WEEK_OPENS, zone), clock.from_wall(day, WEEK_SHUTS, zone),
        clock.from_wall(late, WEEK_SHUTS, zone), clock.day_bounds(day, zone)[0],
    )  # fmt: skip


def of_the_day(starts_at: datetime, zone: str) -> Window:
    """Return the window of the eve; who learns the hour after it opens has just been told."""
    day = clock.to_zone(starts_at, zone).date() - timedelta(days=1)
    opens = clock.from_wall(day, DAY_OPENS, zone)
    return Window(opens, clock.from_wall(day, DAY_SHUTS, zone), starts_at - DAY_USEFUL, opens)


def last_minute(starts_at: datetime, zone: str, now: datetime) -> bool:
    """Say whether a message about this hour, sent now, is also its reminder."""
    return now >= of_the_day(starts_at, zone).told_before


def in_reading_hours(now: datetime, zone: str) -> bool:
    """Say whether it is an hour for the reminder of the week, which nothing hurries."""
    return WEEK_OPENS <= clock.to_zone(now, zone).time() < WEEK_SHUTS
