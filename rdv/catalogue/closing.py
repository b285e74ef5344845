"""What a whole catalogue no longer holds: its trainings are closed, never deleted, and the people who wait are told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from rdv import notices, outbox
from rdv.catalogue import taking_over, unchanged
from rdv.catalogue.differences import Difference
from rdv.catalogue.doubts import Doubts
from rdv.catalogue.rows import Layout
from rdv.catalogue.survey import Survey
from rdv.db import db
from rdv.errors import CatalogueError
from rdv.french import NBSP, plural
from rdv.models import Booking, CandidateRequest, Cfa, Site, Training, TrainingAlias, training_site

MOST_PERCENT = 5  # of the open trainings of a catalogue, that one file may close without a person's word
KIND = "training_closed"
_READ = 1000  # rows held at once: a whole catalogue is read


class TooMany(CatalogueError):
    """A file that would close more trainings than is believable: it is probably cut, or not the whole catalogue."""

    def __init__(self, gone: Sequence[int], known: int, most_percent: int) -> None:
        self.gone, self.known = gone, known
        super().__init__(
            f"ce fichier fermerait {plural(len(gone), 'formation')} sur {known}, plus de {most_percent}{NBSP}%. Rien n’a été "
            f"fermé. Vérifiez qu’il est entier{NBSP}; s’il l’est, autorisez ce retrait dans l’administration, page Catalogue, ou "
            "par --autoriser-retrait."
        )


def missing(layout: Layout, seen: set[int], doubts: Doubts, most_percent: int) -> tuple[list[int], int]:
    """Return the ids of the open trainings of a catalogue that its file no longer holds, and how many more are spared
    because a refused row may be theirs; raise TooMany beyond a share."""
    known, absent = 0, []
    for row in db.session.execute(_open_ones(layout).order_by(Training.id)).yield_per(_READ):
        known += 1
        if row.id not in seen:
            absent.append(row)
    doubts.identities |= _present_keys(doubts.identities)
    places = _sirets_of_places([row.id for row in absent]) if doubts.sirets else {}
    gone = [row.id for row in absent if not doubts.covers(row.identity, row.siret, *places.get(row.id, ()))]
    if len(gone) * 100 > most_percent * known:
        raise TooMany(gone, known, most_percent)
    return gone, len(absent) - len(gone)


def _present_keys(former: set[str]) -> set[str]:
    """Return the identities of the trainings that now stand for these keys."""
    if not former:
        return set()
    query = (
        sa.select(Training.identity)
        .join(TrainingAlias, TrainingAlias.training_id == Training.id)
        .where(TrainingAlias.training_key.in_(former))
    )
    return set(db.session.scalars(query))


def _sirets_of_places(ids: Sequence[int]) -> dict[int, set[str]]:
    query = sa.select(training_site.c.training_id, Site.siret).join(Site, Site.id == training_site.c.site_id)
    found: dict[int, set[str]] = {}
    for start in range(0, len(ids), 500):  # SQLite and PostgreSQL bound how many values a statement takes
        part = query.where(training_site.c.training_id.in_(ids[start : start + 500]))
        for training_id, siret in db.session.execute(part):
            found.setdefault(training_id, set()).add(siret)
    return found


def held(layout: Layout, survey: Survey, sirets: set[str]) -> set[int]:
    """Return the ids of the open trainings of these centres that the source still names, and no other replaces."""
    replaced = sa.exists().where(TrainingAlias.training_key == Training.training_key)
    found = db.session.execute(_open_ones(layout).where(~replaced)).yield_per(_READ)
    return {row.id for row in found if row.siret in sirets and survey.names(row.identity)}


def _open_ones(layout: Layout) -> sa.Select[int, str, str]:
    return (
        sa.select(Training.id, Training.identity, Cfa.siret)
        .join(Cfa, Cfa.id == Training.cfa_id)
        .where(Training.closed_at.is_(None), Training.source["catalogue"].as_string() == layout.code)
    )


def close(ids: Sequence[int], now: datetime) -> int:
    """Close trainings and write to who waits for an answer or has a meeting to come; return how many were closed.

    Nothing ends for who asked about a training that another one of its centre replaces: it takes over, and nobody is told.
    """
    taking_over.take_over(ids, now)
    closed = (
        db.session.connection()
        .execute(
            sa.update(Training)
            .where(Training.id.in_(ids), Training.closed_at.is_(None))
            .values(closed_at=now, updated_at=now)
            .returning(Training.id)
        )
        .scalars()
        .all()
    )
    unchanged.forget(db.session(), closed)
    for request in db.session.scalars(_concerned(closed, now)):
        for to in notices.read(request):
            key = f"{KIND}:{request.public_id}:{request.training_id}:{notices.addresses(request).index(to)}"
            outbox.enqueue(KIND, to, key, request_id=request.id)
    return len(closed)


def named(ids: Sequence[int], kind: str) -> list[Difference]:
    """Return these trainings as a run tells them, in the order of their ids."""
    query = sa.select(Training).where(Training.id.in_(ids)).order_by(Training.id)
    return [Difference(kind, each.shown_title, each.identity) for each in db.session.scalars(query)]


def digest(ids: Sequence[int]) -> str:
    """Return what stands for exactly these trainings: allowing them allows no other."""
    return hashlib.sha256(" ".join(map(str, sorted(ids))).encode()).hexdigest()


def _concerned(ids: Sequence[int], now: datetime) -> sa.Select[CandidateRequest]:
    coming = sa.exists().where(
        Booking.request_id == CandidateRequest.id, Booking.status == "booked", Booking.starts_at > now
    )
    return (
        sa.select(CandidateRequest)
        .where(CandidateRequest.training_id.in_(ids), sa.or_(CandidateRequest.status != "closed", coming))
        .order_by(CandidateRequest.id)
    )
