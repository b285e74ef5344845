"""Which request to treat next, once one is done."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv.db import db
from rdv.inbox.state import TO_TREAT
from rdv.models import CandidateRequest


def following(request: CandidateRequest, user_id: int, now: datetime) -> CandidateRequest | None:
    """Return the most urgent other request of the same centre that is this person's or nobody's, and waits for no later call."""
    of = CandidateRequest
    return db.session.scalar(
        sa.select(of)
        .where(
            of.cfa_id == request.cfa_id, of.status.in_(TO_TREAT), of.id != request.id,
            sa.or_(of.owner_id.is_(None), of.owner_id == user_id),
            sa.or_(of.next_attempt_at.is_(None), of.next_attempt_at <= now),
        )
        .order_by(of.due_at, of.id)
        .limit(1)
    )  # fmt: skip
