"""Waiting lists: for a full session, and for an earlier meeting. Freed seats reach them in the same transaction."""

from __future__ import annotations

from datetime import datetime

from rdv.models import Booking, Slot


def seat_freed(slot: Slot, now: datetime) -> None:
    """Offer the free seats of a slot to who waits for them."""


def booking_ended(booking: Booking, now: datetime) -> None:
    """Take a person off the list whose booking is cancelled: who accepts then cancels has left it."""


def booking_moved(booking: Booking, now: datetime) -> None:
    """Close the wish for an earlier meeting once a booking has moved."""


def slot_cancelled(slot: Slot, now: datetime) -> None:
    """Tell those who wait for a seat of a cancelled session, whose offers were released, and close their turn."""
