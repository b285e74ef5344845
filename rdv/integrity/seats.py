"""Seats, meetings, offers: each slot's counter is what its meetings and its offers hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from rdv import rules
from rdv.integrity.range import Check, Range, rows
from rdv.models import Booking, CandidateRequest, SeatHold, Site, Slot, SlotTraining, Training, WaitlistEntry
from rdv.rules import stamping

LATE = timedelta(minutes=10)  # the worker ends offers each minute
# Literal, so that partial indexes match.
_LIVE_BOOKING = sa.text("booking.status <> 'cancelled'")
_LIVE_HOLD = sa.text("seat_hold.status = 'live'")


def _sum(column: Any, *where: Any) -> Any:
    return sa.func.coalesce(sa.select(sa.func.sum(column)).where(*where).correlate(Slot).scalar_subquery(), 0)


def seats_taken(span: Range) -> Iterator[str]:
    """A slot's counter is the seats of its live meetings and live offers, within its capacity."""
    counted = (
        sa.select(
            Slot.public_id, Slot.seats_taken, (Slot.capacity + Slot.extra_seats).label("room"),
            _sum(Booking.seats, Booking.slot_id == Slot.id, _LIVE_BOOKING).label("booked"),
            _sum(SeatHold.seats, SeatHold.slot_id == Slot.id, _LIVE_HOLD).label("held"),
        )
        .where(span.holds(Slot.id))
        .subquery()
    )  # fmt: skip
    of = counted.c
    wrong = sa.or_(of.seats_taken != of.booked + of.held, of.seats_taken < 0, of.seats_taken > of.room)
    for row in rows(sa.select(counted).where(wrong)):
        yield (
            f"créneau {row.public_id}, {row.seats_taken} prises sur {row.room}, "
            f"{row.booked} par des rendez-vous, {row.held} gardées"
        )


def same_training_hours(span: Range) -> Iterator[str]:
    """The hour repeated beside a slot's trainings is the slot's; they are of the same CFA."""
    query = (
        sa.select(Slot.public_id)
        .join(SlotTraining, SlotTraining.slot_id == Slot.id)
        .join(Training, Training.id == SlotTraining.training_id)
        .where(span.holds(Slot.id), sa.or_(SlotTraining.starts_at != Slot.starts_at, Training.cfa_id != Slot.cfa_id))
        .distinct()
    )
    for row in rows(query):
        yield f"créneau {row.public_id}"


def rules_written(span: Range) -> Iterator[str]:
    """The instants between which the public books a coming slot are those of its CFA's rules."""
    query = (
        sa.select(
            Slot.public_id, Slot.cfa_id, Slot.site_id, Slot.meeting_type_id, Slot.starts_at, Slot.opens_at,
            Slot.closes_at, Site.timezone,
        )
        .join(Site, Site.id == Slot.site_id)
        .where(span.holds(Slot.id), Slot.starts_at > span.now, Slot.status != "cancelled")
    )  # fmt: skip
    books: dict[int, rules.Rulebook] = {}
    for row in list(rows(query)):
        if row.cfa_id not in books:
            books[row.cfa_id] = rules.rulebook(row.cfa_id)
        rule = books[row.cfa_id].of(row.site_id, row.meeting_type_id)
        if stamping.bounds(row.starts_at, row.timezone, rule) != (row.opens_at, row.closes_at):
            yield f"créneau {row.public_id}"


def shut_by_a_closure(span: Range) -> Iterator[str]:
    """A slot that a closure shut is not open: opening it by hand forgets the closure."""
    query = sa.select(Slot.public_id).where(span.holds(Slot.id), Slot.closure_id.is_not(None), Slot.status == "open")
    for row in rows(query):
        yield f"créneau {row.public_id}"


def same_place_and_hour(span: Range) -> Iterator[str]:
    """What a meeting repeats of its slot is the slot's, and its request is of the same CFA; a cancelled one keeps its hour."""
    query = (
        sa.select(Booking.public_id)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .where(
            span.holds(Booking.id),
            sa.or_(
                Booking.cfa_id != Slot.cfa_id,
                sa.and_(Booking.starts_at != Slot.starts_at, Booking.status != "cancelled"),
                CandidateRequest.cfa_id != Booking.cfa_id,
            ),
        )
    )
    for row in rows(query):
        yield f"rendez-vous {row.public_id}"


def on_cancelled_slot(span: Range) -> Iterator[str]:
    """Nobody is expected at a cancelled slot."""
    query = (
        sa.select(Booking.public_id, Slot.public_id.label("slot"))
        .join(Slot, Slot.id == Booking.slot_id)
        .where(span.holds(Booking.id), _LIVE_BOOKING, Slot.status == "cancelled")
    )
    for row in rows(query):
        yield f"rendez-vous {row.public_id}, créneau {row.slot}"


def twice_at_one_hour(span: Range) -> Iterator[str]:
    """Nobody is booked twice at one hour in one CFA."""
    other = aliased(Booking, name="other")
    query = (
        sa.select(Booking.public_id, other.public_id.label("earlier"))
        .join(
            other,
            sa.and_(
                other.cfa_id == Booking.cfa_id,
                other.starts_at == Booking.starts_at,
                other.person_key == Booking.person_key,
                sa.text("other.status <> 'cancelled'"),
                other.id < Booking.id,
            ),
        )
        .where(span.holds(Booking.id), _LIVE_BOOKING)
    )
    for row in rows(query):
        yield f"rendez-vous {row.public_id} et {row.earlier}"


def request_of_a_meeting(span: Range) -> Iterator[str]:
    """The request of a live meeting is not closed as cancelled, or as still waiting for a seat.

    It may be open again (somebody to call), or closed as staff wish once it was.
    """
    query = (
        sa.select(Booking.public_id, CandidateRequest.public_id.label("request"), CandidateRequest.outcome)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .where(
            span.holds(Booking.id),
            _LIVE_BOOKING,
            CandidateRequest.outcome.in_(("cancelled_by_candidate", "cancelled_by_cfa", "waitlisted")),
        )
    )
    for row in rows(query):
        yield f"rendez-vous {row.public_id}, demande {row.request} ({row.outcome})"


def late_offers(span: Range) -> Iterator[str]:
    """An offer whose time is over ends within minutes; none stands on a cancelled slot."""
    query = (
        sa.select(SeatHold.public_id, Slot.public_id.label("slot"))
        .join(Slot, Slot.id == SeatHold.slot_id)
        .where(
            span.holds(SeatHold.id), _LIVE_HOLD, sa.or_(SeatHold.until < span.now - LATE, Slot.status == "cancelled")
        )
    )  # fmt: skip
    for row in rows(query):
        yield f"place gardée {row.public_id}, créneau {row.slot}"


def offers_without_list(span: Range) -> Iterator[str]:
    """A seat held for somebody who waits is what their place on the list says; one cut short ends at the next minute."""
    named = sa.exists().where(
        WaitlistEntry.request_id == SeatHold.request_id,
        WaitlistEntry.hold_id == SeatHold.id,
        WaitlistEntry.status == "offered",
    )
    query = sa.select(SeatHold.public_id).where(
        span.holds(SeatHold.id),
        _LIVE_HOLD,
        SeatHold.kind.in_(("waitlist", "earlier")),
        SeatHold.until > span.now,
        ~named,
    )
    for row in rows(query):
        yield f"place gardée {row.public_id}"


def lists_without_offer(span: Range) -> Iterator[str]:
    """Somebody to whom a seat is offered has one held."""
    held = sa.exists().where(SeatHold.id == WaitlistEntry.hold_id, _LIVE_HOLD)
    query = sa.select(WaitlistEntry.public_id).where(
        span.holds(WaitlistEntry.id), WaitlistEntry.status == "offered", ~held
    )
    for row in rows(query):
        yield f"liste d’attente {row.public_id}"


CHECKS = (
    Check("places", Slot, seats_taken),
    Check("formations d’un créneau", Slot, same_training_hours),
    Check("règles de réservation", Slot, rules_written),
    Check("créneau fermé rouvert", Slot, shut_by_a_closure),
    Check("rendez-vous et créneau", Booking, same_place_and_hour),
    Check("créneau annulé", Booking, on_cancelled_slot),
    Check("deux rendez-vous à la même heure", Booking, twice_at_one_hour),
    Check("rendez-vous et demande", Booking, request_of_a_meeting),
    Check("place gardée trop longtemps", SeatHold, late_offers),
    Check("place gardée sans attente", SeatHold, offers_without_list),
    Check("attente sans place gardée", WaitlistEntry, lists_without_offer),
)
