"""What staff read of their published slots: by week, today, next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock, slots
from rdv.booking import ContactMissing, check_contact
from rdv.db import db
from rdv.errors import NotFound
from rdv.models import Booking, CandidateRequest, Cfa, Closure, Membership, Slot

LIST_DAYS = 7  # of the list view, and of « créneaux libres sous 7 jours »


@dataclass(frozen=True)
class Week:
    """A week that begins on a Monday, written « 2026-W48 » (ISO 8601)."""

    monday: date

    @classmethod
    def of(cls, day: date) -> Week:
        """Return the week that holds a day."""
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, text: str | None, default: date) -> Week:
        """Return the week of an address, that of `default` when it is missing or makes no sense."""
        try:
            year, _, number = (text or "").partition("-W")
            monday = date.fromisocalendar(int(year), int(number), 1)
        except ValueError:
            return cls.of(default)
        return cls(monday) if 2000 <= monday.year <= 2100 else cls.of(default)

    @property
    def code(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02d}"

    @property
    def days(self) -> list[date]:
        return [self.monday + timedelta(days=offset) for offset in range(7)]

    def shifted(self, weeks: int) -> Week:
        """Return the week that many weeks later."""
        return Week(self.monday + timedelta(weeks=weeks))


def local_day(slot: Slot) -> date:
    """Return the day a slot starts, in the zone of its site."""
    return clock.to_zone(slot.starts_at, slot.site.timezone).date()


def home_zone(cfa: Cfa) -> str:
    """Return the zone in which a CFA says « aujourd’hui »: that of its first open site."""
    return next((site.timezone for site in cfa.sites if site.closed_at is None), clock.PARIS)


def is_free(slot: Slot, now: datetime) -> bool:
    """Say whether a candidate can still book a slot."""
    return slot.status == "open" and slot.seats_left > 0 and slot.starts_at > now


def slots_of_days(
    cfa_id: int, first: date, last: date, *, adviser_id: int | None = None, site_id: int | None = None
) -> list[Slot]:
    """Return the slots whose local day lies between two days, both included, soonest first; cancelled ones too."""
    # A day of any zone lies within 14 hours of the same day in UTC.
    start, _ = clock.day_bounds(first - timedelta(days=1), "UTC")
    _, end = clock.day_bounds(last + timedelta(days=1), "UTC")
    query = _read(cfa_id, adviser_id, site_id).where(Slot.starts_at >= start, Slot.starts_at < end)
    return [slot for slot in db.session.scalars(query) if first <= local_day(slot) <= last]


def closures_of_days(cfa_id: int, first: date, last: date) -> list[Closure]:
    """Return the closures and absences of a CFA that touch these days, both included; people who left set aside."""
    gone = sa.exists().where(
        Membership.user_id == Closure.user_id, Membership.cfa_id == Closure.cfa_id, Membership.ended_at.is_not(None)
    )
    query = (
        sa.select(Closure)
        .options(joinedload(Closure.site))
        .where(Closure.cfa_id == cfa_id, Closure.first_day <= last, Closure.last_day >= first, ~gone)
        .order_by(Closure.first_day, Closure.id)
    )
    return list(db.session.scalars(query))


def upcoming(cfa_id: int, after: datetime, *, adviser_id: int | None = None, limit: int = 5) -> list[Slot]:
    """Return the next slots that somebody has booked and that start after an instant."""
    query = (
        _read(cfa_id, adviser_id, None)
        .where(Slot.starts_at >= after, Slot.seats_taken > 0, Slot.status != "cancelled")
        .limit(limit)
    )
    return list(db.session.scalars(query))


def count_free(cfa_id: int, now: datetime, until: datetime, *, adviser_id: int | None = None) -> int:
    """Return how many slots candidates can still book before an instant."""
    query = (
        sa.select(sa.func.count())
        .select_from(Slot)
        .where(
            Slot.cfa_id == cfa_id,
            Slot.status == "open",
            Slot.seats_taken < Slot.capacity,
            Slot.starts_at > now,
            Slot.starts_at < until,
        )
    )
    if adviser_id is not None:
        query = query.where(Slot.adviser_id == adviser_id)
    return db.session.scalar(query) or 0


@dataclass(frozen=True)
class Filled:
    """Seats of the coming slots: taken (held for somebody counts), and published."""

    taken: int
    published: int

    @property
    def rate(self) -> int | None:
        """The share taken, in whole percents; None when nothing is published."""
        return round(100 * self.taken / self.published) if self.published else None


def filled(cfa_id: int, now: datetime, until: datetime, *, adviser_id: int | None = None) -> Filled:
    """Return the seats taken and published between now and an instant, cancelled slots aside.

    A slot that is shut offers no more than what is taken in it.
    """
    offered = sa.case((Slot.status == "open", Slot.capacity + Slot.extra_seats), else_=Slot.seats_taken)
    query = sa.select(
        sa.func.coalesce(sa.func.sum(Slot.seats_taken), 0), sa.func.coalesce(sa.func.sum(offered), 0)
    ).where(Slot.cfa_id == cfa_id, Slot.status != "cancelled", Slot.starts_at > now, Slot.starts_at < until)
    if adviser_id is not None:
        query = query.where(Slot.adviser_id == adviser_id)
    taken, published = db.session.execute(query).one()
    return Filled(int(taken), int(published))


def _read(cfa_id: int, adviser_id: int | None, site_id: int | None) -> sa.Select[Slot]:
    query = (
        sa.select(Slot)
        .options(joinedload(Slot.site), joinedload(Slot.meeting_type), joinedload(Slot.adviser))
        .where(Slot.cfa_id == cfa_id)
        .order_by(Slot.starts_at, Slot.id)
    )
    if adviser_id is not None:
        query = query.where(Slot.adviser_id == adviser_id)
    return query.where(Slot.site_id == site_id) if site_id is not None else query


def bookings(booked: Iterable[Slot]) -> dict[int, list[Booking]]:
    """Return the live bookings of several slots with their requests, by slot id, in order of arrival."""
    found: dict[int, list[Booking]] = {slot.id: [] for slot in booked}
    query = (
        sa.select(Booking)
        .options(joinedload(Booking.request).joinedload(CandidateRequest.training))
        .where(Booking.slot_id.in_(found), Booking.status != "cancelled")
        .order_by(Booking.id)
    )
    for one in db.session.scalars(query) if found else ():
        found[one.slot_id].append(one)
    return found


def get_booking(cfa_id: int, public_id: str) -> Booking:
    """Return a booking of this CFA with its request and slot, or raise NotFound."""
    found = db.session.scalar(
        sa.select(Booking)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .options(joinedload(Booking.request), joinedload(Booking.slot).joinedload(Slot.site))
        .where(Booking.public_id == public_id, CandidateRequest.cfa_id == cfa_id)
    )
    if found is None:
        raise NotFound("Ce rendez-vous n’existe pas dans votre centre.")
    return found


def move_targets(booking: Booking, now: datetime, limit: int = 60) -> list[Slot]:
    """Return the open slots a booking may move to: same CFA, same training, reachable by this person, soonest first."""
    query = (
        _read(booking.request.cfa_id, None, None)
        .where(
            Slot.status == "open", Slot.seats_taken < Slot.capacity, Slot.starts_at > now, Slot.id != booking.slot_id
        )
        .limit(limit * 2)
    )
    training = booking.request.training
    suited = [
        slot
        for slot in db.session.scalars(query)
        if (training is None or slots.serves(slot, training)) and _reaches(slot, booking.request)
    ]
    return suited[:limit]


def _reaches(slot: Slot, request: CandidateRequest) -> bool:
    try:
        check_contact(slot.place, request)
    except ContactMissing:
        return False
    return True
