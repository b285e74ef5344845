"""What a closure meets in the agenda: slots to shut, meetings to decide on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from rdv import clock
from rdv.closures.cover import overlaps
from rdv.db import db
from rdv.models import Booking, CandidateRequest, Closure, Site, Slot, User


@dataclass(frozen=True)
class Draft:
    """A closure as typed: wall days, both included; hours on one day alone; a site, a person, or the whole CFA."""

    first_day: date
    last_day: date
    starts: time | None = None
    ends: time | None = None
    label: str | None = None
    site: Site | None = None
    user: User | None = None

    @property
    def site_id(self) -> int | None:
        return self.site.id if self.site else None

    @property
    def user_id(self) -> int | None:
        return self.user.id if self.user else None


@dataclass(frozen=True)
class Touched:
    """Coming slots that a closure covers: those it would shut, and the live meetings to decide on."""

    to_shut: Sequence[Slot]
    booked: Sequence[Booking]


def coming_slots(cfa_id: int, closure: Closure | Draft, now: datetime) -> list[Slot]:
    """Return the coming slots of a CFA that a closure covers, cancelled ones left out, soonest first."""
    query = _covered(sa.select(Slot), cfa_id, [closure], now).options(contains_eager(Slot.site))
    found = db.session.scalars(query.order_by(Slot.starts_at, Slot.id))
    return [slot for slot in found if overlaps(closure, slot, slot.site.timezone)]


def touched_by(cfa_id: int, draft: Closure | Draft, now: datetime, *, instead_of: Closure | None = None) -> Touched:
    """Return what a closure would shut and whom it concerns, before it is saved.

    `instead_of`: the one it changes; what that one covers already is shut, or open on purpose, and what is kept is kept.
    """
    found = coming_slots(cfa_id, draft, now)
    covered = {slot.id for slot in coming_slots(cfa_id, instead_of, now)} if instead_of else set()
    kept = instead_of.id if instead_of else None
    return Touched(
        [slot for slot in found if slot.status == "open" and slot.id not in covered],
        [one for one in meetings_of([slot.id for slot in found]) if kept is None or one.kept_closure_id != kept],
    )


def meetings_of(slot_ids: Sequence[int]) -> list[Booking]:
    """Return the live meetings of slots with all that a list of people shows, soonest first."""
    query = (
        sa.select(Booking)
        .options(
            joinedload(Booking.slot).joinedload(Slot.site),
            joinedload(Booking.slot).joinedload(Slot.meeting_type),
            joinedload(Booking.slot).joinedload(Slot.adviser),
            joinedload(Booking.request).joinedload(CandidateRequest.training),
        )
        .where(Booking.slot_id.in_(slot_ids), Booking.status == "booked")
        .order_by(Booking.starts_at, Booking.id)
    )
    return list(db.session.scalars(query)) if slot_ids else []


def to_decide(closure: Closure, now: datetime) -> list[Booking]:
    """Return the coming meetings that a closure covers and that nobody has decided on, soonest first.

    A slot that is open in spite of the closure was published or opened again on purpose: nothing to decide there.
    """
    met = meetings_of([slot.id for slot in coming_slots(closure.cfa_id, closure, now) if slot.status == "closed"])
    return [one for one in met if one.kept_closure_id != closure.id]


def count_to_decide(found: Sequence[Closure], now: datetime) -> dict[int, int]:
    """Return how many coming meetings are still to be decided on, by closure id, in one query; none is left out."""
    counts = dict.fromkeys((one.id for one in found), 0)
    if not found:
        return counts
    query = sa.select(
        Slot.starts_at, Slot.ends_at, Slot.site_id, Slot.adviser_id, Site.timezone, Booking.kept_closure_id
    ).join(Booking, sa.and_(Booking.slot_id == Slot.id, Booking.status == "booked", Slot.status == "closed"))
    for row in db.session.connection().execute(_covered(query, found[0].cfa_id, found, now)):
        for one in found:
            if row.kept_closure_id != one.id and _concerns(one, row) and overlaps(one, row, row.timezone):
                counts[one.id] += 1
    return counts


def _concerns(closure: Closure, row: sa.Row) -> bool:
    return closure.site_id in (None, row.site_id) and closure.user_id in (None, row.adviser_id)


def _covered(query: sa.Select, cfa_id: int, found: Iterable[Closure | Draft], now: datetime) -> sa.Select:
    """Bound a query of slots of a CFA to what these closures may cover: the exact hours are those of each site."""
    found = list(found)
    # A day of any zone lies within 14 hours of the same day in UTC.
    start, _ = clock.day_bounds(min(one.first_day for one in found) - timedelta(days=1), "UTC")
    _, end = clock.day_bounds(max(one.last_day for one in found) + timedelta(days=1), "UTC")
    query = query.join(Site, Site.id == Slot.site_id).where(
        Slot.cfa_id == cfa_id,
        Slot.status != "cancelled",
        Slot.starts_at > max(now, start - timedelta(days=1)),  # no slot lasts a day
        Slot.starts_at < end,
    )
    if len(found) == 1 and found[0].site_id is not None:
        query = query.where(Slot.site_id == found[0].site_id)
    if len(found) == 1 and found[0].user_id is not None:
        query = query.where(Slot.adviser_id == found[0].user_id)
    return query
