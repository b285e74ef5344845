"""When a person can be called: the windows they gave, in the zone of the place, and the next attempt after a missed one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import clock, deadlines
from rdv.db import db, is_sqlite
from rdv.models import CandidateRequest, Site

# The hours of each window that candidates choose (rdv.candidate.CALLBACK_WINDOWS), local.
WINDOWS: dict[str, tuple[time, time]] = {
    "matin": (time(9), time(12)),
    "midi": (time(12), time(14)),
    "apres-midi": (time(14), time(17)),
    "soir": (time(17), time(19)),
}
SOONEST_AGAIN = timedelta(hours=2)  # after an attempt that reached nobody
_FARTHEST_DAYS = 60


def zone_of(request: CandidateRequest) -> str:
    """Return the zone in which a request is dated: that of its site."""
    return request.site.timezone if request.site else clock.PARIS


def within(windows: Sequence[str], at: time) -> bool:
    """Say whether a local time falls in one of these windows; in none when none was given."""
    return any(start <= at < end for start, end in (WINDOWS[each] for each in windows if each in WINDOWS))


def windows_at(zone: str, territory: str, now: datetime) -> list[str]:
    """Return the windows that an instant falls in at a place; none on a weekend or on one of its public holidays."""
    local = clock.to_zone(now, zone)
    if local.weekday() >= 5 or local.date() in deadlines.public_holidays(territory, local.year):
        return []
    return [word for word in WINDOWS if within([word], local.time())]


def reachable_now(request: CandidateRequest, now: datetime) -> bool:
    """Say whether the person of a callback said that they answer at this time of a working day."""
    territory = request.site.territory if request.site else "FR"
    at_this_time = windows_at(zone_of(request), territory, now)
    return request.mode == "callback" and any(word in request.callback_windows for word in at_this_time)


def reachable_among(cfa_id: int, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition on the requests of a CFA that `reachable_now` is true of; null for some of no place."""
    places: list[tuple[int | None, str, str]] = [(None, clock.PARIS, "FR")]
    query = sa.select(Site.id, Site.timezone, Site.territory).where(Site.cfa_id == cfa_id)
    places += [(row.id, row.timezone, row.territory) for row in db.session.execute(query)]
    by_windows: dict[tuple[str, ...], list[int | None]] = {}
    for site_id, zone, territory in places:
        by_windows.setdefault(tuple(windows_at(zone, territory, now)), []).append(site_id)
    if len(by_windows) == 1:  # the same hours everywhere: nothing to ask of the place
        return sa.and_(CandidateRequest.mode == "callback", _any(next(iter(by_windows))))
    there = [sa.and_(_in(site_ids), _any(windows)) for windows, site_ids in by_windows.items() if windows]
    return sa.and_(CandidateRequest.mode == "callback", sa.or_(sa.false(), *there))


def _any(windows: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.or_(sa.false(), *(holds(CandidateRequest.callback_windows, word) for word in windows))


def holds(column: Any, word: str) -> sa.ColumnElement[bool]:
    """Return the condition that a stored list of words holds one, on either engine.

    Not LIKE: PostgreSQL believes that it keeps one row in two hundred, and leaves the index that walks the list in order.
    """
    find = sa.func.instr if is_sqlite() else sa.func.strpos
    return find(sa.cast(column, sa.Text), f'"{word}"') > 0


def _in(site_ids: Sequence[int | None]) -> sa.ColumnElement[bool]:
    known = CandidateRequest.site_id.in_([site_id for site_id in site_ids if site_id is not None])
    return sa.or_(known, CandidateRequest.site_id.is_(None)) if None in site_ids else known


def next_attempt(request: CandidateRequest, now: datetime) -> datetime:
    """Return when to call again: the person's next window while the place is open, two hours later at the soonest.

    Whoever gave no window, or windows in which the place is always shut, is called at the next opening.
    """
    from_instant = _next_quarter(now + SOONEST_AGAIN)
    zone = zone_of(request)
    hours = deadlines.Hours(request.site, request.cfa_id, clock.to_zone(now, zone).date())
    first: datetime | None = None
    for opens, closes in hours.after(from_instant):
        first = first or opens
        if not request.callback_windows:
            break
        day = hours.day_of(opens)
        for start, end in sorted(WINDOWS[each] for each in request.callback_windows if each in WINDOWS):
            begins, ends = (clock.from_wall(day, at, zone) for at in (start, end))
            if max(begins, opens) < min(ends, closes):
                return max(begins, opens)
        if opens - now > timedelta(days=_FARTHEST_DAYS):
            break
    return first or from_instant


def _next_quarter(instant: datetime) -> datetime:
    """Return the next quarter of an hour: a call is planned at 14:15, not at 14:07."""
    return instant + timedelta(seconds=-(instant.timestamp() % 900) % 900)
