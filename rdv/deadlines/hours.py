"""Business time of a place: the hours at which somebody answers there, as instants.

Opening hours of the site in its own zone, less public holidays of its territory and closures; Monday to Friday, 9 to 17,
until a site sets its hours. Hours that clocks skip do not exist; those that they repeat count twice, as people live them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rdv import clock, closures
from rdv.deadlines.holidays import public_holidays
from rdv.models import Closure, OpeningHours, Site

Minutes = tuple[int, int]  # from opening to closing, after local midnight
Span = tuple[datetime, datetime]  # from opening to closing, UTC instants
FARTHEST_DAYS = 370
# Until a site sets its hours: Monday to Friday, 9 to 17 local time.
_DEFAULT_SPAN = (9 * 60, 17 * 60)


def opening_spans(
    day: date, hours: Sequence[OpeningHours], territory: str, shut: Sequence[Closure] = ()
) -> list[Minutes]:
    """Return when a site is there on a day, in order, as minutes after midnight; nothing when it does not open at all.

    Closures take their part away: whole days, or hours of one day. Shut from 15 h to 18 h, a site that is there from
    9 h to 17 h closes at 15 h; shut all the hours it opens, it does not open that day.
    """
    if day in public_holidays(territory, day.year):
        return []
    if hours:
        spans = [(span.opens_minute, span.closes_minute) for span in hours if span.weekday == day.weekday()]
    else:
        spans = [_DEFAULT_SPAN] if day.weekday() < 5 else []
    for closure in shut:
        if closure.first_day <= day <= closure.last_day:
            begins = _minute(closure.starts) if closure.starts else 0
            ends = _minute(closure.ends) if closure.ends else 24 * 60
            spans = [left for span in spans for left in _without(span, begins, ends)]
    return sorted(spans)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _without(span: Minutes, begins: int, ends: int) -> list[Minutes]:
    """Return what is left of a span once another is taken out of it."""
    opens, closes = span
    return [(start, end) for start, end in ((opens, min(closes, begins)), (max(opens, ends), closes)) if start < end]


def opening(day: date, minute: int, zone: str) -> datetime:
    """Return the UTC instant of a local minute after midnight that opens: the first of two, the jump of a skipped one."""
    return _instant(day, minute, zone, fold=0)


def closing(day: date, minute: int, zone: str) -> datetime:
    """Return the UTC instant of a local minute that closes: the second of two, the jump of a skipped one."""
    return _instant(day, minute, zone, fold=1)


def _instant(day: date, minute: int, zone: str, fold: int) -> datetime:
    midnight = datetime.combine(day + timedelta(days=minute // (24 * 60)), time.min, tzinfo=ZoneInfo(zone))
    wall = midnight.replace(hour=minute // 60 % 24, minute=minute % 60, fold=fold)
    found = wall.astimezone(UTC)
    back = found.astimezone(ZoneInfo(zone))
    if back.replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None, fold=0):
        return found
    # No clock shows it: the jump lies between its readings with the offset of after and with that of before.
    return _jump(wall.replace(fold=1).astimezone(UTC), wall.replace(fold=0).astimezone(UTC), zone)


def _jump(low: datetime, high: datetime, zone: str) -> datetime:
    """Return the instant between two at which a zone changes its offset, to the minute."""
    there = ZoneInfo(zone)
    offset = high.astimezone(there).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
        low, high = (low, middle) if middle.astimezone(there).utcoffset() == offset else (middle, high)
    return high


class Hours:
    """When somebody answers at one place, from a day on. Closures are read once; a site without any hour is Paris'.

    Closures laid end to end beyond a year count no more than none at all: time always passes.
    """

    def __init__(self, site: Site | None, cfa_id: int | None, from_day: date) -> None:
        self.zone = site.timezone if site else clock.PARIS
        self.territory = site.territory if site else "FR"
        self.hours = list(site.opening_hours) if site else []
        cfa_id = cfa_id or (site.cfa_id if site else None)
        self.shut = closures.of_place(cfa_id, site.id if site else None, from_day) if cfa_id else []

    def day_of(self, instant: datetime) -> date:
        """Return the local day of an instant."""
        return clock.to_zone(instant, self.zone).date()

    def of_day(self, day: date) -> list[Span]:
        """Return when the place is open on a local day, as instants; a span that clocks skip whole is none, those that meet count once."""
        spans = [
            (opening(day, opens, self.zone), closing(day, closes, self.zone))
            for opens, closes in opening_spans(day, self.hours, self.territory, self.shut)
        ]
        joined: list[Span] = []
        for opens, closes in spans:
            if opens >= closes:
                continue
            if joined and opens < joined[-1][1]:  # in the hour that autumn repeats, 2:30 closes after 2:30 opens
                before, until = joined.pop()
                opens, closes = before, max(until, closes)
            joined.append((opens, closes))
        return joined

    def after(self, instant: datetime) -> Iterator[Span]:
        """Yield what is left of the opening spans from an instant on, for a year at most."""
        day = self.day_of(instant)
        for ahead in range(FARTHEST_DAYS):
            for opens, closes in self.of_day(day + timedelta(days=ahead)):
                if closes > instant:
                    yield max(opens, instant), closes

    def before(self, instant: datetime) -> Iterator[Span]:
        """Yield what was open until an instant, latest first, for a year at most."""
        day = self.day_of(instant)
        for ago in range(FARTHEST_DAYS):
            for opens, closes in reversed(self.of_day(day - timedelta(days=ago))):
                if opens < instant:
                    yield opens, min(closes, instant)

    def is_open(self, instant: datetime) -> bool:
        """Say whether somebody answers at an instant."""
        return any(opens <= instant < closes for opens, closes in self.of_day(self.day_of(instant)))

    def minutes_between(self, start: datetime, end: datetime) -> int:
        """Return the working minutes between two instants, whole ones; 0 when nothing was open, or end comes first."""
        total = timedelta()
        for opens, closes in self.after(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return int(total.total_seconds() // 60)

    def later(self, start: datetime, minutes: int) -> datetime:
        """Return the instant at which so many working minutes have passed since another."""
        left, last = timedelta(minutes=minutes), start
        for opens, closes in self.after(start):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
            last = closes
        return last + left  # shut for a year: the clock's own time

    def earlier(self, end: datetime, minutes: int) -> datetime:
        """Return the instant from which so many working minutes lead to another."""
        left, first = timedelta(minutes=minutes), end
        for opens, closes in self.before(end):
            if closes - opens >= left:
                return closes - left
            left -= closes - opens
            first = opens
        return first - left
