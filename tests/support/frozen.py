"""A clock that the test sets: `rdv.clock.now` alone is replaced, which is why nothing else may read the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """The instant that `rdv.clock.now()` returns."""

    def __init__(self, instant: str | datetime) -> None:
        self.now = parse(instant)

    def __call__(self) -> datetime:
        return self.now

    def to(self, instant: str | datetime) -> datetime:
        """Jump to an instant."""
        self.now = parse(instant)
        return self.now

    def tick(self, **elapsed: float) -> datetime:
        """Let time pass: `tick(minutes=5)`."""
        self.now += timedelta(**elapsed)
        return self.now


def parse(instant: str | datetime) -> datetime:
    """Return an aware UTC instant; text carries its offset, such as « 2026-11-24T08:00Z »."""
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    if instant.tzinfo is None:
        raise ValueError(f"naive instant refused in a test too: {instant}")
    return instant.astimezone(UTC)
