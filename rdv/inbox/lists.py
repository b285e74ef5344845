"""The same person's other requests, and what was last said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.models import Booking, CandidateRequest, RequestEvent


def chosen(cfa_id: int, public_ids: Sequence[str]) -> list[CandidateRequest]:
    """Return the requests of a CFA among these public identifiers, in one query; another CFA's is not among them."""
    query = (
        sa.select(CandidateRequest)
        .options(
            joinedload(CandidateRequest.training), joinedload(CandidateRequest.site), joinedload(CandidateRequest.owner)
        )
        .where(CandidateRequest.cfa_id == cfa_id, CandidateRequest.public_id.in_(public_ids))
    )
    return list(db.session.scalars(query))


def same_person(request: CandidateRequest, limit: int = 10) -> list[CandidateRequest]:
    """Return the other requests of this CFA with the same e-mail or phone, newest first."""
    return with_contact(request.cfa_id, request.email, request.phone, but=request.id, limit=limit)


def with_contact(
    cfa_id: int, email: str | None, phone: str | None, but: int | None = None, limit: int = 10
) -> list[CandidateRequest]:
    """Return the requests of a CFA with this e-mail or this phone, newest first."""
    contacts = [
        column == value for column, value in ((CandidateRequest.email, email), (CandidateRequest.phone, phone)) if value
    ]
    if not contacts:
        return []
    return list(
        db.session.scalars(
            sa.select(CandidateRequest)
            .options(
                joinedload(CandidateRequest.training),
                joinedload(CandidateRequest.site),
                joinedload(CandidateRequest.owner),
                joinedload(CandidateRequest.booking).joinedload(Booking.slot),
            )
            .where(CandidateRequest.cfa_id == cfa_id, CandidateRequest.id != (but or 0), sa.or_(*contacts))
            .order_by(CandidateRequest.id.desc())
            .limit(limit)
        )
    )


def last_words(request_ids: Iterable[int]) -> dict[int, RequestEvent]:
    """Return what the CFA last said or noted of each of these requests: an answer, a call, a note."""
    spoken = ("answer", "call", "note")
    latest = (
        sa.select(sa.func.max(RequestEvent.id))
        .where(
            RequestEvent.request_id.in_(list(request_ids)), RequestEvent.kind.in_(spoken), RequestEvent.text.is_not(None)
        )
        .group_by(RequestEvent.request_id)
    )  # fmt: skip
    return {
        event.request_id: event
        for event in db.session.scalars(sa.select(RequestEvent).where(RequestEvent.id.in_(latest)))
    }
