"""When an answer is due: the closing time of the site on the n-th working day after arrival."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdv import clock, deadlines
from rdv.models import OpeningHours, Site

PARIS = {"timezone": "Europe/Paris", "territory": "FR"}
REUNION = {"timezone": "Indian/Reunion", "territory": "974"}
MIQUELON = {"timezone": "America/Miquelon", "territory": "PM"}
NOUMEA = {"timezone": "Pacific/Noumea", "territory": "NC"}


def site(place=PARIS, hours=()):
    made = Site(**place)
    made.opening_hours = [
        OpeningHours(weekday=day, opens_minute=int(opens * 60), closes_minute=int(closes * 60))
        for day, opens, closes in hours
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
        ("2026-11-27T16:55+01:00", "Tuesday 2026-12-01 17:00"),  # a Friday, five minutes before closing
        ("2026-11-27T17:05+01:00", "Tuesday 2026-12-01 17:00"),  # or after: the day of arrival never counts
        ("2026-05-01T10:00+02:00", "Tuesday 2026-05-05 17:00"),  # arrived on 1 May itself
        ("2028-04-28T16:55+02:00", "Wednesday 2028-05-03 17:00"),  # a Friday again; 1 May is a Monday that year
    ],
)
def test_two_working_days_later_at_closing_time(arrived, expected):
    assert due(arrived) == expected


def test_clock_changes_move_the_instant_not_the_hour():
    before = deadlines.due_at(datetime(2026, 10, 20, 8, tzinfo=UTC), site(), 2)
    after = deadlines.due_at(datetime(2026, 10, 23, 8, tzinfo=UTC), site(), 2)
    assert (before.hour, after.hour) == (15, 16)


def test_the_abolition_of_slavery_is_a_holiday_in_la_reunion_only():
    # 20 December 2027 is a Monday; in 2026 it is a Sunday, which changes nothing.
    assert due("2026-12-18T16:55+04:00", site(REUNION), days=1) == "Monday 2026-12-21 17:00"
    assert due("2027-12-17T16:55+04:00", site(REUNION), days=2) == "Wednesday 2027-12-22 17:00"
    assert due("2027-12-20T10:00+04:00", site(REUNION), days=1) == "Tuesday 2027-12-21 17:00", (
        "arrived on the day itself"
    )
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


def test_a_place_open_on_saturday_promises_saturday_and_one_open_till_midnight_the_day_that_ends_then():
    saturday = site(hours=[*((day, 9, 17) for day in range(5)), (5, 9, 12)])
    assert due("2026-11-27T16:55+01:00", saturday, days=1) == "Saturday 2026-11-28 12:00"
    assert due("2026-11-27T16:55+01:00", saturday, days=2) == "Monday 2026-11-30 17:00"
    # « 24 h » is the next day for a clock: a minute less says which day is meant.
    late = site(hours=[(day, 14, 24) for day in range(7)])
    assert due("2026-11-24T23:30+01:00", late, days=1) == "Wednesday 2026-11-25 23:59"
    assert due("2026-03-27T10:00+01:00", late, days=2) == "Sunday 2026-03-29 23:59"


def test_a_closing_time_that_clocks_skip_or_repeat_is_still_one_instant():
    night = site(hours=[(6, 0, 2.5)])  # a Sunday, until 02:30
    at = deadlines.due_at(datetime(2026, 3, 28, 12, tzinfo=UTC), night, 1)
    assert at == datetime(2026, 3, 29, 1, tzinfo=UTC), "02:30 does not exist: the jump"
    at = deadlines.due_at(datetime(2026, 10, 24, 12, tzinfo=UTC), night, 1)
    assert at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "the second 02:30"


# -- working time -----------------------------------------------------------------------------------------------------


def hours(where: Site, day: str = "2026-01-01") -> deadlines.Hours:
    return deadlines.Hours(where, None, datetime.fromisoformat(day).date())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


ROUND_THE_CLOCK = [(day, 0, 24) for day in range(7)]


@pytest.mark.parametrize(
    ("place", "opening", "start", "end", "minutes"),
    [
        (PARIS, (), "2026-11-27T16:55+01:00", "2026-11-30T09:10+01:00", 15),  # a weekend between
        (PARIS, (), "2026-11-28T10:00+01:00", "2026-11-29T10:00+01:00", 0),
        (PARIS, (), "2026-04-30T16:00+02:00", "2026-05-04T10:00+02:00", 120),  # 1 May 2026 is a Friday
        (PARIS, [(5, 9, 12)], "2026-11-27T10:00+01:00", "2026-11-30T10:00+01:00", 180),  # Saturday alone
        (PARIS, ROUND_THE_CLOCK, "2026-11-24T23:30+01:00", "2026-11-25T00:30+01:00", 60),  # over midnight
        (PARIS, ROUND_THE_CLOCK, "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00", 23 * 60),  # an hour is skipped
        (PARIS, ROUND_THE_CLOCK, "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00", 25 * 60),  # one is lived twice
        (PARIS, [(6, 2, 3)], "2026-03-28T12:00+01:00", "2026-03-30T12:00+02:00", 0),  # open in the skipped hour alone
        (PARIS, [(6, 1, 2.5)], "2026-03-28T12:00+01:00", "2026-03-30T12:00+02:00", 60),
        (PARIS, [(6, 2.5, 4)], "2026-03-28T12:00+01:00", "2026-03-30T12:00+02:00", 60),
        (PARIS, [(6, 2, 4)], "2026-10-24T12:00+02:00", "2026-10-26T12:00+01:00", 180),
        (PARIS, [(6, 1, 2.5)], "2026-10-24T12:00+02:00", "2026-10-26T12:00+01:00", 150),  # until the second 02:30
        (MIQUELON, ROUND_THE_CLOCK, "2026-03-08T00:00-03:00", "2026-03-09T00:00-02:00", 23 * 60),
        (MIQUELON, ROUND_THE_CLOCK, "2027-11-07T00:00-02:00", "2027-11-08T00:00-03:00", 25 * 60),  # 2026: All Saints
        (MIQUELON, (), "2026-03-06T16:00-03:00", "2026-03-09T10:00-02:00", 120),
        (NOUMEA, ROUND_THE_CLOCK, "2026-03-29T00:00+11:00", "2026-03-30T00:00+11:00", 24 * 60),  # no change there
        (NOUMEA, (), "2026-09-23T16:30+11:00", "2026-09-25T09:30+11:00", 60),  # 24 September is theirs
    ],
)
def test_working_minutes_between_two_instants(place, opening, start, end, minutes):
    there = hours(site(place, opening))
    assert there.minutes_between(at(start), at(end)) == minutes
    assert there.minutes_between(at(end), at(start)) == 0
    if minutes:
        assert there.minutes_between(at(start), there.later(at(start), minutes)) == minutes
        assert there.minutes_between(there.earlier(at(end), minutes), at(end)) == minutes


def test_spans_that_touch_in_the_hour_that_autumn_repeats_count_once():
    there = hours(site(PARIS, [(6, 1, 2.5), (6, 2.5, 4)]))
    day = clock.day_bounds(date(2026, 10, 25), "Europe/Paris")
    assert there.minutes_between(*day) == 4 * 60  # from 1 to 4 on a wall clock, and the hour that comes twice
    assert there.minutes_between(at("2026-10-25T00:30+00:00"), at("2026-10-25T00:31+00:00")) == 1


PLACES = st.sampled_from(
    [
        site(), site(REUNION), site(MIQUELON, ROUND_THE_CLOCK), site(PARIS, ROUND_THE_CLOCK), site(NOUMEA, [(2, 9, 12)]),
        site(PARIS, [(6, 1, 2.5), (6, 2.5, 4), (5, 22, 24), (0, 0, 0.5)]), site(MIQUELON, [(6, 1, 3), (2, 9, 12)]),
    ]
)  # fmt: skip
# Weeks around the clock changes of Paris and of Miquelon.
INSTANTS = st.one_of(
    *(
        st.integers(0, 21 * 24 * 60).map(lambda minute, first=first: at(first) + timedelta(minutes=minute))
        for first in ("2026-02-27T00:00+00:00", "2026-03-20T00:00+00:00", "2026-10-18T00:00+00:00")
    )
)


@given(PLACES, INSTANTS, st.lists(st.integers(0, 14 * 24 * 60), min_size=2, max_size=2), st.integers(1, 5000))
def test_working_time_adds_up_and_never_counts_a_closed_minute(where, start, lengths, minutes):
    there = hours(where)
    middle = start + timedelta(minutes=lengths[0])
    end = middle + timedelta(minutes=lengths[1])
    between = there.minutes_between
    assert between(start, middle) + between(middle, end) == between(start, end)
    assert between(start, end) <= (end - start).total_seconds() / 60
    # Minute by minute over a day: what is counted is what is open, no more and no less.
    day_later = start + timedelta(days=1)
    opened = sum(there.is_open(start + timedelta(minutes=minute)) for minute in range(0, 24 * 60, 10))
    counted = sum(
        between(start + timedelta(minutes=minute), start + timedelta(minutes=minute + 1))
        for minute in range(0, 24 * 60, 10)
    )
    assert opened == counted
    assert between(start, day_later) == sum(
        between(start + timedelta(hours=hour), start + timedelta(hours=hour + 1)) for hour in range(24)
    )
    # There and back: the same instant, or one that no working minute separates from it.
    back = there.later(there.earlier(end, minutes), minutes)
    assert between(back, end) == between(end, back) == 0
    assert between(there.earlier(end, minutes), end) == minutes
    assert between(end, there.later(end, minutes)) == minutes
