"""What candidates are shown of the slots: the next ones that can be booked, equal ones once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from rdv import rules, seats
from rdv.db import UTCDateTime, db
from rdv.models import Cfa, Slot, SlotTraining, Training, training_site

_SHOWN = (
    Slot.id, Slot.public_id, Slot.site_id, Slot.cfa_id, Slot.meeting_type_id, Slot.place, Slot.starts_at, Slot.ends_at, Slot.capacity,
    Slot.seats_taken, Slot.training_scope, Slot.adviser_id, Slot.title,
)  # fmt: skip


@dataclass(frozen=True)
class FreeSlot:
    """A bookable slot as the public sees it: one line even when several advisers offer the same.

    `seats_left` counts the equal ones too; none: a full group session, shown for its waiting list.
    """

    public_id: str
    site_id: int
    cfa_id: int
    meeting_type_id: int
    place: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    seats_left: int
    title: str | None  # of this session alone

    @property
    def is_group(self) -> bool:
        return self.capacity > 1

    @property
    def full(self) -> bool:
        """True for a group session that has a waiting list in place of seats."""
        return self.seats_left == 0


_NOW = sa.bindparam("now", type_=UTCDateTime())
_SINCE = sa.bindparam("since", type_=UTCDateTime())
_TRAINING = sa.bindparam("training_id", type_=sa.BigInteger())
_CFA = sa.bindparam("cfa_id", type_=sa.BigInteger())


@cache
def _next(of: str, later: bool, with_full: bool) -> sa.Select[Any]:
    """Return the statement of the next listed slots `of` a training (its own, of its sites, of its CFA) or of a CFA.

    Built once: writing these conditions anew costs a candidate's page more than the database does. Literal conditions
    match the partial indexes.
    """
    seat = Slot.seats_taken < Slot.capacity
    query: Any = sa.select(*_SHOWN).where(
        *seats.bookable(_NOW),
        *((Slot.starts_at > _SINCE,) if later else ()),
        Slot.listed.is_(True),
        sa.or_(seat, Slot.capacity > 1) if with_full else seat,
    )
    order: tuple[Any, Any] = (Slot.starts_at, Slot.id)
    if of == "own":
        first = _SINCE if later else _NOW
        order = (SlotTraining.starts_at, SlotTraining.slot_id)
        query = query.join(SlotTraining, SlotTraining.slot_id == Slot.id).where(
            SlotTraining.training_id == _TRAINING, SlotTraining.starts_at > first
        )
    elif of == "site":
        sites = sa.select(training_site.c.site_id).where(training_site.c.training_id == _TRAINING)
        query = query.where(Slot.site_id.in_(sites), sa.text("slot.training_scope = 'site'"))
    elif of == "cfa":
        query = query.where(Slot.cfa_id == _CFA, sa.text("slot.training_scope = 'cfa'"))
    else:
        query = query.where(Slot.cfa_id == _CFA)
    return query.order_by(*order).limit(sa.bindparam("read", type_=sa.Integer()))


def _read(
    of: Iterable[str],
    asked: dict[str, Any],
    limit: int,
    since: datetime | None,
    platform: str | None,
    with_full: bool,
) -> list[FreeSlot]:
    """Run these statements, as a platform's pages show them, and merge what they find."""
    allowed = rules.shown_on(asked["cfa_id"], platform) if platform else ()
    asked = {**asked, "since": since, "read": limit * 2 + 10}
    connection = db.session.connection()
    rows: list[Any] = []
    for each in of:
        query = _next(each, since is not None, with_full)
        rows += connection.execute(query.where(*allowed) if allowed else query, asked).all()
    return _merged(rows, limit)


def free_for_training(
    training: Training,
    now: datetime,
    limit: int = 60,
    *,
    since: datetime | None = None,
    platform: str | None = None,
    with_full: bool = False,
) -> list[FreeSlot]:
    """Return the next listed slots open to a training, soonest first: its own, those of its sites, those of its CFA.

    `since`: only what starts after; `platform`: as its pages show them (`rules.OWN_PAGE`: the CFA's), None: all;
    `with_full`: full group sessions too, for their waiting list.
    Three index reads, each bounded.
    """
    asked = {"training_id": training.id, "cfa_id": training.cfa_id, "now": now}
    return _read(("own", "site", "cfa"), asked, limit, since, platform, with_full)


def free_for_cfa(
    cfa: Cfa,
    now: datetime,
    limit: int = 60,
    *,
    since: datetime | None = None,
    platform: str | None = None,
    with_full: bool = False,
) -> list[FreeSlot]:
    """Return the next listed slots of a CFA, whatever their trainings, soonest first; the options are those above."""
    return _read(("any",), {"cfa_id": cfa.id, "now": now}, limit, since, platform, with_full)


def serving(training: Training) -> sa.ColumnElement[bool]:
    """Return the condition on slots that a training may be booked in."""
    sites = sa.select(training_site.c.site_id).where(training_site.c.training_id == training.id)
    chosen = sa.exists().where(SlotTraining.slot_id == Slot.id, SlotTraining.training_id == training.id)
    return sa.or_(
        Slot.training_scope == "cfa",
        sa.and_(Slot.training_scope == "site", Slot.site_id.in_(sites)),
        sa.and_(Slot.training_scope == "chosen", chosen),
    )


def next_opening(cfa: Cfa, training: Training | None, now: datetime, platform: str) -> datetime | None:
    """Return when the first slot that waits for its opening will be listed on a platform's pages, None when none waits."""
    query = sa.select(sa.func.min(Slot.opens_at, type_=Slot.opens_at.type)).where(
        Slot.cfa_id == cfa.id, sa.text("slot.status = 'open'"), Slot.starts_at > Slot.opens_at, Slot.opens_at > now,
        Slot.starts_at > now,  # the index
        sa.or_(Slot.closes_at.is_(None), Slot.closes_at > Slot.opens_at), Slot.listed.is_(True),
        Slot.day_full == sa.false(), Slot.seats_taken < Slot.capacity, *rules.shown_on(cfa.id, platform),
        *((serving(training),) if training else ()),
    )  # fmt: skip
    return db.session.scalar(query)


def near(
    slot: Slot, now: datetime, limit: int = 3, training: Training | None = None, platform: str | None = None
) -> list[FreeSlot]:
    """Return the free slots nearest in time to one that is gone, for the same training, place and kind when possible.

    Looked for around its hour, however far ahead it is; else the next ones.
    """
    wanted = training or next(iter(slot.trainings), None)
    others: list[FreeSlot] = []
    for since in (max(now, slot.starts_at - timedelta(hours=12)), now):
        free = (
            free_for_training(wanted, now, since=since, platform=platform)
            if wanted
            else free_for_cfa(slot.cfa, now, since=since, platform=platform)
        )
        others = [one for one in free if one.public_id != slot.public_id]
        if len(others) >= limit:
            break
    same = [one for one in others if one.site_id == slot.site_id]

    def how_far(one: FreeSlot) -> tuple[bool, timedelta]:
        return one.meeting_type_id != slot.meeting_type_id, abs(one.starts_at - slot.starts_at)

    nearest = sorted(same or others, key=how_far)[:limit]
    return sorted(nearest, key=lambda one: one.starts_at)


def _merged(rows: Iterable[sa.Row], limit: int) -> list[FreeSlot]:
    """Show equal slots of several advisers once: same hour, place, type, kind and title; the line leads to a free seat."""
    ordered = sorted(rows, key=lambda row: (row.starts_at, row.id))
    shown: dict[tuple[object, ...], FreeSlot] = {}
    for row in ordered:
        same = (
            row.starts_at,
            row.ends_at,
            row.site_id,
            row.meeting_type_id,
            row.place,
            row.capacity,
            row.training_scope,
            row.title,
        )
        left = max(row.capacity - row.seats_taken, 0)
        known = shown.get(same)
        if known is None and len(shown) == limit:
            break
        if known is None or (known.full and left):
            shown[same] = FreeSlot(
                row.public_id, row.site_id, row.cfa_id, row.meeting_type_id, row.place, row.starts_at, row.ends_at,
                row.capacity, left, row.title,
            )  # fmt: skip
        else:
            shown[same] = replace(known, seats_left=known.seats_left + left)
    return list(shown.values())


def serves(slot: Slot, training: Training) -> bool:
    """Say whether a slot may be booked for a training."""
    if slot.cfa_id != training.cfa_id:
        return False
    if slot.training_scope == "cfa":
        return True
    if slot.training_scope == "site":
        return any(site.id == slot.site_id for site in training.sites)
    return any(chosen.id == training.id for chosen in slot.trainings)
