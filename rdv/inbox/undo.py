"""Taking back one's own last act, before anybody has read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from rdv.db import db
from rdv.errors import RdvError, WrongTransition
from rdv.inbox import acts, first_answers, state
from rdv.models import CandidateRequest, OutgoingMail, OutgoingSms, RequestEvent, User

_BY_THE_CLOCK = "follow_up"
KINDS = ("answer", "answered_elsewhere", "call", "closed")
TOO_LATE = "Il est trop tard pour annuler. S’il y avait un message, il est parti\u00a0: écrivez-en un autre si besoin."


def undoable(request: CandidateRequest, event: RequestEvent | None, now: datetime, user: User) -> bool:
    """Say whether this person may still take back this event: their own, the last of its request, within `acts.UNDO`."""
    if event is None or event.kind not in KINDS or event.user_id != user.id or event.actor != "staff":
        return False
    return now < event.at + acts.UNDO and last_event(request) == event.id


def last_event(request: CandidateRequest) -> int | None:
    """Return the id of the last event of a request; a reminder that the clock wrote is nobody's act."""
    query = sa.select(sa.func.max(RequestEvent.id)).where(
        RequestEvent.request_id == request.id, RequestEvent.kind != _BY_THE_CLOCK
    )
    return db.session.scalar(query)


def settled(request: CandidateRequest, now: datetime) -> list[RequestEvent]:
    """Return the events that the candidate's side may read of: none taken back, nor one that still may be."""
    events = list(request.events)
    gone = state.undone_ids(events)
    last = next((event for event in reversed(events) if event.kind != _BY_THE_CLOCK), None)
    if last is not None and last.kind in KINDS and last.actor == "staff" and now < last.at + acts.UNDO:
        gone.add(last.id)
    return [event for event in events if event.id not in gone]


def settled_state(request: CandidateRequest, now: datetime) -> state.State:
    """Return where a request stands for the candidate's side: as if what may still be taken back had not happened."""
    events = settled(request, now)
    if len(events) == len(request.events):
        return state.of(request)
    return state.rebuilt(events) or state.of(request)


def undo(request: CandidateRequest, event_id: int, now: datetime, user: User) -> RequestEvent:
    """Take back one's last act: its mails do not leave, and the request stands as it did before.

    Raises WrongTransition when it is not theirs, not the last, too late, or when a mail is leaving at this instant.
    """
    acts.take(request)
    event = db.session.get(RequestEvent, event_id)
    if event is None or event.request_id != request.id or not undoable(request, event, now, user):
        raise WrongTransition(TOO_LATE)
    _hold_back(event)
    taken_back = acts.record(request, "undone", "staff", now, user=user, data={"event": event.id}, internal=True)
    restored = acts.rebuild(request)
    if restored is None:
        raise RdvError("L’historique de cette demande ne permet pas d’annuler.")
    # A thread older than the dates kept in it tells none: the one promised stays.
    replace(restored, due_at=restored.due_at or request.due_at).write(request)
    request.follow_up_at = now
    if event.data.get("took") and request.owner_id == user.id:
        request.owner_id = None
    if restored.first_answered_at is None:
        first_answers.forget(request)
    return taken_back


def _hold_back(event: RequestEvent) -> None:
    """Drop the messages of an event that have not left; raise WrongTransition when one has, or is being sent."""
    for rows in (OutgoingMail, OutgoingSms):
        # By their request, which is indexed: of an event alone, every message ever written would be read.
        of_event = (rows.request_id == event.request_id, rows.event_id == event.id)
        db.session.connection().execute(
            sa.update(rows)
            .where(*of_event, rows.status == "pending", rows.claimed_until.is_(None))
            .values(status="dropped")
        )
        left = sa.select(rows.id).where(*of_event, rows.status != "dropped").limit(1)
        if db.session.scalar(left) is not None:
            raise WrongTransition(TOO_LATE)
