"""The thread of a request: append-only events, from which state and dates can be rebuilt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rdv.db import db
from rdv.models import CandidateRequest, RequestEvent, User


def add(
    request: CandidateRequest,
    kind: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    data: dict[str, Any] | None = None,
    internal: bool = False,
) -> RequestEvent:
    """Append an event to a request and return it, with its id."""
    event = RequestEvent(
        request_id=request.id,
        kind=kind,
        actor=actor,
        user_id=user.id if user else None,
        at=now,
        text=text,
        data=data or {},
        internal=internal,
    )
    request.last_event_at = now
    request.version += 1
    db.session.add(event)
    db.session.flush()  # mails name the event by its id
    return event
