"""Booking for somebody: by the staff, on the phone, at the desk, for who came without a booking.

The rules that bind the public do not bind the staff; what would surprise them is told again at the last moment, under
the slot's lock, and done only once they said they read it (reference/scheduling-peers.md §2.13).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from rdv import attendance, booking, clock, french, inbox, rules, seats, thread, waitlist
from rdv.booking_for.choosing import Wanted as Wanted
from rdv.booking_for.choosing import find_slots as find_slots
from rdv.booking_for.hindrances import Hindrance as Hindrance
from rdv.booking_for.hindrances import Unread as Unread
from rdv.booking_for.hindrances import against as against
from rdv.booking_for.hindrances import full_words
from rdv.candidate import Candidate, Submission
from rdv.db import db
from rdv.errors import RdvError, RequestReplayed, WrongTransition
from rdv.identifiers import new_public_id, new_reference
from rdv.models import Booking, CandidateRequest, SeatHold, Slot, Training, User


def _hold_still(*wanted: Slot) -> None:
    """Lock slots in ascending id and read them again: what is told of them holds until the transaction ends."""
    rules.before_seat(wanted)  # advisers come before slots in the order of locks
    ids = [slot.id for slot in wanted]
    db.session.execute(sa.select(Slot.id).where(Slot.id.in_(ids)).order_by(Slot.id).with_for_update()).all()
    for slot in wanted:
        db.session.refresh(slot)


def _take_back_own(slot: Slot, request: CandidateRequest, now: datetime) -> None:
    """Give back the seats kept there for this very person, about to be theirs: nobody adds any for them."""
    kept = db.session.scalar(
        sa.select(SeatHold).where(
            SeatHold.slot_id == slot.id, SeatHold.request_id == request.id, SeatHold.status == "live"
        )
    )
    if kept is not None and seats.release(kept, now):
        db.session.refresh(slot)


def _refuse_unread(found: list[Hindrance], accepted: Collection[str]) -> bool:
    """Raise Unread unless everything was read; return whether seats have to be added."""
    if any(each.mark not in accepted for each in found):
        raise Unread(found)
    return any(each.mark == "full" for each in found)


def book(
    slot: Slot,
    request: CandidateRequest,
    now: datetime,
    user: User,
    *,
    guests: int = 0,
    tell: bool = True,
    walk_in: bool = False,
    accepted: Collection[str] = (),
) -> Booking:
    """Book a seat for the person of a request, which closes as meeting set; nothing is due any more.

    `accepted`: marks of the hindrances that the staff said they read. `walk_in`: came without a booking, counted present.
    Raises Unread, SlotUnavailable (cancelled or over), ContactMissing, AlreadyBooked, WrongTransition (it has a meeting).
    """
    if slot.cfa_id != request.cfa_id:
        raise WrongTransition
    _check(slot, request, now, guests, walk_in)
    _hold_still(slot)
    _take_back_own(slot, request, now)
    count = 1 + (guests if slot.meeting_type.guests_counted else 0)
    full = _refuse_unread(against(slot, request, now, wanted=count, walk_in=walk_in), accepted)
    # Of the same day, were it over: who came is counted.
    since = _day_of(slot)[0] if walk_in else None
    raised = seats.take_as_staff(slot.id, now, count, overbook=full, ended_after=since)
    made = booking.seat_person(
        request, slot, now, "staff", seats=count, guests=guests, user=user, walk_in=walk_in, tell=tell and not walk_in
    )
    if raised:
        booking.record_overbooking(slot, raised, user)
    if walk_in:
        attendance.mark(made, "attended", now, user)
    return made


def book_new(
    slot: Slot,
    candidate: Candidate,
    submission: Submission,
    now: datetime,
    user: User,
    *,
    training: Training | None = None,
    guests: int = 0,
    tell: bool = True,
    walk_in: bool = False,
    accepted: Collection[str] = (),
) -> Booking:
    """Book a seat for somebody who asked nothing before: a request of theirs is made with it. One form makes one booking.

    Raises as `book`, and RequestReplayed when the form was already sent with another content.
    """
    _hold_still(slot)  # a second click waits here for the first, then finds what it made
    earlier = inbox.earlier(submission)
    if earlier is not None:
        if earlier.booking is None or earlier.cfa_id != slot.cfa_id:
            raise RequestReplayed
        return earlier.booking
    _check(slot, candidate, now, guests, walk_in)
    reference = new_reference()
    request = CandidateRequest(
        **candidate.columns(reference), public_id=new_public_id(), reference=reference, cfa_id=slot.cfa_id,
        site_id=slot.site_id, training_id=training.id if training else None, mode="slot", callback_windows=[],
        status="closed", outcome="meeting_set", submission_id=submission.id, submission_digest=submission.digest,
        last_event_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    db.session.add(request)
    db.session.flush()
    return book(slot, request, now, user, guests=guests, tell=tell, walk_in=walk_in, accepted=accepted)


def can_walk_in(slot: Slot, now: datetime) -> bool:
    """Say whether somebody may still come without a booking: once it begins, until the end of the day."""
    return slot.status != "cancelled" and slot.starts_at <= now < _day_of(slot)[1]


def _day_of(slot: Slot) -> tuple[datetime, datetime]:
    zone = slot.site.timezone
    return clock.day_bounds(clock.to_zone(slot.starts_at, zone).date(), zone)


def _check(slot: Slot, person: Candidate | CandidateRequest, now: datetime, guests: int, walk_in: bool) -> None:
    if not 0 <= guests <= slot.meeting_type.guests_allowed:
        raise RdvError(_guests_allowed(slot))
    if walk_in:
        if not can_walk_in(slot, now):
            raise WrongTransition(
                "Une personne sans rendez-vous s’ajoute une fois la rencontre commencée, et jusqu’à la fin de la journée."
            )
        return  # the person is here: no call, no link to send
    booking.check_contact(slot.place, person)


def _guests_allowed(slot: Slot) -> str:
    most = slot.meeting_type.guests_allowed
    if not most:
        return "Ce type de rendez-vous n’accepte pas d’accompagnant."
    return f"Ce type de rendez-vous accepte {french.plural(most, 'accompagnant')} au plus."


def takes_up(request: CandidateRequest) -> bool:
    """Say whether booking for the person of a request takes up that same request: it holds no live meeting."""
    return request.booking is None or not request.booking.is_live


def move(
    held: Booking,
    target: Slot,
    now: datetime,
    user: User,
    *,
    message: str | None = None,
    tell: bool = True,
    accepted: Collection[str] = (),
) -> None:
    """Move a booking to any slot of its CFA, other advisers, places and full ones included, once the warnings are read.

    Raises Unread, and what booking.move raises.
    """
    booking.check_contact(target.place, held.request)
    _hold_still(held.slot, target)
    db.session.refresh(held)
    count = 1 + (held.guests if target.meeting_type.guests_counted else 0)
    full = False
    if held.status == "booked" and target.id != held.slot_id:
        full = _refuse_unread(against(target, held.request, now, wanted=count, moving=held), accepted)
    booking.move(held, target, "staff", now, user=user, message=message, tell=tell, overbook=full)


def change_guests(held: Booking, guests: int, now: datetime, user: User, accepted: Collection[str] = ()) -> None:
    """Change how many people somebody comes with; where they are counted, seats follow.

    Raises Unread (full), WrongTransition (no longer live, or over), RdvError (more than this kind of meeting allows).
    """
    slot = held.slot
    if not 0 <= guests <= slot.meeting_type.guests_allowed:
        raise RdvError(_guests_allowed(slot))
    _hold_still(slot)
    db.session.refresh(held)
    if held.status != "booked" or held.slot_id != slot.id or slot.ends_at <= now:
        raise WrongTransition("Ce rendez-vous est passé, annulé ou déplacé. Rechargez la page.")
    if guests == held.guests:
        return
    count = 1 + (guests if slot.meeting_type.guests_counted else 0)
    room = slot.capacity + slot.extra_seats - slot.seats_taken
    missing = count - held.seats > room
    full = _refuse_unread([Hindrance("full", full_words(slot))] if missing else [], accepted)
    fewer = count < held.seats
    if count != held.seats:
        seats.free(slot.id, held.id, now)
        raised = seats.take_as_staff(slot.id, now, count, overbook=full)
        if raised:
            booking.record_overbooking(slot, raised, user)
    held.guests, held.seats = guests, count
    request: CandidateRequest = held.request
    db.session.refresh(request, with_for_update={"of": CandidateRequest})
    said = f"{french.plural(guests, 'accompagnant')}." if guests else "Vient sans accompagnant."
    thread.add(request, "note", "staff", now, user=user, text=said, internal=True)
    db.session.refresh(slot)
    if fewer:
        waitlist.seat_freed(slot, now)
