"""Instants, wall times, and the two days a year when they disagree."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from rdv import clock


def test_wall_time_keeps_its_hour_across_the_change():
    before = clock.from_wall(date(2026, 10, 24), time(14), "Europe/Paris")
    after = clock.from_wall(date(2026, 10, 26), time(14), "Europe/Paris")
    assert (before.hour, after.hour) == (12, 13)


def test_a_skipped_wall_time_is_refused_and_a_repeated_one_is_its_first():
    with pytest.raises(ValueError, match="n'existe pas"):
        clock.from_wall(date(2026, 3, 29), time(2, 30), "Europe/Paris")
    assert clock.from_wall(date(2026, 10, 25), time(2, 30), "Europe/Paris") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_local_day_has_23_24_or_25_hours():
    def hours(day: date) -> float:
        start, end = clock.day_bounds(day, "Europe/Paris")
        return (end - start).total_seconds() / 3600

    assert [hours(date(2026, 3, 29)), hours(date(2026, 6, 1)), hours(date(2026, 10, 25))] == [23, 24, 25]


def test_a_naive_instant_is_refused():
    with pytest.raises(ValueError, match="naive"):
        clock.to_zone(datetime(2026, 1, 1), "Europe/Paris")  # noqa: DTZ001


def test_overseas_days_begin_at_their_own_midnight():
    assert clock.day_bounds(date(2026, 12, 20), "Indian/Reunion")[0] == datetime(2026, 12, 19, 20, tzinfo=UTC)
    assert clock.day_bounds(date(2026, 12, 20), "Pacific/Tahiti")[0] == datetime(2026, 12, 20, 10, tzinfo=UTC)
