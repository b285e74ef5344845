"""When each rung is due, from a promise and the working time of its place; pure of any clock and any row but those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from rdv import clock, deadlines
from rdv.inbox import calling
from rdv.ladder import history
from rdv.models import CandidateRequest, RequestEvent

TEAM_DAYS = 2  # working days after the promise, the candidate is told…
OUTER_DAYS = 4  # …or once the platforms' commitment is over: working days after the candidate asked
AFTER_A_CALL = 60  # working minutes left to make a planned call before anybody is reminded of it
_DEFAULT_HALF = 4 * 60
AWAKE = time(8), time(20)  # local hours between which a candidate is written to by us


@dataclass(frozen=True)
class Pace:
    """When the rungs of one promise are due; a rung may be acted on later (place shut, night), never sooner."""

    due: datetime
    reminder: datetime  # half a working day before due
    team: datetime
    candidate: datetime


def pace(due: datetime, since: datetime, hours: deadlines.Hours, planned: datetime | None = None) -> Pace:
    """Return the times of a promise made at `since`; `planned`: the next call, before which nobody is reminded."""
    reminder = hours.earlier(due, half_day(hours, due))
    team = opening(hours, due)
    if planned is not None:
        tried = hours.later(planned, AFTER_A_CALL)
        reminder, team = max(reminder, tried), max(team, tried)
    told = max(due, min(closing(hours, due, TEAM_DAYS), closing(hours, since, OUTER_DAYS)))
    return Pace(due, reminder, team, told)


def pace_of(request: CandidateRequest, events: Sequence[RequestEvent], hours: deadlines.Hours) -> Pace | None:
    """Return the times of a request, None without any promise."""
    if request.due_at is None:
        return None
    return pace(request.due_at, history.promised_at(request, events), hours, request.next_attempt_at)


def hours_of(request: CandidateRequest) -> deadlines.Hours:
    """Return the working time of the place of a request, since its arrival."""
    day = clock.to_zone(request.created_at, calling.zone_of(request)).date()
    return deadlines.Hours(request.site, request.cfa_id, day)


def half_day(hours: deadlines.Hours, due: datetime) -> int:
    """Return half the working minutes of the last day on which the place is open until a promise."""
    last = next(hours.before(due), None)
    if last is None:
        return _DEFAULT_HALF
    spans = hours.of_day(hours.day_of(last[0]))
    return max(int(sum((closes - opens for opens, closes in spans), timedelta()).total_seconds()) // 120, 1)


def closing(hours: deadlines.Hours, after: datetime, count: int) -> datetime:
    """Return when a place closes on the n-th working day after an instant's own day."""
    day, left = hours.day_of(after), count
    for ahead in range(1, deadlines.FARTHEST_DAYS):
        spans = hours.of_day(day + timedelta(days=ahead))
        left -= bool(spans)
        if spans and left <= 0:
            return spans[-1][1]
    return after + timedelta(days=count)  # shut for a year: the clock's own time


def opening(hours: deadlines.Hours, since: datetime) -> datetime:
    """Return the first instant from one on at which a place is open."""
    return next((opens for opens, _ in hours.after(since)), since)


def awake(zone: str, instant: datetime) -> datetime:
    """Return the first instant from one on at which a candidate may be written to."""
    local = clock.to_zone(instant, zone)
    if AWAKE[0] <= local.time() < AWAKE[1]:
        return instant
    return clock.from_wall(local.date() + timedelta(days=local.time() >= AWAKE[1]), AWAKE[0], zone)


def tomorrow(zone: str, instant: datetime) -> datetime:
    """Return when a candidate may be written to the next day."""
    return clock.from_wall(clock.to_zone(instant, zone).date() + timedelta(days=1), AWAKE[0], zone)
