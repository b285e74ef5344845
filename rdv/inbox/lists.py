"""Requests chosen by hand, and what was last said of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.models import CandidateRequest, RequestEvent


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
