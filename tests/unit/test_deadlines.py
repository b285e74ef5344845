"""When an answer is due: the closing time of the site on the n-th working day after arrival."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rdv import clock, deadlines
from rdv.models import OpeningHours, Site

PARIS = {"timezone": "Europe/Paris", "territory": "FR"}
REUNION = {"timezone": "Indian/Reunion", "territory": "974"}


def site(place=PARIS, hours=()):
    made = Site(**place)
    made.opening_hours = [
        OpeningHours(weekday=day, opens_minute=opens * 60, closes_minute=closes * 60) for day, opens, closes in hours
    ]
    return made


def due(arrived: str, where: Site | None = None, days: int = 2) -> str:
    """Return the due date in the wall time of the site."""
    where = where or site()
    instant = deadlines.due_at(datetime.fromisoformat(arrived).astimezone(UTC), where, days)
    return clock.to_zone(instant, where.timezone).strftime("%A %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("arrived", "expected"),
    [
        ("2026-11-24T10:00+01:00", "Thursday 2026-11-26 17:00"),
        ("2026-11-24T23:59+01:00", "Thursday 2026-11-26 17:00"),
        ("2026-11-26T10:00+01:00", "Monday 2026-11-30 17:00"),  # over a weekend
        ("2026-11-28T10:00+01:00", "Tuesday 2026-12-01 17:00"),  # arrived on a Saturday
        ("2027-04-29T10:00+02:00", "Monday 2027-05-03 17:00"),  # 1 May is a Saturday that year
        ("2026-04-30T10:00+02:00", "Tuesday 2026-05-05 17:00"),  # 1 May is a Friday
        ("2026-12-24T10:00+01:00", "Tuesday 2026-12-29 17:00"),  # Christmas
        ("2026-03-27T10:00+01:00", "Tuesday 2026-03-31 17:00"),  # clocks go forward meanwhile
        ("2026-10-23T10:00+02:00", "Tuesday 2026-10-27 17:00"),  # and back
    ],
)
def test_two_working_days_later_at_closing_time(arrived, expected):
    assert due(arrived) == expected


def test_clock_changes_move_the_instant_not_the_hour():
    before = deadlines.due_at(datetime(2026, 10, 20, 8, tzinfo=UTC), site(), 2)
    after = deadlines.due_at(datetime(2026, 10, 23, 8, tzinfo=UTC), site(), 2)
    assert (before.hour, after.hour) == (15, 16)


def test_the_abolition_of_slavery_is_a_holiday_in_la_reunion_only():
    # 20 December 2027 is a Monday.
    assert due("2027-12-17T10:00+04:00", site(REUNION), days=1) == "Tuesday 2027-12-21 17:00"
    assert due("2027-12-17T10:00+01:00", days=1) == "Monday 2027-12-20 17:00"


def test_the_day_of_arrival_is_that_of_the_site():
    # Sunday evening in Paris is Monday already in La Réunion: the count starts a day later there.
    assert due("2026-11-29T21:30+01:00", days=1) == "Monday 2026-11-30 17:00"
    assert due("2026-11-29T21:30+01:00", site(REUNION), days=1) == "Tuesday 2026-12-01 17:00"


def test_opening_hours_say_which_days_count_and_when_they_end():
    half_week = site(hours=[(0, 9, 12), (0, 14, 18), (3, 9, 16), (5, 9, 13)])
    assert due("2026-11-24T10:00+01:00", half_week, days=1) == "Thursday 2026-11-26 16:00"
    assert due("2026-11-24T10:00+01:00", half_week, days=2) == "Saturday 2026-11-28 13:00"
    assert due("2026-11-24T10:00+01:00", half_week, days=3) == "Monday 2026-11-30 18:00"


def test_without_a_site_paris_and_its_holidays_apply():
    assert deadlines.due_at(datetime(2026, 12, 24, 9, tzinfo=UTC), None, 1) == datetime(2026, 12, 28, 16, tzinfo=UTC)
