"""Slots about to be published, and what speaks against each: seen by the adviser before, read again when publishing."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rdv import clock, closures, deadlines, french, rules, slots
from rdv.models import Closure, Site, Slot, User
from rdv.series.rule import Rule, WrongPlan, walls
from rdv.slots import Offer, Span


@dataclass(frozen=True)
class Planned:
    """A slot to publish: wall time of its site, and a key that names it in a page (« 2026-12-01T14:00 »)."""

    key: str
    wall: datetime
    minutes: int
    offer: Offer


@dataclass(frozen=True)
class Conflict:
    """What speaks against a slot.

    `missing` (clocks skip that hour), `past`, `overlap` (of `slot`), `twin` (an earlier one of the same plan),
    `near` (closer to one of both than the CFA's pause, `label`), `closure`, `holiday` (`label` names it).
    """

    kind: str
    label: str | None = None
    slot: Slot | None = None
    closure: Closure | None = None

    @property
    def mark(self) -> str:
        """What identifies it from one reading to the next."""
        met = self.slot.public_id if self.slot else self.closure.public_id if self.closure else self.label or ""
        return f"{self.kind}:{met}"


@dataclass
class Occurrence:
    """A planned slot with its instants (none: that hour does not exist) and its conflicts."""

    planned: Planned
    span: Span | None
    repeated: bool  # clocks show that hour twice: the first one is meant
    conflicts: list[Conflict] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.planned.key

    @property
    def kinds(self) -> set[str]:
        """The kinds of its conflicts."""
        return {conflict.kind for conflict in self.conflicts}

    @property
    def possible(self) -> bool:
        """Whether it can be published at all, should the adviser insist."""
        return not self.kinds & {"missing", "past"}


def plan(rule: Rule, offer: Offer, now: datetime) -> list[Planned]:
    """Return the slots of a rule. Raises WrongPlan with the field to correct."""
    today = clock.to_zone(now, offer.site.timezone).date()
    return keyed((wall, rule.minutes, offer) for wall in walls(rule, today))


def keyed(found: Iterable[tuple[datetime, int, Offer]]) -> list[Planned]:
    """Return planned slots with their keys; the second one of a same hour is « …~2 »."""
    seen: Counter[str] = Counter()
    made = []
    for wall, minutes, offer in found:
        key = wall.isoformat(timespec="minutes")
        seen[key] += 1
        made.append(Planned(key if seen[key] == 1 else f"{key}~{seen[key]}", wall, minutes, offer))
    return made


def preview(cfa_id: int, adviser: User, planned: Sequence[Planned], now: datetime) -> list[Occurrence]:
    """Return each planned slot with what publishing it now would meet.

    The adviser's own slots on any site and in any CFA, closures and absences, public holidays of the territory, clock
    changes. A few statements, whatever the number of slots.
    """
    found = [dated(each) for each in planned]
    real = [(each, each.span) for each in found if each.span]
    _note_past(real, now)
    _note_overlaps(real, cfa_id, adviser)
    for site in {each.planned.offer.site.id: each.planned.offer.site for each in found}.values():
        there = [(each, span) for each, span in real if each.planned.offer.site.id == site.id]
        _note_closures(there, cfa_id, site, adviser)
        _note_holidays(there, site)
    return found


def dated(planned: Planned) -> Occurrence:
    """Return a planned slot at its instants: a skipped hour has none, a repeated one is its first."""
    zone = planned.offer.site.timezone
    try:
        starts_at = clock.from_wall(planned.wall.date(), planned.wall.time(), zone)
    except ValueError:
        return Occurrence(planned, None, False, [Conflict("missing")])
    # It lasts as long the night when clocks change.
    span = Span(starts_at, starts_at + timedelta(minutes=planned.minutes))
    first, second = (planned.wall.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1))
    return Occurrence(planned, span, first != second)


_Real = Sequence[tuple[Occurrence, Span]]


def _note_past(real: _Real, now: datetime) -> None:
    for occurrence, span in real:
        if span.starts_at <= now:
            occurrence.conflicts.append(Conflict("past"))


def _note_overlaps(real: _Real, cfa_id: int, adviser: User) -> None:
    if not real:
        return
    pauses = _pauses(cfa_id, [each.planned.offer for each, _ in real])
    widest = max(pauses)
    taken = slots.overlapping(adviser, [span for _, span in real], widest)
    starts = [slot.starts_at for slot in taken]
    longest = max((slot.ends_at - slot.starts_at for slot in taken), default=timedelta())
    for (occurrence, span), pause in zip(real, pauses, strict=True):
        first, last = span.starts_at - pause, span.ends_at + pause
        for slot in taken[bisect_left(starts, first - longest) : bisect_left(starts, last)]:
            if slot.ends_at > first:
                occurrence.conflicts.append(_met(span, slot, slot, pause))
    before = None
    for (occurrence, span), pause in sorted(zip(real, pauses, strict=True), key=lambda each: each[0][1].starts_at):
        if before is not None and span.starts_at < before.ends_at + pause:
            occurrence.conflicts.append(_met(span, before, None, pause))
        if before is None or span.ends_at > before.ends_at:
            before = span


def _met(span: Span, other: Span | Slot, slot: Slot | None, pause: timedelta) -> Conflict:
    """Return the conflict of two moments that overlap, or stand closer than the pause; no slot: of the same plan."""
    if other.starts_at < span.ends_at and other.ends_at > span.starts_at:
        return Conflict("overlap" if slot else "twin", slot=slot)
    return Conflict("near", label=french.duration(int(pause.total_seconds()) // 60), slot=slot)


def _pauses(cfa_id: int, offers: Sequence[Offer]) -> list[timedelta]:
    """Return the pause that the rules of the CFA ask for around each slot."""
    book = rules.rulebook(cfa_id)
    return [timedelta(minutes=book.of(one.site.id, one.meeting_type.id).pause_minutes or 0) for one in offers]


def _note_closures(real: _Real, cfa_id: int, site: Site, adviser: User) -> None:
    covers = closures.covering(cfa_id, site, adviser.id, [span for _, span in real])
    for (occurrence, _), closure in zip(real, covers, strict=True):
        if closure is not None:
            occurrence.conflicts.append(Conflict("closure", label=closure.label, closure=closure))


def _note_holidays(real: _Real, site: Site) -> None:
    for occurrence, _ in real:
        day = occurrence.planned.wall.date()
        name = deadlines.holiday_names(site.territory, day.year).get(day)
        if name is not None:
            occurrence.conflicts.append(Conflict("holiday", label=name))


def advised(found: Sequence[Occurrence]) -> set[str]:
    """Return the keys that a page ticks first: what nothing speaks against, else all that is possible."""
    clear = {each.key for each in found if not each.conflicts}
    return clear or {each.key for each in found if each.possible}


def without(found: Sequence[Occurrence], *kinds: str) -> set[str]:
    """Return the keys of what is possible and meets none of these kinds of conflict."""
    return {each.key for each in found if each.possible and not each.kinds & set(kinds)}


def check_possible(found: Sequence[Occurrence]) -> None:
    """Raise WrongPlan, with the field to correct, when none of these slots can be published."""
    if any(each.possible for each in found):
        return
    if all("missing" in each.kinds for each in found):
        raise WrongPlan(
            "start", "Cette heure n’existe pas ce jour-là\u00a0: les horloges avancent d’une heure, de 2 h à 3 h."
        )
    raise WrongPlan("start", "Ce moment est déjà passé. Choisissez-en un à venir.")


def fingerprint(found: Sequence[Occurrence]) -> str:
    """Return what a page keeps of what it has shown: its slots, then their conflicts; it changes with any of them."""
    marks = [" ".join([each.key, *sorted(conflict.mark for conflict in each.conflicts)]) for each in found]
    return f"{_digest(each.key for each in found)}.{_digest(marks)}"


def same_slots(seen: str, found: Sequence[Occurrence]) -> bool:
    """Say whether a fingerprint is one of these slots, whatever they meet now."""
    return seen.partition(".")[0] == fingerprint(found).partition(".")[0]


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
