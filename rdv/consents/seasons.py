"""Days of every year that a platform lives by, « MM-DD » in Paris."""

from __future__ import annotations

from datetime import date, datetime, time

from rdv.clock import PARIS, from_wall, to_zone
from rdv.models import Platform


def in_campaign(platform: Platform, now: datetime) -> bool:
    """Say whether a platform invites today; one without days never stops, one whose days turn over the year wraps."""
    first, last = platform.campaign_from, platform.campaign_to
    if not first or not last:
        return True
    today = to_zone(now, PARIS).strftime("%m-%d")
    return first <= today <= last if first <= last else today >= first or today <= last


def last_day(day: str | None, now: datetime) -> datetime | None:
    """Return the beginning, in UTC, of the last « MM-DD » that has come; None without a day. 29 February may be 1 March."""
    if not day:
        return None
    today = to_zone(now, PARIS).date()
    found = [each for each in (_date(day, today.year), _date(day, today.year - 1)) if each <= today]
    return from_wall(found[0], time(), PARIS)


def _date(day: str, year: int) -> date:
    month, number = (int(part) for part in day.split("-"))
    try:
        return date(year, month, number)
    except ValueError:
        return date(year, month + 1, 1)
