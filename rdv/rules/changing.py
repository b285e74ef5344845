"""A manager's decisions: saved, journalled, and written on the coming slots in the same transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv import audit
from rdv.db import db, is_sqlite, one_at_a_time
from rdv.errors import EditedMeanwhile
from rdv.models import BookingRule, Cfa, MeetingType, Site, Slot, User
from rdv.rules.days import lock_advisers, recount
from rdv.rules.rulebook import Effective
from rdv.rules.stamping import restamp


@dataclass(frozen=True)
class Draft(Effective):
    """What is typed of a rule; None: the wider rule decides."""


@dataclass(frozen=True)
class Saved:
    """What saving a rule did: coming slots of its scope, and how many of them the public cannot book at this instant."""

    changed: bool
    slots: int
    not_open: int


def get(cfa: Cfa, *, site: Site | None = None, meeting_type: MeetingType | None = None) -> BookingRule | None:
    """Return the rule of a CFA, of one of its sites or of one of its meeting types, None when nothing was decided."""
    return db.session.scalar(_rule(cfa, site, meeting_type))


def _rule(cfa: Cfa, site: Site | None, meeting_type: MeetingType | None) -> sa.Select[Any]:
    return sa.select(BookingRule).where(
        BookingRule.cfa_id == cfa.id,
        BookingRule.site_id.is_not_distinct_from(site.id if site else None),
        BookingRule.meeting_type_id.is_not_distinct_from(meeting_type.id if meeting_type else None),
    )


def concerned(
    cfa: Cfa, now: datetime, *, site: Site | None = None, meeting_type: MeetingType | None = None
) -> tuple[int, int]:
    """Return how many coming slots are in a scope, and how many of them its rules keep shut at this instant."""
    shut = sa.or_(Slot.opens_at > now, Slot.closes_at <= now, Slot.day_full.is_(True))
    query = sa.select(sa.func.count(), sa.func.count(sa.case((shut, 1)))).where(_scope(cfa, site, meeting_type, now))
    total, not_open = db.session.connection().execute(query).one()
    return total, not_open


def coming_slots(cfa_id: int, now: datetime) -> Counter[tuple[int, int]]:
    """Count the coming slots of a CFA by (site, meeting type): what its rules are about."""
    query = (
        sa.select(Slot.site_id, Slot.meeting_type_id, sa.func.count())
        .where(Slot.cfa_id == cfa_id, Slot.starts_at > now, Slot.status != "cancelled")
        .group_by(Slot.site_id, Slot.meeting_type_id)
    )
    rows = db.session.connection().execute(query)
    return Counter({(site_id, meeting_type_id): number for site_id, meeting_type_id, number in rows})


def save(
    cfa: Cfa,
    draft: Draft,
    version: int,
    now: datetime,
    *,
    by: User,
    site: Site | None = None,
    meeting_type: MeetingType | None = None,
) -> Saved:
    """Change the rule of a CFA (or of a site, or of a meeting type of it) and write it on its coming slots.

    `version`: that of the rule that was read, 0 when there was none. Raises EditedMeanwhile.
    Bookings and moves on these slots wait; slots published meanwhile are born under the new rule.
    """
    scope = _scope(cfa, site, meeting_type, now)
    _lock(scope)
    one_at_a_time(f"rules:{cfa.id}")
    rule = db.session.scalar(_rule(cfa, site, meeting_type).with_for_update().execution_options(populate_existing=True))
    if (rule.version if rule else 0) != version:
        raise EditedMeanwhile
    wanted = asdict(draft)
    if all(getattr(rule, name, None) == value for name, value in wanted.items()):
        return Saved(False, *concerned(cfa, now, site=site, meeting_type=meeting_type))
    before = {name: getattr(rule, name, None) for name in wanted}
    if rule is None:
        rule = BookingRule(cfa_id=cfa.id, site_id=site and site.id, meeting_type_id=meeting_type and meeting_type.id)
        rule.version = 0
        db.session.add(rule)
    for name, value in wanted.items():
        setattr(rule, name, value)
    rule.version += 1
    db.session.flush()
    about = meeting_type or site or cfa
    audit.record(
        "rule.changed", user=by, cfa=cfa, object_type=_TYPES[type(about)], object_id=about.public_id,
        data={"changes": {name: [_told(before[name]), _told(value)] for name, value in wanted.items() if before[name] != value}},
    )  # fmt: skip
    restamp(cfa.id, scope, now)
    if before["most_a_day"] != draft.most_a_day:
        advisers = db.session.connection().execute(sa.select(Slot.adviser_id).where(scope).distinct()).scalars()
        recount(cfa.id, list(advisers), now)
    return Saved(True, *concerned(cfa, now, site=site, meeting_type=meeting_type))


_TYPES: dict[type[Any], str] = {Cfa: "cfa", Site: "site", MeetingType: "meeting_type"}


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _scope(cfa: Cfa, site: Site | None, meeting_type: MeetingType | None, now: datetime) -> sa.ColumnElement[bool]:
    coming = [Slot.cfa_id == cfa.id, Slot.starts_at > now, Slot.status != "cancelled"]
    if meeting_type is not None:
        coming.append(Slot.meeting_type_id == meeting_type.id)
    elif site is not None:
        coming.append(Slot.site_id == site.id)
    return sa.and_(*coming)


def _lock(scope: sa.ColumnElement[bool]) -> None:
    """Lock the advisers of these slots, then the slots, each in ascending id as everywhere."""
    if is_sqlite():
        return
    lock_advisers(User.id.in_(sa.select(Slot.adviser_id).where(scope)))
    query = sa.select(Slot.id).where(scope).order_by(Slot.id).with_for_update(key_share=True)
    db.session.connection().execute(query).all()
