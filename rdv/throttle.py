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
    """At most `most` acts of one subject in a window of `settings().limit_window` seconds."""

    scope: str
    subject: str
    most: int


def _window(now: datetime) -> datetime:
    length = settings().limit_window
    return datetime.fromtimestamp(int(now.timestamp()) // length * length, tz=UTC)


@cache
def _upsert(subjects: int) -> sa.TextClause:
    """One statement for so many subjects, the same on both engines; text, since SQLAlchemy compiles such inserts anew."""
    rows = ", ".join(f"(:key{number}, :window_start, 1)" for number in range(subjects))
    return sa.text(
        f"INSERT INTO throttle_count (key, window_start, count) VALUES {rows} "  # noqa: S608  numbered parameters only
        "ON CONFLICT (key, window_start) DO UPDATE SET count = throttle_count.count + 1 RETURNING key, count"
    ).bindparams(sa.bindparam("window_start", type_=UTCDateTime()))


def count(limits: Sequence[Limit]) -> None:
    """Count one act for every subject; raise TooManyRequests once a limit is passed (the act is counted all the same)."""
    if not limits:
        return
    most = {keyed_hash("throttle", f"{limit.scope}\n{limit.subject}"): limit.most for limit in limits}
    # Sorted, so that two acts with the same subjects lock rows in the same order.
    parameters: dict[str, object] = {f"key{number}": key for number, key in enumerate(sorted(most))}
    parameters["window_start"] = _window(clock.now())
    counted = execute_alone(_upsert(len(most)), parameters)
    if any(number > most[key] for key, number in counted):
        raise TooManyRequests


def check(limit: Limit) -> None:
    """Raise TooManyRequests when a subject has already passed its limit, without counting."""
    key = keyed_hash("throttle", f"{limit.scope}\n{limit.subject}")
    found = db.session.scalar(
        sa.select(ThrottleCount.count).where(
            ThrottleCount.key == key, ThrottleCount.window_start == _window(clock.now())
        )
    )
    if (found or 0) >= limit.most:
        raise TooManyRequests


def purge(now: datetime) -> int:
    """Delete windows that ended more than two days ago; return how many."""
    result = db.session.execute(sa.delete(ThrottleCount).where(ThrottleCount.window_start < now - timedelta(days=2)))
    return int(result.rowcount)  # type: ignore[attr-defined]
