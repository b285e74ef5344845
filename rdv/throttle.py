"""Abuse limits, counted in the database so that they hold across workers and hosts.

Subjects are stored as keyed hashes. Counts are written in a transaction of their own: a refused or failed action
still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import sqlalchemy as sa

from rdv import clock
from rdv.db import UTCDateTime, db, execute_alone
from rdv.errors import TooManyRequests
from rdv.models import ThrottleCount
from rdv.settings import settings
from rdv.tokens import keyed_hash


@dataclass(frozen=True)
class Limit:
    """At most `most` acts of one subject in a window of so many seconds, `settings().limit_window` unless told."""

    scope: str
    subject: str
    most: int
    window: int | None = None

    @property
    def key(self) -> str:
        """What is stored of the subject."""
        return keyed_hash("throttle", f"{self.scope}\n{self.subject}")

    def since(self, now: datetime) -> datetime:
        """Return when the window that holds an instant began."""
        return datetime.fromtimestamp(int(now.timestamp()) // self._length * self._length, tz=UTC)

    def until(self, now: datetime) -> datetime:
        """Return when it ends, and another begins."""
        return self.since(now) + timedelta(seconds=self._length)

    @property
    def _length(self) -> int:
        return self.window or settings().limit_window


@cache
def _upsert(subjects: int) -> sa.TextClause:
    """One statement for so many subjects, the same on both engines; text, since SQLAlchemy compiles such inserts anew."""
    rows = ", ".join(f"(:key{number}, :since{number}, 1)" for number in range(subjects))
    instants = [sa.bindparam(f"since{number}", type_=UTCDateTime()) for number in range(subjects)]
    return sa.text(
        f"INSERT INTO throttle_count (key, window_start, count) VALUES {rows} "  # noqa: S608  numbered parameters only
        "ON CONFLICT (key, window_start) DO UPDATE SET count = throttle_count.count + 1 RETURNING key, count"
    ).bindparams(*instants)


def count(limits: Sequence[Limit]) -> None:
    """Count one act for every subject; raise TooManyRequests once a limit is passed (the act is counted all the same)."""
    if not limits:
        return
    now = clock.now()
    by_key = {limit.key: limit for limit in limits}
    parameters: dict[str, object] = {}
    # Sorted, so that two acts with the same subjects lock rows in the same order.
    for number, key in enumerate(sorted(by_key)):
        parameters |= {f"key{number}": key, f"since{number}": by_key[key].since(now)}
    counted = execute_alone(_upsert(len(by_key)), parameters)
    passed = [by_key[key].until(now) for key, number in counted if number > by_key[key].most]
    if passed:
        raise TooManyRequests(until=max(passed))


def check(limit: Limit) -> None:
    """Raise TooManyRequests when a subject has already passed its limit, without counting."""
    now = clock.now()
    found = db.session.scalar(
        sa.select(ThrottleCount.count).where(
            ThrottleCount.key == limit.key, ThrottleCount.window_start == limit.since(now)
        )
    )
    if (found or 0) >= limit.most:
        raise TooManyRequests(until=limit.until(now))


def purge(now: datetime) -> int:
    """Delete windows that ended more than two days ago; return how many."""
    result = db.session.execute(sa.delete(ThrottleCount).where(ThrottleCount.window_start < now - timedelta(days=2)))
    return int(result.rowcount)  # type: ignore[attr-defined]
