"""What stands against booking a slot, in words that the staff read before they go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock, closures, french
from rdv.candidate import Candidate
from rdv.db import db
from rdv.errors import RdvError
from rdv.models import Booking, CandidateRequest, Closure, Slot


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


def against(
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
        found.append(Hindrance("full", full_words(slot)))
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


def full_words(slot: Slot) -> str:
    """Say that a slot is full, and what going on would do."""
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
