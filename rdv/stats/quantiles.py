"""Medians and ninth deciles of the first answers, without reading what an index already holds in order.

Both are minutes that some answer really took (the value at rank ⌈n/2⌉, ⌈0.9 n⌉): the same on both engines, and in
Python. PostgreSQL has the function; on SQLite a month is counted, then the index walked to the rank, and parts that
no index orders are sorted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from rdv.db import db, is_sqlite
from rdv.models import FirstAnswer

MEDIAN_FROM = 5  # answers; fewer say nothing of what is usual
NINTH_FROM = 10


@dataclass(frozen=True)
class Spread:
    """How long first answers took, in working minutes; None where there are too few to say."""

    answers: int = 0
    median: int | None = None
    ninth: int | None = None  # nine answers out of ten took no longer


def _spread(answers: int, median: int | None, ninth: int | None) -> Spread:
    return Spread(answers, median if answers >= MEDIAN_FROM else None, ninth if answers >= NINTH_FROM else None)


def ranks(answers: int) -> tuple[int, int]:
    """Return the ranks, from 1, of the median and of the ninth decile among so many answers."""
    return (answers + 1) // 2, (9 * answers + 9) // 10


Conditions = tuple[sa.ColumnElement[bool], ...]
_MINUTES = FirstAnswer.minutes


def overall(conditions: Conditions) -> Spread:
    """Return the spread of all the answers that match."""
    if is_sqlite():
        count = db.session.scalar(sa.select(sa.func.count()).select_from(FirstAnswer).where(*conditions)) or 0
        return _walked(_picked(conditions), count)
    found = db.session.execute(sa.select(*_postgresql()).where(*conditions)).one()
    return _spread(*found)


def by_month(conditions: Conditions) -> dict[date, Spread]:
    """Return the spread of each month of arrival that has answers."""
    if not is_sqlite():
        return by(FirstAnswer.month, conditions)
    counts = sa.select(FirstAnswer.month, sa.func.count()).where(*conditions).group_by(FirstAnswer.month)
    picked = _picked((*conditions, FirstAnswer.month == sa.bindparam("of_month")))
    return {month: _walked(picked, count, of_month=month) for month, count in db.session.execute(counts).all()}


def by(key: InstrumentedAttribute[Any], conditions: Conditions) -> dict[Any, Spread]:
    """Return the spread of the answers for each value of a column."""
    if not is_sqlite():
        query = sa.select(key, *_postgresql()).where(*conditions).group_by(key)
        return {value: _spread(*found) for value, *found in db.session.execute(query)}
    # SQLite's window functions cost ten times this: it is in the process, and rows cross no network.
    grouped: dict[Any, list[int]] = {}
    for value, minutes in db.session.connection().execute(sa.select(key, _MINUTES).where(*conditions)):
        grouped.setdefault(value, []).append(minutes)
    return {value: _sorted(sorted(minutes)) for value, minutes in grouped.items()}


def _sorted(minutes: list[int]) -> Spread:
    return _spread(len(minutes), *(minutes[rank - 1] for rank in ranks(len(minutes))))


def _postgresql() -> tuple[sa.ColumnElement[Any], ...]:
    shares = (sa.func.percentile_disc(share).within_group(_MINUTES.asc()) for share in (0.5, 0.9))
    return (sa.func.count(), *shares)


def _picked(conditions: Conditions) -> sa.Select[int]:
    """Return the statement that picks one answer by its rank; where an index orders the minutes, nothing else is read."""
    return sa.select(_MINUTES).where(*conditions).order_by(_MINUTES).limit(1).offset(sa.bindparam("skipped"))


def _walked(picked: sa.Select[int], count: int, **of: Any) -> Spread:
    """Pick the values at both ranks, by one statement that is built once: a year of months runs it 24 times."""
    if count < MEDIAN_FROM:
        return Spread(count)
    connection = db.session.connection()
    median, ninth = (connection.scalar(picked, {"skipped": rank - 1, **of}) for rank in ranks(count))
    return _spread(count, median, ninth)
