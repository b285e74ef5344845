"""When each rung is due: working time of the place, across holidays, closures and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from rdv import clock, deadlines
from rdv.ladder import times
from rdv.models import Closure, OpeningHours, Site

PARIS = {"timezone": "Europe/Paris", "territory": "FR"}
REUNION = {"timezone": "Indian/Reunion", "territory": "RE"}


def place(where=PARIS, week=(), shut=(), day: str = "2026-01-01") -> deadlines.Hours:
    site = Site(**where)
    site.opening_hours = [
        OpeningHours(weekday=weekday, opens_minute=int(opens * 60), closes_minute=int(closes * 60))
        for weekday, opens, closes in week
    ]
    hours = deadlines.Hours(site, None, date.fromisoformat(day))
    hours.shut = [Closure(first_day=date.fromisoformat(a), last_day=date.fromisoformat(b)) for a, b in shut]
    return hours


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def rungs(hours: deadlines.Hours, since: str, due: str, planned: str | None = None) -> list[str]:
    """The local days and hours of the reminder, the team, the candidate."""
    found = times.pace(at(due), at(since), hours, at(planned) if planned else None)
    return [
        clock.to_zone(each, hours.zone).strftime("%a %d %b %H:%M")
        for each in (found.reminder, found.team, found.candidate)
    ]


def test_an_ordinary_promise():
    # Asked on Tuesday, promised for Thursday 17 h: half a day before, the next morning, and the fourth working day.
    assert rungs(place(), "2026-11-24T10:00+01:00", "2026-11-26T17:00+01:00") == [
        "Thu 26 Nov 13:00", "Fri 27 Nov 09:00", "Mon 30 Nov 17:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hours", "since", "due", "expected"),
    [
        (
            "1 May, a Friday, and its week-end",
            place(),
            "2026-04-28T10:00+02:00",
            "2026-04-30T17:00+02:00",
            ["Thu 30 Apr 13:00", "Mon 04 May 09:00", "Tue 05 May 17:00"],
        ),
        (
            "20 December in La Réunion alone",
            place(REUNION),
            "2027-12-16T10:00+04:00",
            "2027-12-17T17:00+04:00",
            ["Fri 17 Dec 13:00", "Tue 21 Dec 09:00", "Wed 22 Dec 17:00"],
        ),
        (
            "two weeks of closure written meanwhile: the promise falls within",
            place(shut=[("2027-08-02", "2027-08-15")]),
            "2027-07-30T10:00+02:00",
            "2027-08-03T17:00+02:00",
            ["Fri 30 Jul 13:00", "Mon 16 Aug 09:00", "Tue 17 Aug 17:00"],
        ),
        (
            "clocks go back on Sunday 25 October",
            place(),
            "2026-10-22T10:00+02:00",
            "2026-10-26T17:00+01:00",
            ["Mon 26 Oct 13:00", "Tue 27 Oct 09:00", "Wed 28 Oct 17:00"],
        ),
        (
            "clocks go forward on Sunday 29 March",
            place(),
            "2026-03-26T10:00+01:00",
            "2026-03-30T17:00+02:00",
            ["Mon 30 Mar 13:00", "Tue 31 Mar 09:00", "Wed 01 Apr 17:00"],
        ),
        (
            "a place open three mornings a week, in two spans on the last",
            place(week=[(0, 9, 12), (2, 9, 12), (4, 8, 10), (4, 14, 16)]),
            "2026-11-23T08:00+01:00",
            "2026-11-27T16:00+01:00",
            ["Fri 27 Nov 14:00", "Mon 30 Nov 09:00", "Wed 02 Dec 12:00"],
        ),
        (
            "four days promised: the platforms' commitment is over with the promise",
            place(),
            "2026-11-24T10:00+01:00",
            "2026-11-30T17:00+01:00",
            ["Mon 30 Nov 13:00", "Tue 01 Dec 09:00", "Mon 30 Nov 17:00"],
        ),
    ],
)
def test_holidays_closures_and_clocks(name, hours, since, due, expected):
    assert rungs(hours, since, due) == expected, name


def test_a_planned_call_comes_before_any_reminder_and_the_candidate_waits_no_longer_for_it():
    assert rungs(place(), "2026-11-24T10:00+01:00", "2026-11-26T17:00+01:00", "2026-11-27T14:00+01:00") == [
        "Fri 27 Nov 15:00", "Fri 27 Nov 15:00", "Mon 30 Nov 17:00",
    ]  # fmt: skip
    # Within the promised day: an hour is left to make it.
    assert rungs(place(), "2026-11-24T10:00+01:00", "2026-11-26T17:00+01:00", "2026-11-26T15:00+01:00")[0] == (
        "Thu 26 Nov 16:00"
    )


def test_a_place_shut_for_a_year_stops_nothing():
    shut = place(shut=[("2026-01-01", "2028-01-01")])
    found = times.pace(at("2026-11-26T17:00+01:00"), at("2026-11-24T10:00+01:00"), shut)
    assert found.reminder < found.due <= found.candidate


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-11-26T17:00+01:00", "26 17:00"),
        ("2026-11-26T19:59+01:00", "26 19:59"),
        ("2026-11-26T20:00+01:00", "27 08:00"),
        ("2026-11-27T03:00+01:00", "27 08:00"),
    ],
)
def test_candidates_are_written_to_when_they_are_awake(instant, expected):
    assert clock.to_zone(times.awake("Europe/Paris", at(instant)), "Europe/Paris").strftime("%d %H:%M") == expected
