"""A rule that repeats slots, in wall time, and the wall times that it stands for: no zone, no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from rdv import french
from rdv.errors import RdvError
from rdv.slots import FARTHEST

MOST_SLOTS = 1000  # published at once


class WrongPlan(RdvError):
    """Slots that cannot be published as typed; `field` is the form's."""

    status = 400

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Range:
    """Wall hours of one day, cut into slots; without an end, one slot."""

    starts: time
    ends: time | None = None


@dataclass(frozen=True)
class Rule:
    """Slots of `minutes` in the ranges of chosen weekdays (0 is Monday; none: that of the first day).

    Until a last day (included) or for a count of days; neither: the first day alone.
    """

    first_day: date
    ranges: tuple[Range, ...]
    minutes: int
    pause: int = 0
    weekdays: tuple[int, ...] = ()
    every_weeks: int = 1
    last_day: date | None = None
    count: int | None = None

    @property
    def repeats(self) -> bool:
        """Whether more than one day may be meant."""
        return self.last_day is not None or self.count is not None

    @property
    def chosen_weekdays(self) -> tuple[int, ...]:
        """The weekdays of the rule, in order, never empty."""
        return tuple(sorted(set(self.weekdays))) or (self.first_day.weekday(),)


def days(rule: Rule) -> list[date]:
    """Return the days of a rule, at most eighteen months after the first."""
    if not rule.repeats:
        return [rule.first_day]
    found = []
    for day in _matching_days(rule):
        if rule.last_day is not None and day > rule.last_day:
            break
        found.append(day)
        if rule.count is not None and len(found) == rule.count:
            break
    return found


def _matching_days(rule: Rule) -> Iterator[date]:
    monday = rule.first_day - timedelta(days=rule.first_day.weekday())
    while monday <= rule.first_day + FARTHEST:
        for weekday in rule.chosen_weekdays:
            day = monday + timedelta(days=weekday)
            if rule.first_day <= day <= rule.first_day + FARTHEST:
                yield day
        monday += timedelta(weeks=rule.every_weeks)


def walls(rule: Rule, today: date) -> list[datetime]:
    """Return when each slot begins, in wall time, soonest first. `today`: that of the site.

    Raises WrongPlan with the field to correct.
    """
    _check_days(rule, today)
    times = _times(rule)
    found = days(rule)
    end_field = "count" if rule.count is not None else "until"
    if not found:
        raise WrongPlan("until", "Aucun des jours choisis ne tombe avant cette date. Choisissez-en une plus éloignée.")
    if rule.count is not None and (len(found) < rule.count or found[-1] > today + FARTHEST):
        raise WrongPlan("count", "La série finirait dans plus de dix-huit mois. Demandez moins de jours.")
    total = len(found) * len(times)
    if total > MOST_SLOTS:
        field = end_field if rule.repeats else "end"
        raise WrongPlan(field, f"Cela ferait {total} créneaux\u00a0: publiez-en {MOST_SLOTS} au plus à la fois.")
    return [datetime.combine(day, at) for day in found for at in times]


def _check_days(rule: Rule, today: date) -> None:
    # Before any conversion: the first and last days of the calendar have no instant in some zones.
    if rule.first_day < today:
        raise WrongPlan("day", "Ce moment est déjà passé. Choisissez-en un à venir.")
    if rule.first_day > today + FARTHEST:
        raise WrongPlan("day", "Cette date est dans plus de dix-huit mois. Vérifiez l’année.")
    if rule.last_day is not None and rule.count is not None:
        raise WrongPlan("count", "Choisissez une date de fin ou un nombre de jours, pas les deux.")
    if rule.last_day is not None and rule.last_day < rule.first_day:
        raise WrongPlan("until", "La date de fin vient après le premier jour.")
    if rule.last_day is not None and rule.last_day > today + FARTHEST:
        raise WrongPlan("until", "Cette date est dans plus de dix-huit mois. Vérifiez l’année.")
    if not rule.repeats and (rule.weekdays or rule.every_weeks > 1):  # never one day in silence
        raise WrongPlan(
            "until", "Dites jusqu’à quand répéter\u00a0: une date, par exemple 18/12/2026, ou un nombre de jours."
        )


def _times(rule: Rule) -> list[time]:
    """Return when the slots of a day begin."""
    found: list[tuple[datetime, int]] = []
    for rank, one in enumerate(rule.ranges):
        found += [(at, rank) for at in _cut(one, rank, rule)]
    found.sort()
    length = timedelta(minutes=rule.minutes)
    for (before, _), (after, rank) in pairwise(found):
        if after < before + length:
            raise WrongPlan(_named("start", rank), "Cette plage en chevauche une autre. Commencez-la plus tard.")
    return [at.time() for at, _ in found]


def _cut(one: Range, rank: int, rule: Rule) -> list[datetime]:
    begins = datetime.combine(rule.first_day, one.starts)
    length = timedelta(minutes=rule.minutes)
    last = begins + length if one.ends is None else datetime.combine(rule.first_day, one.ends)
    if last.date() != rule.first_day:
        raise WrongPlan(
            _named("start", rank), "Ce créneau finirait le lendemain. Commencez plus tôt, par exemple à 14:00."
        )
    if last <= begins:
        raise WrongPlan(_named("end", rank), "L’heure de fin doit être après l’heure de début, par exemple 17:00.")
    cut = []
    while begins + length <= last:
        cut.append(begins)
        begins += length + timedelta(minutes=rule.pause)
    if not cut:
        raise WrongPlan(
            _named("end", rank),
            f"Aucun créneau de {french.plural(rule.minutes, 'minute')} ne tient entre ces deux heures. Élargissez la plage.",
        )
    return cut


def _named(field: str, rank: int) -> str:
    """« end » of the first range, « end_2 » of the second."""
    return field if rank == 0 else f"{field}_{rank + 1}"
