"""Closures as their CFA reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.errors import NotFound
from rdv.models import Closure

PAST_SHOWN = 50


@dataclass(frozen=True)
class Listed:
    """The closures of a CFA by their place in time."""

    current: Sequence[Closure]
    coming: Sequence[Closure]
    past: Sequence[Closure]  # the latest first


def listed(cfa_id: int, today: date, *, absences_of: int | None = None) -> Listed:
    """Return the closures of a CFA; `absences_of` keeps the absences of that person alone (None: everybody's)."""
    found = _of_cfa(cfa_id, absences_of)
    ahead = db.session.scalars(found.where(Closure.last_day >= today).order_by(Closure.first_day, Closure.id)).all()
    past = db.session.scalars(
        found.where(Closure.last_day < today).order_by(Closure.last_day.desc(), Closure.id.desc()).limit(PAST_SHOWN)
    ).all()
    return Listed(
        [one for one in ahead if one.first_day <= today], [one for one in ahead if one.first_day > today], past
    )


def _of_cfa(cfa_id: int, absences_of: int | None) -> sa.Select[Closure]:
    query = (
        sa.select(Closure).options(joinedload(Closure.site), joinedload(Closure.user)).where(Closure.cfa_id == cfa_id)
    )
    if absences_of is None:
        return query
    return query.where(sa.or_(Closure.user_id.is_(None), Closure.user_id == absences_of))


def get_for_cfa(cfa_id: int, public_id: str) -> Closure:
    """Return a closure of this CFA, or raise NotFound."""
    found = db.session.scalar(sa.select(Closure).where(Closure.public_id == public_id, Closure.cfa_id == cfa_id))
    if found is None:
        raise NotFound("Cette fermeture n’existe pas dans votre centre, ou elle est supprimée.")
    return found
