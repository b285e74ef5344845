"""A promise counts no day on which the centre or the place is shut; an adviser's absence changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from rdv import clock, deadlines
from rdv.models import Closure, OpeningHours
from tests import make


def due(cfa, site, arrived: str, days: int = 2) -> str:
    instant = deadlines.due_at(datetime.fromisoformat(arrived).astimezone(UTC), site, days, cfa.id)
    return clock.to_zone(instant, site.timezone if site else clock.PARIS).strftime("%A %Y-%m-%d %H:%M")


def shut(cfa, first: str, last: str | None = None, hours: tuple[int, int] | None = None, **whose):
    starts, ends = (time(hours[0]), time(hours[1])) if hours else (None, None)
    return make.saved(
        Closure(
            cfa_id=cfa.id, first_day=date.fromisoformat(first), last_day=date.fromisoformat(last or first),
            starts=starts, ends=ends, **whose,
        )
    )  # fmt: skip


@pytest.fixture
def place(app):
    cfa = make.cfa()
    return cfa, make.site(cfa)


def test_two_weeks_of_closure_push_the_promise_after_them(place):
    cfa, site = place
    shut(cfa, "2027-08-02", "2027-08-15")
    assert due(cfa, site, "2027-07-30T10:00+02:00") == "Tuesday 2027-08-17 17:00"  # Monday 16, Tuesday 17
    assert due(cfa, site, "2027-08-05T10:00+02:00") == "Tuesday 2027-08-17 17:00"
    assert due(cfa, site, "2027-07-28T10:00+02:00") == "Friday 2027-07-30 17:00", "promised before it"


def test_a_closure_on_the_promised_day_moves_it_to_the_next(place):
    cfa, site = place
    assert due(cfa, site, "2026-11-24T10:00+01:00") == "Thursday 2026-11-26 17:00"
    shut(cfa, "2026-11-26", site_id=site.id)
    assert due(cfa, site, "2026-11-24T10:00+01:00") == "Friday 2026-11-27 17:00"


def test_a_centre_without_any_place_has_closures_too(place):
    cfa = make.cfa()
    shut(cfa, "2026-11-25", "2026-11-26")
    assert due(cfa, None, "2026-11-24T10:00+01:00") == "Monday 2026-11-30 17:00"


def test_absences_other_places_and_other_centres_change_nothing(place):
    cfa, site = place
    shut(cfa, "2026-11-25", "2026-11-30", user_id=make.adviser(cfa).id)
    shut(cfa, "2026-11-25", "2026-11-30", site_id=make.site(cfa).id)
    shut(make.cfa(), "2026-11-25", "2026-11-30")
    assert due(cfa, site, "2026-11-24T10:00+01:00") == "Thursday 2026-11-26 17:00"


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((15, 18), "Thursday 2026-11-26 15:00"),  # the afternoon ends when the closure begins
        ((9, 12), "Thursday 2026-11-26 17:00"),  # a morning changes nothing
        ((14, 16), "Thursday 2026-11-26 17:00"),
        ((8, 18), "Friday 2026-11-27 17:00"),  # all the hours of the day: that day does not count
    ],
)
def test_hours_of_one_day_bring_its_closing_time_forward(place, hours, expected):
    cfa, site = place
    shut(cfa, "2026-11-26", hours=hours)
    assert due(cfa, site, "2026-11-24T10:00+01:00") == expected


def test_a_closure_from_the_lunch_break_on_closes_at_noon(place):
    cfa, site = place
    for opens, closes in ((9, 12), (14, 18)):
        make.saved(OpeningHours(site_id=site.id, weekday=3, opens_minute=opens * 60, closes_minute=closes * 60))
    make.saved(OpeningHours(site_id=site.id, weekday=2, opens_minute=540, closes_minute=1080))
    shut(cfa, "2026-11-26", hours=(13, 20))
    assert due(cfa, site, "2026-11-24T10:00+01:00") == "Thursday 2026-11-26 12:00"


def test_closures_laid_end_to_end_never_leave_a_request_without_a_date(place):
    cfa, site = place
    shut(cfa, "2026-11-24", "2027-11-23")
    shut(cfa, "2027-11-24", "2028-11-22")
    assert due(cfa, site, "2026-11-24T10:00+01:00") == "Thursday 2026-11-26 17:00"
