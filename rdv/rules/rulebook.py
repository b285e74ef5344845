"""The rules of a CFA, and what they decide for one place and one kind of meeting, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv.db import db
from rdv.models import BookingRule


@dataclass(frozen=True)
class Effective:
    """What is decided for a place and a kind of meeting; None: nothing is."""

    notice_minutes: int | None = None
    horizon_days: int | None = None
    pause_minutes: int | None = None
    most_a_day: int | None = None
    most_a_person: int | None = None
    opens_at: datetime | None = None
    platforms: list[str] | None = None


NO_RULE = Effective()
FIELDS = tuple(field.name for field in fields(Effective))


class Rulebook:
    """Every rule of one CFA; for each field the meeting type wins over the site, the site over the CFA."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self.of_cfa: Any = None
        self.of_site: dict[int, Any] = {}
        self.of_meeting_type: dict[int, Any] = {}
        for row in rows:
            if row.meeting_type_id is not None:
                self.of_meeting_type[row.meeting_type_id] = row
            elif row.site_id is not None:
                self.of_site[row.site_id] = row
            else:
                self.of_cfa = row
        self._known: dict[tuple[int | None, int | None], Effective] = {}

    def of(self, site_id: int | None, meeting_type_id: int | None) -> Effective:
        """Return what is decided for a place and a kind of meeting."""
        key = (site_id, meeting_type_id)
        if key not in self._known:
            levels = (self.of_meeting_type.get(meeting_type_id or 0), self.of_site.get(site_id or 0), self.of_cfa)
            rows = [row for row in levels if row is not None]
            decided = {
                name: next((v for row in rows if (v := getattr(row, name)) is not None), None) for name in FIELDS
            }
            self._known[key] = Effective(**decided)
        return self._known[key]

    def limits_days(self) -> bool:
        """Say whether any rule counts the meetings of a day."""
        rows = (self.of_cfa, *self.of_site.values(), *self.of_meeting_type.values())
        return any(row is not None and row.most_a_day is not None for row in rows)


_COLUMNS = [BookingRule.site_id, BookingRule.meeting_type_id, *(getattr(BookingRule, name) for name in FIELDS)]
_OF_CFA = sa.select(*_COLUMNS).where(BookingRule.cfa_id == sa.bindparam("cfa_id"))


def rulebook(cfa_id: int) -> Rulebook:
    """Return the rules of a CFA, in one small query."""
    return Rulebook(db.session.connection().execute(_OF_CFA, {"cfa_id": cfa_id}))


def effective(cfa_id: int, site_id: int | None, meeting_type_id: int | None) -> Effective:
    """Return what is decided for a place and a kind of meeting."""
    return rulebook(cfa_id).of(site_id, meeting_type_id)


def pause(cfa_id: int, site_id: int | None, meeting_type_id: int | None) -> int:
    """Return the minutes an adviser keeps between two meetings, 0 when nobody said."""
    return effective(cfa_id, site_id, meeting_type_id).pause_minutes or 0
