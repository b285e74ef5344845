"""Events already rendered, kept in a table that may be emptied at any time: rendering one takes half a millisecond.

Bytes are found by what they show (a digest of its versions), so that nothing has to be dropped when it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from rdv.db import db, is_sqlite, note
from rdv.models import Booking, CandidateRequest, RenderedEvent

ROWS_AT_ONCE = 200
KEPT = timedelta(days=60)  # then it is out of every calendar's window, or shows what changed since


@dataclass(frozen=True)
class Event:
    """A VEVENT just rendered; `subject` is `booking_id` or `slot_id`."""

    subject: str
    subject_id: int
    stamp: str
    content: bytes


def keep(events: Sequence[Event], variant: str, now: datetime) -> None:
    """Store events for the calendars to come, in short transactions of their own; a busy database loses them."""
    for subject in ("booking_id", "slot_id"):
        # In the order of ids, so that two who keep the same events never wait for each other in a ring.
        chosen = sorted((each for each in events if each.subject == subject), key=lambda each: each.subject_id)
        for start in range(0, len(chosen), ROWS_AT_ONCE):
            rows = [
                {subject: each.subject_id, "variant": variant, "stamp": each.stamp, "content": each.content,
                 "rendered_at": now}
                for each in chosen[start : start + ROWS_AT_ONCE]
            ]  # fmt: skip
            insert = (sqlite.insert if is_sqlite() else postgresql.insert)(RenderedEvent).values(rows)
            latest = {name: insert.excluded[name] for name in ("stamp", "content", "rendered_at")}
            try:
                kept = note(insert.on_conflict_do_update(index_elements=[subject, "variant"], set_=latest))
            except IntegrityError:  # its booking or slot is gone meanwhile
                kept = False
            if not kept:
                return


def forget(booking_id: int) -> None:
    """Delete what is kept of a booking: the bytes of before a cancellation name the person, that of after does not."""
    db.session.execute(sa.delete(RenderedEvent).where(RenderedEvent.booking_id == booking_id))


def purge(now: datetime) -> int:
    """Delete what was rendered long ago, and what names a person since of whom something changed; return how many.

    A cancelled meeting, or details that were erased, leave nothing of the person behind.
    """
    changed = (
        sa.select(RenderedEvent.id)
        .join(Booking, Booking.id == RenderedEvent.booking_id)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .where(
            sa.or_(
                Booking.updated_at > RenderedEvent.rendered_at, CandidateRequest.updated_at > RenderedEvent.rendered_at
            )
        )
    )
    old = RenderedEvent.rendered_at < now - KEPT
    result = db.session.execute(
        sa.delete(RenderedEvent).where(sa.or_(old, RenderedEvent.id.in_(changed))),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
