"""The answer to an offered seat: what needs both the booking and the list it comes from."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import booking, rules, seats, waitlist
from rdv.db import db
from rdv.errors import OfferEnded
from rdv.models import CandidateRequest, SeatHold


def live_of(request: CandidateRequest, now: datetime) -> SeatHold | None:
    """Return the seat that a list holds for a person who has not answered yet, if any."""
    return db.session.scalar(
        sa.select(SeatHold)
        .where(
            SeatHold.request_id == request.id, SeatHold.kind != "proposal", SeatHold.status == "live",
            SeatHold.until > now,
        )
        .order_by(SeatHold.id.desc())
        .limit(1)
    )  # fmt: skip


def get(request: CandidateRequest, public_id: str) -> SeatHold:
    """Return one offer made to this person, whatever its state, or raise OfferEnded; what an answer proposes is `taking`'s."""
    found = db.session.scalar(
        sa.select(SeatHold).where(
            SeatHold.public_id == public_id, SeatHold.request_id == request.id, SeatHold.kind != "proposal"
        )
    )
    if found is None:
        raise OfferEnded
    return found


def accept(held: SeatHold, now: datetime, as_asker: bool = False) -> None:
    """Turn an offer into the person's booking: a new one, or the one they hold brought forward.

    Harmless when it was accepted already. Raises OfferEnded, AlreadyBooked (this person, this hour), WrongTransition,
    rules.TooManyBookings.
    """
    db.session.refresh(held)
    if held.status == "used":
        return
    request, slot = held.request, held.slot
    if held.kind == "earlier":
        if request.booking is None:
            raise OfferEnded
        booking.move(request.booking, slot, "candidate", now, hold=held, as_asker=as_asker)
        return
    entry = waitlist.entry_of(held)
    if entry is not None and entry.person_key:
        rules.before_waiting(slot, entry.person_key, now)
    rules.before_seat([slot])
    seats.convert(held, now)
    guests = entry.guests if entry is not None else held.seats - 1
    booking.seat_person(request, slot, now, "candidate", seats=held.seats, guests=guests, as_asker=as_asker)


def refuse(held: SeatHold, now: datetime, as_asker: bool = False) -> None:
    """Give an offered seat back; harmless when it is over already."""
    waitlist.refuse(held, now, as_asker)
