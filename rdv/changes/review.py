"""What a change would meet, slot by slot: who is booked, what speaks against the new time, what must be decided."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from rdv import agenda, clock, closures, deadlines
from rdv.booking import ContactMissing, check_contact
from rdv.changes.change import Change, NoSuchTime
from rdv.db import db
from rdv.models import Booking, Closure, SeatHold, Site, Slot, SlotSeries, User
from rdv.slots import Span, overlapping

# What is decided of a slot: left as it is, changed whatever it meets, or cancelled.
ACTS = ("keep", "apply", "cancel")
# What is decided of a person: they follow their slot, or lose the seat; else the public id of another slot.
STAY, CANCEL = "stay", "cancel"


@dataclass(frozen=True)
class Decision:
    """What somebody decided of one slot, and of its people by the public id of their booking."""

    act: str
    people: Mapping[str, str] = field(default_factory=dict)

    def of(self, booking: Booking) -> str:
        """Return what becomes of one person."""
        return self.people.get(booking.public_id, STAY)


@dataclass(frozen=True)
class Person:
    """Somebody booked; `trouble` keeps them from following: `same_hour` (booked elsewhere then) or `contact`."""

    booking: Booking
    trouble: str | None


@dataclass(frozen=True)
class Line:
    """One slot and what the change would meet there; `span` is None when it cannot take place (`impossible` says why)."""

    slot: Slot
    span: Span | None
    zone: str  # of the place where it would be
    impossible: str | None
    overlaps: list[Slot]
    closure: Closure | None
    holiday: bool
    people: list[Person]
    held: int  # seats kept for people who have not answered yet
    concerned: bool  # those booked are told
    room: int | None  # places once lowered; None: as many as before, or more

    @property
    def has_conflict(self) -> bool:
        return bool(self.impossible or self.overlaps or self.closure or self.holiday)

    @property
    def missing(self) -> int:
        """Seats to give back before the capacity can be lowered."""
        return 0 if self.room is None else max(self.slot.seats_taken - self.room, 0)

    @property
    def to_decide(self) -> bool:
        """True when nothing may be done here without a decision."""
        return self.has_conflict or self.missing > 0 or (self.concerned and bool(self.people))

    @property
    def people_to_decide(self) -> bool:
        """True when people of this slot cannot all follow it."""
        return self.missing > 0 or any(person.trouble for person in self.people)

    def still_missing(self, decision: Decision) -> int:
        """Return how many seats are missing once people have left as decided."""
        left = sum(each.booking.seats for each in self.people if decision.of(each.booking) != STAY)
        return max(self.missing - left, 0)


@dataclass(frozen=True)
class Review:
    """Every slot a change reaches, soonest first; `seen` stands for what was read: it differs once anything changed."""

    change: Change
    lines: list[Line]
    seen: str

    @property
    def to_decide(self) -> list[Line]:
        return [line for line in self.lines if line.to_decide]


def seen_of(slots: Sequence[Slot], series: SlotSeries | None) -> str:
    """Return a digest of what somebody who reviews has seen: each slot with its bookings, and the series.

    `Slot.version` rises with each booking and each change; `SlotSeries.version` with each change of the series, which
    tells of two advisers who change other slots of it.
    """
    parts = [f"{slot.id}:{slot.version}" for slot in sorted(slots, key=lambda each: each.id)]
    return hashlib.sha256("|".join([str(series.version if series else 0), *parts]).encode()).hexdigest()[:32]


def review(change: Change, slots: Sequence[Slot], now: datetime, series: SlotSeries | None = None) -> Review:
    """Return what a change of these slots would meet."""
    spans, impossible = _spans(change, slots, now)
    people = agenda.bookings(slots)
    held = _held(slots)
    overlaps, closed, holidays = _conflicts(change, slots, spans)
    elsewhere = _booked_elsewhere(change, slots, spans, people)
    place = change.values.get("place")
    lines = [
        Line(
            slot=slot,
            span=spans.get(slot.id),
            zone=change.zone(slot),
            impossible=impossible.get(slot.id),
            overlaps=overlaps.get(slot.id, []),
            closure=closed.get(slot.id),
            holiday=slot.id in holidays,
            people=[
                Person(one, _trouble(one, place, one.id in elsewhere)) for one in people[slot.id]
            ],
            held=held.get(slot.id, 0),
            concerned=change.concerns_people,
            room=change.values["capacity"] if change.lowers(slot) else None,
        )
        for slot in slots
    ]  # fmt: skip
    return Review(change, lines, seen_of(slots, series))


def _spans(change: Change, slots: Sequence[Slot], now: datetime) -> tuple[dict[int, Span], dict[int, str]]:
    spans, impossible = {}, {}
    for slot in slots:
        try:
            spans[slot.id] = change.span(slot, now)
        except NoSuchTime as refusal:
            impossible[slot.id] = refusal.why
    return spans, impossible


def _held(slots: Sequence[Slot]) -> dict[int, int]:
    rows = db.session.execute(
        sa.select(SeatHold.slot_id, sa.func.sum(SeatHold.seats))
        .where(SeatHold.slot_id.in_([slot.id for slot in slots]), SeatHold.status == "live")
        .group_by(SeatHold.slot_id)
    )
    return {slot_id: int(count) for slot_id, count in rows}


def _conflicts(
    change: Change, slots: Sequence[Slot], spans: Mapping[int, Span]
) -> tuple[dict[int, list[Slot]], dict[int, Closure], set[int]]:
    """Return the overlaps, closures and holidays that new times, another adviser or another place would meet."""
    overlaps: dict[int, list[Slot]] = {}
    closed: dict[int, Closure] = {}
    holidays: set[int] = set()
    if not change.retimes and "adviser_id" not in change.values:
        return overlaps, closed, holidays
    groups: dict[tuple[int, int], list[Slot]] = defaultdict(list)
    for slot in slots:
        if slot.id in spans:
            key = (change.values.get("adviser_id", slot.adviser_id), change.values.get("site_id", slot.site_id))
            groups[key].append(slot)
    moving = {slot.id for slot in slots}
    for (adviser_id, site_id), own in groups.items():
        site = db.session.get_one(Site, site_id)
        new = [spans[slot.id] for slot in own]
        others = [one for one in overlapping(db.session.get_one(User, adviser_id), new) if one.id not in moving]
        found = closures.covering(own[0].cfa_id, site, adviser_id, new)
        for slot, span, closure in zip(own, new, found, strict=True):
            met = [one for one in others if one.starts_at < span.ends_at and one.ends_at > span.starts_at]
            met += [
                one for one in own
                if one.id != slot.id and _meet(spans[one.id], span) and not (one.starts_at < slot.ends_at and one.ends_at > slot.starts_at)
            ]  # fmt: skip
            if met:
                overlaps[slot.id] = met
            # A closure that covers the slot as it stands is no news; a colleague's absence is.
            as_before = not change.retimes and slot.site_id == site_id
            if closure is not None and not (as_before and closure.user_id is None):
                closed[slot.id] = closure
            day = clock.to_zone(span.starts_at, site.timezone).date()
            same_day = day == clock.to_zone(slot.starts_at, slot.site.timezone).date()
            if not same_day and day in deadlines.public_holidays(site.territory, day.year):
                holidays.add(slot.id)
    return overlaps, closed, holidays


def _meet(one: Span, two: Span) -> bool:
    return one.starts_at < two.ends_at and one.ends_at > two.starts_at


def _booked_elsewhere(
    change: Change, slots: Sequence[Slot], spans: Mapping[int, Span], people: Mapping[int, list[Booking]]
) -> set[int]:
    """Return the bookings whose person would hold two seats at one hour of this centre."""
    if not change.retimes:
        return set()
    wanted: dict[tuple[str | None, datetime], int] = {
        (one.person_key, spans[slot.id].starts_at): one.id
        for slot in slots
        if slot.id in spans
        for one in people[slot.id]
        if one.person_key
    }
    if not wanted:
        return set()
    moving = [slot.id for slot in slots]
    rows = db.session.execute(
        sa.select(Booking.person_key, Booking.starts_at).where(
            Booking.cfa_id == slots[0].cfa_id,
            Booking.person_key.in_({key for key, _ in wanted}),
            Booking.status != "cancelled",
            Booking.slot_id.not_in(moving),
        )
    )
    return {wanted[(key, at)] for key, at in rows if (key, at) in wanted}


def _trouble(booking: Booking, place: str | None, elsewhere: bool) -> str | None:
    if elsewhere:
        return "same_hour"
    if place is not None:
        try:
            check_contact(place, booking.request)
        except ContactMissing:
            return "contact"
    return None
