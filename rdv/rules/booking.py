"""What rules ask of a person who books: their platform, and not too many coming meetings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv.db import db, one_at_a_time
from rdv.errors import RdvError, SlotUnavailable
from rdv.models import Booking, BookingRule, Platform, Slot
from rdv.rules.platforms import OWN_PAGE
from rdv.rules.rulebook import Effective, rulebook


class TooManyBookings(RdvError):
    """This person holds as many coming bookings as the CFA allows: moving one of them is the way."""

    message = "Vous avez peut-être déjà un rendez-vous dans ce centre\u00a0: déplacez-le plutôt."
    status = 409


class PlatformClosed(SlotUnavailable):
    message = "Ce créneau ne se réserve pas depuis ce site. Choisissez-en un autre\u00a0: ce que vous avez saisi est conservé."


def with_rules(query: sa.Select[Any]) -> sa.Select[Any]:
    """Add to a read of one slot whether its CFA has rules about who books: one that has none pays no other statement."""
    says = sa.or_(
        BookingRule.most_a_person.is_not(None), BookingRule.most_a_day.is_not(None), BookingRule.platforms.is_not(None)
    )
    ruled = sa.exists().where(BookingRule.cfa_id == Slot.cfa_id, says).correlate(Slot)
    return query.add_columns(Slot.listed, Slot.meeting_type_id, ruled.label("ruled"))


def before_booking(seat: Any, person_key: str, platform_id: int | None, now: datetime) -> bool:
    """Raise PlatformClosed or TooManyBookings for a seat read `with_rules`; say whether the CFA counts meetings of a day.

    A slot that is booked by its link alone was sent by the CFA itself: no platform is refused there. Bookings of one
    person take turns from here on, so that two at once do not both pass.
    """
    if not seat.ruled:
        return False
    book = rulebook(seat.cfa_id)
    rule = book.of(seat.site_id, seat.meeting_type_id)
    if seat.listed and rule.platforms is not None and _code(platform_id) not in rule.platforms:
        raise PlatformClosed
    _not_too_many(seat.cfa_id, rule, person_key, now)
    return book.limits_days()


def before_waiting(slot: Slot, person_key: str, now: datetime) -> None:
    """Raise TooManyBookings for who would wait for a meeting too many, or take it; bookings take turns as in `before_booking`."""
    _not_too_many(slot.cfa_id, rulebook(slot.cfa_id).of(slot.site_id, slot.meeting_type_id), person_key, now)


def _not_too_many(cfa_id: int, rule: Effective, person_key: str, now: datetime) -> None:
    if rule.most_a_person is not None:
        one_at_a_time(f"person:{cfa_id}:{person_key}")
        if len(coming_bookings(cfa_id, person_key, now)) >= rule.most_a_person:
            raise TooManyBookings


def coming_bookings(cfa_id: int, person_key: str, now: datetime) -> list[int]:
    """Return the ids of the meetings that this person has ahead in a CFA, soonest first."""
    query = (
        sa.select(Booking.id)
        .where(
            Booking.person_key == person_key, Booking.cfa_id == cfa_id, Booking.status == "booked",
            Booking.starts_at > now,
        )
        .order_by(Booking.starts_at, Booking.id)
    )  # fmt: skip
    return list(db.session.connection().execute(query).scalars())


def _code(platform_id: int | None) -> str:
    if platform_id is None:
        return OWN_PAGE
    platform = db.session.get(Platform, platform_id)
    return platform.code if platform else OWN_PAGE
