"""« Prévenez-moi si un rendez-vous plus tôt se libère »: who holds a meeting far ahead and would come sooner."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from rdv import asker, clock, notices, seats, thread
from rdv.db import db
from rdv.errors import WrongTransition
from rdv.models import Booking, CandidateRequest, SeatHold, Site, Slot, SlotTraining, WaitlistEntry, training_site
from rdv.waitlist import offering

AHEAD = timedelta(days=7)  # a nearer meeting is near enough (reference/scheduling-peers.md §2.4)
GAIN = timedelta(hours=24)  # what is worth asking for
NOTICE = timedelta(hours=2)  # as long as the seat is held
OFFERS = 3  # in all
HOURS = (time(9), time(18))  # local; a seat freed at night is offered in the morning if it is still free
OPEN_FOR = timedelta(hours=HOURS[1].hour - HOURS[0].hour)


def may_wish(booking: Booking, now: datetime) -> bool:
    """Say whether a meeting is far enough for its person to ask for an earlier one, and the person can be written to."""
    return booking.status == "booked" and booking.slot.starts_at - now > AHEAD and notices.reachable(booking.request)


def wish(booking: Booking, now: datetime, as_asker: bool = False) -> None:
    """Note that a person would come sooner; once a booking. Raises WrongTransition when it is too near, or over."""
    db.session.refresh(booking, with_for_update={"of": Booking})
    if not may_wish(booking, now):
        raise WrongTransition("Ce rendez-vous est trop proche pour en chercher un plus tôt.")
    if offering.current(booking.request_id) is not None:
        return
    db.session.add(
        WaitlistEntry(
            kind="earlier", cfa_id=booking.cfa_id, request_id=booking.request_id, booking_id=booking.id,
            person_key=booking.person_key, guests=booking.guests, seats=booking.seats, created_at=now, updated_at=now,
        )
    )  # fmt: skip
    thread.add(booking.request, "waitlisted", "candidate", now, data={"why": "earlier", **asker.mark(as_asker)})


def offer_seat(slot: Slot, room: offering.Room, now: datetime) -> None:
    """Offer a free seat to the first whom it would bring forward, one person at a time.

    Unlike a session's own list, this respects the CFA's rules (notice, horizon, most meetings a day): the seat is that
    of a day the person did not choose. The caller holds the slot's lock.
    """
    local = clock.to_zone(now, slot.site.timezone)
    if room.free < 1 or not HOURS[0] <= local.time() < HOURS[1] or not _may_take(slot, now):
        return
    today, _ = clock.day_bounds(local.date(), slot.site.timezone)
    entry = db.session.scalar(_first_in_turn(slot, room, today))
    if entry is not None and entry.booking is not None:
        # They may come with more people, or fewer, than when they wished.
        entry.guests, entry.seats = entry.booking.guests, entry.booking.seats
        offering.make(entry, slot, now)


def _may_take(slot: Slot, now: datetime) -> bool:
    being_asked = sa.exists().where(
        SeatHold.slot_id == slot.id, SeatHold.kind == "earlier", SeatHold.status == sa.literal_column("'live'")
    )
    found = db.session.scalar(
        sa.select(Slot.id).where(
            Slot.id == slot.id,
            *seats.bookable(now),
            Slot.listed.is_(True),
            Slot.starts_at >= now + NOTICE,
            ~being_asked,
        )
    )
    return found is not None


def _waiting() -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of the partial index; literal, so that it matches."""
    return sa.text("waitlist_entry.status = 'waiting'"), sa.text("waitlist_entry.kind = 'earlier'")  # type: ignore[return-value]


def _first_in_turn(slot: Slot, room: offering.Room, today: datetime) -> sa.Select[WaitlistEntry]:
    """Return the query of the first person whom this seat suits and who may be asked today.

    What another transaction works on is left to it: who holds a slot's lock waits neither for an entry nor for its request.
    """
    present, other = aliased(Slot), aliased(Booking)
    asked_before = sa.exists().where(SeatHold.request_id == WaitlistEntry.request_id, SeatHold.slot_id == slot.id)
    busy = sa.exists().where(
        other.cfa_id == slot.cfa_id, other.starts_at == slot.starts_at, other.person_key == Booking.person_key,
        other.status != "cancelled",
    )  # fmt: skip
    return (
        sa.select(WaitlistEntry)
        .join(Booking, Booking.id == WaitlistEntry.booking_id)
        .join(present, present.id == Booking.slot_id)
        .join(CandidateRequest, CandidateRequest.id == WaitlistEntry.request_id)
        .where(
            WaitlistEntry.cfa_id == slot.cfa_id,
            *_waiting(),
            WaitlistEntry.created_at <= room.changed_at,  # a slot that was free before the wish is no news
            WaitlistEntry.offers < OFFERS,
            sa.or_(WaitlistEntry.last_offered_at.is_(None), WaitlistEntry.last_offered_at < today),
            Booking.seats <= room.free,
            Booking.status == "booked",
            present.starts_at >= slot.starts_at + GAIN,
            present.meeting_type_id == slot.meeting_type_id,
            present.site_id == slot.site_id,
            present.place == slot.place,
            _served(slot),
            ~asked_before,
            ~busy,
        )
        .order_by(WaitlistEntry.id)
        .limit(1)
        .with_for_update(of=[WaitlistEntry, CandidateRequest], skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _served(slot: Slot) -> sa.ColumnElement[bool]:
    if slot.training_scope == "cfa":
        return sa.true()
    if slot.training_scope == "site":
        trainings = sa.select(training_site.c.training_id).where(training_site.c.site_id == slot.site_id)
    else:
        trainings = sa.select(SlotTraining.training_id).where(SlotTraining.slot_id == slot.id)
    return sa.or_(CandidateRequest.training_id.is_(None), CandidateRequest.training_id.in_(trainings))


def after_offer(entry: WaitlistEntry, why: str, now: datetime, as_asker: bool = False) -> None:
    """End an offer that was not taken (`refused`, `lapsed`, `cancelled`): the person waits on, until the third."""
    slot = entry.hold.slot if entry.hold else None
    if not offering.go(entry, "waiting" if entry.offers < OFFERS else "closed", now):
        return
    actor = "candidate" if why == "refused" else "system"
    data = {"why": why, "slot": slot.public_id if slot else None, **asker.mark(as_asker)}
    event = thread.add(entry.request, "offer_ended", actor, now, data=data)
    if why == "cancelled":
        notices.of_request("offer_ended", entry.request, f"{entry.public_id}:{entry.offers}", event)


def offered(slot: Slot) -> list[WaitlistEntry]:
    """Return who is being offered a seat of this slot in place of a later meeting."""
    return list(
        db.session.scalars(
            sa.select(WaitlistEntry)
            .join(SeatHold, SeatHold.id == WaitlistEntry.hold_id)
            .where(SeatHold.slot_id == slot.id, WaitlistEntry.kind == "earlier", WaitlistEntry.status == "offered")
            .order_by(WaitlistEntry.id)
        )
    )


def settle(booking: Booking, now: datetime) -> None:
    """Close the wish of a booking that moved or ended."""
    entry = offering.current(booking.request_id)
    if entry is not None and entry.kind == "earlier":
        offering.settle(entry, now)


def overlooked(now: datetime) -> list[int]:
    """Return the free slots that may bring somebody forward: those freed at night, or the day they were asked already.

    Looks only where somebody waits: one query for the wishes, one bounded index read for each kind of meeting they hold.
    """
    rows = db.session.execute(
        sa.select(
            Slot.cfa_id, Slot.meeting_type_id, Slot.site_id, Slot.place, sa.func.max(Slot.starts_at).label("latest"),
            sa.func.min(WaitlistEntry.created_at).label("since"), Site.timezone,
        )
        .select_from(WaitlistEntry)
        .join(Booking, Booking.id == WaitlistEntry.booking_id)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Site, Site.id == Slot.site_id)
        .where(
            *_waiting(),
            WaitlistEntry.offers < OFFERS,
            # Not asked today: within those hours, today is less than their number ago.
            sa.or_(WaitlistEntry.last_offered_at.is_(None), WaitlistEntry.last_offered_at <= now - OPEN_FOR),
        )
        .group_by(Slot.cfa_id, Slot.meeting_type_id, Slot.site_id, Slot.place, Site.timezone)
    ).all()  # fmt: skip
    found: list[int] = []
    for row in rows:
        if HOURS[0] <= clock.to_zone(now, row.timezone).time() < HOURS[1]:
            found += db.session.scalars(
                sa.select(Slot.id).where(
                    Slot.cfa_id == row.cfa_id,
                    *seats.bookable(now),
                    Slot.starts_at >= now + NOTICE,
                    Slot.starts_at <= row.latest - GAIN,
                    Slot.meeting_type_id == row.meeting_type_id,
                    Slot.site_id == row.site_id,
                    Slot.place == row.place,
                    Slot.listed.is_(True),
                    Slot.seats_taken < Slot.capacity,
                    Slot.updated_at >= row.since,
                )
            )
    return sorted(found)


def too_late(now: datetime) -> list[int]:
    """Return the wishes that nothing can grant any more: no slot is both after the notice and a day before the meeting."""
    query = (
        sa.select(WaitlistEntry.id)
        .join(Booking, Booking.id == WaitlistEntry.booking_id)
        .where(*_waiting(), Booking.starts_at < now + NOTICE + GAIN)
    )
    return sorted(db.session.scalars(query))  # sorted by SQLite, they would be read among all the entries
