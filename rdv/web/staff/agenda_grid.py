"""The agenda laid out: columns of days, or of advisers, and their hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rdv import clock
from rdv.french import NBSP
from rdv.models import Slot
from rdv.web.staff.slot_lines import Event


@dataclass(frozen=True)
class Entry:
    """An event and the hour it begins, on the clock of its place."""

    hour: int
    event: Event

    @classmethod
    def of(cls, slot: Slot, event: Event) -> Entry:
        """Return the entry of a slot."""
        return cls(clock.to_zone(slot.starts_at, slot.site.timezone).hour, event)


@dataclass(frozen=True)
class Column:
    """A day of the week, or an adviser's day; `note` says why it is empty, or closed."""

    label: str
    entries: Sequence[Entry]
    note: str | None = None
    is_today: bool = False
    publish_href: str | None = None

    @property
    def events(self) -> list[Event]:
        """What it shows, soonest first."""
        return [entry.event for entry in self.entries]


@dataclass(frozen=True)
class Row:
    """An hour: its events, column by column."""

    label: str
    cells: list[list[Event]] = field(default_factory=list)


def rows(columns: Sequence[Column]) -> list[Row]:
    """Return the hours from the first event to the last, the empty ones between them included."""
    hours = [entry.hour for column in columns for entry in column.entries]
    if not hours:
        return []
    return [
        Row(
            f"{hour}{NBSP}h",
            [[entry.event for entry in column.entries if entry.hour == hour] for column in columns],
        )
        for hour in range(min(hours), max(hours) + 1)
    ]
