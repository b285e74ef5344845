"""Waiting lists: for a full session, and for an earlier meeting. Freed seats reach them in the same transaction.

Locks: a slot's row first, then entries. Those of a session change under its lock alone; a wish for an earlier meeting
is never waited for by who holds a slot. What accepts an offer stands above, in rdv.offers.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import rules
from rdv.db import db
from rdv.errors import WrongTransition
from rdv.models import Booking, CandidateRequest, SeatHold, Slot, WaitlistEntry
from rdv.waitlist import earlier, full, offering
from rdv.waitlist.earlier import may_wish as may_wish
from rdv.waitlist.earlier import wish as wish
from rdv.waitlist.full import AddressMissing as AddressMissing
from rdv.waitlist.full import join as join
from rdv.waitlist.full import last_of as last_of
from rdv.waitlist.full import of_slot as of_slot
from rdv.waitlist.full import open_to as open_to
from rdv.waitlist.full import position as position
from rdv.waitlist.full import request_of as request_of
from rdv.waitlist.offering import current as current
from rdv.waitlist.offering import entry_of as entry_of

# -- what others tell, in their own transaction -------------------------------------------------------------------------


def seat_freed(slot: Slot, now: datetime) -> None:
    """Offer the free seats of a slot to who waits for them: its own list first, then one person who would come sooner.

    Nothing happens when the slot is not open, or begins in less than a quarter of an hour.
    """
    room = offering.room(slot, now)
    left = full.offer_seats(slot, room.free, now)
    earlier.offer_seat(slot, offering.Room(left, room.changed_at), now)


def slot_changed(slot: Slot, now: datetime) -> None:
    """Offer what a change of a slot has freed: capacity raised, opened again. Call it after the change."""
    seat_freed(slot, now)


def slot_cancelled(slot: Slot, now: datetime) -> None:
    """Close the list of a cancelled slot, give back all that it holds, and tell each person. Call it under its lock."""
    full.close(slot, "cancelled", now)
    for entry in earlier.offered(slot):
        earlier.after_offer(entry, "cancelled", now)
    for held in full.live_holds(slot):
        offering.give_back(held, now)


def booking_made(booking: Booking, now: datetime) -> None:
    """Take off the list a person who now has a seat: the one they were offered, or another of the same request."""
    entry = offering.current(booking.request_id)
    if entry is not None and entry.kind == "full":
        offering.settle(entry, now)


def booking_moved(booking: Booking, now: datetime) -> None:
    """Close the wish for an earlier meeting once a booking has moved."""
    earlier.settle(booking, now)


def booking_ended(booking: Booking, now: datetime) -> None:
    """Close the wish of a booking that is cancelled. Who accepted a seat of a full session left its list by accepting."""
    earlier.settle(booking, now)


# -- what a person does ---------------------------------------------------------------------------------------------------


def leave(request: CandidateRequest, now: datetime, as_asker: bool = False) -> None:
    """Take somebody off their list, giving back what is held for them; harmless when they are off it already.

    Raises WrongTransition when an offer was made to them this very instant.
    """
    entry = offering.current(request.id)
    if entry is None:
        return
    slot = entry.slot or (entry.hold.slot if entry.hold else None)
    if slot is not None:
        rules.before_seat([slot])
        offering.room(slot, now)
        db.session.refresh(entry)
    if entry.status not in offering.WAITING:
        return
    if entry.hold is not None:
        offering.give_back(entry.hold, now)
    if not full.end(entry, "left", now, as_asker):
        raise WrongTransition
    if slot is not None:
        seat_freed(slot, now)


def refuse(held: SeatHold, now: datetime, as_asker: bool = False) -> None:
    """Give an offered seat back: the next one is asked. Off the list of a full session; on for an earlier meeting."""
    _end_offer(held, "released", "refused", now, as_asker)


# -- what the clock does --------------------------------------------------------------------------------------------------


def lapsed(now: datetime) -> list[int]:
    """Return the offers whose time is over, oldest first."""
    query = sa.select(SeatHold.id).where(sa.text("seat_hold.status = 'live'"), SeatHold.until <= now)
    return list(db.session.scalars(query.order_by(SeatHold.until, SeatHold.id)))


def lapse(hold_id: int, now: datetime) -> None:
    """End an offer that nobody answered: its seats go to the next one, else to the public; harmless if run twice."""
    held = db.session.get(SeatHold, hold_id)
    if held is not None:
        _end_offer(held, "expired", "lapsed", now)


def _end_offer(held: SeatHold, status: str, why: str, now: datetime, as_asker: bool = False) -> None:
    slot = held.slot
    rules.before_seat([slot])
    offering.room(slot, now)  # whoever answers, or ends it too, is done or waits
    if not offering.give_back(held, now, status):
        return
    entry = offering.entry_of(held)
    if entry is not None and entry.kind == "full":
        full.end(entry, "left" if why == "refused" else why, now, as_asker)
    elif entry is not None:
        earlier.after_offer(entry, why, now, as_asker)
    seat_freed(slot, now)


def begun(now: datetime) -> list[int]:
    """Return the slots that have begun while somebody still waited for a seat."""
    return full.begun(now)


def close_begun(slot_id: int, now: datetime) -> None:
    """Close the list of a session that has begun, and tell each person; harmless if run twice."""
    slot = db.session.get_one(Slot, slot_id)
    rules.before_seat([slot])
    offering.room(slot, now)
    full.close(slot, "begun", now)


def too_late(now: datetime) -> list[int]:
    """Return the wishes for an earlier meeting that nothing can grant any more."""
    return earlier.too_late(now)


def forget_wish(entry_id: int, now: datetime) -> None:
    """Close such a wish; nobody is told, as the meeting stands."""
    entry = db.session.get(WaitlistEntry, entry_id)
    if entry is not None and entry.status == "waiting":
        offering.go(entry, "closed", now)


def overlooked(now: datetime) -> list[int]:
    """Return the slots with a free seat that somebody waits for: freed at night, or by a way that told nobody."""
    return sorted({*full.overlooked(now), *earlier.overlooked(now)})


def offer_overlooked(slot_id: int, now: datetime) -> None:
    """Offer the free seats of such a slot."""
    slot = db.session.get_one(Slot, slot_id)
    rules.before_seat([slot])
    seat_freed(slot, now)
