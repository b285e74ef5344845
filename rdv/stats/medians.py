"""The medians that candidates read: of each centre and each place, over the last ninety days, written once a night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa

from rdv import clock
from rdv.db import db
from rdv.models import Cfa, FirstAnswer, Site
from rdv.stats import quantiles

OVER = timedelta(days=90)
LATEST = timedelta(days=365)  # an answer given since to a request older than that says nothing of today
AT_ONCE = 500  # rows a transaction: a booking waits behind it on SQLite

Change = tuple[type[Cfa] | type[Site], dict[int, int | None]]


def changes(now: datetime) -> Iterator[Change]:
    """Yield the medians that are no longer what is stored, some rows at a time: two grouped reads for the whole service."""
    since = now - OVER
    oldest = clock.to_zone(since - LATEST, "UTC").date().replace(day=1)  # what the index by month leaves out
    recent = (FirstAnswer.answered_at >= since, FirstAnswer.month >= oldest)
    for table, key in ((Cfa, FirstAnswer.cfa_id), (Site, FirstAnswer.site_id)):
        measured = quantiles.by(key, (*recent, key.is_not(None)))
        stored = db.session.execute(sa.select(table.id, table.answer_median)).all()
        wrong = {
            row_id: median
            for row_id, known in stored
            if (median := measured.get(row_id, quantiles.Spread()).median) != known
        }
        ids = sorted(wrong)
        for start in range(0, len(ids), AT_ONCE):
            yield table, {row_id: wrong[row_id] for row_id in ids[start : start + AT_ONCE]}


def write(table: type[Cfa] | type[Site], medians: dict[int, int | None]) -> None:
    """Store these medians; `updated_at` stays, since calendars show nothing of them and would all be read again."""
    target = cast(sa.Table, table.__table__)
    db.session.connection().execute(
        sa.update(target)
        .where(target.c.id == sa.bindparam("row"))
        .values(answer_median=sa.bindparam("median"), updated_at=target.c.updated_at),
        [{"row": row_id, "median": median} for row_id, median in medians.items()],
    )
