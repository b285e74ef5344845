"""Seats: the only writer of `slot.seats_taken`, and the lowest domain module.

Each change is one guarded UPDATE: the database decides, not a count read earlier (design.md §5.1).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv.db import UTCDateTime, db
from rdv.errors import SlotUnavailable, WrongTransition
from rdv.models import Booking, Slot


def take_statement(returning: bool = False) -> Any:
    """Return the guarded UPDATE that takes one public seat; parameters `take_slot_id` and `take_now`."""
    now = sa.bindparam("take_now", type_=UTCDateTime())
    statement = (
        sa.update(Slot)
        .where(
            Slot.id == sa.bindparam("take_slot_id", type_=sa.BigInteger()),
            Slot.status == sa.literal_column("'open'"),
            Slot.starts_at > now,
            Slot.seats_taken < Slot.capacity,
        )
        .values(seats_taken=Slot.seats_taken + 1, version=Slot.version + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return statement.returning(Slot.id) if returning else statement


TAKE = take_statement()


def take(slot_id: int, now: datetime) -> None:
    """Take one seat, or raise SlotUnavailable: closed, begun or full."""
    result = db.session.connection().execute(TAKE, {"take_slot_id": slot_id, "take_now": now})
    if result.rowcount != 1:
        raise SlotUnavailable


def free(slot_id: int, booking_id: int, now: datetime) -> None:
    """Give back the seat of a live booking, or raise WrongTransition when it holds none there.

    The slot row is written before the booking, as everywhere: two writers never wait for each other in a ring.
    """
    held = sa.exists().where(Booking.id == booking_id, Booking.slot_id == slot_id, Booking.status == "booked")
    result = db.session.connection().execute(
        sa.update(Slot)
        .where(Slot.id == slot_id, Slot.seats_taken > 0, held)
        .values(seats_taken=Slot.seats_taken - 1, version=Slot.version + 1, updated_at=now)
    )
    if result.rowcount != 1:
        raise WrongTransition
