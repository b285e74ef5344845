"""Centres of which a source says exactly what it said when they were last imported: they cost nothing more.

A whole centre is the unit, not a row: its first row gives its name and address, so that one changed row may change
what the others mean. The digest of a centre is written with its last row; a run that stops leaves those it finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from rdv.catalogue.rows import CatalogueRow
from rdv.catalogue.survey import Survey
from rdv.db import db
from rdv.models import CatalogueCentre, Cfa, Training


class Unchanged:
    """Which centres of a source are known, and the digests to write as the others are finished."""

    def __init__(self, catalogue: str, survey: Survey) -> None:
        self._catalogue = catalogue
        self._survey = survey
        query = sa.select(CatalogueCentre.catalogue, CatalogueCentre.siret, CatalogueCentre.digest, Cfa.id).outerjoin(
            Cfa, Cfa.siret == CatalogueCentre.siret
        )
        known: dict[str, str] = {}
        self._stored: set[str] = set()
        for of, siret, digest, cfa_id in db.session.execute(query):
            self._stored.add(siret)
            if of == catalogue and cfa_id is not None:  # a centre that is no more must come back
                known[siret] = digest
        self._same = {
            rank
            for siret, rank in survey.centres.items()
            if known.get(siret) == _digest(survey, rank) and rank not in survey.entangled
        }
        self._left = list(survey.rows)

    @property
    def sirets(self) -> set[str]:
        """The centres that are as they were."""
        return {siret for siret, rank in self._survey.centres.items() if rank in self._same}

    def holds(self, rank_of_record: int) -> bool:
        """Say whether a record, by its rank in the source, is of a centre that is as it was."""
        return self._survey.owners[rank_of_record] in self._same

    def write(self, session: Session, rows: Sequence[CatalogueRow]) -> None:
        """Forget the digests of the centres of a batch, and write those of the centres that it finishes, in its transaction."""
        centres = self._survey.centres
        touched = {row.cfa_siret for row in rows if centres[row.cfa_siret] not in self._same}
        forgotten = touched & self._stored
        if forgotten:
            session.execute(sa.delete(CatalogueCentre).where(CatalogueCentre.siret.in_(forgotten)))
        finished = [
            siret
            for siret in sorted(touched)
            if self._left_after(siret, rows) == 0 and centres[siret] not in self._survey.entangled
        ]
        if finished:
            session.execute(
                sa.insert(CatalogueCentre),
                [
                    {
                        "catalogue": self._catalogue, "siret": siret,
                        "digest": _digest(self._survey, centres[siret]),
                    }
                    for siret in finished
                ],
            )  # fmt: skip

    def keep(self, rows: Sequence[CatalogueRow]) -> None:
        """Count the rows of a batch, now that it is committed."""
        for row in rows:
            self._left[self._survey.centres[row.cfa_siret]] -= 1
            self._stored.discard(row.cfa_siret)

    def _left_after(self, siret: str, rows: Iterable[CatalogueRow]) -> int:
        return self._left[self._survey.centres[siret]] - sum(row.cfa_siret == siret for row in rows)


def forget(session: Session, training_ids: Sequence[int]) -> None:
    """Forget the centres of these trainings, which something else than their rows has changed."""
    sirets = sa.select(Cfa.siret).join(Training, Training.cfa_id == Cfa.id).where(Training.id.in_(training_ids))
    session.execute(sa.delete(CatalogueCentre).where(CatalogueCentre.siret.in_(sirets)))


def _digest(survey: Survey, rank: int) -> str:
    return blake2b(survey.digests[rank] + reading(), digest_size=16).hexdigest()


@cache
def reading() -> bytes:
    """Return what stands for the way rows are read today: the code that reads them, so that a new version reads all again."""
    found = blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return found.digest()
