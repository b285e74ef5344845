"""Requests: the state of each is the one that its thread tells (design.md §4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from rdv.integrity.range import Check, Range, rows
from rdv.models import CandidateRequest, RequestEvent

State = tuple[str, str | None]  # status and outcome

# What moves no state: said, seen, moved or held meanwhile.
_SILENT = (
    "assigned", "note", "moved", "opened_by_cfa", "link_sent", "attendance", "offered", "presence", "late",
    "slot_changed",
)  # fmt: skip
_LEFT = {"left": "cancelled_by_candidate", "cancelled": "cancelled_by_cfa"}  # by why one is off a list


def outcome_of_closed(span: Range) -> Iterator[str]:
    """A closed request has an outcome, an open one has none."""
    query = sa.select(CandidateRequest.public_id).where(
        span.holds(CandidateRequest.id),
        (CandidateRequest.status == "closed") != (CandidateRequest.outcome.is_not(None)),
    )
    for row in rows(query):
        yield f"demande {row.public_id}"


def state_of_thread(span: Range) -> Iterator[str]:
    """The status and the outcome of a request are those its events lead to."""
    of = CandidateRequest
    asked = rows(sa.select(of.id, of.public_id, of.status, of.outcome).where(span.holds(of.id)).order_by(of.id))
    told = _threads(span)
    for request in list(asked):
        state = rebuilt(told.get(request.id, ()))
        if state is not None and state != (request.status, request.outcome):
            yield f"demande {request.public_id}, {_words(request.status, request.outcome)} au lieu de {_words(*state)}"


def _threads(span: Range) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    query = sa.select(RequestEvent.request_id, RequestEvent.kind, RequestEvent.actor, RequestEvent.data).where(
        span.holds(RequestEvent.request_id), RequestEvent.kind.not_in(_SILENT)
    )
    for event in rows(query.order_by(RequestEvent.request_id, RequestEvent.id)):
        found.setdefault(event.request_id, []).append(event)
    return found


def rebuilt(events: Iterable[Any]) -> State | None:
    """Return the state that events lead to, oldest first; None when they do not tell how the request began."""
    state: State | None = None
    for event in events:
        state = _after(state, event)
    return state


def _after(state: State | None, event: Any) -> State | None:
    data = event.data or {}
    match event.kind:
        case "created":
            return "new", None
        case "answer":
            return "waiting_candidate", None
        case "call":
            return ("waiting_candidate" if data.get("result") == "reached" else "in_progress"), None
        case "closed":
            return "closed", data.get("outcome")
        case "reopened":
            return ("new" if event.actor == "system" else "in_progress"), None
        case "booked":
            return "closed", "meeting_set"
        case "cancelled":
            return "closed", "cancelled_by_candidate" if event.actor == "candidate" else "cancelled_by_cfa"
        case "waitlisted" if data.get("why") != "earlier":
            return "closed", "waitlisted"
        case "offer_ended" | "left_waitlist" if state == ("closed", "waitlisted"):
            return "closed", _LEFT.get(data.get("why", ""), "no_follow_up")
    return state


def _words(status: str, outcome: str | None) -> str:
    return f"{status} ({outcome})" if outcome else status


CHECKS = (
    Check("résultat d’une demande", CandidateRequest, outcome_of_closed),
    Check("état d’une demande", CandidateRequest, state_of_thread),
)
