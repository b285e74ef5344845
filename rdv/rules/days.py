"""Most meetings of an adviser in one wall day of the site: kept under races, and shown by `slot.day_full`.

A meeting is a slot in which a seat is taken. Who takes or frees a seat in a CFA that counts them locks the adviser's
row first, then that day's slots in ascending id (`before_seat`), and counts again once done (`day_changed`).
Staff may exceed; a CFA that counts nothing pays one small read, none at all when the public books.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import clock
from rdv.db import db, is_sqlite
from rdv.models import BookingRule, Site, Slot, User
from rdv.rules.rulebook import Rulebook, rulebook

AROUND = timedelta(hours=25)  # the longest wall day


def limits_days(cfa_id: int) -> bool:
    """Say whether a CFA counts the meetings of a day."""
    counted = sa.select(BookingRule.id).where(BookingRule.cfa_id == cfa_id, BookingRule.most_a_day.is_not(None))
    return db.session.connection().execute(counted.limit(1)).first() is not None


def before_seat(slots: Iterable[Slot]) -> None:
    """Make acts on the days of these slots take turns until the transaction ends; call it before any slot is written."""
    wanted = list(slots)
    if is_sqlite() or not wanted or not limits_days(wanted[0].cfa_id):
        return  # SQLite has one writer
    advisers = sorted({slot.adviser_id for slot in wanted})
    lock_advisers(User.id.in_(advisers))
    near = [Slot.starts_at.between(slot.starts_at - AROUND, slot.starts_at + AROUND) for slot in wanted]
    db.session.connection().execute(
        sa.select(Slot.id)
        .where(Slot.adviser_id.in_(advisers), sa.or_(*near))
        .order_by(Slot.id)
        .with_for_update(key_share=True)
    ).all()


def lock_advisers(which: sa.ColumnElement[bool]) -> None:
    """Lock rows of advisers in ascending id, without stopping rows that only name them."""
    query = sa.select(User.id).where(which).order_by(User.id).with_for_update(key_share=True)
    db.session.connection().execute(query).all()


def day_changed(adviser_id: int, slot: Any, now: datetime) -> None:
    """Count the day of a slot again, now that a seat of it was taken or freed: full for the other empty slots, or not."""
    book = rulebook(slot.cfa_id)
    if not book.limits_days():
        return
    window = Slot.starts_at.between(slot.starts_at - AROUND, slot.starts_at + AROUND)
    _count(slot.cfa_id, sa.and_(Slot.adviser_id == adviser_id, window), book, now, touching=slot.starts_at)


def recount(cfa_id: int, adviser_ids: Iterable[int], now: datetime) -> None:
    """Count every coming day of these advisers again (slots published, moved to another hour, handed over)."""
    of_them = sa.and_(Slot.adviser_id.in_(set(adviser_ids)), Slot.starts_at > now - AROUND)
    _count(cfa_id, of_them, rulebook(cfa_id), now)


def _count(
    cfa_id: int, which: sa.ColumnElement[bool], book: Rulebook, now: datetime, touching: datetime | None = None
) -> None:
    """Write `day_full` on the coming slots whose day is now full or no longer is; `touching`: only days that hold it."""
    connection = db.session.connection()
    rows = connection.execute(
        sa.select(
            Slot.id, Slot.adviser_id, Slot.site_id, Slot.meeting_type_id, Slot.starts_at, Slot.seats_taken,
            Slot.day_full, Site.timezone,
        )
        .join(Site, Site.id == Slot.site_id)
        .where(Slot.cfa_id == cfa_id, Slot.status != "cancelled", which)
        .order_by(Slot.id)
    ).all()  # fmt: skip
    counts = _meetings(rows)
    changed: dict[bool, list[int]] = {True: [], False: []}
    for row in rows:
        day = clock.to_zone(row.starts_at, row.timezone).date()
        if row.starts_at <= now or (touching and clock.to_zone(touching, row.timezone).date() != day):
            continue
        most = book.of(row.site_id, row.meeting_type_id).most_a_day
        # A session that somebody has joined is one of the day's meetings already: its other seats stay open.
        full = most is not None and not row.seats_taken and counts[row.adviser_id, row.timezone, day] >= most
        if full != row.day_full:
            changed[full].append(row.id)
    for full, ids in changed.items():
        for first in range(0, len(ids), 1000):
            connection.execute(
                sa.update(Slot)
                .where(Slot.id.in_(ids[first : first + 1000]))
                .values(day_full=full, updated_at=Slot.updated_at)  # calendars show nothing of it
                .execution_options(synchronize_session=False)
            )


def _meetings(rows: Sequence[Any]) -> Counter[tuple[int, str, date]]:
    """Count the meetings of each adviser by wall day, in each zone of their slots."""
    zones = {row.timezone for row in rows}
    return Counter(
        (row.adviser_id, zone, clock.to_zone(row.starts_at, zone).date())
        for row in rows
        if row.seats_taken
        for zone in zones
    )
