"""When an answer is due, in business time of the site (design.md §6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import holidays

from rdv import clock, closures
from rdv.models import Closure, OpeningHours, Site

# Until a site sets its hours: Monday to Friday, 9 to 17 local time.
_DEFAULT_SPAN = (9 * 60, 17 * 60)
_FARTHEST_DAYS = 370


@lru_cache(maxsize=256)
def holiday_names(territory: str, year: int) -> dict[date, str]:
    """Return the public holidays of a territory by day, with their names in French (« Lundi de Pâques »).

    `territory`: its subdivision code in the holidays library, FR for none.
    """
    subdivision = None if territory == "FR" else territory
    found = holidays.France(subdiv=subdivision, years=year, language="fr")
    return {day: name.replace("'", "’").replace("; ", " et ") for day, name in found.items()}


@lru_cache(maxsize=256)
def public_holidays(territory: str, year: int) -> frozenset[date]:
    """Return the public holidays of a territory."""
    return frozenset(holiday_names(territory, year))


def coming_holidays(territory: str, first: date, last: date) -> list[tuple[date, str]]:
    """Return the public holidays of a territory between two days, both included, with their French names."""
    named = [each for year in range(first.year, last.year + 1) for each in holiday_names(territory, year).items()]
    return sorted((day, name) for day, name in named if first <= day <= last)


def closing_minute(day: date, hours: list[OpeningHours], territory: str, shut: Sequence[Closure] = ()) -> int | None:
    """Return the minute at which a site closes on a day, None when it does not open at all.

    Closures take their part away: whole days, or hours of one day. Shut from 15 h to 18 h, a site that is there from
    9 h to 17 h closes at 15 h; shut all the hours it opens, it does not open that day.
    """
    if day in public_holidays(territory, day.year):
        return None
    if hours:
        spans = [(span.opens_minute, span.closes_minute) for span in hours if span.weekday == day.weekday()]
    else:
        spans = [_DEFAULT_SPAN] if day.weekday() < 5 else []
    for closure in shut:
        if closure.first_day <= day <= closure.last_day:
            begins = _minute(closure.starts) if closure.starts else 0
            ends = _minute(closure.ends) if closure.ends else 24 * 60
            spans = [left for span in spans for left in _without(span, begins, ends)]
    return max((closes for _, closes in spans), default=None)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _without(span: tuple[int, int], begins: int, ends: int) -> list[tuple[int, int]]:
    """Return what is left of a span once another is taken out of it."""
    opens, closes = span
    return [(start, end) for start, end in ((opens, min(closes, begins)), (max(opens, ends), closes)) if start < end]


def due_at(arrived_at: datetime, site: Site | None, working_days: int, cfa_id: int | None = None) -> datetime:
    """Return the closing time of the site on the n-th working day after arrival, as a UTC instant.

    Days on which the CFA or the site is shut do not count; an adviser's absence changes nothing, a colleague answers.
    Without a site: Paris, national holidays, and the closures of the CFA (`cfa_id`, which a site knows by itself).
    """
    zone = site.timezone if site else clock.PARIS
    arrival = clock.to_zone(arrived_at, zone).date()
    cfa_id = cfa_id or (site.cfa_id if site else None)
    shut = closures.of_place(cfa_id, site.id if site else None, arrival) if cfa_id else []
    found = _nth_opening(arrival, site, working_days, shut) or _nth_opening(arrival, site, working_days, ())
    if found is None:
        raise ValueError(f"site {site.public_id if site else ''} never opens")
    day, closes = found
    at = time.max.replace(microsecond=0) if closes == 24 * 60 else time(closes // 60, closes % 60)
    return clock.from_wall(day, at, zone)


def first_opening(from_day: date, site: Site | None, shut: Sequence[Closure]) -> date | None:
    """Return the first day from one on when a site answers; None when it never does (not within a year)."""
    found = _nth_opening(from_day - timedelta(days=1), site, 1, shut)
    return found[0] if found else None


def _nth_opening(after: date, site: Site | None, count: int, shut: Sequence[Closure]) -> tuple[date, int] | None:
    """Return the n-th day after another on which a site opens, with its closing minute; None beyond a year.

    Closures laid end to end for a year count no more than none at all: a promise is always dated.
    """
    territory = site.territory if site else "FR"
    hours = list(site.opening_hours) if site else []
    left = count
    for ahead in range(1, _FARTHEST_DAYS):
        day = after + timedelta(days=ahead)
        closes = closing_minute(day, hours, territory, shut)
        left -= closes is not None
        if closes is not None and left <= 0:
            return day, closes
    return None
