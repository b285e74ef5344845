"""What advisers publish: publish, open and close, cancel; what candidates see of it is in `free`."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from rdv import audit, booking, rules, waitlist
from rdv.db import db
from rdv.errors import NotFound, WrongTransition
from rdv.models import Booking, MeetingType, Slot, Training, User
from rdv.slots.free import FreeSlot as FreeSlot
from rdv.slots.free import free_for_cfa as free_for_cfa
from rdv.slots.free import free_for_training as free_for_training
from rdv.slots.free import near as near
from rdv.slots.free import next_opening as next_opening
from rdv.slots.free import serves as serves
from rdv.slots.free import serving as serving
from rdv.slots.publishing import Offer as Offer
from rdv.slots.publishing import Span as Span
from rdv.slots.publishing import overlap_each_other as overlap_each_other
from rdv.slots.publishing import overlapping as overlapping
from rdv.slots.publishing import publish as publish
from rdv.slots.publishing import store as store
from rdv.slots.publishing import take_turn as take_turn

PLACE_LABELS = {"on_site": "Sur place", "phone": "Par téléphone", "video": "En visioconférence"}
FARTHEST = timedelta(days=550)  # a date typed beyond is a mistake


def trainings_to_offer(cfa_id: int) -> list[Training]:
    """Return the trainings that slots of a CFA may be published for, by title, with their places."""
    return list(
        db.session.scalars(
            sa.select(Training)
            .options(selectinload(Training.sites))
            .where(Training.cfa_id == cfa_id, Training.published.is_(True), Training.closed_at.is_(None))
            .order_by(Training.title, Training.id)
        )
    )


def get_for_cfa(cfa_id: int, public_id: str) -> Slot:
    """Return a slot of this CFA, or raise NotFound: another CFA's slot does not exist here."""
    slot = db.session.scalar(sa.select(Slot).where(Slot.public_id == public_id, Slot.cfa_id == cfa_id))
    if slot is None:
        raise NotFound
    return slot


_PUBLIC = (
    sa.select(Slot)
    .options(joinedload(Slot.cfa), joinedload(Slot.meeting_type))
    .where(Slot.public_id == sa.bindparam("public_id"))
)
_SHOWN_WHOLE = _PUBLIC.options(joinedload(Slot.site))


def get_public(public_id: str) -> Slot:
    """Return a slot by its public address, whatever its state, with all that its page shows, or raise NotFound."""
    return _found(_SHOWN_WHOLE, public_id)


def get_bookable(public_id: str) -> Slot:
    """Return the same slot with its centre and kind alone: a booking that succeeds reads nothing else of it."""
    return _found(_PUBLIC, public_id)


def _found(statement: sa.Select[Slot], public_id: str) -> Slot:
    slot: Slot | None = db.session.scalar(statement, {"public_id": public_id})
    if slot is None:
        raise NotFound("Ce créneau n’existe pas ou n’existe plus. Choisissez-en un autre sur la page du centre.")
    return slot


def set_open(slot: Slot, opened: bool, now: datetime, by: User) -> None:
    """Open or close a slot to new bookings; those booked keep their seat. Raises WrongTransition once cancelled."""
    origin, target = ("closed", "open") if opened else ("open", "closed")
    if opened:
        rules.before_seat([slot])  # its free seats are offered at once
    changed = db.session.connection().execute(
        sa.update(Slot)
        .where(Slot.id == slot.id, Slot.status == origin)
        # By hand: the end of a closure does not undo it.
        .values(status=target, closure_id=None, version=Slot.version + 1, updated_at=now)
    )
    if changed.rowcount != 1:
        raise WrongTransition
    audit.record(f"slot.{target}", user=by, cfa=slot.cfa, object_type="slot", object_id=slot.public_id)
    if opened:
        waitlist.slot_changed(slot, now)


def cancel(slot: Slot, now: datetime, by: User, message: str | None = None) -> int:
    """Cancel a slot: tell everyone booked, and those who wait for a seat; return how many were booked.

    Raises WrongTransition when already cancelled, or over, or once somebody was marked present or absent.
    """
    if slot.ends_at <= now:
        raise WrongTransition("Ce créneau est passé\u00a0: il ne peut plus être annulé.")
    rules.before_seat([slot])
    changed = db.session.connection().execute(
        sa.update(Slot)
        .where(Slot.id == slot.id, Slot.status != "cancelled")
        .values(status="cancelled", version=Slot.version + 1, updated_at=now)
    )
    if changed.rowcount != 1:
        raise WrongTransition("Ce créneau est déjà annulé.")
    booked = db.session.scalars(
        sa.select(Booking).where(Booking.slot_id == slot.id, Booking.status != "cancelled").order_by(Booking.id)
    ).all()
    if any(one.status != "booked" for one in booked):
        raise WrongTransition("Une présence est déjà notée sur ce créneau\u00a0: il ne peut plus être annulé.")
    for one in booked:
        booking.cancel(one, "staff", now, reason=message, user=by, tell_staff=False)
    waitlist.slot_cancelled(slot, now)
    audit.record(
        "slot.cancelled",
        user=by,
        cfa=slot.cfa,
        object_type="slot",
        object_id=slot.public_id,
        data={"told": len(booked)},
    )
    return len(booked)


def rename_meeting_type(meeting_type: MeetingType, title: str, now: datetime) -> None:
    """Change the title that candidates and calendars show, and make calendars see it."""
    meeting_type.title = title
    booking.touch(Slot.meeting_type_id == meeting_type.id, now)
