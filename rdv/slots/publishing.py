"""Slots of one adviser stored at once, never two at one moment unless they say so."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import audit, rules
from rdv.db import db
from rdv.errors import SlotOverlap, TooClose
from rdv.models import Cfa, MeetingType, Site, Slot, SlotSeries, SlotTraining, Training, User


@dataclass(frozen=True)
class Span:
    """One slot to publish: UTC instants."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Offer:
    """What slots have in common; the words of a group session stand for those of its meeting type."""

    site: Site
    meeting_type: MeetingType
    place: str
    place_detail: str | None
    capacity: int
    listed: bool
    training_scope: str
    trainings: Sequence[Training] = ()
    title: str | None = None
    programme: str | None = None
    what_to_bring: str | None = None


def take_turn(adviser: User) -> None:
    """Make publications of one adviser wait for each other until their transactions end, on both databases.

    First statement of the transaction, before anything is checked (design.md §5.2).
    """
    db.session.connection().execute(
        sa.update(User).where(User.id == adviser.id).values(agenda_version=User.agenda_version + 1)
    )


def overlapping(adviser: User, spans: Sequence[Span], pause: timedelta = timedelta()) -> list[Slot]:
    """Return the adviser's slots, in any CFA, that one of these spans would overlap, soonest first, with their site.

    `pause`: those that would stand closer than that too.
    """
    if not spans:
        return []
    ordered = sorted((Span(one.starts_at - pause, one.ends_at + pause) for one in spans), key=lambda one: one.starts_at)
    starts = [span.starts_at for span in ordered]
    latest_end = list(accumulate((span.ends_at for span in ordered), max))
    close_by = db.session.execute(
        sa.select(Slot.id, Slot.starts_at, Slot.ends_at).where(
            Slot.adviser_id == adviser.id,
            Slot.status != "cancelled",
            Slot.starts_at < latest_end[-1],
            Slot.ends_at > starts[0],
        )
    )
    met = []
    for slot_id, slot_starts, slot_ends in close_by:
        begun_before_its_end = bisect_left(starts, slot_ends)
        if begun_before_its_end and latest_end[begun_before_its_end - 1] > slot_starts:
            met.append(slot_id)
    if not met:
        return []
    wanted = sa.select(Slot).options(joinedload(Slot.site)).where(Slot.id.in_(met)).order_by(Slot.starts_at, Slot.id)
    return list(db.session.scalars(wanted))


def overlap_each_other(spans: Sequence[Span], pause: timedelta = timedelta()) -> bool:
    """Say whether two of these spans overlap, or stand closer than a pause."""
    ordered = sorted(spans, key=lambda span: span.starts_at)
    return any(two.starts_at < one.ends_at + pause for one, two in pairwise(ordered))


def publish(
    cfa: Cfa,
    adviser: User,
    offer: Offer,
    spans: Sequence[Span],
    now: datetime,
    *,
    by: User,
    allow_overlap: bool = False,
) -> list[Slot]:
    """Publish slots for an adviser, or raise SlotOverlap (TooClose: the CFA's pause): the adviser row is written first, then checked."""
    take_turn(adviser)
    if not allow_overlap:
        if overlap_each_other(spans) or overlapping(adviser, spans):
            raise SlotOverlap
        pause = timedelta(minutes=rules.pause(cfa.id, offer.site.id, offer.meeting_type.id))
        if pause and (overlap_each_other(spans, pause) or overlapping(adviser, spans, pause)):
            raise TooClose
    return store(cfa, adviser, [(span, offer) for span in spans], now, by=by)


def store(
    cfa: Cfa,
    adviser: User,
    dated: Sequence[tuple[Span, Offer]],
    now: datetime,
    *,
    by: User,
    series: SlotSeries | None = None,
) -> list[Slot]:
    """Write slots already checked, in a number of statements that does not depend on how many, and return them."""
    made = [
        Slot(
            cfa_id=cfa.id,
            site_id=offer.site.id,
            adviser_id=adviser.id,
            meeting_type_id=offer.meeting_type.id,
            place=offer.place,
            place_detail=offer.place_detail,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            capacity=offer.capacity,
            listed=offer.listed,
            training_scope=offer.training_scope,
            title=offer.title,
            programme=offer.programme,
            what_to_bring=offer.what_to_bring,
            series_id=series.id if series else None,
        )
        for span, offer in dated
    ]
    db.session.add_all(made)
    rules.stamp(made, now)
    db.session.flush()  # the training rows need the slots' ids
    db.session.add_all(
        SlotTraining(training_id=training.id, slot_id=slot.id, starts_at=slot.starts_at)
        for slot, (_, offer) in zip(made, dated, strict=True)
        if offer.training_scope == "chosen"
        for training in offer.trainings
    )
    data = {"count": len(made), "adviser": adviser.public_id}
    if series:
        data["series"] = series.public_id
    audit.record("slots.published", user=by, cfa=cfa, data=data)
    return made
