"""The booking of seats already taken: an accepted offer, somebody the staff book, a person who walks in."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import asker, inbox, notices, rules, waitlist
from rdv.contacts import person_key
from rdv.db import db, violated
from rdv.errors import AlreadyBooked, WrongTransition
from rdv.models import Booking, CandidateRequest, Slot, User
from rdv.settings import settings

HAS_ONE = "Cette demande a déjà un rendez-vous. Déplacez-le."


def seat_person(
    request: CandidateRequest,
    slot: Slot,
    now: datetime,
    actor: str,
    *,
    seats: int = 1,
    guests: int = 0,
    user: User | None = None,
    walk_in: bool = False,
    tell: bool = True,
    as_asker: bool = False,
) -> Booking:
    """Write the booking of a request whose seats the caller has just taken or converted; its request closes as meeting set.

    A request whose booking was cancelled takes the same one up again: same UID, sequence + 1.
    Where the CFA counts the meetings of a day, `rules.before_seat` comes before those seats are taken.
    Raises AlreadyBooked (this person, this hour), WrongTransition (the request holds a live booking already).
    """
    held = db.session.scalar(sa.select(Booking).where(Booking.request_id == request.id).with_for_update())
    if held is not None and held.is_live:
        raise WrongTransition(HAS_ONE)
    # Whole at once: a lock raised later would wait in a ring with an offer that is being made to this person.
    db.session.refresh(request, with_for_update={"of": CandidateRequest})
    db.session.refresh(slot, ["starts_at", "ends_at"])  # it may have got another hour while we waited for its row
    booking = held or Booking(request_id=request.id)
    booking.slot_id, booking.cfa_id, booking.starts_at = slot.id, slot.cfa_id, slot.starts_at
    booking.guests, booking.seats, booking.walk_in, booking.status = guests, seats, walk_in, "booked"
    booking.person_key = person_key(
        settings().secret_key, request.first_name, request.last_name, request.email, request.phone
    )
    booking.cancelled_at = booking.cancelled_by = booking.cancel_choice = booking.cancel_reason = None
    booking.presence_at = booking.late_minutes = None
    if held is not None:
        booking.sequence += 1
    db.session.add(booking)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_booking_cfa_id_starts_at_person_key"):
            raise AlreadyBooked("Cette personne a déjà un rendez-vous à cette heure-là.") from None
        if violated(error, "uq_booking_request_id"):  # booked by somebody else at the same instant
            raise WrongTransition(HAS_ONE) from None
        raise
    rules.day_changed(slot.adviser_id, slot, now)
    follower = _follower(request, slot)
    request.site_id, request.owner_id = slot.site_id, slot.adviser_id
    data = {"slot": slot.public_id, **({"followed_by": follower.public_id} if follower else {}), **asker.mark(as_asker)}
    event = inbox.record(request, "booked", actor, now, user=user, data=data)
    if tell:
        notices.to_candidate("booking_confirmed", booking, event)
    told = {person.id: person for person in (*inbox.answerable_for(slot), *([follower] if follower else []))}
    others = [person for person in told.values() if user is None or person.id != user.id]
    notices.to_staff("adviser_new_booking", booking, event, others)
    waitlist.booking_made(booking, now)
    return booking


def _follower(request: CandidateRequest, slot: Slot) -> User | None:
    """Return who followed a request that still waited, and from whose list it goes to a colleague's agenda."""
    owner = request.owner
    if owner is None or request.status == "closed" or owner.id == slot.adviser_id:
        return None
    return owner if owner.active and inbox.works_for(request.cfa_id, owner.id) else None
