"""When a person can be called: the windows they gave, in the zone of the place, and the next attempt after a missed one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from rdv import clock, deadlines
from rdv.models import CandidateRequest

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


def reachable_now(request: CandidateRequest, now: datetime) -> bool:
    """Say whether the person of a callback said that they answer at this time of a working day."""
    local = clock.to_zone(now, zone_of(request))
    return local.weekday() < 5 and within(request.callback_windows, local.time())


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
