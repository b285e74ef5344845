"""What rules ask of a person who books: their platform, and not too many coming meetings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from rdv.db import db, one_at_a_time
from rdv.errors import RdvError, SlotUnavailable
from rdv.models import Booking, BookingRule, Platform, Slot
from rdv.rules.platforms import OWN_PAGE


class TooManyBookings(RdvError):
    """This person holds as many coming bookings as the CFA allows: moving one of them is the way."""

    message = "Vous avez peut-être déjà un rendez-vous dans ce centre\u00a0: déplacez-le plutôt."
    status = 409


class PlatformClosed(SlotUnavailable):
    message = "Ce créneau ne se réserve pas depuis ce site. Choisissez-en un autre\u00a0: ce que vous avez saisi est conservé."


def with_rules(query: sa.Select[Any]) -> sa.Select[Any]:
    """Add to a read of one slot what `before_booking` asks of it, so that a booking reads its rules in no other statement."""
    of_type, of_site, of_cfa = aliased(BookingRule), aliased(BookingRule), aliased(BookingRule)
    counted = sa.exists().where(BookingRule.cfa_id == Slot.cfa_id, BookingRule.most_a_day.is_not(None))
    return (
        query.add_columns(
            Slot.listed,
            counted.correlate(Slot).label("day_limited"),
            sa.func.coalesce(of_type.most_a_person, of_site.most_a_person, of_cfa.most_a_person).label("most_a_person"),
            sa.func.coalesce(of_type.platforms, of_site.platforms, of_cfa.platforms, type_=sa.JSON()).label(
                "platforms"
            ),
        )
        .outerjoin(of_type, sa.and_(of_type.cfa_id == Slot.cfa_id, of_type.meeting_type_id == Slot.meeting_type_id))
        .outerjoin(of_site, sa.and_(of_site.cfa_id == Slot.cfa_id, of_site.site_id == Slot.site_id))
        .outerjoin(
            of_cfa,
            sa.and_(of_cfa.cfa_id == Slot.cfa_id, of_cfa.site_id.is_(None), of_cfa.meeting_type_id.is_(None)),
        )
    )


def before_booking(seat: Any, person_key: str, platform_id: int | None, now: datetime) -> None:
    """Raise PlatformClosed or TooManyBookings for a seat read `with_rules`; nothing is read when no rule says anything.

    A slot that is booked by its link alone was sent by the CFA itself: no platform is refused there. Bookings of one person take turns from here on, so that two at once do not both pass.
    """
    if seat.listed and seat.platforms is not None and _code(platform_id) not in seat.platforms:
        raise PlatformClosed
    if seat.most_a_person is not None:
        one_at_a_time(f"person:{seat.cfa_id}:{person_key}")
        if len(coming_bookings(seat.cfa_id, person_key, now)) >= seat.most_a_person:
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
