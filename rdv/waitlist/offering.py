"""An offer: a seat held for one person until a stated moment, what they are told of it, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from rdv import clock, notices, rules, seats, thread
from rdv.db import db
from rdv.models import CandidateRequest, SeatHold, Slot, WaitlistEntry

DAY = (time(8), time(20))  # local: somebody told then can answer soon
BY_DAY = timedelta(hours=2)
NEXT_MORNING = time(10)  # told in the evening, answered the next morning
SHORTEST = timedelta(minutes=15)  # less than this before the meeting, nobody can be told and come
WAITING = ("waiting", "offered")


@dataclass(frozen=True)
class Room:
    """A slot as it stands under its lock: what a row loaded earlier no longer says."""

    free: int  # seats that may be offered now
    changed_at: datetime


def room(slot: Slot, now: datetime) -> Room:
    """Lock a slot's row until the end of the transaction, and return what may be offered of it."""
    row = db.session.execute(
        sa.select(Slot.capacity, Slot.seats_taken, Slot.status, Slot.starts_at, Slot.updated_at)
        .where(Slot.id == slot.id)
        .with_for_update()
    ).one()
    open_ = row.status == "open" and row.starts_at - now >= SHORTEST
    return Room(max(row.capacity - row.seats_taken, 0) if open_ else 0, row.updated_at)


def deadline(slot: Slot, now: datetime) -> datetime:
    """Return until when a seat is held: two hours by day (8–20 h local), else the next morning at 10, never past the start."""
    local = clock.to_zone(now, slot.site.timezone)
    if DAY[0] <= local.time() < DAY[1]:
        until = now + BY_DAY
    else:
        morning = local.date() + timedelta(days=1 if local.time() >= DAY[1] else 0)
        until = clock.from_wall(morning, NEXT_MORNING, slot.site.timezone)
    return min(until, slot.starts_at)


def make(entry: WaitlistEntry, slot: Slot, now: datetime) -> bool:
    """Hold the seats of a waiting entry and tell its person; False when the slot no longer has them.

    The caller holds the slot's lock, and the entry's too unless it waits for this slot alone.
    """
    kind = "waitlist" if entry.kind == "full" else "earlier"
    held = seats.hold(slot.id, entry.request_id, kind, deadline(slot, now), now, entry.seats)
    if held is None:
        return False
    rules.day_changed(slot.adviser_id, slot, now)
    entry.status, entry.hold_id = "offered", held.id
    entry.offers += 1
    entry.last_offered_at = now
    data = {"slot": slot.public_id, "hold": held.public_id}
    event = thread.add(entry.request, "offered", "system", now, data=data)
    notices.of_request("seat_offered", entry.request, held.public_id, event)
    return True


def give_back(held: SeatHold, now: datetime, status: str = "released") -> bool:
    """Give held seats back, or let them expire; False when they no longer were held."""
    slot = held.slot
    if not seats.release(held, now, status):
        return False
    rules.day_changed(slot.adviser_id, slot, now)
    return True


def settle(entry: WaitlistEntry, now: datetime) -> None:
    """Close an entry whose person now has their answer elsewhere: accepted when they took the offer.

    An offer not taken is left to lapse at once: its slot may be another one, whose lock may not be taken after that of
    the booking's own.
    """
    held = entry.hold
    if held is not None:
        db.session.refresh(held)
        if held.status == "live":
            seats.cut_short(held, now)
    go(entry, "accepted" if held is not None and held.status == "used" else "closed", now)


def go(entry: WaitlistEntry, status: str, now: datetime) -> bool:
    """Move an entry on, unless somebody did meanwhile; its offer, if any, is no longer the live one.

    The request is locked before the entry, as by who books, moves or cancels.
    """
    db.session.refresh(entry.request, with_for_update={"of": CandidateRequest})
    changed = db.session.connection().execute(
        sa.update(WaitlistEntry)
        .where(WaitlistEntry.id == entry.id, WaitlistEntry.status == entry.status)
        .values(status=status, hold_id=None, updated_at=now)
    )
    db.session.expire(entry)
    return bool(changed.rowcount == 1)


def current(request_id: int) -> WaitlistEntry | None:
    """Return the entry by which a request waits or is offered a seat, if any."""
    return db.session.scalar(
        sa.select(WaitlistEntry)
        .where(WaitlistEntry.request_id == request_id, WaitlistEntry.status.in_(WAITING))
        .order_by(WaitlistEntry.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def entry_of(held: SeatHold) -> WaitlistEntry | None:
    """Return the entry to which this hold is the live offer; None for a proposal, or once the entry moved on."""
    entry = current(held.request_id)
    return entry if entry is not None and entry.hold_id == held.id else None
