"""« Renvoyer mon lien »: the candidate's own page again, mailed only to the address that the request holds."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from rdv import outbox
from rdv.db import db
from rdv.models import CandidateRequest

MOST_SENT = 5
KEPT = timedelta(days=365)  # as long as requests are kept (design.md §6)


def send_again(request: CandidateRequest, now: datetime) -> None:
    """Mail the personal link of a request again, at most once an hour; nothing for a person without e-mail."""
    if request.email:
        key = f"personal_link:{request.public_id}:{now:%Y%m%d%H}"
        outbox.enqueue("personal_link", request.email, key, request_id=request.id)


def send_to_address(email: str, now: datetime) -> None:
    """Mail their links again to whoever reads this address: its latest requests of the last twelve months."""
    recent = db.session.scalars(
        sa.select(CandidateRequest)
        .where(CandidateRequest.email == email, CandidateRequest.created_at > now - KEPT)
        .order_by(CandidateRequest.id.desc())
        .limit(MOST_SENT)
    ).all()
    for request in recent:
        send_again(request, now)
