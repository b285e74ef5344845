"""Slots about to be published, in words: by month, by day, each with what it would meet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from rdv import clock, french, series
from rdv.models import Slot

UNFOLDED = 60  # slots: above, months without a conflict are folded


@dataclass(frozen=True)
class Line:
    """One slot: a box to tick, unless it cannot be published."""

    key: str
    label: str
    words: str
    ticked: bool
    possible: bool


@dataclass(frozen=True)
class Day:
    """The slots of one day; `note` stands once for what they all meet."""

    label: str
    note: str
    lines: list[Line]


@dataclass(frozen=True)
class Month:
    """The days of one month, folded when there is nothing to decide in a long list."""

    label: str
    summary: str
    unfolded: bool
    days: list[Day]


@dataclass(frozen=True)
class Plan:
    """The whole preview."""

    title: str
    left_out: str
    months: list[Month]
    seen: str
    zone_label: str
    overlaps: bool
    holidays: bool
    conflicts: bool


def plan(found: Sequence[series.Occurrence], ticked: Collection[str], cfa_id: int) -> Plan:
    """Return the preview of a page."""
    kinds = {kind for each in found for kind in each.kinds}
    chosen = sum(1 for each in found if each.possible and each.key in ticked)
    left = len(found) - chosen
    months = [
        _month(first, list(group), ticked, cfa_id, len(found) <= UNFOLDED)
        for first, group in groupby(found, key=lambda each: each.planned.wall.date().replace(day=1))
    ]
    zones = {each.planned.offer.site.timezone for each in found}
    return Plan(
        title=french.plural(chosen, "créneau à publier", "créneaux à publier"),
        left_out=f"{french.plural(left, 'créneau non coché', 'créneaux non cochés')}." if left else "",
        months=months,
        seen=series.fingerprint(found),
        zone_label=french.zone_suffix(zones.pop()) if len(zones) == 1 else "",
        overlaps=bool(kinds & {"overlap", "twin", "near"}),
        holidays="holiday" in kinds,
        conflicts=bool(kinds - {"missing", "past"}),
    )


def _month(first: date, found: Sequence[series.Occurrence], ticked: Collection[str], cfa_id: int, short: bool) -> Month:
    days = [_day(day, list(group), ticked, cfa_id) for day, group in groupby(found, key=_wall_day)]
    chosen = sum(line.ticked for day in days for line in day.lines)
    left = len(found) - chosen
    summary = french.plural(chosen, "créneau", "créneaux") + (
        f", {left} non cochés" if left > 1 else ", 1 non coché" if left else ""
    )
    decide = any(each.conflicts for each in found)
    return Month(french.month(first).capitalize(), summary, short or decide, days)


def _wall_day(occurrence: series.Occurrence) -> date:
    return occurrence.planned.wall.date()


def _day(day: date, found: Sequence[series.Occurrence], ticked: Collection[str], cfa_id: int) -> Day:
    words = [_words(each, cfa_id) for each in found]
    shared = words[0] if len(found) > 1 and len(set(words)) == 1 else ""
    lines = [
        Line(
            key=each.key,
            label=_hours(each),
            words="" if shared else said,
            ticked=each.possible and each.key in ticked,
            possible=each.possible,
        )
        for each, said in zip(found, words, strict=True)
    ]
    return Day(french.day(day).capitalize(), shared, lines)


def _hours(occurrence: series.Occurrence) -> str:
    starts = occurrence.planned.wall
    ends = starts + timedelta(minutes=occurrence.planned.minutes)
    if occurrence.span:  # the hour that is read on the wall then, the night when clocks change too
        ends = clock.to_zone(occurrence.span.ends_at, occurrence.planned.offer.site.timezone)
    return f"{french.clock_time(starts)} – {french.clock_time(ends)}"


def _words(occurrence: series.Occurrence, cfa_id: int) -> str:
    met = [conflict for conflict in occurrence.conflicts if conflict.slot is not None]
    said = [_met(list(group), cfa_id) for _, group in groupby(met, key=lambda one: _place(one, cfa_id))]
    said += [_conflict(conflict) for conflict in occurrence.conflicts if conflict.slot is None]
    if occurrence.repeated:
        said.append("heure affichée deux fois cette nuit-là\u00a0: la première")
    return french.enumeration(_once(said)) if said else ""


def _once(said: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(said))


def _conflict(conflict: series.Conflict) -> str:
    if conflict.closure is not None:
        kind = "absence" if conflict.closure.user_id else "fermeture"
        return f"{kind} («\u00a0{conflict.label}\u00a0»)" if conflict.label else kind
    return {
        "missing": "cette heure n’existe pas\u00a0: les horloges avancent d’une heure",
        "past": "déjà passé",
        "twin": "chevauche un autre créneau de cette liste",
        "near": f"à moins de {conflict.label} d’un autre créneau de cette liste",
        "holiday": f"jour férié ({conflict.label})",
    }[conflict.kind]


def _place(conflict: series.Conflict, cfa_id: int) -> tuple[str, str]:
    """Where a slot already published stands; in another CFA that stays unknown here."""
    slot = conflict.slot
    return conflict.kind, slot.site.shown_name if slot and slot.cfa_id == cfa_id else ""


def _met(conflicts: Sequence[series.Conflict], cfa_id: int) -> str:
    """« chevauche 14 h – 14 h 20 et 14 h 20 – 14 h 40 à Campus Nord »."""
    kind, where = _place(conflicts[0], cfa_id)
    how = f"à moins de {conflicts[0].label} de" if kind == "near" else "chevauche"
    if not where:
        return f"{how} un créneau dans un autre centre".replace("de un", "d’un")
    return f"{how} {french.enumeration([_taken(one.slot) for one in conflicts if one.slot])} à {where}"


def _taken(slot: Slot) -> str:
    zone = slot.site.timezone
    starts, ends = clock.to_zone(slot.starts_at, zone), clock.to_zone(slot.ends_at, zone)
    return f"{french.clock_time(starts)} – {french.clock_time(ends)}{french.zone_suffix(zone)}"
