"""Where the candidate's side may move a meeting: same CFA, same training, by the public's rules, and able to reach them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import rules, suitable
from rdv.db import db
from rdv.models import Booking, MeetingType, Slot
from rdv.slots import FreeSlot
from rdv.suitable import AROUND as AROUND


def targets(held: Booking, now: datetime, limit: int = 60, since: datetime | None = None) -> list[FreeSlot]:
    """Return the free slots that a booking may move to, soonest first; `since`: only what starts after."""
    free = suitable.free(held.request, now, limit, since=since)
    counted = _counting_guests(free) if held.guests else frozenset()
    return [
        slot
        for slot in free
        if not suitable.same(held.slot, slot)
        and slot.seats_left >= 1 + (held.guests if slot.meeting_type_id in counted else 0)
    ]


def nearest(held: Booking, wanted: Slot, now: datetime, limit: int = 3) -> list[FreeSlot]:
    """Return the slots that a booking may move to nearest in time to one that is gone."""
    found: list[FreeSlot] = []
    for since in (max(now, wanted.starts_at - AROUND), now):
        found = suitable.nearest(targets(held, now, since=since), wanted, limit)
        if len(found) >= limit:
            break
    return found


def allowed(held: Booking, wanted: Slot) -> bool:
    """Say whether a slot is one that this booking may ask for, be it free or gone: never that of another CFA or training."""
    request = held.request
    return suitable.concerns(request, wanted) and rules.open_to(wanted, suitable.platform_of(request))


def is_there(held: Booking, wanted: Slot) -> bool:
    """Say whether a booking already is at this slot, or at the equal one of another adviser."""
    return held.status == "booked" and suitable.same(held.slot, wanted)


def titles(free: list[FreeSlot]) -> dict[int, str]:
    """Return the titles of the kinds of meeting of these slots by id, soonest first."""
    wanted = list(dict.fromkeys(slot.meeting_type_id for slot in free))
    rows = db.session.execute(sa.select(MeetingType.id, MeetingType.title).where(MeetingType.id.in_(wanted)))
    found = {row.id: row.title for row in rows}
    return {key: found[key] for key in wanted}


def _counting_guests(free: list[FreeSlot]) -> frozenset[int]:
    """Return the kinds of meeting where each accompanying person takes a seat."""
    kinds = {slot.meeting_type_id for slot in free}
    found = db.session.scalars(
        sa.select(MeetingType.id).where(MeetingType.id.in_(kinds), MeetingType.guests_counted.is_(True))
    )
    return frozenset(found)
