"""The list of a full session: join, one's turn, leave, and its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from rdv import asker, notices, rules, thread
from rdv.candidate import Candidate, Submission
from rdv.contacts import person_key
from rdv.db import db, violated
from rdv.errors import AlreadyBooked, RdvError, RequestReplayed, SlotUnavailable
from rdv.identifiers import new_public_id, new_reference
from rdv.models import Booking, CandidateRequest, SeatHold, Slot, Training, WaitlistEntry
from rdv.settings import settings
from rdv.waitlist import offering


class AddressMissing(RdvError):
    """A seat is held for two hours: only a mail tells in time."""

    message = (
        "Indiquez une adresse électronique\u00a0: si une place se libère, elle vous y est proposée, et gardée deux heures "
        "en journée. Exemple\u00a0: prenom.nom@exemple.fr"
    )


def open_to(slot: Slot, now: datetime) -> bool:
    """Say whether a group session takes names on its list: while the public could book it, were there a seat."""
    return (
        slot.is_group
        and slot.status == "open"
        and slot.starts_at - now >= offering.SHORTEST
        and (slot.opens_at is None or slot.opens_at <= now)
        and (slot.closes_at is None or slot.closes_at > now)
    )


def join(
    slot: Slot,
    candidate: Candidate,
    submission: Submission,
    now: datetime,
    training: Training | None = None,
    guests: int = 0,
) -> CandidateRequest:
    """Put somebody on the list of a session; their request is born closed as « waitlisted ».

    Turns follow the order of arrival; a seat that is free already is offered at once.
    Raises SlotUnavailable (no list any more), AlreadyBooked (same person, waiting or booked at this hour),
    AddressMissing, RequestReplayed, rules.TooManyBookings.
    """
    if request_of(slot, candidate) is None:  # else they are told so below: it is this very meeting that they have
        rules.before_waiting(slot, _key(candidate), now)
    rules.before_seat([slot])  # a seat that is free already is held at once
    room = offering.room(slot, now)  # who gives a seat back meanwhile sees this entry, or leaves us the seat
    db.session.refresh(slot)
    if not open_to(slot, now):
        raise SlotUnavailable("Cette réunion ne prend plus d’inscription. Choisissez une autre date.")
    if not notices.addresses(candidate):
        raise AddressMissing
    if request_of(slot, candidate) is not None:
        raise AlreadyBooked
    reference = new_reference()
    request = CandidateRequest(
        **candidate.columns(reference), public_id=new_public_id(), reference=reference, cfa_id=slot.cfa_id,
        site_id=slot.site_id, training_id=training.id if training else None, mode="slot", status="closed",
        outcome="waitlisted", submission_id=submission.id, submission_digest=submission.digest, last_event_at=now,
        created_at=now, updated_at=now,
    )  # fmt: skip
    db.session.add(request)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_candidate_request_submission_id"):
            raise RequestReplayed from None
        raise
    count = 1 + (guests if slot.meeting_type.guests_counted else 0)
    entry = WaitlistEntry(
        kind="full", cfa_id=slot.cfa_id, request_id=request.id, slot_id=slot.id, person_key=_key(candidate), guests=guests,
        seats=count, created_at=now, updated_at=now,
    )  # fmt: skip
    db.session.add(entry)
    data = {"slot": slot.public_id, **asker.mark(asker.present(candidate))}
    event = thread.add(request, "waitlisted", "candidate", now, data=data)
    notices.of_request("waitlist_joined", request, entry.public_id, event)
    offer_seats(slot, room.free, now)
    return request


def _key(candidate: Candidate) -> str:
    return person_key(
        settings().secret_key, candidate.first_name, candidate.last_name, candidate.email, candidate.phone
    )


def request_of(slot: Slot, candidate: Candidate) -> CandidateRequest | None:
    """Return the request by which this same person waits for a session, or holds a seat at its hour in this CFA."""
    key = _key(candidate)
    waits = sa.select(WaitlistEntry.request_id).where(
        WaitlistEntry.slot_id == slot.id,
        WaitlistEntry.person_key == key,
        WaitlistEntry.status.in_(offering.WAITING),
    )
    sits = sa.select(Booking.request_id).where(*_seats_of(slot, key))
    return db.session.scalar(sa.select(CandidateRequest).where(CandidateRequest.id.in_(waits.union(sits))).limit(1))


def of_slot(slot: Slot) -> list[WaitlistEntry]:
    """Return who waits for a session or is being offered a seat of it, in their turn, with request and offer."""
    return list(
        db.session.scalars(
            sa.select(WaitlistEntry)
            .options(joinedload(WaitlistEntry.request), joinedload(WaitlistEntry.hold))
            .where(WaitlistEntry.slot_id == slot.id, WaitlistEntry.status.in_(offering.WAITING))
            .order_by(WaitlistEntry.id)
            .execution_options(populate_existing=True)
        )
    )


def position(entry: WaitlistEntry) -> int:
    """Return the place of somebody in their list, from 1; who is being offered a seat still stands before them."""
    before = db.session.scalar(
        sa.select(sa.func.count())
        .select_from(WaitlistEntry)
        .where(
            WaitlistEntry.slot_id == entry.slot_id,
            WaitlistEntry.status.in_(offering.WAITING),
            WaitlistEntry.id < entry.id,
        )
    )
    return (before or 0) + 1


def offer_seats(slot: Slot, free: int, now: datetime) -> int:
    """Offer the free seats of a session to who waits for it, in turn; return how many are left.

    Who needs more seats than are free keeps their turn: the next one whom the free seats suit is asked meanwhile.
    The caller holds the slot's lock, under which alone these entries change.
    """
    while free > 0:
        entry = _next(slot, free)
        if entry is None or not offering.make(entry, slot, now):
            break
        free -= entry.seats
    return free


def _seats_of(slot: Slot, key: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions on bookings by which a person already has a meeting at the hour of a session."""
    return (
        Booking.cfa_id == slot.cfa_id,
        Booking.starts_at == slot.starts_at,
        Booking.person_key == key,
        Booking.status != "cancelled",
    )


def _next(slot: Slot, free: int) -> WaitlistEntry | None:
    # By another way meanwhile: their turn waits, as they could not accept.
    seated = sa.exists().where(*_seats_of(slot, WaitlistEntry.person_key))
    return db.session.scalar(
        sa.select(WaitlistEntry)
        .where(
            WaitlistEntry.slot_id == slot.id,
            sa.text("waitlist_entry.status = 'waiting'"),
            WaitlistEntry.seats <= free,
            ~seated,
        )
        .order_by(WaitlistEntry.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )


def end(entry: WaitlistEntry, why: str, now: datetime, as_asker: bool = False) -> bool:
    """Take somebody off the list: `left` by themselves, `lapsed`, or with the session (`cancelled`, `begun`).

    All but the first are told, unless they have a seat by another way: there is nothing to be sorry for.
    """
    slot = entry.slot
    key = entry.person_key
    offered = entry.status == "offered"
    if not offering.go(entry, "left" if why == "left" else "closed", now):
        return False
    request = entry.request
    if request.outcome == "waitlisted":
        request.outcome = {"left": "cancelled_by_candidate", "cancelled": "cancelled_by_cfa"}.get(why, "no_follow_up")
    kind = "offer_ended" if offered and why != "left" else "left_waitlist"
    data = {"why": why, "slot": slot.public_id if slot else None, **asker.mark(as_asker)}
    event = thread.add(request, kind, "candidate" if why == "left" else "system", now, data=data)
    if why == "left" or (
        slot is not None and key and db.session.scalar(sa.select(Booking.id).where(*_seats_of(slot, key)))
    ):
        return True
    if why == "lapsed":
        notices.of_request("offer_ended", request, entry.public_id, event)
    else:
        notices.of_request("waitlist_closed", request, entry.public_id, event)
    return True


def close(slot: Slot, why: str, now: datetime) -> None:
    """End a session's list and give back what it holds. The caller holds the slot's lock; `why`: cancelled or begun."""
    for entry in of_slot(slot):
        if entry.hold is not None:
            offering.give_back(entry.hold, now)
        end(entry, why, now)


def begun(now: datetime) -> list[int]:
    """Return the slots that have begun and whose list is still open."""
    query = (
        sa.select(WaitlistEntry.slot_id)
        .join(Slot, Slot.id == WaitlistEntry.slot_id)
        .where(sa.text("waitlist_entry.status IN ('waiting', 'offered')"), Slot.starts_at <= now)  # of a partial index
        .distinct()
    )
    return sorted(slot_id for slot_id in db.session.scalars(query) if slot_id is not None)


def overlooked(now: datetime) -> list[int]:
    """Return the sessions that have the seats somebody waits for: free by a way that told nobody (opened again…)."""
    query = (
        sa.select(WaitlistEntry.slot_id)
        .join(Slot, Slot.id == WaitlistEntry.slot_id)
        .where(
            sa.text("waitlist_entry.status = 'waiting'"),
            Slot.status == "open",
            Slot.starts_at >= now + offering.SHORTEST,
            Slot.seats_taken + WaitlistEntry.seats <= Slot.capacity,
        )
        .distinct()
    )
    return sorted(slot_id for slot_id in db.session.scalars(query) if slot_id is not None)


def last_of(request: CandidateRequest) -> WaitlistEntry | None:
    """Return the last session whose list a request was on, whatever came of it."""
    return db.session.scalar(
        sa.select(WaitlistEntry)
        .where(WaitlistEntry.request_id == request.id, WaitlistEntry.kind == "full")
        .order_by(WaitlistEntry.id.desc())
        .limit(1)
    )


def live_holds(slot: Slot) -> list[SeatHold]:
    """Return every seat held of a slot, whatever for."""
    return list(
        db.session.scalars(
            sa.select(SeatHold).where(SeatHold.slot_id == slot.id, SeatHold.status == "live").order_by(SeatHold.id)
        )
    )
