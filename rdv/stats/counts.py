"""How many: requests that arrived and what became of them, and the people booked of a period's meetings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from rdv import clock
from rdv.db import db
from rdv.models import Booking, CandidateRequest, FirstAnswer, Slot
from rdv.stats.filters import Filters

Column = InstrumentedAttribute[Any]


@dataclass(frozen=True)
class Received:
    """Requests that call for an answer (to be called back, messages), then everybody who came by any way."""

    received: int = 0
    answered: int = 0  # by a person
    on_time: int = 0  # before the date promised
    waiting: int = 0
    late: int = 0  # of those that wait
    people: int = 0  # requests of every kind, seats booked alone included
    met: int = 0  # of these, who hold or held a meeting that was not cancelled
    attended: int = 0

    @property
    def unanswered(self) -> int:
        """Closed without an answer: unreachable, cancelled by the person, not for this centre, nothing came of it."""
        return self.received - self.answered - self.waiting

    @property
    def rate(self) -> float | None:
        """The share of the requests received that a person answered; None when there is none."""
        return self.answered / self.received if self.received else None


@dataclass(frozen=True)
class Met:
    """The people booked in the meetings of a period."""

    booked: int = 0  # whatever became of it
    by_candidate: int = 0  # cancelled
    by_centre: int = 0  # cancelled
    attended: int = 0
    no_show: int = 0
    excused: int = 0
    unknown: int = 0  # over, and nobody told who came
    coming: int = 0

    @property
    def cancelled(self) -> int:
        """Given up before the meeting, by either."""
        return self.by_candidate + self.by_centre

    @property
    def no_show_rate(self) -> float | None:
        """The share of those who did not come without a word, among those of whom it is known."""
        told = self.attended + self.no_show + self.excused
        return self.no_show / told if told else None


def received(filters: Filters, now: datetime, key: Column | None = None) -> dict[Any, Received]:
    """Return what arrived, for each value of a column of requests (None: everything under the key None)."""
    return _received(filters, now, key)


def received_by_month(filters: Filters, now: datetime) -> dict[date, Received]:
    """Return what arrived each month of a period."""
    period, months = filters.period, filters.period.months
    ends = [(clock.day_bounds(month, period.zone)[0], rank) for rank, month in enumerate(months)]
    rank = sa.case(
        *((CandidateRequest.created_at < start, number - 1) for start, number in ends[1:]), else_=len(ends) - 1
    )
    return {months[number]: found for number, found in _received(filters, now, rank).items()}


def _received(filters: Filters, now: datetime, key: Column | sa.ColumnElement[Any] | None) -> dict[Any, Received]:
    request, answer = CandidateRequest, FirstAnswer
    asked = request.mode != "slot"
    answered = request.first_answered_at.is_not(None)
    open_ = request.status != "closed"
    in_time = sa.or_(
        answer.on_time.is_(True), sa.and_(answer.request_id.is_(None), request.first_answered_at <= request.due_at)
    )
    live = sa.and_(Booking.id.is_not(None), Booking.status != "cancelled")
    query = (
        sa.select(
            *([key] if key is not None else [sa.null()]),
            _how_many(asked),
            _how_many(asked, answered),
            _how_many(asked, answered, in_time),
            _how_many(asked, ~answered, open_),
            _how_many(asked, ~answered, open_, request.due_at < now),
            sa.func.count(),
            _how_many(live),
            _how_many(Booking.status == "attended"),
        )
        .select_from(request)
        .outerjoin(answer, answer.request_id == request.id)
        .outerjoin(Booking, Booking.request_id == request.id)
        .where(*filters.of_requests())
    )
    if key is not None:
        query = query.group_by(sa.literal_column("1"))
    return {value: Received(*numbers) for value, *numbers in db.session.execute(query)}


def met(filters: Filters, now: datetime, key: Column | None = None) -> dict[Any, Met]:
    """Return who was booked in the period's meetings, for each value of a column of slots or requests."""
    status = Booking.status
    query = (
        sa.select(
            *([key] if key is not None else [sa.null()]),
            sa.func.count(),
            _how_many(status == "cancelled", Booking.cancelled_by == "candidate"),
            _how_many(status == "cancelled", Booking.cancelled_by.is_distinct_from("candidate")),
            _how_many(status == "attended"),
            _how_many(status == "no_show"),
            _how_many(status == "excused"),
            _how_many(status == "booked", Slot.ends_at <= now),
            _how_many(status == "booked", Slot.ends_at > now),
        )
        .select_from(Slot)
        .join(Booking, Booking.slot_id == Slot.id)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .where(*filters.of_meetings())
    )
    if key is not None:
        query = query.group_by(key)
    return {value: Met(*numbers) for value, *numbers in db.session.execute(query)}


def _how_many(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0)), 0)
