"""« Renvoyer mon lien »: the personal page again, mailed only to an address that the request holds, with its own link."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import notices
from rdv.db import db
from rdv.models import Booking, CandidateRequest, OutgoingMail, OutgoingSms

MOST_SENT = 5
OFTEN = timedelta(hours=1)  # at most one link
KEPT = timedelta(days=365)  # as long as requests are kept (design.md §6)


def send_again(request: CandidateRequest, now: datetime, to: str | None = None) -> None:
    """Send the personal link of a request again, at most once an hour: to its people, or to the one who reads `to`.

    By mail; by text message to who has no mail, or whose address fails.
    """
    version = f"{request.public_id}:{now:%Y%m%d%H}"
    if not _sent_lately(OutgoingMail, OutgoingMail.to_email, request, now, to):
        notices.of_request("personal_link", request, version, to=to)
    if not _sent_lately(OutgoingSms, OutgoingSms.to_phone, request, now, None):
        notices.link_by_text(request, version, to)


def _sent_lately(
    model: type[OutgoingMail] | type[OutgoingSms], column: Any, request: CandidateRequest, now: datetime, to: str | None
) -> bool:
    """Say whether this link left within the hour, whatever the hands of the clock say."""
    query = sa.select(model.id).where(
        model.request_id == request.id, model.kind == "personal_link", model.created_at > now - OFTEN
    )
    return db.session.scalar(query.where(column == to).limit(1) if to else query.limit(1)) is not None


def send_to_move(booking: Booking, now: datetime) -> None:
    """Mail the link that moves a meeting to its people, instead of one more booking; at most once an hour."""
    notices.of_request("move_instead", booking.request, f"{booking.public_id}:{now:%Y%m%d%H}")


def send_to_address(email: str, now: datetime) -> None:
    """Mail their links again to whoever reads this address: its latest requests of the last twelve months."""
    # Two index reads: an OR of two columns is none.
    mine = sa.union(
        sa.select(CandidateRequest.id).where(CandidateRequest.email == email),
        sa.select(CandidateRequest.id).where(CandidateRequest.asker_email == email),
    )
    recent = db.session.scalars(
        sa.select(CandidateRequest)
        .where(CandidateRequest.id.in_(mine.subquery().select()), CandidateRequest.created_at > now - KEPT)
        .order_by(CandidateRequest.id.desc())
        .limit(MOST_SENT)
    ).all()
    for request in recent:
        send_again(request, now, to=email)
