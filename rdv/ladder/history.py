"""What the thread of a request tells the ladder; what was undone never happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from rdv.db import db
from rdv.inbox import state
from rdv.models import CandidateRequest, RequestEvent

WRITTEN = ("answer",)  # words of the CFA that the candidate reads from us
SPOKEN = ("answer", "answered_elsewhere", "call", "candidate_note", "windows", "contact_check", "redirect_asked")


def of(request: CandidateRequest) -> list[RequestEvent]:
    """Return the events of a request that stand, oldest first."""
    query = sa.select(RequestEvent).where(RequestEvent.request_id == request.id).order_by(RequestEvent.id)
    events = list(db.session.scalars(query))
    undone = state.undone_ids(event for event in events if event.kind == "undone")
    return [event for event in events if event.id not in undone]


def promised_at(request: CandidateRequest, events: Sequence[RequestEvent]) -> datetime:
    """Return since when the candidate has been waiting: the arrival, or the latest promise made anew.

    A call agreed for later is such a promise, from the hour that was agreed.
    """
    since = request.created_at
    for event in events:
        if event.kind == "call" and event.data.get("due"):
            since = datetime.fromisoformat(event.data["next"])
        elif event.kind != "created" and event.data.get("due"):
            since = event.at
    return since


def last_word(request: CandidateRequest, events: Sequence[RequestEvent]) -> datetime:
    """Return when something was last said between the CFA and the candidate."""
    return max((event.at for event in events if event.kind in SPOKEN), default=request.created_at)


def calls(events: Sequence[RequestEvent]) -> list[RequestEvent]:
    """Return the calls that reached nobody since somebody last spoke to the candidate, oldest first."""
    missed: list[RequestEvent] = []
    for event in events:
        if event.kind in ("answer", "answered_elsewhere") or event.data.get("result") == "reached":
            missed.clear()
        elif event.kind == "call" and event.data.get("result") in state.NOT_REACHED:
            missed.append(event)
    return missed
