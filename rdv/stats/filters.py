"""What figures are about: a centre, days, and a part of what it receives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from rdv import clock
from rdv.models import CandidateRequest, FirstAnswer, Slot

LONGEST_PERIOD = timedelta(days=731)  # of a period: two years, and a leap day
MONTHS_SHOWN = 12  # of the trend, those of the period at its end


@dataclass(frozen=True)
class Period:
    """Days from a first to a last, both included, in the calendar of the centre (`zone`)."""

    first: date
    last: date
    today: date
    zone: str = clock.PARIS

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The instants at which it begins and ends."""
        return clock.day_bounds(self.first, self.zone)[0], clock.day_bounds(self.last, self.zone)[1]

    @property
    def is_whole_months(self) -> bool:
        """True when it holds whole months, or what has passed of the present one."""
        return self.first.day == 1 and (self.last >= self.today or (self.last + timedelta(days=1)).day == 1)

    @property
    def trend(self) -> Period:
        """The whole months up to its end that a trend shows."""
        first = months_before(self.last.replace(day=1), MONTHS_SHOWN - 1)
        last = months_before(self.last.replace(day=1), -1) - timedelta(days=1)
        return Period(first, last, self.today, self.zone)

    @property
    def months(self) -> list[date]:
        """The first day of each month it touches, in order."""
        found = [self.first.replace(day=1)]
        while (following := months_before(found[-1], -1)) <= self.last:
            found.append(following)
        return found


def months_before(first: date, count: int) -> date:
    """Return the first day of the month so many months earlier; later when negative."""
    number = first.year * 12 + first.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Filters:
    """Which requests, answers and meetings of a centre are counted; None means any."""

    cfa_id: int
    period: Period
    site_id: int | None = None
    training_id: int | None = None
    platform_id: int | None = None
    mode: str | None = None

    def of_requests(self) -> tuple[sa.ColumnElement[bool], ...]:
        """The requests that arrived in the period."""
        table = CandidateRequest
        of_site = (table.site_id == self.site_id,) if self.site_id else ()
        return (table.cfa_id == self.cfa_id, *self._arrived(), *of_site, *self._parts(table))

    def of_answers(self) -> tuple[sa.ColumnElement[bool], ...]:
        """The first answers to the requests that arrived in the period."""
        table, period = FirstAnswer, self.period
        # A place belongs to one centre; naming it alone, its own index holds all that a median reads.
        scope = table.site_id == self.site_id if self.site_id else table.cfa_id == self.cfa_id
        same = (scope, *self._parts(table))
        if period.is_whole_months:
            return *same, table.month >= period.first.replace(day=1), table.month <= period.last
        arrived = sa.select(CandidateRequest.id).where(CandidateRequest.cfa_id == self.cfa_id, *self._arrived())
        return *same, table.request_id.in_(arrived)

    def of_meetings(self) -> tuple[sa.ColumnElement[bool], ...]:
        """The slots that begin in the period, and the requests that hold a seat there."""
        start, end = self.period.bounds
        of_site = (Slot.site_id == self.site_id,) if self.site_id else ()
        return (
            Slot.cfa_id == self.cfa_id, Slot.starts_at >= start, Slot.starts_at < end, *of_site,
            *self._parts(CandidateRequest),
        )  # fmt: skip

    def _arrived(self) -> tuple[sa.ColumnElement[bool], ...]:
        start, end = self.period.bounds
        return CandidateRequest.created_at >= start, CandidateRequest.created_at < end

    def _parts(self, table: type[CandidateRequest] | type[FirstAnswer]) -> tuple[sa.ColumnElement[bool], ...]:
        pairs = ((table.training_id, self.training_id), (table.platform_id, self.platform_id), (table.mode, self.mode))
        return tuple(column == value for column, value in pairs if value)
