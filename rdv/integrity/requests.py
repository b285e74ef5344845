"""Requests: the state of each is the one that its thread tells (design.md §4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import sqlalchemy as sa

from rdv.inbox import state
from rdv.integrity.range import Check, Range, rows
from rdv.models import CandidateRequest, RequestEvent

# What moves no state: said, seen, moved or held meanwhile.
_SILENT = (
    "assigned", "note", "moved", "opened_by_cfa", "link_sent", "attendance", "offered", "presence", "late",
    "slot_changed", "mail_failed", "redirect_asked",
)  # fmt: skip


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
    of = CandidateRequest
    columns = (of.status, of.outcome, of.due_at, of.first_answered_at, of.attempts, of.next_attempt_at, of.rung)
    asked = rows(sa.select(of.id, of.public_id, *columns).where(span.holds(of.id)).order_by(of.id))
    told = _threads(span)
    for request_id, public_id, *stored in list(asked):
        wanted, found = state.rebuilt(told.get(request_id, ())), state.State(*stored)
        if wanted is None:
            continue
        if wanted.due_at is None:  # a thread older than the dates kept in it
            wanted = replace(wanted, due_at=found.due_at)
        if wanted != found:
            yield f"demande {public_id}, {_words(found, wanted)} au lieu de {_words(wanted, found)}"


def _threads(span: Range) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    of = RequestEvent
    query = sa.select(of.id, of.request_id, of.kind, of.actor, of.at, of.data).where(
        span.holds(of.request_id), of.kind.not_in(_SILENT)
    )
    for event in rows(query.order_by(of.request_id, of.id)):
        found.setdefault(event.request_id, []).append(event)
    return found


def _words(told: state.State, other: state.State) -> str:
    """Name what differs from another state: « closed (answered) », « due_at 2026-11-27… »."""
    if (told.status, told.outcome) != (other.status, other.outcome):
        return f"{told.status} ({told.outcome})" if told.outcome else told.status
    names = [field.name for field in fields(told) if getattr(told, field.name) != getattr(other, field.name)]
    return ", ".join(f"{name} {getattr(told, name)}" for name in names)


CHECKS = (
    Check("résultat d’une demande", CandidateRequest, outcome_of_closed),
    Check("état d’une demande", CandidateRequest, state_of_thread),
)
