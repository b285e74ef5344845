"""The trainings bookable on a platform, as its API lists them: now, and as they were each day for who must prove a date."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ijson
import sqlalchemy as sa

from rdv import bookable, clock
from rdv.db import db
from rdv.models import ApiKey, BookableSnapshot, Platform, Training

KEPT = timedelta(days=400)  # a whole campaign, and the next one's beginning
_SHOWN: tuple[Any, ...] = (
    Training.public_id, Training.training_key, Training.parcoursup_id, Training.affelnet_id, Training.onisep_id,
    Training.rco_id,
)  # fmt: skip
_AT_ONCE = 1000
_NAMES = ("id", "cle", "parcoursup", "affelnet", "onisep", "rco")

Item = dict[str, str | None]


def now_on(platform: Platform, now: datetime, after: str = "", limit: int | None = None) -> Iterator[Item]:
    """Tell the identifiers of the trainings bookable on a platform, in the order of ours, those after one of them."""
    for row in db.session.execute(_listed(platform, now).where(Training.public_id > after).limit(limit)):
        yield dict(zip(_NAMES, row, strict=True))


def _listed(platform: Platform, now: datetime) -> sa.Select[Any]:
    return sa.select(*_SHOWN).where(Training.id.in_(bookable.ids(platform, now))).order_by(Training.public_id)


def of_day(platform: Platform, day: date, after: str = "", limit: int | None = None) -> Iterator[Item] | None:
    """Tell the same as it was kept one day (Paris), None when that day was not kept."""
    content = db.session.scalar(
        sa.select(BookableSnapshot.content).where(
            BookableSnapshot.platform_id == platform.id, BookableSnapshot.day == day
        )
    )
    if content is None:
        return None
    return itertools.islice((each for each in _unpacked(content) if (each["id"] or "") > after), limit)


def _unpacked(content: bytes) -> Iterator[Item]:
    with gzip.open(io.BytesIO(content)) as packed:
        yield from ijson.items(packed, "item")


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
    content, count = io.BytesIO(), 0
    with gzip.GzipFile(fileobj=content, mode="wb", mtime=0) as packed:
        query = _listed(db.session.get_one(Platform, platform_id), now).execution_options(yield_per=_AT_ONCE)
        for row in db.session.execute(query):  # a few at a time: the whole list never stands in memory
            item = json.dumps(dict(zip(_NAMES, row, strict=True)), separators=(",", ":"))
            packed.write((b"," if count else b"[") + item.encode())
            count += 1
        packed.write(b"]" if count else b"[]")
    db.session.add(
        BookableSnapshot(platform_id=platform_id, day=today, count=count, content=content.getvalue(), created_at=now)
    )


def purge(now: datetime) -> None:
    """Forget the lists of days that nobody asks for any more."""
    oldest = clock.to_zone(now - KEPT, clock.PARIS).date()
    db.session.execute(sa.delete(BookableSnapshot).where(BookableSnapshot.day < oldest))
