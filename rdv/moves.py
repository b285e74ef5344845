"""Where the candidate's side may move a meeting: same CFA, same training, by the public's rules, and able to reach them."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from rdv import booking, rules, slots
from rdv.db import db
from rdv.models import Booking, MeetingType, Slot, Training
from rdv.slots import FreeSlot

AROUND = timedelta(hours=12)  # how near in time a slot stands in for another


def targets(held: Booking, now: datetime, limit: int = 60, since: datetime | None = None) -> list[FreeSlot]:
    """Return the free slots that a booking may move to, soonest first; `since`: only what starts after."""
    training, platform = _training(held), _platform(held)
    free = (
        slots.free_for_training(training, now, limit, since=since, platform=platform)
        if training
        else slots.free_for_cfa(held.slot.cfa, now, limit, since=since, platform=platform)
    )
    counted = _counting_guests(free) if held.guests else frozenset()
    return [
        slot
        for slot in free
        if not _same(held.slot, slot)
        and _reached(held, slot.place)
        and slot.seats_left >= 1 + (held.guests if slot.meeting_type_id in counted else 0)
    ]


def nearest(held: Booking, wanted: Slot, now: datetime, limit: int = 3) -> list[FreeSlot]:
    """Return the slots that a booking may move to nearest in time to one that is gone."""
    free: list[FreeSlot] = []
    for since in (max(now, wanted.starts_at - AROUND), now):
        free = [slot for slot in targets(held, now, since=since) if slot.public_id != wanted.public_id]
        if len(free) >= limit:
            break
    closest = sorted(free, key=lambda slot: abs(slot.starts_at - wanted.starts_at))[:limit]
    return sorted(closest, key=lambda slot: slot.starts_at)


def allowed(held: Booking, wanted: Slot) -> bool:
    """Say whether a slot is one that this booking may ask for, be it free or gone: never that of another CFA or training."""
    training = _training(held)
    mine = slots.serves(wanted, training) if training else wanted.cfa_id == held.cfa_id
    return mine and _reached(held, wanted.place) and rules.open_to(wanted, _platform(held))


def is_there(held: Booking, wanted: Slot) -> bool:
    """Say whether a booking already is at this slot, or at the equal one of another adviser."""
    return held.status == "booked" and _same(held.slot, wanted)


def titles(free: list[FreeSlot]) -> dict[int, str]:
    """Return the titles of the kinds of meeting of these slots by id, soonest first."""
    wanted = list(dict.fromkeys(slot.meeting_type_id for slot in free))
    rows = db.session.execute(sa.select(MeetingType.id, MeetingType.title).where(MeetingType.id.in_(wanted)))
    found = {row.id: row.title for row in rows}
    return {key: found[key] for key in wanted}


def _training(held: Booking) -> Training | None:
    request = held.request
    return request.training or next(iter(held.slot.trainings), None)


def _platform(held: Booking) -> str:
    platform = held.request.platform
    return platform.code if platform else rules.OWN_PAGE


def _reached(held: Booking, place: str) -> bool:
    try:
        booking.check_contact(place, held.request)
    except booking.ContactMissing:
        return False
    return True


def _same(slot: Slot, other: Slot | FreeSlot) -> bool:
    """Say whether two slots are one for a candidate: same hour, place and kind."""
    return all(
        getattr(slot, name) == getattr(other, name) for name in ("starts_at", "site_id", "meeting_type_id", "place")
    )


def _counting_guests(free: list[FreeSlot]) -> frozenset[int]:
    """Return the kinds of meeting where each accompanying person takes a seat."""
    kinds = {slot.meeting_type_id for slot in free}
    found = db.session.scalars(
        sa.select(MeetingType.id).where(MeetingType.id.in_(kinds), MeetingType.guests_counted.is_(True))
    )
    return frozenset(found)
