"""How long requests waited for their first answer, in working time of their site: written when it is given, read by statistics."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import clock, deadlines
from rdv.db import db
from rdv.inbox import state
from rdv.models import CandidateRequest, FirstAnswer, RequestEvent, User


def record(request: CandidateRequest, now: datetime, user: User | None = None) -> None:
    """Keep the first answer of a request that somebody has just given, once; `user` is None by the link of a mail.

    A meeting that the candidate booked alone has waited for nobody, were the centre to call them later: not recorded.
    """
    if request.mode == "slot" or request.due_at is None or db.session.get(FirstAnswer, request.id) is not None:
        return
    hours = deadlines.Hours(request.site, request.cfa_id, clock.to_zone(request.created_at, clock.PARIS).date())
    db.session.add(
        FirstAnswer(
            request_id=request.id, cfa_id=request.cfa_id, site_id=request.site_id, training_id=request.training_id,
            platform_id=request.platform_id, user_id=user.id if user else None, mode=request.mode,
            month=hours.day_of(request.created_at).replace(day=1),
            minutes=hours.minutes_between(request.created_at, now), on_time=now <= _promised(request, request.due_at),
            answered_at=now,
        )
    )  # fmt: skip


def _promised(request: CandidateRequest, due_at: datetime) -> datetime:
    """Return the date first promised, or the one agreed with the person before it had passed: no later promise makes up for it."""
    query = (
        sa.select(RequestEvent)
        .where(RequestEvent.request_id == request.id, RequestEvent.kind.in_(("created", "call", "undone")))
        .order_by(RequestEvent.id)
    )
    events = db.session.scalars(query).all()
    undone, promised = state.undone_ids(events), None
    for event in events:
        due = event.data.get("due")
        if event.id in undone or due is None:
            continue
        if promised is None or (event.data.get("result") == "call_later" and event.at <= promised):
            promised = datetime.fromisoformat(due)
    return promised or due_at


def forget(request: CandidateRequest) -> None:
    """Take back the first answer of a request, which was undone."""
    db.session.flush()
    db.session.execute(sa.delete(FirstAnswer).where(FirstAnswer.request_id == request.id))
