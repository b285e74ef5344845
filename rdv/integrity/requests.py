"""Requests: the state of each is the one that its thread tells (design.md §4)."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from rdv.inbox import repair
from rdv.integrity.range import Check, Range, rows
from rdv.models import CandidateRequest


def outcome_of_closed(span: Range) -> Iterator[str]:
    """A closed request has an outcome, an open one has none."""
    query = sa.select(CandidateRequest.public_id).where(
        span.holds(CandidateRequest.id),
        (CandidateRequest.status == "closed") != (CandidateRequest.outcome.is_not(None)),
    )
    for row in rows(query):
        yield f"demande {row.public_id}"


def state_of_thread(span: Range) -> Iterator[str]:
    """The status, outcome, dates and attempts of a request are those its events lead to."""
    return map(str, repair.differences(span.first, span.last))


CHECKS = (
    Check("résultat d’une demande", CandidateRequest, outcome_of_closed),
    Check("état d’une demande", CandidateRequest, state_of_thread),
)
