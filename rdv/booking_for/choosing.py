"""Slots that the staff may book for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import slots
from rdv.db import db
from rdv.models import Slot, Training


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
