"""Keyset pages of the inbox, forward and back, at the same cost at any depth.

A list is made of parts that follow each other, each of which an index walks in order: requests with a due date, then those
without; whoever can be called now, then the others. One statement a part: no planner walks an index for « this, then that ».
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.inbox import calling
from rdv.inbox.filters import Filter, conditions
from rdv.models import Booking, CandidateRequest

PAGE = 30
_BEYOND = 2**62  # above every id


@dataclass(frozen=True)
class Cursor:
    """A request of the list, named as in addresses, and where it stood when it was shown."""

    part: int  # of the list
    at: datetime | None  # what the part is ordered by; None: nothing but the order of arrival
    public_id: str
    as_of: datetime  # when the first page was read: who can be called now is decided then, for all pages


class Page(NamedTuple):
    """Requests, in order, and where the pages after and before begin; None at the ends."""

    rows: list[CandidateRequest]
    following: Cursor | None
    previous: Cursor | None


@dataclass(frozen=True)
class _Part:
    """What an index walks in order: conditions, and the column that orders it (None: by arrival alone)."""

    where: Sequence[sa.ColumnElement[bool]]
    key: Any
    newest_first: bool = False
    constant: Any = None  # a column that is null in all of it, and stands first in the index


def page(
    cfa_id: int,
    wanted: Filter,
    now: datetime,
    after: Cursor | None = None,
    size: int = PAGE,
    before: Cursor | None = None,
) -> Page:
    """Return one page of the inbox: the one after a request, the one before another, or the first.

    What waits for an answer stands most urgent first, planned calls by their hour, all the rest newest first.
    """
    from_ = after or before
    as_of = from_.as_of if from_ else now
    parts = _parts(cfa_id, wanted, now, as_of)
    if before is not None:
        return _back(cfa_id, parts, before, size, as_of)
    found = _walk(cfa_id, parts, after, size + 1, back=False)
    shown = found[:size]
    return Page(
        [row for _, row in shown],
        _cursor(parts, shown[-1], as_of) if len(found) > size else None,
        _cursor(parts, shown[0], as_of) if after is not None and shown else None,
    )


def _back(cfa_id: int, parts: Sequence[_Part], before: Cursor, size: int, as_of: datetime) -> Page:
    found = _walk(cfa_id, parts, before, size + 1, back=True)
    if len(found) <= size:  # the beginning: a first page is a whole one
        found = _walk(cfa_id, parts, None, size + 1, back=False)
        shown = found[:size]
        return Page(
            [row for _, row in shown], _cursor(parts, shown[-1], as_of) if len(found) > size else None, None
        )  # fmt: skip
    shown = found[:size][::-1]
    return Page([row for _, row in shown], _cursor(parts, shown[-1], as_of), _cursor(parts, shown[0], as_of))


def _parts(cfa_id: int, wanted: Filter, now: datetime, as_of: datetime) -> list[_Part]:
    of = CandidateRequest
    callable_now = calling.reachable_among(cfa_id, as_of) if wanted.reachable or wanted.reachable_first else None
    base = conditions(cfa_id, wanted, now, callable_now)
    if wanted.by_call:
        return [_Part(base, of.next_attempt_at)]
    if not wanted.waits and wanted.status != "waiting_candidate":
        return [_Part(base, of.created_at, newest_first=True)]
    orders: list[list[sa.ColumnElement[bool]]] = [base]
    if wanted.reachable_first and callable_now is not None and wanted.waits:
        orders = [[*base, callable_now], [*base, sa.func.coalesce(callable_now, sa.false()).is_(False)]]
    constant = of.owner_id if wanted.owner_id == 0 else None
    return [
        _Part([*where, dated], key, constant=constant)
        for where in orders
        for dated, key in ((of.due_at.is_not(None), of.due_at), (of.due_at.is_(None), None))
    ]


def _walk(
    cfa_id: int, parts: Sequence[_Part], start: Cursor | None, size: int, back: bool
) -> list[tuple[int, CandidateRequest]]:
    """Return up to `size` requests with their parts, from a cursor on, or back from it (then the nearest first)."""
    first = min(start.part, len(parts) - 1) if start else 0
    order = range(first, -1, -1) if back else range(first, len(parts))
    found: list[tuple[int, CandidateRequest]] = []
    for number in order:
        from_here = start if start is not None and number == first else None
        rows = _read(cfa_id, parts[number], from_here, size - len(found), back)
        found += [(number, row) for row in rows]
        if len(found) >= size:
            break
    return found


def _read(cfa_id: int, part: _Part, start: Cursor | None, size: int, back: bool) -> Sequence[CandidateRequest]:
    of = CandidateRequest
    descending = part.newest_first is not back
    columns = [of.id] if part.key is None else [part.key, of.id]
    order = [part.constant, *columns] if part.constant is not None else columns
    query = (
        sa.select(of)
        .options(
            joinedload(of.training), joinedload(of.site), joinedload(of.owner),
            joinedload(of.booking).joinedload(Booking.slot),
        )
        .where(*part.where)
        .order_by(*(column.desc() if descending else column for column in order))
        .limit(size)
    )  # fmt: skip
    if start is not None and (part.key is None or start.at is not None):
        last_id = _id_of(cfa_id, start.public_id, 0 if not descending else _BEYOND)
        known = [last_id] if part.key is None else [sa.literal(start.at, part.key.type), last_id]
        here, there = sa.tuple_(*columns), sa.tuple_(*known)
        query = query.where(here < there if descending else here > there)
    return db.session.scalars(query).all()


def _id_of(cfa_id: int, public_id: str, otherwise: int) -> sa.ColumnElement[int]:
    """Return the id of the request a page ends with; of one erased since, the date alone tells where it stood."""
    of = CandidateRequest
    found = sa.select(of.id).where(of.public_id == public_id, of.cfa_id == cfa_id).scalar_subquery()
    return sa.func.coalesce(found, sa.literal(otherwise, of.id.type))


def _cursor(parts: Sequence[_Part], shown: tuple[int, CandidateRequest], as_of: datetime) -> Cursor:
    number, row = shown
    key = parts[number].key
    return Cursor(number, None if key is None else getattr(row, key.key), row.public_id, as_of)
