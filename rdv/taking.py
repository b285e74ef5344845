"""A slot that the person of a request takes by themselves: offered after a missed call, proposed in an answer, or chosen.

The request keeps its reference and closes as meeting set, without any work of the CFA; what was proposed besides lapses.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import booking, rules, seats, suitable, waitlist
from rdv.booking.seated import HAS_ONE
from rdv.db import db
from rdv.errors import NotFound, WrongTransition
from rdv.models import Booking, CandidateRequest, SeatHold, Slot

# Closed for a reason that no meeting answers: it is elsewhere, or is not for this CFA.
_OVER = ("not_for_us", "redirected", "waitlisted")
OVER = "Cette demande est terminée\u00a0: elle ne permet plus de prendre rendez-vous. Faites-en une nouvelle."


def may_take(request: CandidateRequest, now: datetime) -> bool:
    """Say whether a request may still lead to a meeting: it has none, and is not over for good."""
    held = request.booking
    free = held is None or not held.is_live
    return free and request.outcome not in _OVER and request.cfa.closed_at is None


def free_for(request: CandidateRequest, wanted: Slot, now: datetime) -> bool:
    """Say whether a slot can be taken at this instant, as far as a read can tell: it is kept for this person, or free."""
    if _hold(request, wanted) is not None:  # were its hour over: it is given to whoever waits only once asked for
        return wanted.status != "cancelled" and wanted.starts_at > now
    if not rules.open_to(wanted, suitable.platform_of(request)):
        return False
    return any(
        seats.is_bookable(slot, now) and slot.seats_left > 0 for slot in booking.equal_slots(wanted, now)
    )  # fmt: skip


def kept(request: CandidateRequest, slot: Slot, now: datetime) -> SeatHold | None:
    """Return the seat of a slot that is kept for this person, if any."""
    held = _hold(request, slot)
    return held if held is not None and held.until > now else None


def take(request: CandidateRequest, slot: Slot, now: datetime, *, as_asker: bool = False) -> Booking:
    """Book a slot for the request of somebody who asks for it on their page: the seat kept for them, else a free one.

    Raises NotFound (another CFA's or training's), WrongTransition (it has a meeting, or is over), SlotUnavailable,
    AlreadyBooked (this person, this hour), rules.TooManyBookings.
    """
    if not suitable.concerns(request, slot):
        raise NotFound
    if not may_take(request, now):
        raise WrongTransition(HAS_ONE if request.booking and request.booking.is_live else OVER)
    if request.person_key:
        rules.before_waiting(slot, request.person_key, now)
    rules.before_seat([slot])
    # Whoever ends the hold, or takes the seat, holds this lock until they are done.
    db.session.execute(sa.select(Slot.id).where(Slot.id == slot.id).with_for_update()).one()
    held = _hold(request, slot)
    if held is not None and held.until <= now:
        waitlist.lapse(held.id, now)  # it goes to who waits for it first, and only then to who comes late
        held = None
    if held is not None:
        seats.convert(held, now)
    else:
        if not rules.open_to(slot, suitable.platform_of(request)):
            raise rules.PlatformClosed
        seats.take(slot.id, now)
    return booking.seat_person(request, slot, now, "candidate", as_asker=as_asker)


def _hold(request: CandidateRequest, slot: Slot) -> SeatHold | None:
    return db.session.scalar(
        sa.select(SeatHold)
        .where(
            SeatHold.slot_id == slot.id, SeatHold.request_id == request.id, SeatHold.kind == "proposal",
            SeatHold.status == "live",
        )
        .execution_options(populate_existing=True)
    )  # fmt: skip
