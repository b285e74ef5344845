"""What the candidate's side writes on their page: recorded once a form, and told to who follows the request."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import dead_addresses
from rdv.db import db
from rdv.inbox import acts, people, telling
from rdv.models import CandidateRequest, RequestEvent, User

_ELSEWHERE = ("redirected", "waitlisted")  # another centre answers, or a list does


def may_write(request: CandidateRequest) -> bool:
    """Say whether a note or other hours still reach somebody there."""
    return request.outcome not in _ELSEWHERE and request.cfa.closed_at is None


def may_call(request: CandidateRequest) -> bool:
    """Say whether somebody is still to be called for a request: other hours may be given."""
    held = request.booking
    return request.mode == "callback" and may_write(request) and (held is None or not held.is_live)


def reply(
    request: CandidateRequest, text: str, submission_id: str, now: datetime, *, as_asker: bool = False
) -> RequestEvent:
    """Add a note of the person, wake the request and tell the centre; the same form sent twice adds one."""
    acts.take(request)
    earlier = written(request, submission_id)
    if earlier is not None:
        return earlier
    event = acts.add_candidate_note(request, text, now, as_asker=as_asker, data={"form": submission_id})
    tell(request, event)
    return event


def new_windows(
    request: CandidateRequest, windows: list[str], submission_id: str, now: datetime, *, as_asker: bool = False
) -> RequestEvent | None:
    """Change when the person can be called, once a form; None when these are the hours they gave already."""
    acts.take(request)
    earlier = written(request, submission_id)
    if earlier is not None or (
        set(windows) == set(request.callback_windows) and request.status in ("new", "in_progress")
    ):
        return earlier
    event = acts.change_windows(request, windows, now, as_asker=as_asker, data={"form": submission_id})
    tell(request, event)
    return event


def tell(request: CandidateRequest, event: RequestEvent) -> None:
    """Tell who follows the request while they work there and can be told, else who hears of a new one, that the person wrote.

    No word of theirs.
    """
    owner: User | None = request.owner
    followed = owner is not None and owner.active and people.works_for(request.cfa_id, owner.id)
    if owner is not None and followed and not dead_addresses.is_dead(owner.email):
        told = [telling.Recipient(owner.email, owner)]
    else:
        told = telling.receivers(request)
    telling.tell("candidate_replied", request, str(event.id), told, event)


def written(request: CandidateRequest, submission_id: str) -> RequestEvent | None:
    """Return what this rendered form already wrote; the caller holds the request's lock."""
    recent = db.session.scalars(
        sa.select(RequestEvent)
        .where(RequestEvent.request_id == request.id, RequestEvent.kind.in_(("candidate_note", "windows")))
        .order_by(RequestEvent.id.desc())
        .limit(20)
    )
    return next((event for event in recent if event.data.get("form") == submission_id), None)
