"""Where candidates look: trainings and CFAs by their address, their key or words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from rdv.db import db, is_sqlite
from rdv.errors import NotFound
from rdv.models import Cfa, CfaDomain, Platform, Site, Training, TrainingAlias, training_site

MOST_FOUND = 20
TRAININGS_PAGE = 20
_ACCENTED, _PLAIN = "àâçéèêëîïôùûü", "aaceeeeiiouuu"
_CAPITALS, _SMALL = "ÀÉÈÎ", "aeei"  # SQLite lowers ASCII alone, and its parser refuses many nested calls


@dataclass(frozen=True)
class Found:
    """What a search met, each list cut at MOST_FOUND."""

    cfas: list[Cfa]
    trainings: list[Training]


def get_training(public_id: str) -> Training:
    """Return a training by its public address, open or not, or raise NotFound."""
    found = db.session.scalar(_trainings().where(Training.public_id == public_id))
    if found is None:
        raise NotFound("Cette formation n’existe pas ou n’existe plus.")
    return found


def get_cfa(public_id: str) -> Cfa:
    """Return a CFA by its public address, open or not, or raise NotFound."""
    found = db.session.scalar(sa.select(Cfa).where(Cfa.public_id == public_id))
    if found is None:
        raise NotFound("Ce centre n’existe pas ou n’existe plus.")
    return found


def get_platform(code: str) -> Platform | None:
    """Return the platform of this code, None when it is not one of ours."""
    if not 0 < len(code) <= 30:
        return None
    return db.session.scalar(sa.select(Platform).where(Platform.code == code))


def domains_of(cfa: Cfa) -> list[str]:
    """Return the web sites on which a centre says that its button stands, in alphabetical order."""
    return list(
        db.session.scalars(sa.select(CfaDomain.host).where(CfaDomain.cfa_id == cfa.id).order_by(CfaDomain.host))
    )


def platforms() -> list[Platform]:
    """Return every platform, in the order they were made known."""
    return list(db.session.scalars(sa.select(Platform).order_by(Platform.id)))


def is_open(training: Training) -> bool:
    """Say whether candidates may still ask about a training."""
    return training.published and training.closed_at is None and training.cfa.closed_at is None


def successor_of(training: Training) -> Training | None:
    """Return the open training that took the key of a closed one, None when none did."""
    query = (
        _trainings()
        .join(TrainingAlias, TrainingAlias.training_id == Training.id)
        .where(TrainingAlias.training_key == training.training_key, Training.id != training.id)
    )
    found = db.session.scalar(query)
    return found if found is not None and is_open(found) else None


def by_key(key: str) -> list[Training]:
    """Return the trainings that a « clé ministères éducatifs » may mean: one when it is known, or is an old one.

    A key holds « # », which partners forget to escape: what reaches us then lacks its suffix, and may mean several
    places of one town (reference/french-public-service.md §3.2).
    """
    if not 0 < len(key) <= 80:
        return []
    exact = db.session.scalar(_trainings().where(Training.training_key == key))
    if exact is not None and exact.closed_at is not None:
        exact = successor_of(exact) or exact
    if exact is None:
        replaced = sa.select(TrainingAlias.training_id).where(TrainingAlias.training_key == key)
        exact = db.session.scalar(_trainings().where(Training.id.in_(replaced)))
    if exact is not None:
        return [exact]
    start = key + "#"
    replaced = sa.select(TrainingAlias.training_id).where(TrainingAlias.training_key.startswith(start, autoescape=True))
    return list(
        db.session.scalars(
            _trainings()
            .where(sa.or_(Training.training_key.startswith(start, autoescape=True), Training.id.in_(replaced)))
            .order_by(Training.training_key)
            .limit(MOST_FOUND)
        )
    )


def search(text: str) -> Found:
    """Return the open CFAs and trainings whose name or town holds every word, without regard to case or accents."""
    words = text.split()[:8]
    if len(text.strip()) < 2:
        return Found([], [])
    by_city = sa.select(training_site.c.training_id).join(Site, Site.id == training_site.c.site_id)
    cfas = sa.select(Cfa).where(Cfa.closed_at.is_(None)).order_by(Cfa.name, Cfa.id).limit(MOST_FOUND)
    trainings = (
        _trainings()
        .join(Cfa, Cfa.id == Training.cfa_id)
        .where(Training.published.is_(True), Training.closed_at.is_(None), Cfa.closed_at.is_(None))
        .order_by(Training.title, Training.id)
        .limit(MOST_FOUND)
    )
    for word in words:
        cfas = cfas.where(sa.or_(_holds(Cfa.chosen_name, word), _holds(Cfa.name, word), _holds(Cfa.city, word)))
        trainings = trainings.where(
            sa.or_(
                _holds(Training.title, word), _holds(Cfa.chosen_name, word), _holds(Cfa.name, word),
                Training.id.in_(by_city.where(_holds(Site.city, word))),
            )
        )  # fmt: skip
    return Found(list(db.session.scalars(cfas)), list(db.session.scalars(trainings)))


def trainings_of(cfa: Cfa, text: str = "", page: int = 1) -> tuple[list[Training], bool]:
    """Return one page of a CFA's open trainings whose title or town holds every word, and whether more follow."""
    by_city = sa.select(training_site.c.training_id).join(Site, Site.id == training_site.c.site_id)
    query = (
        _trainings()
        .where(Training.cfa_id == cfa.id, Training.published.is_(True), Training.closed_at.is_(None))
        .order_by(Training.title, Training.id)
        .offset((page - 1) * TRAININGS_PAGE)
        .limit(TRAININGS_PAGE + 1)
    )
    for word in text.split()[:8]:
        query = query.where(
            sa.or_(_holds(Training.title, word), Training.id.in_(by_city.where(_holds(Site.city, word))))
        )
    found = list(db.session.scalars(query))
    return found[:TRAININGS_PAGE], len(found) > TRAININGS_PAGE


def all_trainings_of(cfa: Cfa) -> list[Training]:
    """Return every training of a CFA, closed ones too, by title."""
    query = _trainings().where(Training.cfa_id == cfa.id).order_by(Training.title, Training.id)
    return list(db.session.scalars(query))


def sites_by_id(ids: Iterable[int]) -> dict[int, Site]:
    """Return these places, each under its id."""
    return {site.id: site for site in db.session.scalars(sa.select(Site).where(Site.id.in_(set(ids))))}


def shown_place(sites: Sequence[Site]) -> str:
    """Return where a training is taught, on one line, empty when unknown."""
    opened = [site for site in sites if site.closed_at is None] or list(sites)
    if len(opened) == 1:
        return opened[0].shown_address
    return ", ".join(dict.fromkeys(site.city for site in opened if site.city))


def _trainings() -> sa.Select[Training]:
    return sa.select(Training).options(joinedload(Training.cfa), selectinload(Training.sites))


def _holds(column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], word: str) -> sa.ColumnElement[bool]:
    """Compare without case nor accents, on both engines: SQLite knows no translate()."""
    flat: Any = sa.func.lower(column)
    plain = word.lower().translate(str.maketrans(_ACCENTED, _PLAIN))
    if not is_sqlite():
        flat = sa.func.translate(flat, _ACCENTED, _PLAIN)
    else:
        for accented, letter in zip(_ACCENTED + _CAPITALS, _PLAIN + _SMALL, strict=True):
            flat = sa.func.replace(flat, accented, letter)
    return sa.type_coerce(flat, sa.Text).contains(plain, autoescape=True)
