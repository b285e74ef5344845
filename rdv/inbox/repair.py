"""Requests whose columns differ from their thread: found, and put right (the thread is what happened)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import sqlalchemy as sa

from rdv.db import db
from rdv.inbox import acts, state
from rdv.models import CandidateRequest, RequestEvent

# What moves no state: said, seen, moved or held meanwhile.
SILENT = (
    "assigned", "note", "moved", "opened_by_cfa", "link_sent", "attendance", "offered", "presence", "late",
    "slot_changed", "mail_failed", "redirect_asked",
)  # fmt: skip
COLUMNS = tuple(getattr(CandidateRequest, field.name) for field in fields(state.State))
ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Difference:
    """A request that does not stand as its thread tells."""

    request_id: int
    public_id: str
    stored: state.State
    told: state.State

    def __str__(self) -> str:
        return f"demande {self.public_id}, {_words(self.stored, self.told)} au lieu de {_words(self.told, self.stored)}"


def differences(first: int, last: int) -> list[Difference]:
    """Return the requests between two ids, both included, that do not stand as their thread tells; two queries.

    A thread that does not tell how its request began is left alone, and so is a due date older than those kept in events.
    """
    of = CandidateRequest
    asked = sa.select(of.id, of.public_id, *COLUMNS).where(of.id.between(first, last)).order_by(of.id)
    stored = [(row[0], row[1], state.State(*row[2:])) for row in db.session.execute(asked)]
    threads: dict[int, list[Any]] = {}
    for event in _events(first, last):
        threads.setdefault(event.request_id, []).append(event)
    found = []
    for request_id, public_id, here in stored:
        told = wanted(here, threads.get(request_id, ()))
        if told is not None and told != here:
            found.append(Difference(request_id, public_id, here, told))
    return found


def wanted(stored: state.State, events: Sequence[Any]) -> state.State | None:
    """Return the state a request must have by its events; None when they do not tell."""
    told = state.rebuilt(events)
    if told is not None and told.due_at is None:  # a thread older than the dates kept in it
        return replace(told, due_at=stored.due_at)
    return told


def put_right(request_id: int) -> Difference | None:
    """Write on a request the state its thread tells, under its lock; return what differed, None when nothing did any more."""
    request = db.session.get(CandidateRequest, request_id)
    if request is None:
        return None
    acts.take(request)
    found = differences(request.id, request.id)
    if not found:
        return None
    found[0].told.write(request)
    request.follow_up_at = request.last_event_at
    return found[0]


def _events(first: int, last: int) -> Sequence[Any]:
    of = RequestEvent
    query = (
        sa.select(of.id, of.request_id, of.kind, of.actor, of.at, of.data)
        .where(of.request_id.between(first, last), of.kind.not_in(SILENT))
        .order_by(of.request_id, of.id)
    )
    return db.session.execute(query).all()


def _words(told: state.State, other: state.State) -> str:
    """Name what differs from another state: « closed (answered) », « due_at 2026-11-27… »."""
    if (told.status, told.outcome) != (other.status, other.outcome):
        return f"{told.status} ({told.outcome})" if told.outcome else told.status
    names = [field.name for field in fields(told) if getattr(told, field.name) != getattr(other, field.name)]
    return ", ".join(f"{name} {getattr(told, name)}" for name in names)
