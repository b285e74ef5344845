"""When reminders leave, for any meeting in any French zone: at most one of each kind, never outside its window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rdv import reminder_windows
from rdv.clock import to_zone
from rdv.french import ZONE_NAMES
from rdv.reminders import DAY, WEEK
from tests.support import frozen

ZONES = ["Europe/Paris", *ZONE_NAMES]
LOOK = timedelta(minutes=5)
meetings = st.integers(0, 10 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(meetings, st.sampled_from(ZONES), st.text("abcdefgh", min_size=4, max_size=16), st.integers(0, 299))
@example(frozen.parse("2026-03-29T01:30Z"), "Europe/Paris", "abcd", 0)
@example(frozen.parse("2026-10-25T00:30Z"), "Europe/Paris", "abcd", 0)
def test_a_worker_that_looks_every_five_minutes_writes_in_the_window(starts_at, zone, key, offset):
    """`offset`: seconds between the looks of this worker and the round minutes."""
    for plan, hours, days in ((DAY, (14, 16), 1), (WEEK, (9, 19), 7)):
        window = plan.window(starts_at, zone)
        moment = window.moment(key)
        first = moment + (LOOK - timedelta(seconds=(moment.timestamp() - offset) % 300))  # the look that finds it
        local, meeting = to_zone(first, zone), to_zone(starts_at, zone)
        assert meeting.date() - local.date() == timedelta(days=days)
        assert hours[0] <= local.hour < hours[1], local
        assert window.moment(key) == moment, "always the same"
        assert window.told_before <= window.opens <= moment < window.shuts
        assert window.opens < window.useful_until < starts_at
        assert timedelta() < starts_at - window.opens < plan.reach


@given(meetings, st.sampled_from(ZONES), st.timedeltas(timedelta(), timedelta(days=40)))
def test_who_has_just_learned_the_hour_is_not_reminded_of_it(starts_at, zone, ahead):
    """Either a reminder is still to come, or the message itself is the reminder: never both."""
    booked_at = starts_at - ahead
    window = reminder_windows.of_the_day(starts_at, zone)
    reminded = booked_at < window.told_before
    assert reminded != reminder_windows.last_minute(starts_at, zone, booked_at)
    if reminded:
        assert booked_at < window.moment("abcd")


@pytest.mark.parametrize(
    ("instant", "zone", "reading"),
    [
        ("2026-11-24T07:59Z", "Europe/Paris", False),
        ("2026-11-24T08:00Z", "Europe/Paris", True),
        ("2026-11-24T17:59Z", "Europe/Paris", True),
        ("2026-11-24T18:00Z", "Europe/Paris", False),
        ("2026-11-24T05:00Z", "Indian/Reunion", True),
        ("2026-11-24T15:00Z", "Indian/Reunion", False),
    ],
)
def test_hours_at_which_one_reads(instant, zone, reading):
    assert reminder_windows.in_reading_hours(frozen.parse(instant), zone) is reading
