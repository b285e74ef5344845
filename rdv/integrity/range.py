"""What a check is: a table read by ranges of ids, and the lines it tells of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv.db import db


@dataclass(frozen=True)
class Range:
    """Rows of a table: ids from `first` to `last`, both included; `rows` of them at the instant `now`."""

    first: int
    last: int
    rows: int
    now: datetime

    def holds(self, key: sa.ColumnElement[int] | Any) -> sa.ColumnElement[bool]:
        """Return the condition on the key of the table."""
        return sa.and_(key >= self.first, key <= self.last)


@dataclass(frozen=True)
class Check:
    """One thing that must hold: its French name, the table it walks, and what it tells of a range."""

    name: str
    table: type
    look: Callable[[Range], Iterable[str]]


def rows(query: sa.Executable) -> Iterable[Any]:
    """Run a query in the snapshot of the range; Core rows, no object."""
    return db.session.connection().execute(query)
