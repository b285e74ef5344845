"""Rules that repeat: which days, which hours, in words; and 14:00 stays 14:00 in every French zone."""

# ruff: noqa: DTZ001  wall times carry no zone, on purpose
from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdv import clock, series
from rdv.series import Range, Rule, WrongPlan
from rdv.series.plan import dated, keyed

TUESDAY = date(2026, 12, 1)
TODAY = date(2026, 11, 24)
AFTERNOON = (Range(time(14), time(17)),)
# Those of a French territory (french-public-service §3.6).
ZONES = (
    "Europe/Paris", "America/Guadeloupe", "America/Martinique", "America/Cayenne", "America/Miquelon", "Indian/Reunion",
    "Indian/Mayotte", "America/St_Barthelemy", "America/Marigot", "Pacific/Noumea", "Pacific/Tahiti",
    "Pacific/Marquesas", "Pacific/Gambier", "Pacific/Wallis",
)  # fmt: skip


def rule(first_day=TUESDAY, ranges=AFTERNOON, minutes=20, **changes):
    return Rule(first_day, ranges, minutes, **changes)


def hours(found):
    return [wall.strftime("%d/%m %H:%M") for wall in found]


def test_a_single_day_is_cut_into_slots_with_a_pause():
    assert len(series.walls(rule(), TODAY)) == 9
    assert hours(series.walls(rule(pause=10), TODAY))[:3] == ["01/12 14:00", "01/12 14:30", "01/12 15:00"]
    assert hours(series.walls(rule(ranges=(Range(time(9, 30)),), minutes=45), TODAY)) == ["01/12 09:30"]


def test_every_week_until_a_day_that_counts():
    found = series.days(rule(last_day=date(2026, 12, 15)))
    assert found == [date(2026, 12, 1), date(2026, 12, 8), date(2026, 12, 15)]


def test_every_n_weeks_counts_from_the_week_of_the_first_day():
    found = series.days(rule(weekdays=(0, 1), every_weeks=2, count=4))
    assert found == [date(2026, 12, 1), date(2026, 12, 14), date(2026, 12, 15), date(2026, 12, 28)]


def test_several_ranges_a_day_in_order():
    ranges = (Range(time(14), time(15)), Range(time(9), time(10)), Range(time(17)))
    found = series.walls(rule(ranges=ranges, minutes=30, count=1), TODAY)
    assert hours(found) == [f"01/12 {at}" for at in ("09:00", "09:30", "14:00", "14:30", "17:00")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_day": date(2026, 11, 23)}, "day"),
        ({"first_day": date(2062, 12, 1)}, "day"),
        ({"first_day": date.max}, "day"),
        ({"first_day": date.min}, "day"),
        ({"last_day": date(2026, 11, 30)}, "until"),
        ({"last_day": date(2028, 12, 1)}, "until"),
        ({"last_day": date(2026, 12, 8), "count": 2}, "count"),
        ({"count": 400}, "count"),
        ({"weekdays": (1, 3)}, "until"),  # never one day in silence
        ({"every_weeks": 2}, "until"),
        ({"weekdays": (0,), "last_day": date(2026, 12, 3)}, "until"),
        ({"ranges": (Range(time(17), time(14)),)}, "end"),
        ({"ranges": (Range(time(14), time(14, 10)),)}, "end"),
        ({"ranges": (Range(time(23, 50)),)}, "start"),
        ({"ranges": (Range(time(9), time(12)), Range(time(11), time(13)))}, "start_2"),
        ({"ranges": (Range(time(9), time(12)), Range(time(14), time(14, 5)))}, "end_2"),
        ({"ranges": (Range(time(0), time(23, 55)),), "minutes": 5, "count": 10}, "count"),
        ({"ranges": (Range(time(0), time(23, 55)),), "minutes": 5, "last_day": date(2027, 6, 1)}, "until"),
    ],
)
def test_a_rule_that_cannot_be_names_its_field(changes, field):
    with pytest.raises(WrongPlan) as refused:
        series.walls(rule(**changes), TODAY)
    assert refused.value.field == field


def test_a_thousand_slots_at_once_and_not_one_more():
    day = {"ranges": (Range(time(8), time(18)),), "minutes": 60, "weekdays": tuple(range(7))}  # ten a day
    assert len(series.walls(rule(count=100, **day), TODAY)) == 1000
    with pytest.raises(WrongPlan, match="1000 au plus"):
        series.walls(rule(count=101, **day), TODAY)


@pytest.mark.parametrize(
    ("given_rule", "words"),
    [
        (rule(last_day=date(2026, 12, 18)), "Chaque mardi de 14 h à 17 h, toutes les 20 min, jusqu’au 18 décembre"),
        (
            rule(weekdays=(1, 3), every_weeks=2, count=10, pause=5),
            "Les mardis et jeudis, une semaine sur deux, de 14 h à 17 h, 20 min chacun, 5 min de pause, "
            "10 jours à partir du 1er décembre",
        ),
        (
            rule(weekdays=(0, 1, 2, 3, 4), ranges=(Range(time(9), time(12)), *AFTERNOON), last_day=date(2027, 1, 8)),
            "Du lundi au vendredi de 9 h à 12 h et de 14 h à 17 h, toutes les 20 min, jusqu’au 8 janvier 2027",
        ),
        (
            rule(weekdays=(2,), every_weeks=3, ranges=(Range(time(18), time(19)),), minutes=60, count=4),
            "Chaque mercredi, toutes les 3 semaines, à 18 h, durée 1 h, 4 jours à partir du 1er décembre",
        ),
        (rule(ranges=(Range(time(9, 30)),)), "Le mardi 1er décembre à 9 h 30, durée 20 min"),
    ],
)
def test_a_rule_in_words(given_rule, words):
    assert series.rule_in_words(given_rule, TODAY).replace("\u00a0", " ") == words


# -- wall time -------------------------------------------------------------------------------------------------------


class Place:
    """What a plan asks of a site here."""

    def __init__(self, zone):
        self.timezone = zone


class At:
    """What a plan asks of an offer here."""

    def __init__(self, zone):
        self.site = Place(zone)


def occurrences(walls, zone, minutes=20):
    return [dated(each) for each in keyed((wall, minutes, At(zone)) for wall in walls)]


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    first_day=st.dates(date(2026, 1, 1), date(2035, 12, 31)),
    weekdays=st.sets(st.integers(0, 6)),
    every_weeks=st.integers(1, 8),
    at=st.times(max_value=time(23, 0)).map(lambda at: at.replace(second=0, microsecond=0)),
    count=st.integers(1, 120),
)
def test_no_occurrence_is_off_its_wall_time_in_any_french_zone(zone, first_day, weekdays, every_weeks, at, count):
    asked = rule(first_day, (Range(at),), 30, weekdays=tuple(weekdays), every_weeks=every_weeks, count=count)
    for each in occurrences([datetime.combine(day, at) for day in series.days(asked)], zone, 30):
        wall = each.planned.wall
        assert wall.weekday() in asked.chosen_weekdays
        if each.span is None:  # said to be missing only where the clocks do skip it
            there = wall.replace(tzinfo=ZoneInfo(zone))
            assert there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall
            continue
        assert clock.to_zone(each.span.starts_at, zone).replace(tzinfo=None) == wall
        assert each.span.ends_at - each.span.starts_at == timedelta(minutes=30)


@pytest.mark.parametrize("zone", ZONES)
def test_an_afternoon_keeps_its_hour_every_week_of_ten_years(zone):
    walls = [datetime(2026, 1, 6, 14) + timedelta(weeks=week) for week in range(522)]
    found = occurrences(walls, zone)
    assert {clock.to_zone(each.span.starts_at, zone).strftime("%a %H:%M") for each in found} == {"Tue 14:00"}
    assert not any(each.repeated for each in found)


def test_the_skipped_hour_of_spring_is_said_and_the_repeated_one_of_autumn_is_its_first():
    spring = [datetime(2027, 3, 28, hour) for hour in (1, 2, 3)]
    assert [each.span is None for each in occurrences(spring, "Europe/Paris")] == [False, True, False]
    (autumn,) = occurrences([datetime(2027, 10, 31, 2, 30)], "Europe/Paris")
    assert autumn.repeated
    assert autumn.span.starts_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert occurrences(spring, "Indian/Reunion")[1].span is not None
    (miquelon,) = occurrences([datetime(2027, 3, 14, 2, 30)], "America/Miquelon")  # its own clocks, its own day
    assert miquelon.span is None


def test_slots_of_one_hour_keep_different_keys():
    wall = datetime(2026, 12, 1, 14)
    assert [each.key for each in keyed([(wall, 20, None), (wall, 30, None)])] == [
        "2026-12-01T14:00",
        "2026-12-01T14:00~2",
    ]
