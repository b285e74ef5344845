"""What a platform sent and what became of it, by week or by month (Paris): given to the platform itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import sqlalchemy as sa

from rdv import clock
from rdv.db import db
from rdv.models import CandidateRequest, FirstAnswer, Platform
from rdv.stats.quantiles import MEDIAN_FROM, ranks

LONGEST = timedelta(days=366)


@dataclass
class Period:
    """One week or month, named by its first day; the median is in working minutes, None under five answers."""

    first: date
    requests: int = 0  # callbacks and messages
    bookings: int = 0
    answered: int = 0  # requests, by a person
    minutes: list[int] = field(default_factory=list)

    @property
    def median(self) -> int | None:
        if len(self.minutes) < MEDIAN_FROM:
            return None
        return sorted(self.minutes)[ranks(len(self.minutes))[0] - 1]


def first_of(day: date, by: str) -> date:
    """Return the first day of the week or the month that holds a day."""
    return day.replace(day=1) if by == "month" else day - timedelta(days=day.weekday())


def periods(platform: Platform, first: date, last: date, by: str) -> list[Period]:
    """Return every week or month that begins between two days, both kept, in order, empty ones too."""
    found = {start: Period(start) for start in _starts(first, last, by)}
    begins, _ = clock.day_bounds(first_of(first, by), clock.PARIS)
    _, ends = clock.day_bounds(last, clock.PARIS)
    table = CandidateRequest
    query = (
        sa.select(table.created_at, table.mode, table.first_answered_at, FirstAnswer.minutes)
        .outerjoin(FirstAnswer, FirstAnswer.request_id == table.id)
        .where(table.platform_id == platform.id, table.created_at >= begins, table.created_at < ends)
    )
    for created_at, mode, answered_at, minutes in db.session.execute(query):
        period = found[first_of(clock.to_zone(created_at, clock.PARIS).date(), by)]
        if mode == "slot":
            period.bookings += 1
            continue
        period.requests += 1
        period.answered += answered_at is not None
        if minutes is not None:
            period.minutes.append(minutes)
    return list(found.values())


def _starts(first: date, last: date, by: str) -> Iterator[date]:
    start = first_of(first, by)
    while start <= last:
        yield start
        start = first_of(start + timedelta(days=32), by) if by == "month" else start + timedelta(weeks=1)
