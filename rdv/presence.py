"""« Vous venez ? » and « je serai en retard »: what the candidate's side says of a meeting that it keeps.

Each is one guarded UPDATE of the booking, so that a cancellation at the same moment wins or loses whole; no seat moves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import asker, inbox, outbox, thread
from rdv.db import db
from rdv.errors import RdvError, WrongTransition
from rdv.models import Booking, CandidateRequest, RequestEvent, Slot

LATE_MINUTES = (5, 10, 15, 30)
TOLD_BEFORE = timedelta(hours=2)  # earlier, moving the meeting serves everybody better


def late_opens_at(slot: Slot) -> datetime:
    """Return the instant from which somebody may say that they will be late."""
    return slot.starts_at - TOLD_BEFORE


def confirm(booking: Booking, now: datetime, as_asker: bool = False) -> None:
    """Record that the candidate comes; once is enough, saying it again changes nothing.

    Raises WrongTransition: cancelled, or begun.
    """
    begun = Booking.starts_at <= now
    if _write(booking, {"presence_at": now}, now, Booking.presence_at.is_(None), ~begun):
        _told(booking, "presence", now, asker.mark(as_asker))
    elif booking.presence_at is None or booking.status != "booked":
        raise WrongTransition("Ce rendez-vous est annulé ou a commencé\u00a0: il n’y a plus rien à confirmer.")


def late(booking: Booking, minutes: int, now: datetime, as_asker: bool = False) -> None:
    """Record how late the candidate will be and tell who receives them at once; the same value twice changes nothing.

    Raises WrongTransition: cancelled, over, or more than two hours before the start; RdvError on a value not offered.
    """
    if minutes not in LATE_MINUTES:
        raise RdvError("Choisissez un retard de 5, 10, 15 ou 30 minutes.")
    if late_opens_at(booking.slot) > now:
        raise WrongTransition("Un retard se signale à partir de deux heures avant le rendez-vous.")
    over = sa.exists().where(Slot.id == Booking.slot_id, Slot.ends_at <= now)
    other = sa.or_(Booking.late_minutes.is_(None), Booking.late_minutes != minutes)
    if not _write(booking, {"late_minutes": minutes}, now, other, ~over):
        if booking.status == "booked" and booking.late_minutes == minutes:
            return
        raise WrongTransition("Ce rendez-vous est annulé ou terminé\u00a0: le centre n’attend plus personne.")
    event = _told(booking, "late", now, {"minutes": minutes, **asker.mark(as_asker)})
    for person in inbox.answerable_for(booking.slot):
        # Once for each value: going back and forth fills nobody's mailbox.
        key = f"adviser_candidate_late:{booking.public_id}:{booking.sequence}:{minutes}:{person.public_id}"
        outbox.enqueue(
            "adviser_candidate_late", person.email, key, request_id=booking.request_id, booking_id=booking.id,
            event_id=event.id, user_id=person.id, not_after=booking.slot.ends_at,
        )  # fmt: skip


def _write(booking: Booking, values: dict[str, Any], now: datetime, *guards: sa.ColumnElement[bool]) -> bool:
    changed = db.session.connection().execute(
        sa.update(Booking)
        .where(Booking.id == booking.id, Booking.status == "booked", *guards)
        .values(**values, updated_at=now)
    )
    db.session.refresh(booking)
    return bool(changed.rowcount == 1)


def _told(booking: Booking, kind: str, now: datetime, data: dict[str, Any]) -> RequestEvent:
    request: CandidateRequest = booking.request
    db.session.refresh(request, with_for_update={"of": CandidateRequest})
    return thread.add(request, kind, "candidate", now, data=data)
