"""The whole service in short, for its team: this month and the last, by the platform that candidates came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from rdv import clock
from rdv.db import db
from rdv.models import CandidateRequest, Cfa, FirstAnswer, Platform
from rdv.stats import quantiles
from rdv.stats.filters import months_before
from rdv.stats.quantiles import Spread

UNKNOWN = "Origine inconnue"


@dataclass(frozen=True)
class Origin:
    """What came from one platform: requests that call for an answer, those that a person answered, how fast."""

    label: str
    received: int
    answered: int
    spread: Spread

    @property
    def rate(self) -> float | None:
        """The share answered; None without any request."""
        return self.answered / self.received if self.received else None


@dataclass(frozen=True)
class Service:
    """Everything since a day, then each origin, the largest first."""

    since: date
    total: Origin
    origins: list[Origin]


def service(now: datetime) -> Service:
    """Return the figures of the whole service since the first day of last month."""
    since = months_before(clock.to_zone(now, clock.PARIS).date().replace(day=1), 1)
    request = CandidateRequest
    asked = request.mode != "slot"
    # From each centre into its requests by date: an index serves, where none is on the date alone.
    query = (
        sa.select(
            request.platform_id,
            sa.func.sum(sa.case((asked, 1), else_=0)),
            sa.func.sum(sa.case((sa.and_(asked, request.first_answered_at.is_not(None)), 1), else_=0)),
        )
        .select_from(Cfa)
        .join(request, request.cfa_id == Cfa.id)
        .where(request.created_at >= clock.day_bounds(since, clock.PARIS)[0])
        .group_by(request.platform_id)
    )
    counted = {key: (received, answered) for key, received, answered in db.session.execute(query)}
    recent = (FirstAnswer.month >= since,)
    spreads = quantiles.by(FirstAnswer.platform_id, recent)
    names = {row.id: row.name for row in db.session.scalars(sa.select(Platform))}
    origins = [
        Origin(names.get(key, UNKNOWN), received, answered, spreads.get(key, Spread()))
        for key, (received, answered) in counted.items()
        if received
    ]
    origins.sort(key=lambda origin: (-origin.received, origin.label))
    total = Origin(
        "Tout le service", sum(one.received for one in origins), sum(one.answered for one in origins),
        quantiles.overall(recent),
    )  # fmt: skip
    return Service(since, total, origins)
