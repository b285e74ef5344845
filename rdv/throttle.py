"""Abuse limits, counted in the database so that they hold across workers and hosts.

Subjects are stored as keyed hashes. Counts are written in a transaction of their own: a refused or failed action
still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from rdv import clock
from rdv.db import db, is_sqlite, transaction
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


def count(limits: Sequence[Limit]) -> None:
    """Count one act for every subject; raise TooManyRequests once a limit is passed (the act is counted all the same)."""
    if not limits:
        return
    window = _window(clock.now())
    most = {keyed_hash("throttle", f"{limit.scope}\n{limit.subject}"): limit.most for limit in limits}
    # Sorted, so that two acts with the same subjects lock rows in the same order.
    rows = [{"key": key, "window_start": window, "count": 1} for key in sorted(most)]
    insert = (sqlite.insert if is_sqlite() else postgresql.insert)(ThrottleCount).values(rows)
    upsert = insert.on_conflict_do_update(
        index_elements=["key", "window_start"], set_={"count": ThrottleCount.count + 1}
    ).returning(ThrottleCount.key, ThrottleCount.count)
    with transaction() as session:
        counted = session.connection().execute(upsert).all()
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
