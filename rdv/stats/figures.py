"""The figures of a centre: the whole, month by month, and part by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from rdv import posters
from rdv.db import db
from rdv.inbox import MODE_LABELS
from rdv.models import CandidateRequest, FirstAnswer, Platform, Site, Slot, Training, User
from rdv.stats import counts, quantiles
from rdv.stats.counts import Met, Received
from rdv.stats.filters import Filters
from rdv.stats.quantiles import Spread

LONGEST_LINES = 100  # lines of a distribution, those with most requests first

Column = InstrumentedAttribute[Any]


@dataclass(frozen=True)
class Total:
    """Everything that the filters keep."""

    received: Received
    spread: Spread
    met: Met


@dataclass(frozen=True)
class Month:
    """One month of the trend, by day of arrival."""

    month: date
    received: Received
    spread: Spread


@dataclass(frozen=True)
class Line:
    """One part of a distribution; an adviser's holds no `received`, since requests arrive at the centre, and that of a
    poster no `spread`."""

    label: str
    received: Received | None
    spread: Spread
    on_time: int  # of the answers
    met: Met


@dataclass(frozen=True)
class _Dimension:
    """Columns that tell a part, in each table; an answer does not keep the poster that its request came from."""

    of_request: Column | None
    of_answer: Column | None
    of_meeting: Column


DIMENSIONS = {
    "adviser": _Dimension(None, FirstAnswer.user_id, Slot.adviser_id),
    "site": _Dimension(CandidateRequest.site_id, FirstAnswer.site_id, Slot.site_id),
    "training": _Dimension(CandidateRequest.training_id, FirstAnswer.training_id, CandidateRequest.training_id),
    "platform": _Dimension(CandidateRequest.platform_id, FirstAnswer.platform_id, CandidateRequest.platform_id),
    "source": _Dimension(CandidateRequest.source, None, CandidateRequest.source),
    "mode": _Dimension(CandidateRequest.mode, FirstAnswer.mode, CandidateRequest.mode),
}
# Answers, requests or meetings that none of the named parts holds.
NOBODY = {
    "adviser": "Par le lien d’un courriel, sans compte",
    "site": "Sans lieu",
    "training": "Sans formation précise",
    "platform": "Origine inconnue",
    "source": "Sans affiche",
    "mode": "",
}


def total(filters: Filters, now: datetime) -> Total:
    """Return the figures of everything that the filters keep."""
    return Total(
        counts.received(filters, now).get(None, Received()),
        quantiles.overall(filters.of_answers()),
        counts.met(filters, now).get(None, Met()),
    )


def trend(filters: Filters, now: datetime) -> list[Month]:
    """Return each month of a period of whole months, empty ones too."""
    arrived, spreads = counts.received_by_month(filters, now), quantiles.by_month(filters.of_answers())
    return [
        Month(month, arrived.get(month, Received()), spreads.get(month, Spread())) for month in filters.period.months
    ]


def lines(filters: Filters, by: str, now: datetime, only_user_id: int | None = None) -> list[Line]:
    """Return the figures of each adviser, site, training, platform, poster or mode; `only_user_id`: that adviser's line alone."""
    dimension = DIMENSIONS[by]
    answers = filters.of_answers()
    if only_user_id is not None:
        answers = (*answers, FirstAnswer.user_id == only_user_id)
    arrived = counts.received(filters, now, dimension.of_request) if dimension.of_request is not None else {}
    spreads: Mapping[Any, Spread] = {}
    in_time: Mapping[Any, int] = {}
    if dimension.of_answer is None:
        in_time = {key: part.on_time for key, part in arrived.items()}
    else:
        spreads, in_time = quantiles.by(dimension.of_answer, answers), _on_time(dimension.of_answer, answers)
    meetings = counts.met(filters, now, dimension.of_meeting)
    keys = {*arrived, *spreads, *meetings}
    if only_user_id is not None:
        keys = {only_user_id}
    names = _names(by, keys)
    found = [
        Line(
            names.get(key) or NOBODY[by],
            arrived.get(key, Received()) if dimension.of_request is not None else None,
            spreads.get(key, Spread()),
            in_time.get(key, 0),
            meetings.get(key, Met()),
        )
        for key in keys
    ]
    return sorted(found, key=_largest_first)[:LONGEST_LINES]


def _largest_first(line: Line) -> tuple[int, str]:
    # Colleagues by name: the order of a list of people says nothing of them.
    return (-line.received.people if line.received else 0, line.label.casefold())


def _on_time(key: Column, conditions: tuple[sa.ColumnElement[bool], ...]) -> Mapping[Any, int]:
    query = sa.select(key, sa.func.count()).where(*conditions, FirstAnswer.on_time.is_(True)).group_by(key)
    return {row[0]: row[1] for row in db.session.execute(query)}


def _names(by: str, keys: Iterable[Any]) -> dict[Any, str]:
    wanted = [key for key in keys if key is not None]
    if by == "mode":
        return {key: MODE_LABELS[key] for key in wanted}
    if by == "source":
        return posters.labels(wanted)
    table: Any = {"adviser": User, "site": Site, "training": Training, "platform": Platform}[by]
    rows: Sequence[Any] = db.session.scalars(sa.select(table).where(table.id.in_(wanted))).all()
    if by == "training":
        return {row.id: _training_name(row, rows) for row in rows}
    return {row.id: row.name if by == "platform" else row.shown_name for row in rows}


def _training_name(training: Training, among: Sequence[Training]) -> str:
    """Return its title, with where it is taught when another has the same."""
    twins = sum(other.shown_title == training.shown_title for other in among)
    city = next((site.city for site in training.sites if site.city), None)
    return f"{training.shown_title} ({city})" if twins > 1 and city else training.shown_title
