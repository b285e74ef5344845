"""Seats of candidates: book, cancel, move. A self-booked slot is born closed as « meeting set » (design.md §4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import asker, audit, inbox, notices, outbox, rendered, rules, seats, sms, thread, waitlist
from rdv.booking import statement
from rdv.booking.seated import seat_person as seat_person
from rdv.candidate import Candidate, Submission
from rdv.db import db, violated
from rdv.errors import AlreadyBooked, OfferEnded, RdvError, RequestReplayed, SlotUnavailable, WrongTransition
from rdv.identifiers import new_public_id, new_reference, new_uid
from rdv.models import Booking, CandidateRequest, Cfa, MeetingType, SeatHold, Site, Slot, Training, User
from rdv.settings import settings


class ContactMissing(RdvError):
    """A channel that cannot deliver is never silent (design.md §4)."""

    status = 400

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Booked:
    """What `book` made: enough to lead the candidate to their page without reading it back."""

    request_id: int
    public_id: str  # of the request
    slot_id: int


def check_contact(place: str, candidate: Candidate | CandidateRequest) -> None:
    """Raise ContactMissing unless the meeting can reach this person: a phone for a call, an e-mail for a video."""
    if place == "phone" and not candidate.phone:
        raise ContactMissing(
            "phone", "Ce rendez-vous se fait par téléphone\u00a0: indiquez un numéro, par exemple 06 12 34 56 78."
        )
    # By text message, the short link leads to the page where the video link stands.
    if place == "video" and not candidate.email and not sms.numbers(candidate):
        raise ContactMissing(
            "email",
            "Ce rendez-vous se fait en visioconférence\u00a0: indiquez une adresse électronique pour recevoir le lien.",
        )


def equal_slots(slot: Slot, now: datetime) -> list[Slot]:
    """Return the slots that are the same for a candidate (other advisers, same hour, place and type), this one first."""
    others = db.session.scalars(
        sa.select(Slot)
        .where(
            Slot.cfa_id == slot.cfa_id,
            Slot.starts_at == slot.starts_at,
            Slot.ends_at == slot.ends_at,
            Slot.site_id == slot.site_id,
            Slot.meeting_type_id == slot.meeting_type_id,
            Slot.place == slot.place,
            Slot.training_scope == slot.training_scope,
            Slot.capacity == slot.capacity,
            Slot.title.is_not_distinct_from(slot.title),
            Slot.listed.is_(True),
            Slot.id != slot.id,
            Slot.seats_taken < Slot.capacity,
            *seats.bookable(now),
        )
        .order_by(Slot.id)
    ).all()
    if slot.training_scope == "chosen":
        mine = {training.id for training in slot.trainings}
        others = [other for other in others if {training.id for training in other.trainings} == mine]
    return [slot, *others] if slot.listed else [slot]


def book(
    slot: Slot,
    candidate: Candidate,
    submission: Submission,
    now: datetime,
    training: Training | None = None,
    guests: int = 0,
) -> Booked:
    """Take a seat for a candidate and write all that follows from it, or raise; an equal slot serves when this one is gone.

    Raises SlotUnavailable (rules.PlatformClosed: not from this platform), AlreadyBooked (same person, same hour),
    rules.TooManyBookings, RequestReplayed (same submission id), ContactMissing.
    """
    seat = _free_seat(slot, candidate)
    check_contact(seat.place, candidate)
    others: list[Slot] | None = None
    if rules.before_booking(seat, _key_of(candidate), candidate.platform_id, now):
        others = equal_slots(slot, now)[1:]
        rules.before_seat([slot, *others])
    made = _write(seat, candidate, submission, now, training, guests)
    if made is not None:
        return made
    for other in equal_slots(slot, now)[1:] if others is None else others:
        # Read again: the one who took the seat while we waited for it may be this same person, in another tab.
        made = _write(_free_seat(other, candidate), candidate, submission, now, training, guests)
        if made is not None:
            return made
    raise SlotUnavailable


_HELD = (
    sa.select(Booking.id)
    .where(Booking.person_key == sa.bindparam("person_key"), Booking.status != sa.literal_column("'cancelled'"))
    .limit(1)
)
_SEAT_COLUMNS: tuple[Any, ...] = (
    Slot.id, Slot.public_id, Slot.cfa_id, Slot.site_id, Slot.adviser_id, Slot.place, Slot.starts_at,
    MeetingType.guests_counted, Site.timezone, Cfa.sms_open,
    User.email.label("adviser_email"),
    # The booking that this same person already holds at this hour in this CFA.
    _HELD.where(Booking.cfa_id == Slot.cfa_id, Booking.starts_at == Slot.starts_at)
    .correlate(Slot)
    .scalar_subquery()
    .label("held"),
)  # fmt: skip
_SEAT = rules.with_rules(
    sa.select(*_SEAT_COLUMNS)
    .join(User, User.id == Slot.adviser_id)
    .join(Cfa, Cfa.id == Slot.cfa_id)
    .join(Site, Site.id == Slot.site_id)
    .join(MeetingType, MeetingType.id == Slot.meeting_type_id)
    .where(Slot.id == sa.bindparam("slot_id"))
)  # fmt: skip


def _seat(slot: Slot, candidate: Candidate) -> Any:
    """Return what the rows of a booking need of a slot, as it is now, in one small query: objects cost four times that."""
    (slot_id,) = sa.inspect(slot).identity or (None,)
    parameters = {"slot_id": slot_id, "person_key": _key_of(candidate)}
    return db.session.connection().execute(_SEAT, parameters).one()


def _free_seat(slot: Slot, candidate: Candidate) -> Any:
    """Return the same, or raise AlreadyBooked when this person holds a seat at this hour."""
    seat = _seat(slot, candidate)
    if seat.held is not None:
        raise AlreadyBooked
    return seat


def _write(
    slot: Any, candidate: Candidate, submission: Submission, now: datetime, training: Training | None, guests: int
) -> Booked | None:
    reference = new_reference()
    request_public_id, booking_public_id = new_public_id(), new_public_id()
    request: dict[str, Any] = {
        **candidate.columns(reference),
        "public_id": request_public_id,
        "reference": reference,
        "cfa_id": slot.cfa_id,
        "site_id": slot.site_id,
        "training_id": training.id if training else None,
        "mode": "slot",
        "callback_windows": [],
        "status": "closed",
        "outcome": "meeting_set",
        "owner_id": slot.adviser_id,
        "recipient_email": None,
        "attempts": 0,
        "rung": 0,
        "submission_id": submission.id,
        "submission_digest": submission.digest,
        "link_version": 1,
        "version": 1,
        "last_event_at": now,
        "created_at": now,
        "updated_at": now,
    }
    event = {
        "kind": "booked",
        "actor": "candidate",
        "user_id": None,
        "at": now,
        "data": {"slot": slot.public_id, **asker.mark(asker.present(candidate))},
        "internal": False,
    }
    booking = {
        "public_id": booking_public_id,
        "uid": new_uid(),
        "sequence": 0,
        "status": "booked",
        "person_key": _key_of(candidate),
        "guests": guests,
        "seats": 1 + (guests if slot.guests_counted else 0),
        "walk_in": False,
        "created_at": now,
        "updated_at": now,
    }
    mails = [
        outbox.mail_row(
            "adviser_new_booking",
            slot.adviser_email,
            f"adviser_new_booking:{booking_public_id}",
            user_id=slot.adviser_id,
        )
    ]
    mails += [
        outbox.mail_row("booking_confirmed", email, notices.key("booking_confirmed", booking_public_id, 0, number))
        for number, email in enumerate(notices.addresses(candidate))
    ]
    phones = notices.texted("booking_confirmed", candidate, slot.sms_open, slot.starts_at, slot.timezone, now)
    texts = [
        outbox.sms_row(
            notices.TEXTS["booking_confirmed"], phone, notices.key("booking_confirmed", booking_public_id, 0, number),
            data=notices.answer_to(True, slot.timezone),
        )
        for number, phone in enumerate(phones)
    ]  # fmt: skip
    try:
        request_id = statement.write(slot, now, request, event, booking, mails, texts)
    except IntegrityError as error:
        if violated(error, "uq_booking_cfa_id_starts_at_person_key"):
            raise AlreadyBooked from None
        if violated(error, "uq_candidate_request_submission_id"):
            raise RequestReplayed from None
        raise
    if request_id is None:
        return None
    if slot.ruled:
        rules.day_changed(slot.adviser_id, slot, now)
    return Booked(request_id, request_public_id, slot.id)


def live_booking_of(slot: Slot, candidate: Candidate) -> int | None:
    """Return the id of the booking that this same person already holds at this hour in this CFA, if any."""
    held: int | None = _seat(slot, candidate).held
    return held


def bookings_ahead(slot: Slot, candidate: Candidate, now: datetime) -> list[int]:
    """Return the ids of the meetings that this same person has ahead in the CFA of a slot, soonest first."""
    return rules.coming_bookings(slot.cfa_id, _key_of(candidate), now)


def _key_of(candidate: Candidate) -> str:
    return candidate.person_key(settings().secret_key)


def cancel(
    booking: Booking,
    by: str,
    now: datetime,
    reason: str | None = None,
    user: User | None = None,
    *,
    choice: str | None = None,
    tell: bool = True,
    as_asker: bool = False,
    offer_seat: bool = True,
    tell_staff: bool = True,
) -> None:
    """Cancel a live booking, free its seats for who waits and tell the other side; `by` is candidate, staff, cfa_link or system.

    `choice`: the candidate's reason among CANCEL_CHOICES; `as_asker`: by who asks for them. `tell=False`: staff tell the
    person themselves. `offer_seat=False`: the caller changes the slot too, and offers the seat once it has;
    `tell_staff=False`: it tells the slot's adviser, once for the whole of it.
    Raises WrongTransition when it is no longer live, has begun (candidate) or is over (the CFA).
    """
    if now >= (booking.slot.starts_at if by == "candidate" else booking.slot.ends_at):
        raise WrongTransition("Ce rendez-vous est passé\u00a0: il ne peut plus être annulé.")
    slot_id = booking.slot_id
    rules.before_seat([booking.slot])
    seats.free(slot_id, booking.id, now)
    # A move that ended while we waited for the slot took the booking elsewhere: its seat there is not ours to forget.
    changed = db.session.connection().execute(
        sa.update(Booking)
        .where(Booking.id == booking.id, Booking.status == "booked", Booking.slot_id == slot_id)
        .values(
            status="cancelled", sequence=Booking.sequence + 1, cancelled_at=now, cancelled_by=by, cancel_choice=choice,
            cancel_reason=(reason or "")[:300] or None, updated_at=now,
        )
    )  # fmt: skip
    if changed.rowcount != 1:
        raise WrongTransition
    rendered.forget(booking.id)  # nothing else would, if no calendar asked again
    db.session.refresh(booking)
    request = _held_request(booking)
    data = {"slot": booking.slot.public_id, **asker.mark(as_asker), **({"choice": choice} if choice else {})}
    event = inbox.record(request, "cancelled", by, now, user=user, text=reason, data=data)
    if tell and not notices.to_candidate("booking_cancelled", booking, event) and by != "candidate":
        inbox.wake_as_call(request, now)
    if tell_staff:
        others = [person for person in inbox.answerable_for(booking.slot) if user is None or person.id != user.id]
        notices.to_staff("adviser_booking_cancelled", booking, event, others)
    rules.day_changed(booking.slot.adviser_id, booking.slot, now)
    waitlist.booking_ended(booking, now)
    if offer_seat:
        waitlist.seat_freed(booking.slot, now)


def _held_request(booking: Booking) -> CandidateRequest:
    """Return a booking's request, as it is now and until we are done: somebody may be answering it."""
    request: CandidateRequest = booking.request
    db.session.refresh(request, with_for_update={"of": CandidateRequest})
    return request


def move(
    booking: Booking,
    target: Slot,
    by: str,
    now: datetime,
    user: User | None = None,
    *,
    hold: SeatHold | None = None,
    message: str | None = None,
    tell: bool = True,
    overbook: bool = False,
    as_asker: bool = False,
    offer_seat: bool = True,
) -> None:
    """Move a live booking to another slot: same row, UID and reference, sequence + 1; both sides are told.

    The two slots are written in ascending id, so that crossing moves never wait for each other in a ring. `hold`: the
    target's seats are already kept for this person. `message`, `tell` and `overbook` are the staff's alone, `as_asker` says
    that who asks for the candidate did it, `offer_seat` is that of `cancel`.
    Raises SlotUnavailable (no seat there), WrongTransition (not live, begun for the candidate, over for the CFA),
    AlreadyBooked (same person already there), ContactMissing (that meeting could not reach this person), OfferEnded.
    """
    origin = booking.slot
    if now >= (origin.starts_at if by == "candidate" else origin.ends_at):
        raise WrongTransition("Ce rendez-vous est passé\u00a0: il ne peut plus être déplacé.")
    check_contact(target.place, booking.request)
    if target.id == origin.id:
        raise WrongTransition("Ce rendez-vous est déjà sur ce créneau.")
    count = 1 + (booking.guests if target.meeting_type.guests_counted else 0)
    # They may come with more people since they were offered it, or fewer.
    if hold is not None and (hold.slot_id, hold.seats) != (target.id, count):
        raise OfferEnded
    raised = 0
    rules.before_seat([origin, target])
    for slot_id in sorted((origin.id, target.id)):
        if slot_id == origin.id:
            seats.free(origin.id, booking.id, now)
        elif hold is not None:
            seats.convert(hold, now)
        elif by == "staff":
            raised = seats.take_as_staff(target.id, now, count, overbook)
        else:
            seats.take(target.id, now, count)
    for slot in (origin, target):  # they may have got another hour while we waited for their rows
        db.session.refresh(slot, ["starts_at", "ends_at"])
    try:
        changed = db.session.connection().execute(
            sa.update(Booking)
            .where(Booking.id == booking.id, Booking.status == "booked", Booking.slot_id == origin.id)
            .values(
                slot_id=target.id, cfa_id=target.cfa_id, starts_at=target.starts_at, seats=count, presence_at=None,
                late_minutes=None, sequence=Booking.sequence + 1, updated_at=now,
            )
        )  # fmt: skip
    except IntegrityError as error:
        if violated(error, "uq_booking_cfa_id_starts_at_person_key"):
            raise AlreadyBooked("Cette personne a déjà un rendez-vous à cette heure-là.") from None
        raise
    if changed.rowcount != 1:
        raise WrongTransition
    db.session.refresh(booking)
    if raised:
        record_overbooking(target, raised, user)
    request = _held_request(booking)
    request.site_id, request.owner_id = target.site_id, target.adviser_id
    was_at = origin.starts_at.isoformat()
    data = {"from": origin.public_id, "at": was_at, "slot": target.public_id, **asker.mark(as_asker)}
    event = thread.add(request, "moved", by, now, user=user, text=message, data=data)
    if tell and not notices.to_candidate("booking_moved", booking, event) and by != "candidate":
        inbox.wake_as_call(request, now)
    told = {person.id: person for slot in (origin, target) for person in inbox.answerable_for(slot)}
    others = [person for person in told.values() if user is None or person.id != user.id]
    notices.to_staff("adviser_booking_moved", booking, event, others)
    for slot in (origin, target):
        rules.day_changed(slot.adviser_id, slot, now)
    waitlist.booking_moved(booking, now)
    if offer_seat:
        waitlist.seat_freed(origin, now)


def record_overbooking(slot: Slot, raised: int, user: User | None) -> None:
    """Tell the journal that the staff raised the seats of a slot."""
    audit.record(
        "slot.overbooked", user=user, cfa=slot.cfa, object_type="slot", object_id=slot.public_id, data={"seats": raised}
    )


def touch(which: sa.ColumnElement[bool], now: datetime) -> None:
    """Make calendars see a change of what these slots show (title, place), those not over: versions and sequences rise."""
    db.session.flush()
    slot_ids = sa.select(Slot.id).where(which, Slot.ends_at > now)
    connection = db.session.connection()
    # In ascending id, as moves write them: an UPDATE of many rows locks them in any order.
    connection.execute(sa.select(Slot.id).where(Slot.id.in_(slot_ids)).order_by(Slot.id).with_for_update()).all()
    connection.execute(sa.update(Slot).where(Slot.id.in_(slot_ids)).values(version=Slot.version + 1, updated_at=now))
    connection.execute(
        sa.update(Booking)
        .where(Booking.slot_id.in_(slot_ids), Booking.status == "booked")
        .values(sequence=Booking.sequence + 1, updated_at=now)
    )
