"""The slots of one week planned again in other weeks, in wall time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from rdv import agenda, clock
from rdv.agenda import Week
from rdv.db import db
from rdv.models import Cfa, Slot, User
from rdv.series.plan import Planned, keyed
from rdv.series.rule import MOST_SLOTS, WrongPlan
from rdv.slots import FARTHEST, Offer


@dataclass(frozen=True)
class Copied:
    """What a week gives: slots planned elsewhere, and how many were left out (their type or their place is no more)."""

    planned: list[Planned]
    left_out: int


def copy_week(cfa: Cfa, adviser: User, origin: Week, targets: Iterable[Week], now: datetime) -> Copied:
    """Plan an adviser's slots of one week, cancelled ones aside, in each of the other weeks.

    Raises WrongPlan with the field to correct: `to` or `weeks`.
    """
    weeks = [week for week in targets if week != origin]
    if not weeks:
        raise WrongPlan("to", "Choisissez une autre semaine que celle qui est copiée.")
    if weeks[-1].monday > clock.to_zone(now, agenda.home_zone(cfa)).date() + FARTHEST:
        raise WrongPlan("to", "Cette semaine est dans plus de dix-huit mois.")
    found = _slots(cfa, adviser, origin.monday)
    kept = [slot for slot in found if slot.meeting_type.archived_at is None and slot.site.closed_at is None]
    if len(kept) * len(weeks) > MOST_SLOTS:
        raise WrongPlan(
            "weeks", f"Cela ferait {len(kept) * len(weeks)} créneaux\u00a0: publiez-en {MOST_SLOTS} au plus à la fois."
        )
    offers = {slot.id: _offer(slot) for slot in kept}
    planned = keyed(
        (
            _wall(slot) + (week.monday - origin.monday),
            int((slot.ends_at - slot.starts_at).total_seconds()) // 60,
            offers[slot.id],
        )
        for week in weeks
        for slot in kept
    )
    return Copied(planned, len(found) - len(kept))


def _slots(cfa: Cfa, adviser: User, monday: date) -> list[Slot]:
    found = agenda.slots_of_days(cfa.id, monday, monday + timedelta(days=6), adviser_id=adviser.id)
    ids = [slot.id for slot in found if slot.status != "cancelled"]
    # Their trainings at once, into the same rows.
    db.session.scalars(sa.select(Slot).options(selectinload(Slot.trainings)).where(Slot.id.in_(ids))).all()
    return sorted((slot for slot in found if slot.status != "cancelled"), key=_wall)


def _wall(slot: Slot) -> datetime:
    return clock.to_zone(slot.starts_at, slot.site.timezone).replace(tzinfo=None)


def _offer(slot: Slot) -> Offer:
    return Offer(
        site=slot.site,
        meeting_type=slot.meeting_type,
        place=slot.place,
        place_detail=slot.place_detail,
        capacity=slot.capacity,
        listed=slot.listed,
        training_scope=slot.training_scope,
        trainings=tuple(slot.trainings) if slot.training_scope == "chosen" else (),
        title=slot.title,
        programme=slot.programme,
        what_to_bring=slot.what_to_bring,
    )
