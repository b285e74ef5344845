"""Where a request stands, as its thread tells it: the columns are a cache of this fold over its events (design.md §4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rdv.inbox.words import NOT_REACHED
from rdv.models import CandidateRequest

TO_TREAT = ("new", "in_progress")  # the CFA's turn
_LEFT = {"left": "cancelled_by_candidate", "cancelled": "cancelled_by_cfa"}  # by why one is off a list
_ANSWERS = ("answered", "meeting_set")  # closing so says that the person had an answer


@dataclass(frozen=True)
class State:
    """The state of a request that its events lead to; instants in UTC."""

    status: str
    outcome: str | None = None
    due_at: datetime | None = None
    first_answered_at: datetime | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    rung: int = 0

    def write(self, request: CandidateRequest) -> None:
        """Make the columns of a request those of this state."""
        request.status, request.outcome = self.status, self.outcome
        request.due_at, request.first_answered_at = self.due_at, self.first_answered_at
        request.attempts, request.next_attempt_at, request.rung = self.attempts, self.next_attempt_at, self.rung

    def answered(self, at: datetime) -> State:
        """Return the state once somebody answered: the candidate's turn, and nothing planned."""
        return replace(
            self,
            status="waiting_candidate",
            outcome=None,
            first_answered_at=self.first_answered_at or at,
            attempts=0,
            next_attempt_at=None,
        )

    def closed(self, outcome: str | None, at: datetime, *, answers: bool = False) -> State:
        """Return the state once it is over."""
        first = self.first_answered_at or (at if answers else None)
        return replace(self, status="closed", outcome=outcome, first_answered_at=first, next_attempt_at=None)

    def woken(self, due_at: datetime | None, status: str = "in_progress") -> State:
        """Return the state once it is the CFA's turn again: another promise, and the follow-ups begin anew."""
        return replace(self, status=status, outcome=None, due_at=due_at or self.due_at, rung=0)


def of(request: CandidateRequest) -> State:
    """Return the state that the columns of a request hold."""
    return State(
        request.status, request.outcome, request.due_at, request.first_answered_at, request.attempts,
        request.next_attempt_at, request.rung,
    )  # fmt: skip


def rebuilt(events: Sequence[Any]) -> State | None:
    """Return the state that events lead to, oldest first, those undone left out; None when they do not tell its beginning."""
    undone = {event.data.get("event") for event in events if event.kind == "undone"}
    state: State | None = None
    for event in events:
        if event.id not in undone:
            state = after(state, event)
    return state


def after(state: State | None, event: Any) -> State | None:
    """Return the state once an event has happened; None until one tells how the request began."""
    if state is None:
        return _begun(event)
    data = event.data or {}
    due = _instant(data.get("due"))
    match event.kind:
        case "answer" | "answered_elsewhere":
            return state.answered(event.at)
        case "call":
            return _called(state, event, data, due)
        case "closed":
            return state.closed(data.get("outcome"), event.at, answers=data.get("outcome") in _ANSWERS)
        case "redirected" if data.get("to"):
            return state.closed("redirected", event.at)
        case "reopened":
            return state.woken(due, "new" if event.actor == "system" else "in_progress")
        case "candidate_note" | "windows":
            woken = state.woken(due) if due is not None else state
            return replace(woken, next_attempt_at=_instant(data.get("next")) or woken.next_attempt_at)
        case "contact_check":
            return state.closed("answered", event.at, answers=True) if data.get("contacted") else state.woken(due)
        case "erased":
            return state if state.status == "closed" else state.closed("no_follow_up", event.at)
        case "follow_up":
            return replace(state, rung=data["rung"])
        case "booked":
            return state.closed("meeting_set", event.at, answers=event.actor in ("staff", "cfa_link"))
        case "cancelled" if state.status in TO_TREAT:
            return state  # the meeting is off; what the person wrote since still waits for an answer
        case "cancelled":
            by_candidate = event.actor == "candidate"
            return state.closed("cancelled_by_candidate" if by_candidate else "cancelled_by_cfa", event.at)
        case "waitlisted" if data.get("why") != "earlier":
            return state.closed("waitlisted", event.at)
        case "offer_ended" | "left_waitlist" if state.outcome == "waitlisted":
            return state.closed(_LEFT.get(data.get("why", ""), "no_follow_up"), event.at)
    return state


def _begun(event: Any) -> State | None:
    match event.kind:
        case "created":
            return State("new", due_at=_instant((event.data or {}).get("due")))
        case "booked":
            return State("closed", "meeting_set", first_answered_at=event.at if event.actor == "staff" else None)
        case "waitlisted":
            return State("closed", "waitlisted")
    return None


def _called(state: State, event: Any, data: dict[str, Any], due: datetime | None) -> State:
    if data.get("result") == "reached":
        return state.answered(event.at)
    missed = state.attempts + (data.get("result") in NOT_REACHED)
    planned = _instant(data.get("next"))
    if due is not None:  # a promise of its own, followed up anew
        state = state.woken(due)
    return replace(state, status="in_progress", outcome=None, attempts=missed, next_attempt_at=planned)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def undone_ids(events: Iterable[Any]) -> set[int]:
    """Return the ids of the events that somebody took back."""
    return {event.data["event"] for event in events if event.kind == "undone"}
