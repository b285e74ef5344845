"""The thread of a request: append-only events, from which state and dates can be rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rdv.db import db
from rdv.errors import RequestErased
from rdv.models import CandidateRequest, RequestEvent, User

# Titles of the events of a wish for an earlier meeting, which share their kinds with the list of a full session.
EARLIER = {
    "waitlisted": "Demande d’un rendez-vous plus tôt",
    "left_waitlist": "Demande d’un rendez-vous plus tôt retirée",
}

_NAMED = ("redirect_asked", "redirected")  # titles that end with the name of a centre, as it was


def title(event: RequestEvent, titles: Mapping[str, str]) -> str:
    """Return the title of an event; only a session's own list names its slot when somebody joins or leaves it."""
    name = event.data.get("name")
    if event.kind == "created" and event.data.get("from"):
        return f"Demande transmise par {name or 'un autre centre'}"
    if event.kind in _NAMED and name:
        return f"{titles[event.kind]}\u00a0: {name}"
    if event.kind in EARLIER and not event.data.get("slot"):
        return EARLIER[event.kind]
    return titles[event.kind]


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
    """Append an event to a request and return it, with its id. Raises RequestErased when its person was erased."""
    if request.erased_at is not None:
        raise RequestErased(request)
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
