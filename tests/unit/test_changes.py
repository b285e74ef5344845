"""Any sequence of edits keeps the wall times that were typed, in every French zone, across clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rdv import clock, french
from rdv.changes import Change
from rdv.changes.change import NoSuchTime
from rdv.models import Site, Slot

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
ZONES = [clock.PARIS, *french.ZONE_NAMES]

edits = st.lists(
    st.builds(
        Change,
        days=st.integers(-20, 40),
        minutes=st.integers(-36, 36).map(lambda steps: steps * 15),
        duration=st.none() | st.integers(1, 12).map(lambda steps: steps * 5),
    ),
    max_size=6,
)


@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2027, 1, 1), date(2027, 6, 30)),
    at=st.times(time(6), time(20)).map(lambda each: each.replace(minute=each.minute // 5 * 5, second=0, microsecond=0)),
    sequence=edits,
)
def test_edits_of_a_series_keep_its_wall_times(zone, first, at, sequence):
    site = Site(timezone=zone)
    starts = [clock.from_wall(first + timedelta(weeks=week), at.replace(fold=0), zone) for week in range(0, 40, 3)]
    slots = [Slot(site=site, starts_at=start, ends_at=start + timedelta(minutes=30)) for start in starts]
    walls = [clock.to_zone(slot.starts_at, zone).replace(tzinfo=None) for slot in slots]
    lengths = [slot.ends_at - slot.starts_at for slot in slots]
    for change in sequence:
        for rank, slot in enumerate(slots):
            try:
                span = change.span(slot, NOW)
            except NoSuchTime:
                continue  # decided by a person: kept, or cancelled
            slot.starts_at, slot.ends_at = span.starts_at, span.ends_at
            walls[rank] += timedelta(days=change.days, minutes=change.minutes)
            lengths[rank] = timedelta(minutes=change.duration) if change.duration is not None else lengths[rank]
    for slot, wall, length in zip(slots, walls, lengths, strict=True):
        assert clock.to_zone(slot.starts_at, zone).replace(tzinfo=None, fold=0) == wall
        assert slot.ends_at - slot.starts_at == length
