"""Series already published, and what an adviser published last."""

from __future__ import annotations

from datetime import datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.errors import NotFound
from rdv.models import MeetingType, Site, Slot, SlotSeries
from rdv.series.rule import Range, Rule


def rule_of(series: SlotSeries) -> Rule:
    """Return the rule that was published; its slots may have changed since."""
    return Rule(
        first_day=series.first_day,
        ranges=tuple(Range(time.fromisoformat(starts), time.fromisoformat(ends)) for starts, ends in series.ranges),
        minutes=series.duration_minutes,
        pause=series.pause_minutes,
        weekdays=tuple(series.weekdays),
        every_weeks=series.every_weeks,
        last_day=series.last_day,
        count=series.count,
    )


def of_cfa(cfa_id: int, now: datetime, limit: int = 200) -> list[tuple[SlotSeries, int]]:
    """Return the series of a CFA that still have slots to come, latest first, with how many."""
    coming = (
        sa.select(Slot.series_id, sa.func.count().label("count"))
        .where(Slot.cfa_id == cfa_id, Slot.starts_at > now, Slot.status != "cancelled", Slot.series_id.is_not(None))
        .group_by(Slot.series_id)
        .subquery()
    )
    found = db.session.execute(
        sa.select(SlotSeries, coming.c.count)
        .join(coming, coming.c.series_id == SlotSeries.id)
        .options(joinedload(SlotSeries.site), joinedload(SlotSeries.adviser))
        .order_by(SlotSeries.id.desc())
        .limit(limit)
    )
    return [(series, count) for series, count in found]


def get_for_cfa(cfa_id: int, public_id: str) -> SlotSeries:
    """Return a series of this CFA, or raise NotFound."""
    found = db.session.scalar(
        sa.select(SlotSeries)
        .options(joinedload(SlotSeries.site), joinedload(SlotSeries.adviser))
        .where(SlotSeries.public_id == public_id, SlotSeries.cfa_id == cfa_id)
    )
    if found is None:
        raise NotFound("Cette série n’existe pas dans votre centre.")
    return found


def coming(series: SlotSeries, now: datetime) -> list[Slot]:
    """Return the slots of a series that are still to come, cancelled ones too, soonest first."""
    return list(
        db.session.scalars(
            sa.select(Slot)
            .options(joinedload(Slot.site), joinedload(Slot.meeting_type), joinedload(Slot.adviser))
            .where(Slot.series_id == series.id, Slot.starts_at > now)
            .order_by(Slot.starts_at, Slot.id)
        )
    )


def last_offer(cfa_id: int, adviser_id: int) -> Slot | None:
    """Return the slot that an adviser was published last in a CFA, whose place and type are still offered."""
    return db.session.scalar(
        sa.select(Slot)
        .join(Slot.site)
        .join(Slot.meeting_type)
        .options(joinedload(Slot.site), joinedload(Slot.meeting_type))
        .where(
            Slot.cfa_id == cfa_id,
            Slot.adviser_id == adviser_id,
            Site.closed_at.is_(None),
            MeetingType.archived_at.is_(None),
        )
        .order_by(Slot.id.desc())
        .limit(1)
    )
