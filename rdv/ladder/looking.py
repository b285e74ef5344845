"""One look at one request: the rung that is due, once, under the row's lock; then when to look again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import inbox
from rdv.db import db
from rdv.inbox import calling
from rdv.ladder import contact, history, quiet, times, who
from rdv.models import CandidateRequest, RequestEvent

OWNER, TEAM, LAST = 1, 2, contact.TOLD
STILL_LATE = timedelta(days=7)  # once the candidate has been told


def to_look(now: datetime) -> list[int]:
    """Return the requests whose turn has come, longest waiting first."""
    query = (
        sa.select(CandidateRequest.id)
        .where(CandidateRequest.follow_up_at.is_not(None), CandidateRequest.follow_up_at <= now)
        .order_by(CandidateRequest.follow_up_at, CandidateRequest.id)
    )
    return list(db.session.scalars(query))


def look(request_id: int, now: datetime) -> None:
    """Do what is due for a request and write when to look again; nothing when another worker has just looked."""
    request = db.session.get(CandidateRequest, request_id)
    if request is None:
        return
    inbox.take(request)
    if request.follow_up_at is None or request.follow_up_at > now:
        return
    version = request.version
    events = history.of(request)
    again = _climb(request, events, now) if request.status in inbox.TO_TREAT else quiet.look(request, events, now)
    db.session.flush()
    # Nobody's page is out of date because we looked, and no calendar has anything new to show.
    values: dict[str, Any] = {"follow_up_at": again, "updated_at": CandidateRequest.updated_at}
    if request.status in inbox.TO_TREAT:
        values["version"] = version
    db.session.connection().execute(
        sa.update(CandidateRequest).where(CandidateRequest.id == request.id).values(**values)
    )
    db.session.expire(request)


def _climb(request: CandidateRequest, events: Sequence[RequestEvent], now: datetime) -> datetime:
    """Climb the rungs that are due, and return when to look again: always, as long as it is the CFA's turn."""
    hours, zone = times.hours_of(request), calling.zone_of(request)
    pace = times.pace_of(request, events, hours)
    if pace is None:
        return now + STILL_LATE
    opens, wakes = times.opening(hours, now), times.awake(zone, now)
    full = False
    if request.rung < OWNER and max(pace.reminder, opens) <= now < pace.due:
        _remind(request, now)
    if request.rung < TEAM and max(pace.team, opens) <= now:
        _warn(request, now)
    if request.rung < LAST and max(pace.candidate, wakes) <= now:
        full = not _tell(request, now, opens)
    if request.rung >= LAST:
        return now + STILL_LATE
    coming = [times.tomorrow(zone, now) if full else times.awake(zone, max(pace.candidate, now))]
    if request.rung < TEAM:
        coming.append(times.opening(hours, max(pace.team, now)))
    if request.rung < OWNER:
        coming.append(times.opening(hours, max(pace.reminder, now)))
    # Hours, closures and people change without telling us: whatever was computed is computed again each morning.
    return min(each for each in [*coming, times.tomorrow(zone, now)] if each > now)


def _remind(request: CandidateRequest, now: datetime) -> None:
    told = who.reminded(request, now)
    owner = told[0].user if len(told) == 1 else None
    event = _rung(request, OWNER, now, {"to": owner.public_id} if owner is not None else {})
    inbox.tell("follow_up_owner", request, str(event.id), told, event)


def _warn(request: CandidateRequest, now: datetime) -> None:
    event = _rung(request, TEAM, now)
    inbox.tell("follow_up_team", request, str(event.id), who.warned(request, now), event)


def _tell(request: CandidateRequest, now: datetime, opens: datetime) -> bool:
    """Tell the candidate, and a team that was shut until now; False when their addresses had their most today."""
    to = contact.readers(request, now)
    if to is None:
        return False
    late = request.rung < TEAM
    event = _rung(request, LAST, now, {} if contact.reachable(request) else {"unreachable": True})
    contact.write("follow_up_candidate", request, str(event.id), to, event)
    if late:
        inbox.tell("follow_up_team", request, str(event.id), who.warned(request, now), event, not_before=opens)
    return True


def _rung(request: CandidateRequest, number: int, now: datetime, data: dict[str, object] | None = None) -> RequestEvent:
    return inbox.record(
        request, "follow_up", "system", now, data={"rung": number, **(data or {})}, internal=number != LAST
    )
