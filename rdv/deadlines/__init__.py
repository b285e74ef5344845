"""When an answer is due, and how long one took: business time of the site (design.md §6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from rdv import clock, closures
from rdv.deadlines.holidays import coming_holidays as coming_holidays
from rdv.deadlines.holidays import holiday_names as holiday_names
from rdv.deadlines.holidays import public_holidays as public_holidays
from rdv.deadlines.hours import FARTHEST_DAYS
from rdv.deadlines.hours import Hours as Hours
from rdv.deadlines.hours import closing as closing
from rdv.deadlines.hours import opening_spans as opening_spans
from rdv.models import Closure, Site


def due_at(
    arrived_at: datetime,
    site: Site | None,
    working_days: int,
    cfa_id: int | None = None,
    shut: Sequence[Closure] | None = None,
) -> datetime:
    """Return the closing time of the site on the n-th working day after arrival, as a UTC instant.

    Days on which the CFA or the site is shut do not count; an adviser's absence changes nothing, a colleague answers.
    Without a site: Paris, national holidays, and the closures of the CFA (`cfa_id`, which a site knows by itself).
    `shut`: the closures of the place, by who has read them already.
    """
    zone = site.timezone if site else clock.PARIS
    arrival = clock.to_zone(arrived_at, zone).date()
    cfa_id = cfa_id or (site.cfa_id if site else None)
    if shut is None:
        shut = closures.of_place(cfa_id, site.id if site else None, arrival) if cfa_id else []
    found = _nth_opening(arrival, site, working_days, shut) or _nth_opening(arrival, site, working_days, ())
    if found is None:
        raise ValueError(f"site {site.public_id if site else ''} never opens")
    day, closes = found
    # Midnight is the next day's: « avant 23 h 59 » says which day is meant.
    return closing(day, closes, zone) - timedelta(seconds=closes == 24 * 60)


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
    for ahead in range(1, FARTHEST_DAYS):
        day = after + timedelta(days=ahead)
        spans = opening_spans(day, hours, territory, shut)
        left -= bool(spans)
        if spans and left <= 0:
            return day, spans[-1][1]
    return None
