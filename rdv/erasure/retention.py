"""How long the person of a request is kept: some months after the last thing that happened, and never beyond a hard cap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from rdv import clock
from rdv.db import db
from rdv.models import Booking, CandidateRequest, OutgoingMail, OutgoingSms
from rdv.settings import settings

BATCH = 500  # ids read at once
WORDS_KEPT = timedelta(days=30)  # of mails and text messages that left (design.md §6)


def due(now: datetime) -> Iterator[int]:
    """Yield the requests whose person is kept no longer, by id; those passed on go with the last that continues them."""
    last = 0
    while True:
        ids = db.session.scalars(_due(now, last)).all()
        db.session.rollback()
        yield from ids
        if len(ids) < BATCH:
            return
        last = ids[-1]


def is_due(request: CandidateRequest, now: datetime) -> bool:
    """Say whether a request is erased already, or should be by now: a meeting counts as something that happens."""
    if request.erased_at is not None:
        return True
    held = request.booking
    if held is not None and held.status != "cancelled" and held.starts_at > now:
        return False
    latest = max(request.last_event_at, held.starts_at) if held is not None else request.last_event_at
    return latest <= _kept_since(now) or request.created_at <= _never_before(now)


def forget_words(now: datetime) -> None:
    """Empty the mails and text messages that left a month ago, or never will: what they said stands nowhere else."""
    for table, words in (
        (OutgoingMail, {"message_bytes": None, "subject": None}),
        (OutgoingSms, {"text": None}),
    ):
        kept = next(iter(words))
        db.session.execute(
            sa.update(table)
            .where(
                table.created_at < now - WORDS_KEPT, table.status != "pending", getattr(table, kept).is_not(None)
            )
            .values(**words)
        )  # fmt: skip


def _kept_since(now: datetime) -> datetime:
    return clock.months_before(now, settings().retention_months)


def _never_before(now: datetime) -> datetime:
    return clock.months_before(now, settings().retention_most_months)


def _due(now: datetime, after: int) -> sa.Select[int]:
    further = aliased(CandidateRequest)
    coming = sa.exists().where(
        Booking.request_id == CandidateRequest.id,
        Booking.status != "cancelled",
        Booking.starts_at > sa.case((CandidateRequest.created_at <= _never_before(now), now), else_=_kept_since(now)),
    )
    continued = sa.exists().where(further.redirected_from_id == CandidateRequest.id, further.erased_at.is_(None))
    return (
        sa.select(CandidateRequest.id)
        .where(
            CandidateRequest.id > after,
            CandidateRequest.erased_at.is_(None),
            sa.or_(
                CandidateRequest.last_event_at <= _kept_since(now), CandidateRequest.created_at <= _never_before(now)
            ),
            ~coming,
            ~continued,
        )
        .order_by(CandidateRequest.id)
        .limit(BATCH)
    )
