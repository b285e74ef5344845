"""The trainings bookable on a platform, as its API lists them: now, and as they were each day for who must prove a date."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import bookable, clock
from rdv.db import db
from rdv.models import ApiKey, BookableSnapshot, Platform, Training

KEPT = timedelta(days=400)  # a whole campaign, and the next one's beginning
_SHOWN: tuple[Any, ...] = (
    Training.public_id, Training.training_key, Training.parcoursup_id, Training.affelnet_id, Training.onisep_id,
    Training.rco_id,
)  # fmt: skip
_NAMES = ("id", "cle", "parcoursup", "affelnet", "onisep", "rco")

Item = dict[str, str | None]


def now_on(platform: Platform, now: datetime, after: str = "", limit: int | None = None) -> list[Item]:
    """Return the identifiers of the trainings bookable on a platform, in the order of ours, those after one of them."""
    query = sa.select(*_SHOWN).where(Training.id.in_(bookable.ids(platform, now)), Training.public_id > after)
    rows = db.session.execute(query.order_by(Training.public_id).limit(limit))
    return [dict(zip(_NAMES, row, strict=True)) for row in rows]


def of_day(platform: Platform, day: date) -> list[Item] | None:
    """Return the same as it was kept one day (Paris), None when that day was not kept."""
    content = db.session.scalar(
        sa.select(BookableSnapshot.content).where(
            BookableSnapshot.platform_id == platform.id, BookableSnapshot.day == day
        )
    )
    if content is None:
        return None
    found: list[Item] = json.loads(gzip.decompress(content))
    return found


def to_keep(now: datetime) -> Sequence[int]:
    """Return the ids of the platforms whose list of today is not kept yet: those that a live key may ask for."""
    today = clock.to_zone(now, clock.PARIS).date()
    kept = sa.select(BookableSnapshot.platform_id).where(BookableSnapshot.day == today)
    keyed = sa.select(ApiKey.platform_id).where(ApiKey.revoked_at.is_(None))
    query = sa.select(Platform.id).where(
        Platform.active.is_(True), Platform.id.in_(keyed), Platform.id.not_in(kept)
    )  # fmt: skip
    return db.session.scalars(query.order_by(Platform.id)).all()


def keep(platform_id: int, now: datetime) -> None:
    """Keep the list of today of a platform among those of `to_keep`; the unique day keeps the first of two."""
    today = clock.to_zone(now, clock.PARIS).date()
    items = now_on(db.session.get_one(Platform, platform_id), now)
    content = gzip.compress(json.dumps(items, separators=(",", ":")).encode(), mtime=0)
    db.session.add(
        BookableSnapshot(platform_id=platform_id, day=today, count=len(items), content=content, created_at=now)
    )


def purge(now: datetime) -> None:
    """Forget the lists of days that nobody asks for any more."""
    oldest = clock.to_zone(now - KEPT, clock.PARIS).date()
    db.session.execute(sa.delete(BookableSnapshot).where(BookableSnapshot.day < oldest))
