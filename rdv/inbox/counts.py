"""How many requests stand where: what the counters of the first screen and of the inbox say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv.db import db
from rdv.inbox import calling
from rdv.inbox.filters import Filter, conditions
from rdv.models import CandidateRequest

MOST = 999  # counted one by one; beyond, « 999+ »: nobody reads the difference, and counting 100,000 rows costs
MOST_REACHABLE = 99  # these are looked for one request after the other, and nobody calls a hundred people now


@dataclass(frozen=True)
class Counters:
    """How many requests of a CFA stand where; MOST + 1 says « more »."""

    todo: int
    late: int
    waiting: int
    unowned: int  # to treat, and nobody's, whoever the others are counted for
    due_today: int = 0  # not late yet
    calls: int = 0  # planned before the end of the day
    reachable: int = 0  # callbacks whose person can be called now


def named(within: Filter, until: datetime | None = None) -> dict[str, Filter]:
    """Return the filter behind each counter, by its name: a counter and the list it leads to never disagree."""
    todo = replace(within, status="todo")
    return {
        "todo": todo,
        "late": replace(todo, late=True),
        "waiting": replace(within, status="waiting_candidate"),
        "unowned": replace(todo, owner_id=0),
        "due_today": replace(todo, due_until=until) if until else todo,
        "calls": replace(todo, call_until=until) if until else replace(todo, planned=True),
        "reachable": replace(todo, reachable=True),
    }


def counters(
    cfa_id: int,
    now: datetime,
    owner_id: int | None = None,
    *,
    team_site_ids: tuple[int, ...] = (),
    until: datetime | None = None,
) -> Counters:
    """Count the requests of a CFA, of one person or of the places of a team, each by the filter that `named` gives it.

    `until`: the end of the day there; without it, what is due and to call « today » is not counted.
    """
    wanted = named(Filter(owner_id=owner_id, team_site_ids=team_site_ids), until)
    if until is None:
        wanted = {name: wanted[name] for name in ("todo", "late", "waiting", "unowned")}
    return Counters(**counts(cfa_id, wanted, now))


def counts(cfa_id: int, wanted: Mapping[str, Filter], now: datetime) -> dict[str, int]:
    """Return how many requests each filter matches, in one statement; MOST + 1 for all that is beyond."""
    who = calling.reachable_among(cfa_id, now) if any(each.reachable for each in wanted.values()) else None
    query = sa.select(*(_up_to(cfa_id, each, now, who).label(name) for name, each in wanted.items()))
    return dict(db.session.execute(query).one()._mapping)


def count(cfa_id: int, wanted: Filter, now: datetime) -> int:
    """Return how many requests a filter matches; MOST + 1 for all that is beyond."""
    return counts(cfa_id, {"found": wanted}, now)["found"]


def in_words(number: int, wanted: Filter | None = None) -> str:
    """« 12 », or « 999+ » for what is beyond what is counted of a filter."""
    most = _most(wanted)
    return f"{most}+" if number > most else str(number)


def _most(wanted: Filter | None) -> int:
    return MOST_REACHABLE if wanted is not None and wanted.reachable else MOST


def _up_to(
    cfa_id: int, wanted: Filter, now: datetime, reachable: sa.ColumnElement[bool] | None
) -> sa.ScalarSelect[int]:
    found = (
        sa.select(sa.literal(1, literal_execute=True).label("one"))
        .select_from(CandidateRequest)
        .where(*conditions(cfa_id, wanted, now, reachable))
        .order_by(*_order(wanted))
        .limit(_most(wanted) + 1)
        .subquery()
    )
    return sa.select(sa.func.count()).select_from(found).scalar_subquery()


def _order(wanted: Filter) -> list[Any]:
    """Return the order of the list: it leads both planners to the index that the list walks, and stops at MOST."""
    of = CandidateRequest
    if wanted.by_call:
        return [of.next_attempt_at]
    if not wanted.waits:
        return []
    return [of.owner_id, of.due_at] if wanted.owner_id == 0 else [of.due_at]


def latest(cfa_id: int) -> datetime | None:
    """Return when the last request of a CFA arrived."""
    query = sa.select(sa.func.max(CandidateRequest.created_at)).where(CandidateRequest.cfa_id == cfa_id)
    return db.session.scalar(query)
