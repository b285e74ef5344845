"""Seats: the only writer of `slot.seats_taken` and of `seat_hold`, and the lowest domain module.

Each change is one guarded UPDATE: the database decides, not a count read earlier (design.md §5.1). The slot's row is
written before the booking's or the hold's, as everywhere: two writers never wait for each other in a ring.
At any time seats_taken = seats of the live bookings + seats of the live holds (`rdv.integrity` proves it).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv.db import UTCDateTime, db
from rdv.errors import OfferEnded, SlotUnavailable, WrongTransition
from rdv.identifiers import new_public_id
from rdv.models import Booking, SeatHold, Slot


def bookable(now: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Return what the public may book at an instant, seats aside; the first is literal, so that partial indexes match."""
    return (
        Slot.status == sa.literal_column("'open'"),
        Slot.starts_at > now,
        sa.or_(Slot.opens_at.is_(None), Slot.opens_at <= now),
        sa.or_(Slot.closes_at.is_(None), Slot.closes_at > now),
        Slot.day_full == sa.false(),
    )


def is_bookable(slot: Slot, now: datetime) -> bool:
    """Say the same of a slot already read, seats aside."""
    opened = slot.opens_at is None or slot.opens_at <= now
    too_late = slot.closes_at is not None and slot.closes_at <= now
    return slot.status == "open" and slot.starts_at > now and opened and not too_late and not slot.day_full


def take_statement(returning: bool = False) -> Any:
    """Return the guarded UPDATE that takes public seats; parameters `take_slot_id`, `take_now` and `take_seats`."""
    now = sa.bindparam("take_now", type_=UTCDateTime())
    wanted = sa.bindparam("take_seats", type_=sa.Integer())
    statement = (
        sa.update(Slot)
        .where(
            Slot.id == sa.bindparam("take_slot_id", type_=sa.BigInteger()),
            *bookable(now),
            Slot.seats_taken + wanted <= Slot.capacity,
        )
        .values(seats_taken=Slot.seats_taken + wanted, version=Slot.version + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return statement.returning(Slot.id, Slot.cfa_id, Slot.starts_at) if returning else statement


TAKE = take_statement()


def take(slot_id: int, now: datetime, seats: int = 1) -> None:
    """Take public seats, or raise SlotUnavailable: closed, begun, outside the CFA's rules or full."""
    result = db.session.connection().execute(TAKE, {"take_slot_id": slot_id, "take_now": now, "take_seats": seats})
    if result.rowcount != 1:
        raise SlotUnavailable


def take_as_staff(
    slot_id: int, now: datetime, seats: int = 1, overbook: bool = False, ended_after: datetime | None = None
) -> int:
    """Take seats for somebody the staff book: the rules of the public and a closed slot do not stop them.

    `overbook` raises `extra_seats` by what is missing; return by how many (the caller audits it, never the public).
    `ended_after`: a slot that ended since that instant still serves, for who came without a booking.
    Raises SlotUnavailable: cancelled, over, or full without `overbook`.
    """
    connection = db.session.connection()
    room = Slot.capacity + Slot.extra_seats
    missing = Slot.seats_taken + seats - room
    usable = (Slot.id == slot_id, Slot.status != "cancelled", Slot.ends_at > (ended_after or now))
    raised = 0
    if overbook:
        before = connection.execute(sa.select(missing).where(*usable).with_for_update()).scalar()
        raised = max(before or 0, 0)
        connection.execute(sa.update(Slot).where(*usable).values(extra_seats=Slot.extra_seats + raised))
    result = connection.execute(
        sa.update(Slot)
        .where(*usable, Slot.seats_taken + seats <= room)
        .values(seats_taken=Slot.seats_taken + seats, version=Slot.version + 1, updated_at=now)
    )
    if result.rowcount != 1:
        raise SlotUnavailable("Ce créneau n’a plus de place, ou il est passé. Choisissez-en un autre.")
    return raised


def free(slot_id: int, booking_id: int, now: datetime) -> None:
    """Give back the seats of a live booking, or raise WrongTransition when it holds none there."""
    held = sa.exists().where(Booking.id == booking_id, Booking.slot_id == slot_id, Booking.status == "booked")
    seats = sa.select(Booking.seats).where(Booking.id == booking_id).scalar_subquery()
    result = db.session.connection().execute(
        sa.update(Slot)
        # The count too: while we waited for the row, PostgreSQL read the booking as it was before, and may free it twice.
        .where(Slot.id == slot_id, held, Slot.seats_taken >= seats)
        .values(seats_taken=Slot.seats_taken - seats, version=Slot.version + 1, updated_at=now)
    )
    if result.rowcount != 1:
        raise WrongTransition


def set_capacity(slot_id: int, capacity: int, now: datetime, exact: bool = False) -> None:
    """Give a slot another number of places; seats taken beyond it stay taken, as extra seats, until they are given back.

    `exact`: none may stay beyond it. Raises SlotUnavailable with the number taken otherwise.
    """
    beyond = sa.case((Slot.seats_taken > capacity, Slot.seats_taken - capacity), else_=0)
    guard = [Slot.id == slot_id, *([Slot.seats_taken <= capacity] if exact else [])]
    connection = db.session.connection()
    changed = connection.execute(
        sa.update(Slot)
        .where(*guard)
        .values(capacity=capacity, extra_seats=beyond, version=Slot.version + 1, updated_at=now)
    )
    if changed.rowcount != 1:
        taken = connection.execute(sa.select(Slot.seats_taken).where(Slot.id == slot_id)).scalar()
        raise SlotUnavailable(f"{taken} places sont déjà prises\u00a0: libérez-en d’abord, ou gardez plus de places.")


# -- held for somebody while they answer ------------------------------------------------------------------------------


def hold(slot_id: int, request_id: int, kind: str, until: datetime, now: datetime, seats: int = 1) -> SeatHold | None:
    """Hold free seats of an open slot that has not begun, or return None when there are not enough.

    The CFA's notice and horizon do not stop an offer: they bind strangers, not somebody who is waiting.
    Raises IntegrityError when this request already holds seats there.
    """
    taken = db.session.connection().execute(
        sa.update(Slot)
        .where(
            Slot.id == slot_id, Slot.status == "open", Slot.starts_at > now, Slot.seats_taken + seats <= Slot.capacity
        )
        .values(seats_taken=Slot.seats_taken + seats, version=Slot.version + 1, updated_at=now)
    )  # fmt: skip
    if taken.rowcount != 1:
        return None
    made = SeatHold(
        public_id=new_public_id(), slot_id=slot_id, request_id=request_id, kind=kind, seats=seats, until=until
    )
    db.session.add(made)
    db.session.flush()
    return made


def convert(held: SeatHold, now: datetime) -> None:
    """Turn held seats into those of a booking that the caller inserts at once; seats_taken does not move.

    Raises OfferEnded: answered, expired, given up, or the meeting is cancelled or begun.
    """
    connection = db.session.connection()
    slot = connection.execute(
        sa.update(Slot)
        .where(Slot.id == held.slot_id, Slot.status != "cancelled", Slot.starts_at > now)
        .values(version=Slot.version + 1, updated_at=now)
    )
    if slot.rowcount != 1 or not _end(held, "used", now, SeatHold.until > now):
        raise OfferEnded


def release(held: SeatHold, now: datetime, status: str = "released") -> bool:
    """Give back held seats (`released`, or `expired` once their time is over); False when they no longer were."""
    connection = db.session.connection()
    live = [SeatHold.id == held.id, SeatHold.status == "live"]
    if status == "expired":
        live.append(SeatHold.until <= now)
    freed = connection.execute(
        sa.update(Slot)
        .where(Slot.id == held.slot_id, sa.exists().where(*live), Slot.seats_taken >= held.seats)
        .values(seats_taken=Slot.seats_taken - held.seats, version=Slot.version + 1, updated_at=now)
    )
    if freed.rowcount != 1:
        return False
    # Read again under the slot's lock: whoever ended the hold meanwhile held that lock too.
    if not _end(held, status, now):
        raise WrongTransition
    return True


def cut_short(held: SeatHold, now: datetime) -> None:
    """Let a live hold lapse at the next tick: for who has another slot's lock, after which this one's may not be taken."""
    db.session.connection().execute(
        sa.update(SeatHold)
        .where(SeatHold.id == held.id, SeatHold.status == "live", SeatHold.until > now)
        .values(until=now, updated_at=now)
    )
    db.session.expire(held)


def let_proposals_lapse(request_id: int, now: datetime) -> None:
    """Do the same with all that was proposed to a request: it has its answer elsewhere. The caller holds the request's lock."""
    db.session.connection().execute(
        sa.update(SeatHold)
        .where(
            SeatHold.request_id == request_id, SeatHold.kind == "proposal", SeatHold.status == "live",
            SeatHold.until > now,
        )
        .values(until=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def keep_on(held: SeatHold, until: datetime, now: datetime) -> None:
    """Keep a live hold until another instant: what had cut it short was taken back."""
    db.session.connection().execute(
        sa.update(SeatHold).where(SeatHold.id == held.id, SeatHold.status == "live").values(until=until, updated_at=now)
    )
    db.session.expire(held)


def _end(held: SeatHold, status: str, now: datetime, *more: sa.ColumnElement[bool]) -> bool:
    ended = db.session.connection().execute(
        sa.update(SeatHold)
        .where(SeatHold.id == held.id, SeatHold.status == "live", *more)
        .values(status=status, updated_at=now)
    )
    db.session.expire(held)
    return bool(ended.rowcount == 1)
