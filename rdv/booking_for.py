"""Booking for somebody: by the staff, on the phone, at the desk, for who came without a booking.

The rules that bind the public do not bind the staff; what would surprise them is told again at the last moment, under
the slot's lock, and done only once they said they read it (reference/scheduling-peers.md §2.13).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import attendance, booking, clock, closures, french, inbox, rules, seats, slots, thread, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db
from rdv.errors import RdvError, RequestReplayed, WrongTransition
from rdv.identifiers import new_public_id, new_reference
from rdv.models import Booking, CandidateRequest, Closure, Slot, Training, User


@dataclass(frozen=True)
class Hindrance:
    """Something to know before booking here; `mark` is what the form sends back once it was read."""

    mark: str
    message: str


class Unread(RdvError):
    """Something stands against this booking that the person at the screen has not said they read."""

    message = "Relisez ce qui suit, puis cochez pour continuer\u00a0: rien n’est encore enregistré."
    status = 409

    def __init__(self, hindrances: list[Hindrance]) -> None:
        super().__init__()
        self.hindrances = hindrances


# -- what stands against it -------------------------------------------------------------------------------------------


def hindrances(
    slot: Slot,
    person: Candidate | CandidateRequest | None,
    now: datetime,
    *,
    wanted: int = 1,
    moving: Booking | None = None,
    walk_in: bool = False,
) -> list[Hindrance]:
    """Return what stands against booking `wanted` seats of a slot for somebody (None: not known yet), as it is now."""
    found = []
    if slot.seats_taken + wanted > slot.capacity + slot.extra_seats:
        found.append(Hindrance("full", _full(slot)))
    if slot.starts_at <= now and not walk_in:
        found.append(Hindrance("begun", "Ce rendez-vous a déjà commencé."))
    (closure,) = closures.covering(slot.cfa_id, slot.site, slot.adviser_id, [slot])
    if closure is not None and not walk_in:
        found.append(Hindrance(f"closure:{closure.public_id}", _away(closure, slot)))
    found += [
        Hindrance(
            f"overlap:{other.public_id}",
            f"{slot.adviser.shown_name} a un autre rendez-vous {_hours(other)}\u00a0: "
            + (other.shown_title if other.cfa_id == slot.cfa_id else "dans un autre centre")
            + ".",
        )
        for other in _met(slot, moving)
    ]
    if person is not None:
        found += [
            Hindrance(
                f"same-day:{held.public_id}",
                f"{held.request.person_name} a déjà un rendez-vous ce jour-là, {_hours(held.slot)}, "
                f"avec {held.slot.adviser.shown_name}.",
            )
            for held in _same_day(slot, person, moving)
        ]
    return found


def _full(slot: Slot) -> str:
    taken = french.plural(slot.seats_taken, "place prise", "places prises")
    return f"Ce créneau est complet\u00a0: {taken} sur {slot.capacity + slot.extra_seats}. Une place sera ajoutée pour cette personne seule."


def _away(closure: Closure, slot: Slot) -> str:
    if closure.user_id is not None:
        return f"{slot.adviser.shown_name} a une absence à ce moment-là."
    return "Le centre ou le lieu est fermé à ce moment-là" + (f"\u00a0: {closure.label}." if closure.label else ".")


def _hours(slot: Slot) -> str:
    return french.time_range(slot.starts_at, slot.ends_at, slot.site.timezone)


def _met(slot: Slot, moving: Booking | None) -> list[Slot]:
    """Return the other slots of the adviser that somebody has booked at that time; not the one that a move empties.

    None once this slot has people too: one more makes no new clash.
    """
    if slot.seats_taken:
        return []
    left = moving.slot_id if moving is not None and moving.slot.seats_taken <= moving.seats else 0
    query = (
        sa.select(Slot)
        .options(joinedload(Slot.site), joinedload(Slot.meeting_type))
        .where(
            Slot.adviser_id == slot.adviser_id, Slot.id.not_in((slot.id, left)), Slot.status != "cancelled",
            Slot.seats_taken > 0, Slot.starts_at < slot.ends_at, Slot.ends_at > slot.starts_at,
        )
        .order_by(Slot.starts_at, Slot.id)
    )  # fmt: skip
    return list(db.session.scalars(query))


def _same_day(slot: Slot, person: Candidate | CandidateRequest, moving: Booking | None) -> list[Booking]:
    contacts = [
        column == value
        for column, value in ((CandidateRequest.email, person.email), (CandidateRequest.phone, person.phone))
        if value
    ]
    start, end = clock.day_bounds(clock.to_zone(slot.starts_at, slot.site.timezone).date(), slot.site.timezone)
    query = (
        sa.select(Booking)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .options(joinedload(Booking.slot).joinedload(Slot.adviser), joinedload(Booking.request))
        .where(
            Booking.cfa_id == slot.cfa_id, Booking.status == "booked", Booking.starts_at >= start, Booking.starts_at < end,
            Booking.id != (moving.id if moving is not None else 0), sa.or_(sa.false(), *contacts),
        )
        .order_by(Booking.starts_at, Booking.id)
    )  # fmt: skip
    return list(db.session.scalars(query))


def _hold_still(*wanted: Slot) -> None:
    """Lock slots in ascending id and read them again: what is told of them holds until the transaction ends."""
    rules.before_seat(wanted)
    rules.before_seat(wanted)  # advisers come before slots in the order of locks
    ids = [slot.id for slot in wanted]
    db.session.execute(sa.select(Slot.id).where(Slot.id.in_(ids)).order_by(Slot.id).with_for_update()).all()
    for slot in wanted:
        db.session.refresh(slot)


def _refuse_unread(found: list[Hindrance], accepted: Collection[str]) -> bool:
    """Raise Unread unless everything was read; return whether seats have to be added."""
    if any(each.mark not in accepted for each in found):
        raise Unread(found)
    return any(each.mark == "full" for each in found)


# -- acts -------------------------------------------------------------------------------------------------------------


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
    count = 1 + (guests if slot.meeting_type.guests_counted else 0)
    full = _refuse_unread(hindrances(slot, request, now, wanted=count, walk_in=walk_in), accepted)
    # Of the same day, were it over: who came is counted.
    since = _day_of(slot)[0] if walk_in else None
    raised = seats.take_as_staff(slot.id, now, count, overbook=full, ended_after=since)
    made = booking.seat_person(
        request, slot, now, "staff", seats=count, guests=guests, user=user, walk_in=walk_in, tell=tell and not walk_in
    )
    rules.day_changed(slot.adviser_id, slot, now)
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
        full = _refuse_unread(hindrances(target, held.request, now, wanted=count, moving=held), accepted)
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
    full = _refuse_unread([Hindrance("full", _full(slot))] if missing else [], accepted)
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


# -- choosing a slot --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which slots are looked for; None means any."""

    adviser_id: int | None = None
    site_id: int | None = None
    meeting_type_id: int | None = None
    after: datetime | None = None
    every: bool = False  # full and closed ones too


def find_slots(
    cfa_id: int, wanted: Wanted, now: datetime, training: Training | None = None, limit: int = 40
) -> list[Slot]:
    """Return the coming slots of a CFA that the staff may book, soonest first; those of a training when one is given."""
    query = (
        sa.select(Slot)
        .options(joinedload(Slot.site), joinedload(Slot.meeting_type), joinedload(Slot.adviser))
        .where(Slot.cfa_id == cfa_id, Slot.status != "cancelled", Slot.starts_at > max(wanted.after or now, now))
        .order_by(Slot.starts_at, Slot.id)
        .limit(limit * 3)
    )
    if not wanted.every:
        query = query.where(Slot.status == "open", Slot.seats_taken < Slot.capacity)
    for column, value in (
        (Slot.adviser_id, wanted.adviser_id),
        (Slot.site_id, wanted.site_id),
        (Slot.meeting_type_id, wanted.meeting_type_id),
    ):
        if value is not None:
            query = query.where(column == value)
    found = db.session.scalars(query)
    return [slot for slot in found if training is None or slots.serves(slot, training)][:limit]
