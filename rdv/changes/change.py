"""What an edit asks of published slots, and which ones it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock
from rdv.db import db
from rdv.models import Site, Slot
from rdv.slots import FARTHEST, Span

# One slot alone; this one and the later ones of its series; every coming one of its series.
SCOPES = ("one", "following", "all")
# What the people booked are told of; the rest is read on their page and in their calendar.
CONCERNS_PEOPLE = frozenset({"place", "place_detail", "site_id", "adviser_id", "meeting_type_id"})
_WORDS = frozenset({"title", "programme", "what_to_bring"})
EDITABLE = CONCERNS_PEOPLE | _WORDS | {"capacity", "listed", "training_scope"}


class NoSuchTime(ValueError):
    """A slot cannot take place at its new time; `why` is a key of IMPOSSIBLE."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


IMPOSSIBLE = {
    "missing_hour": "Cette heure n’existe pas ce jour-là\u00a0: les horloges avancent d’une heure.",
    "past": "Ce moment est déjà passé.",
    "next_day": "Ce créneau finirait le lendemain.",
    "too_far": "Cette date est dans plus de dix-huit mois.",
}


@dataclass(frozen=True)
class Change:
    """What an edit asks of each slot it reaches, relative to the one it was typed on; what is not named stays.

    `days` and `minutes` shift the wall time of the site: 14:00 stays 14:00 across clock changes. `duration` is in
    minutes of real time, `values` are columns of EDITABLE, `trainings` ids that go with the scope « chosen ».
    """

    days: int = 0
    minutes: int = 0
    duration: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    trainings: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not set(self.values) <= EDITABLE:
            raise ValueError(f"not editable: {set(self.values) - EDITABLE}")

    @property
    def is_empty(self) -> bool:
        return self == Change()

    @property
    def shifts(self) -> bool:
        """True when slots begin at another wall time."""
        return bool(self.days or self.minutes)

    @property
    def retimes(self) -> bool:
        """True when slots may begin or end at another instant; a new place may stand in another zone."""
        return self.shifts or self.duration is not None or "site_id" in self.values

    @property
    def concerns_people(self) -> bool:
        """True when those booked must be asked about and told: when, where, with whom, for what."""
        return self.retimes or not CONCERNS_PEOPLE.isdisjoint(self.values)

    @property
    def shows(self) -> bool:
        """True when calendars show something else."""
        return self.concerns_people or not _WORDS.isdisjoint(self.values)

    def lowers(self, slot: Slot) -> bool:
        """Say whether a slot would have fewer places than today."""
        return "capacity" in self.values and self.values["capacity"] < slot.capacity

    def span(self, slot: Slot, now: datetime) -> Span:
        """Return when a slot would take place, or raise NoSuchTime.

        A slot that does not begin at another wall time keeps its instant: the hour that clocks repeat is not chosen again.
        """
        if not self.retimes:
            return Span(slot.starts_at, slot.ends_at)
        zone = self.zone(slot)
        begins, length = slot.starts_at, slot.ends_at - slot.starts_at
        if self.duration is not None:
            length = timedelta(minutes=self.duration)
        if self.shifts or zone != slot.site.timezone:
            wall = clock.to_zone(begins, slot.site.timezone).replace(tzinfo=None)
            wall += timedelta(days=self.days, minutes=self.minutes)
            if wall.date() > (now + FARTHEST).date():
                raise NoSuchTime("too_far")
            try:
                begins = clock.from_wall(wall.date(), wall.time(), zone)
            except ValueError:
                raise NoSuchTime("missing_hour") from None
            if begins <= now:
                raise NoSuchTime("past")
        last = clock.to_zone(begins + length - timedelta(microseconds=1), zone).date()
        if last != clock.to_zone(begins, zone).date():
            raise NoSuchTime("next_day")
        return Span(begins, begins + length)

    def zone(self, slot: Slot) -> str:
        """Return the zone of the place where a slot would be."""
        if "site_id" not in self.values:
            return slot.site.timezone
        return db.session.get_one(Site, self.values["site_id"]).timezone


def reached(chosen: Slot, scope: str, now: datetime, edited: bool = False) -> list[Slot]:
    """Return the coming slots that an edit of `chosen` reaches, soonest first; cancelled ones never.

    Those edited alone are left by wider scopes unless `edited`; the chosen one is always there when it is to come.
    """
    query = (
        sa.select(Slot)
        .options(joinedload(Slot.site), joinedload(Slot.adviser), joinedload(Slot.meeting_type))
        .where(Slot.status != "cancelled", Slot.starts_at > now)
        .order_by(Slot.starts_at, Slot.id)
    )
    if scope == "one" or chosen.series_id is None:
        return list(db.session.scalars(query.where(Slot.id == chosen.id)))
    query = query.where(Slot.series_id == chosen.series_id)
    if scope == "following":
        query = query.where(Slot.starts_at >= chosen.starts_at)
    if not edited:
        query = query.where(sa.or_(Slot.edited_alone.is_(False), Slot.id == chosen.id))
    return list(db.session.scalars(query))
