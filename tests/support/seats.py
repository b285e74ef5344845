"""What must hold after any act: the seats of a slot are those of its live bookings and live holds."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from flask import Flask

from rdv.db import db
from rdv.models import Booking, SeatHold, Slot


def wrong_counts() -> list[tuple[str, int, int]]:
    """Return the slots whose counter is not what is booked and held: public id, counter, truth."""
    db.session.rollback()
    booked = sa.select(sa.func.coalesce(sa.func.sum(Booking.seats), 0)).where(
        Booking.slot_id == Slot.id, Booking.status != "cancelled"
    )
    held = sa.select(sa.func.coalesce(sa.func.sum(SeatHold.seats), 0)).where(
        SeatHold.slot_id == Slot.id, SeatHold.status == "live"
    )
    truth = booked.scalar_subquery() + held.scalar_subquery()
    rows = db.session.execute(sa.select(Slot.public_id, Slot.seats_taken, truth.label("truth"))).all()
    return [(row.public_id, row.seats_taken, row.truth) for row in rows if row.seats_taken != row.truth]


def seats_are_accounted_for(app: Flask) -> Iterator[None]:
    """Fixture body: check the counters once the test is done, whatever it did."""
    yield
    assert wrong_counts() == []
