"""When an answer is due, in business time of the site (design.md §6)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import holidays

from rdv import clock
from rdv.models import OpeningHours, Site

# Until a site sets its hours: Monday to Friday, 9 to 17 local time.
_DEFAULT_CLOSING = 17 * 60
_LONGEST_CLOSURE_DAYS = 370


@lru_cache(maxsize=256)
def public_holidays(territory: str, year: int) -> frozenset[date]:
    """Return the public holidays of a territory (its subdivision code in the holidays library, FR for none)."""
    subdivision = None if territory == "FR" else territory
    return frozenset(holidays.France(subdiv=subdivision, years=year).keys())


def closing_minute(day: date, hours: list[OpeningHours], territory: str) -> int | None:
    """Return the minute at which a site closes on a day, None when it does not open at all."""
    if day in public_holidays(territory, day.year):
        return None
    if not hours:
        return _DEFAULT_CLOSING if day.weekday() < 5 else None
    return max((span.closes_minute for span in hours if span.weekday == day.weekday()), default=None)


def due_at(arrived_at: datetime, site: Site | None, working_days: int) -> datetime:
    """Return the closing time of the site on the n-th working day after arrival, as a UTC instant.

    Without a site: Paris, national holidays. A site that never opens within a year falls back to the default hours.
    """
    zone = site.timezone if site else clock.PARIS
    territory = site.territory if site else "FR"
    hours = list(site.opening_hours) if site else []
    day = clock.to_zone(arrived_at, zone).date()
    left = working_days
    for _ in range(_LONGEST_CLOSURE_DAYS):
        day += timedelta(days=1)
        closes = closing_minute(day, hours, territory)
        if closes is None:
            continue
        left -= 1
        if left <= 0:
            midnight = closes == 1440
            at = time.max.replace(microsecond=0) if midnight else time(closes // 60, closes % 60)
            return clock.from_wall(day, at, zone)
    raise ValueError(f"site {site.public_id if site else ''} never opens")
