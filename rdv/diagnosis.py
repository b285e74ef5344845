"""« Pourquoi mon lien n’affiche-t-il rien ? »: what stands between the published slots and a candidate, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from rdv import inbox, modes, rules, slots
from rdv.db import db
from rdv.models import Cfa, Slot, Training

LOOKED_BACK = timedelta(days=365)
MOST_SHOWN = 60


@dataclass(frozen=True)
class Check:
    """One thing a slot must pass to be shown; `passed` None: nothing was left to look at.

    `left_out` of `seen` slots do not pass; `at`: when the first of them will by itself.
    """

    code: str
    passed: bool | None
    seen: int = 0
    left_out: int = 0
    at: datetime | None = None


@dataclass(frozen=True)
class Diagnosis:
    """Every check, in the order in which slots meet them, and how many slots the link lets book in the end (MOST_SHOWN at most)."""

    checks: list[Check]
    shown: int

    def get(self, code: str) -> Check:
        """Return one check."""
        return next(check for check in self.checks if check.code == code)


def trainings_of(cfa_id: int) -> list[Training]:
    """Return every training of a CFA, those not published too, by title."""
    query = (
        sa.select(Training)
        .options(selectinload(Training.sites))
        .where(Training.cfa_id == cfa_id)
        .order_by(Training.title, Training.id)
    )
    return list(db.session.scalars(query))


def diagnose(cfa: Cfa, training: Training | None, platform: str, now: datetime) -> Diagnosis:
    """Say what the link of a CFA, or of one of its trainings, shows on this platform, and why not more."""
    free = (
        slots.free_for_training(training, now, MOST_SHOWN, platform=platform)
        if training
        else slots.free_for_cfa(cfa, now, MOST_SHOWN, platform=platform)
    )
    sites = training.sites if training else cfa.sites
    about = [Check("centre", cfa.closed_at is None)]
    if training:
        about.append(Check("training", training.published and training.closed_at is None))
    about.append(Check("site", any(site.closed_at is None for site in sites)))
    if training:
        about.append(_served(cfa, training, now))
    about += _funnel(_groups(cfa, training, now), _steps(cfa, platform, now))
    place = inbox.main_site(cfa, training)
    asked = None if cfa.closed_at else any(modes.is_open(mode, cfa, place, training) for mode in modes.MODES)
    about.append(Check("modes", asked))
    open_link = cfa.closed_at is None and (training is None or (training.published and training.closed_at is None))
    return Diagnosis(about, len(free) if open_link else 0)


def _served(cfa: Cfa, training: Training, now: datetime) -> Check:
    """Coming slots of the CFA, and how many are for other trainings."""
    coming = [Slot.cfa_id == cfa.id, Slot.starts_at > now, Slot.status != "cancelled"]
    query = sa.select(sa.func.count(), sa.func.count(sa.case((slots.serving(training), 1)))).where(*coming)
    total, theirs = db.session.connection().execute(query).one()
    return Check("scope", theirs > 0 if total else None, total, total - theirs)


def _groups(cfa: Cfa, training: Training | None, now: datetime) -> list[Any]:
    """Return the slots of a link, alike ones counted together: one query, few rows, however many slots."""
    flags = sa.select(
        Slot.site_id, Slot.meeting_type_id, Slot.status, Slot.listed, Slot.day_full,
        sa.case((Slot.opens_at < Slot.starts_at, Slot.opens_at)).label("opens_at"),
        sa.and_(Slot.status == "closed", Slot.closure_id.is_not(None)).label("by_closure"),
        (Slot.starts_at > now).label("coming"),
        sa.func.coalesce(Slot.opens_at > now, sa.false()).label("not_yet"),
        sa.func.coalesce(Slot.closes_at <= now, sa.false()).label("too_late"),
        (Slot.seats_taken >= Slot.capacity).label("full"),
    ).where(Slot.cfa_id == cfa.id, Slot.starts_at > now - LOOKED_BACK, Slot.status != "cancelled")  # fmt: skip
    if training:
        flags = flags.where(slots.serving(training))
    each = flags.subquery()
    alike = [column for column in each.c if column.name != "opens_at"]
    query = sa.select(*alike, sa.func.count().label("number"), sa.func.min(each.c.opens_at).label("opens_at"))
    return list(db.session.connection().execute(query.group_by(*alike)))


Step = tuple[str, Callable[[Any], bool], Callable[[Sequence[Any]], datetime | None] | None]


def _steps(cfa: Cfa, platform: str, now: datetime) -> list[Step]:
    """Return what a slot must pass, in order: whether a group of alike slots does, and when the first one will."""
    book = rules.rulebook(cfa.id)

    def rule(group: Any) -> rules.Effective:
        return book.of(group.site_id, group.meeting_type_id)

    def not_open_at_all(group: Any) -> bool:
        opens_at = rule(group).opens_at
        return opens_at is not None and opens_at > now

    def allowed(group: Any) -> bool:
        platforms = rule(group).platforms
        return platforms is None or platform in platforms

    def first(groups: Sequence[Any]) -> datetime | None:
        return min((group.opens_at for group in groups if group.opens_at), default=None)

    return [
        ("published", lambda group: True, None),
        ("coming", lambda group: bool(group.coming), None),
        ("closure", lambda group: not group.by_closure, None),
        ("open", lambda group: group.status == "open", None),
        ("listed", lambda group: bool(group.listed), None),
        ("platform", allowed, None),
        ("opening", lambda group: not not_open_at_all(group), first),
        ("horizon", lambda group: not group.not_yet or not_open_at_all(group), first),
        ("notice", lambda group: not group.too_late, None),
        ("day_full", lambda group: not group.day_full, None),
        ("seats", lambda group: not group.full, None),
    ]


def _funnel(groups: Sequence[Any], steps: Sequence[Step]) -> list[Check]:
    """Pass the slots through each step; one that would leave none is the fault, and those behind it are tried without it."""
    left, checks = list(groups), []
    for code, passes, when in steps:
        seen = sum(group.number for group in left)
        out = [group for group in left if not passes(group)]
        kept = [group for group in left if passes(group)]
        passed = bool(kept) if left else code != "published" and None
        at = when(out) if when and out else None
        checks.append(Check(code, passed, seen, sum(group.number for group in out), at))
        if kept:
            left = kept
        elif code in ("published", "coming"):
            left = []  # nothing behind it can be said of slots that are not there or are over
    return checks
