"""Rules written on slots as instants: the public books from `opens_at` until `closes_at`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import clock
from rdv.db import db, is_sqlite, one_at_a_time
from rdv.models import Site, Slot
from rdv.rules.days import recount
from rdv.rules.rulebook import Effective, rulebook

AT_ONCE = 1000  # rows of one UPDATE


def bounds(starts_at: datetime, zone: str, rule: Effective) -> tuple[datetime | None, datetime | None]:
    """Return the instants between which the public books a slot; None: no such bound.

    The horizon counts wall days of the site: thirty days before a meeting at 14:00 it opens at 14:00, whatever the
    clocks do in between.
    """
    opens = [rule.opens_at] if rule.opens_at else []
    if rule.horizon_days:
        opens.append(clock.days_before(starts_at, rule.horizon_days, zone))
    closes_at = starts_at - timedelta(minutes=rule.notice_minutes) if rule.notice_minutes else None
    return max(opens, default=None), closes_at


def stamp(slots: Sequence[Slot], now: datetime) -> None:
    """Write what the rules of their CFA say on slots new or changed (hour, place, kind, adviser), before they are flushed.

    Waits for a rule that is being changed, so that no slot is born under the former one.
    """
    if not slots:
        return
    cfa_id = slots[0].cfa_id
    one_at_a_time(f"rules:{cfa_id}", shared=True)
    book = rulebook(cfa_id)
    zones = _zones({slot.site_id for slot in slots})
    for slot in slots:
        rule = book.of(slot.site_id, slot.meeting_type_id)
        slot.opens_at, slot.closes_at = bounds(slot.starts_at, zones[slot.site_id], rule)
    if book.limits_days():
        db.session.flush()
        recount(cfa_id, {slot.adviser_id for slot in slots}, now)


def restamp(cfa_id: int, scope: sa.ColumnElement[bool], now: datetime) -> None:
    """Write the rules again on the coming slots of a scope; nothing of it shows in a calendar, so no version rises."""
    book = rulebook(cfa_id)
    connection = db.session.connection()
    rows = connection.execute(
        sa.select(
            Slot.id, Slot.site_id, Slot.meeting_type_id, Slot.starts_at, Slot.opens_at, Slot.closes_at, Site.timezone
        )
        .join(Site, Site.id == Slot.site_id)
        .where(scope)
        .order_by(Slot.id)
    ).all()
    changed = []
    for row in rows:
        wanted = bounds(row.starts_at, row.timezone, book.of(row.site_id, row.meeting_type_id))
        if wanted != (row.opens_at, row.closes_at):
            changed.append((row.id, *wanted))
    for first in range(0, len(changed), AT_ONCE):
        connection.execute(_update(changed[first : first + AT_ONCE]))


def _update(rows: list[tuple[Any, ...]]) -> sa.Update:
    """Return one UPDATE of many slots, each with its own instants, the same on both databases."""
    instant = Slot.opens_at.type
    values = (
        sa.values(sa.column("id", Slot.id.type), sa.column("opens_at", instant), sa.column("closes_at", instant), name="bound")
        .data(rows)
        .cte()
    )  # fmt: skip
    # PostgreSQL must be told the type of a column of NULLs; SQLite would make a number of a date it is told to cast.
    typed = (lambda column: column) if is_sqlite() else (lambda column: sa.cast(column, instant))
    return (
        sa.update(Slot)
        .where(Slot.id == values.c.id)
        .values(
            opens_at=typed(values.c.opens_at), closes_at=typed(values.c.closes_at), updated_at=Slot.updated_at,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _zones(site_ids: set[int]) -> dict[int, str]:
    rows = db.session.connection().execute(sa.select(Site.id, Site.timezone).where(Site.id.in_(site_ids)))
    return {row.id: row.timezone for row in rows}
