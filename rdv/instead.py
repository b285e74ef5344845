"""What to offer who came for a training that is closed, or that nobody knows: the rest of its centre, and places near."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from rdv import bookable, nearby
from rdv.db import db
from rdv.models import Cfa, Site, Training, training_site
from rdv.nearby import Place

MOST = 5  # trainings of the centre; its page holds the others
_NUMBERS = 8  # looked at in one identifier
# « clé ministères éducatifs » (reference/french-public-service.md §3.2): certification, SIRET that manages, SIRET that
# teaches, INSEE code of the place.
_KEY = re.compile(r"([0-9]{6}P[0-9]{2})\w{2}([0-9]{14})([0-9]{14})-([0-9][0-9AB][0-9]{3})", re.IGNORECASE)


@dataclass(frozen=True)
class Instead:
    """What is open in place of a training; `cfa` is its centre, None when unknown or closed."""

    cfa: Cfa | None
    trainings: Sequence[Training]  # bookable ones of this centre, the most alike first
    places: Sequence[Place]  # where the same training is taught


@dataclass(frozen=True)
class _Wanted:
    """What is known of a training that is not there: the more a training shares of it, the sooner it stands."""

    diplomas: Sequence[str] = ()
    certification: str = ""  # how its key begins
    sirets: Sequence[str] = ()
    insee: str = ""
    site_ids: Sequence[int] = ()


def of_closed(training: Training, page_code: str, now: datetime) -> Instead:
    """Return what is open in place of a training that closed, on the pages of a platform (`rules.OWN_PAGE`: of none)."""
    places = nearby.instead_of(training, now, page_code)
    wanted = _Wanted(
        diplomas=[training.diploma_code] if training.diploma_code else [],
        site_ids=[site.id for site in training.sites],
    )
    shown = {place.training.id for place in places}
    return Instead(_opened(training.cfa), _of_centre(training.cfa, wanted, page_code, now, shown), places)


def of_unknown(said: Iterable[str], page_code: str, now: datetime) -> Instead:
    """Return the trainings of the centre that identifiers of no training name: by a SIRET or a UAI that they hold."""
    for text in said:
        wanted, establishments = _read(text)
        cfa = _centre(establishments)
        if cfa is not None:
            return Instead(cfa, _of_centre(cfa, wanted, page_code, now, set()), [])
    return Instead(None, [], [])


def _opened(cfa: Cfa) -> Cfa | None:
    return cfa if cfa.closed_at is None else None


def _read(text: str) -> tuple[_Wanted, list[str]]:
    """Return what an identifier says of its training, and the establishments in it, the one that teaches first."""
    if match := _KEY.search(text):
        certification, manages, teaches, insee = match.groups()
        return _Wanted(certification=certification.upper(), sirets=[teaches], insee=insee.upper()), [teaches, manages]
    flat = re.sub(r"\s", "", text)
    sirets = re.findall(r"(?<![0-9])[0-9]{14}(?![0-9])", flat)[:_NUMBERS]
    uais = [each.upper() for each in re.findall(r"(?<![0-9])[0-9]{7}[A-Za-z](?![A-Za-z0-9])", text)[:_NUMBERS]]
    return _Wanted(sirets=sirets), [*sirets, *uais]


def _centre(establishments: Sequence[str]) -> Cfa | None:
    """Return the open centre of the first establishment that is one, or that teaches for one."""
    for number in establishments:
        own, place = (Cfa.siret, Site.siret) if len(number) == 14 else (Cfa.uai, Site.uai)
        opened = sa.select(Cfa).where(Cfa.closed_at.is_(None)).order_by(Cfa.id).limit(1)
        found = db.session.scalar(opened.where(own == number)) or db.session.scalar(
            opened.join(Site, Site.cfa_id == Cfa.id).where(place == number, Site.closed_at.is_(None))
        )
        if found is not None:
            return found
    return None


def _of_centre(cfa: Cfa, wanted: _Wanted, page_code: str, now: datetime, but: set[int]) -> list[Training]:
    """Return the bookable trainings of a centre but these, the most alike first, at most MOST."""
    if cfa.closed_at is not None:
        return []
    places = (
        sa.select(training_site.c.training_id)
        .join(Site, Site.id == training_site.c.site_id)
        .where(Site.cfa_id == cfa.id)
    )
    alike: list[sa.ColumnElement[bool]] = []
    if wanted.diplomas:
        alike.append(Training.diploma_code.in_(wanted.diplomas))
    if wanted.certification:
        alike.append(Training.training_key.startswith(wanted.certification, autoescape=True))
    if wanted.site_ids:
        alike.append(Training.id.in_(places.where(Site.id.in_(wanted.site_ids))))
    if wanted.insee:
        alike.append(Training.id.in_(places.where(Site.insee == wanted.insee)))
    if wanted.sirets:
        alike.append(Training.id.in_(places.where(Site.siret.in_(wanted.sirets))))
    query = (
        bookable.open_ids(page_code, now)  # itself narrowed: as a subquery, it would be read for every centre first
        .with_only_columns(Training, maintain_column_froms=True)
        .options(joinedload(Training.cfa), selectinload(Training.sites))
        .where(Training.cfa_id == cfa.id, Training.id.not_in(but))
        .order_by(*(sa.case((each, 0), else_=1) for each in alike), Training.title, Training.id)
        .limit(MOST)
    )
    return list(db.session.scalars(query))
