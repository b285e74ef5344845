"""The requests behind the figures, one by one, for an export: in batches, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.models import Booking, CandidateRequest, FirstAnswer
from rdv.stats.filters import Filters

MOST = 10_000  # requests of one export
AT_ONCE = 500

Row = tuple[CandidateRequest, FirstAnswer | None]


def count(filters: Filters) -> int:
    """Return how many requests the filters keep."""
    return (
        db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest).where(*filters.of_requests())) or 0
    )


def listed(filters: Filters, most: int = MOST) -> Iterator[Row]:
    """Yield the requests that the filters keep, oldest first, `most` at most; each batch is a read of its own."""
    last: tuple[datetime, int] | None = None
    while most > 0:
        batch = _batch(filters, last, min(AT_ONCE, most))
        yield from batch
        if len(batch) < AT_ONCE:
            return
        most -= len(batch)
        last = batch[-1][0].created_at, batch[-1][0].id


def _batch(filters: Filters, last: tuple[datetime, int] | None, size: int) -> list[Row]:
    request = CandidateRequest
    query = (
        sa.select(request, FirstAnswer)
        .outerjoin(FirstAnswer, FirstAnswer.request_id == request.id)
        .options(
            joinedload(request.training), joinedload(request.site), joinedload(request.platform), joinedload(request.owner),
            joinedload(request.booking).joinedload(Booking.slot),
        )
        .where(*filters.of_requests())
        .order_by(request.created_at, request.id)
        .limit(size)
    )  # fmt: skip
    if last is not None:
        query = query.where(sa.tuple_(request.created_at, request.id) > sa.tuple_(*map(sa.literal, last)))
    return [(found, answer) for found, answer in db.session.execute(query)]
