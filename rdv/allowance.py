"""A stated most of mails per address and day, in the calendar of its place: who gets twenty reads none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from rdv import clock
from rdv.db import db, one_at_a_time
from rdv.models import OutgoingMail


def left(email: str, most: int, zone: str, now: datetime, kinds: Collection[str] = ()) -> int:
    """Return how many more mails an address may get today, 0 at least; all are counted, or those of `kinds` alone.

    Producers for one address take turns until their transaction ends. Who takes several takes them in their order.
    """
    one_at_a_time(f"mails:{email}")
    begins, _ = clock.day_bounds(clock.to_zone(now, zone).date(), zone)
    query = sa.select(sa.func.count()).where(OutgoingMail.to_email == email, OutgoingMail.created_at >= begins)
    if kinds:
        query = query.where(OutgoingMail.kind.in_(kinds))
    return max(most - (db.session.scalar(query) or 0), 0)


def reached(email: str, most: int, zone: str, since: datetime) -> bool:
    """Say whether an address got all it may in one day, on any day since an instant (that day counted whole)."""
    begins, _ = clock.day_bounds(clock.to_zone(since, zone).date(), zone)
    written = db.session.scalars(
        sa.select(OutgoingMail.created_at).where(OutgoingMail.to_email == email, OutgoingMail.created_at >= begins)
    )
    days = Counter(clock.to_zone(at, zone).date() for at in written)
    return any(count >= most for count in days.values())
