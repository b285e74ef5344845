"""Closures and the meetings they meet, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import url_for

from rdv import clock, closures, deadlines, french
from rdv.closures import Draft
from rdv.models import Booking, Closure, Site, Slot
from rdv.web.staff import slot_lines


@dataclass(frozen=True)
class Line:
    """A closure of the list."""

    title: str
    when: str
    whose: str
    href: str | None  # None: not theirs to change
    end_href: str
    waiting: str | None
    meetings_href: str


@dataclass(frozen=True)
class Person:
    """Somebody whose meeting a closure covers."""

    public_id: str
    name: str
    when: str
    what: str
    contact: str | None
    href: str


def lines(found: Sequence[Closure], may_change: Iterable[Closure], now: datetime) -> list[Line]:
    """Return the lines of some closures of one CFA, with how many meetings wait for a decision."""
    waiting = closures.count_to_decide(found, now)
    theirs = list(may_change)
    return [_line(one, one in theirs, waiting[one.id]) for one in found]


def _line(closure: Closure, may_change: bool, waiting: int) -> Line:
    return Line(
        title=title(closure),
        when=when(closure),
        whose=whose(closure),
        href=url_for("staff.closure", public_id=closure.public_id) if may_change else None,
        end_href=url_for("staff.end_closure", public_id=closure.public_id),
        waiting=f"{waiting}\u00a0rendez-vous pendant cette {kind(closure).lower()}" if waiting else None,
        meetings_href=url_for("staff.closure_meetings", public_id=closure.public_id),
    )


def kind(closure: Closure | Draft) -> str:
    """« Absence » of a person, « Fermeture » of a place."""
    return "Absence" if closure.user is not None else "Fermeture"


def title(closure: Closure) -> str:
    """The label, else what it is."""
    return closure.label or kind(closure)


def whose(closure: Closure | Draft) -> str:
    """The person, the place, or the whole centre."""
    if closure.user is not None:
        return closure.user.shown_name
    return closure.site.shown_name if closure.site is not None else "Tout le centre"


def when(closure: Closure | Draft) -> str:
    """« du lundi 20 juillet au dimanche 16 août 2027 », « le vendredi 15 mai 2027, de 14 h à 17 h »."""
    if closure.first_day != closure.last_day:
        other_year = closure.first_day.year != closure.last_day.year
        return f"du {french.day(closure.first_day, other_year)} au {french.day(closure.last_day, year=True)}"
    day = f"le {french.day(closure.first_day, year=True)}"
    if closure.starts is None or closure.ends is None:
        return day
    return f"{day}, de {_hour(closure.starts)} à {_hour(closure.ends)}"


def _hour(at: time) -> str:
    return french.clock_time(datetime.combine(date.min, at))


def people(met: Sequence[Booking]) -> list[Person]:
    """Return who has a meeting, with what one needs to decide."""
    return [
        Person(
            public_id=one.public_id,
            name=one.request.person_name,
            when=french.moment(one.starts_at, one.slot.site.timezone).capitalize(),
            what=" · ".join((one.slot.shown_title, one.slot.adviser.shown_name, slot_lines.where(one.slot))),
            contact=None
            if one.request.email
            else f"Sans adresse électronique\u00a0: {french.phone(one.request.phone)}",
            href=url_for("staff.booking", public_id=one.public_id),
        )
        for one in met
    ]


def shut_days(shut: Sequence[Slot]) -> list[tuple[str, str]]:
    """Return how many slots a closure shuts on each day: « Mardi 1er décembre », « 9 créneaux »."""
    counts: dict[date, int] = {}
    for slot in shut:
        day = clock.to_zone(slot.starts_at, slot.site.timezone).date()
        counts[day] = counts.get(day, 0) + 1
    return [
        (french.day(day).capitalize(), french.plural(count, "créneau", "créneaux")) for day, count in counts.items()
    ]


def holidays(sites: Sequence[Site], today: date) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the public holidays of the coming twelve months for each territory: its places, then days and names."""
    by_territory: dict[str, list[str]] = {}
    for site in sites:
        by_territory.setdefault(site.territory, []).append(site.shown_name)
    last = today + timedelta(days=365)
    return [
        (
            ", ".join(names) if len(by_territory) > 1 else "",
            [
                (french.day(day, year=True).capitalize(), name)
                for day, name in deadlines.coming_holidays(territory, today, last)
            ],
        )
        for territory, names in (by_territory or {"FR": []}).items()
    ]
