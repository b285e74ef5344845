"""A rule as French words: « Chaque mardi de 14 h à 17 h, toutes les 20 min, jusqu’au 18 décembre »."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from rdv import french
from rdv.opening_hours import WEEKDAYS
from rdv.series.rule import Range, Rule


def rule_in_words(rule: Rule, today: date) -> str:
    """Return a rule in one sentence; the year is said when it is not that of `today`."""
    parts = [_days(rule, today)]
    if rule.every_weeks > 1:
        parts.append("une semaine sur deux" if rule.every_weeks == 2 else f"toutes les {rule.every_weeks} semaines")
    hours = french.enumeration([_hours(one, rule) for one in rule.ranges])
    if len(parts) == 1:
        parts[0] = f"{parts[0]} {hours}"
    else:
        parts.append(hours)
    parts.append(_rhythm(rule))
    if rule.last_day is not None:
        parts.append(f"jusqu’au {_date(rule.last_day, today)}")
    elif rule.count is not None:
        parts.append(f"{french.plural(rule.count, 'jour')} à partir du {_date(rule.first_day, today)}")
    return ", ".join(parts)


def _days(rule: Rule, today: date) -> str:
    if not rule.repeats:
        return f"Le {french.day(rule.first_day, year=rule.first_day.year != today.year)}"
    chosen = rule.chosen_weekdays
    if len(chosen) == 7:
        return "Tous les jours"
    if len(chosen) == 1:
        return f"Chaque {WEEKDAYS[chosen[0]]}"
    if len(chosen) > 2 and chosen[-1] - chosen[0] == len(chosen) - 1:
        return f"Du {WEEKDAYS[chosen[0]]} au {WEEKDAYS[chosen[-1]]}"
    return "Les " + french.enumeration([f"{WEEKDAYS[weekday]}s" for weekday in chosen])


def _hours(one: Range, rule: Rule) -> str:
    if one.ends is None or _minutes(one.starts) + rule.minutes == _minutes(one.ends):
        return f"à {_time(one.starts)}"
    return f"de {_time(one.starts)} à {_time(one.ends)}"


def _rhythm(rule: Rule) -> str:
    length = french.duration(rule.minutes)
    if not any(_hours(one, rule).startswith("de ") for one in rule.ranges):
        return f"durée {length}"
    if not rule.pause:
        return f"toutes les {length}"
    return f"{length} chacun, {french.duration(rule.pause)} de pause"


def _date(day: date, today: date) -> str:
    return french.day_of_month(day, year=day.year != today.year)


def _time(at: time) -> str:
    return french.clock_time(datetime.combine(date.min, at))


def _minutes(at: time) -> int:
    return int(timedelta(hours=at.hour, minutes=at.minute).total_seconds()) // 60
