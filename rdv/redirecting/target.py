"""Where a request may go on: a centre, one of its places, one of its trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from rdv import directory, inbox, modes
from rdv.db import db
from rdv.errors import ModeClosed, NotFound
from rdv.models import CandidateRequest, Cfa, Site, Training

Row = TypeVar("Row", Site, Training)
GONE = "Ce centre ne reçoit plus de demandes ici. Choisissez-en un autre."


@dataclass(frozen=True)
class Target:
    """A centre, and there a place and a training where they are known."""

    cfa: Cfa
    site: Site | None = None
    training: Training | None = None

    @property
    def place(self) -> Site | None:
        """The place that receives: the one named, else the training's or the centre's first."""
        return self.site or inbox.main_site(self.cfa, self.training)

    @property
    def name(self) -> str:
        """« CFA des Tilleuls, Campus Nord (Lille) », as events keep it and pages show it."""
        place = self.place
        if place is None:
            return self.cfa.shown_name
        names = dict.fromkeys((self.cfa.shown_name, place.shown_name))
        town = f" ({place.city})" if place.city else ""
        return ", ".join(names) + town

    @property
    def words(self) -> dict[str, str]:
        """The public identifiers by which `find` finds it again."""
        rows = {"cfa": self.cfa, "site": self.site, "training": self.training}
        return {name: row.public_id for name, row in rows.items() if row is not None}


def find(words: dict[str, str]) -> Target:
    """Return an open centre by its public identifiers, with its own place and training; raise NotFound."""
    cfa = directory.get_cfa(words.get("cfa", ""))
    site = _of(cfa, Site, words.get("site"))
    training = _of(cfa, Training, words.get("training"))
    target = Target(cfa, site, training)
    if not is_open(target):
        raise NotFound(GONE)
    return target


def is_open(target: Target) -> bool:
    """Say whether a target still receives requests, and its parts are of one centre."""
    cfa, site, training = target.cfa, target.site, target.training
    if cfa.closed_at is not None:
        return False
    if site is not None and (site.closed_at is not None or site.cfa_id != cfa.id):
        return False
    return training is None or (training.cfa_id == cfa.id and directory.is_open(training))


def _of(cfa: Cfa, model: type[Row], public_id: str | None) -> Row | None:
    if not public_id:
        return None
    found = db.session.scalar(sa.select(model).where(model.public_id == public_id, model.cfa_id == cfa.id))
    if found is None:
        raise NotFound(GONE)
    return found


def mode_there(request: CandidateRequest, target: Target) -> str:
    """Return how a request reaches another centre: as it was asked if that is open there, else the other way.

    Raises ModeClosed when no way that can reach this person is open.
    """
    asked = request.mode if request.mode != "slot" else "callback"
    reachable = {"callback": request.phone, "message": request.email}
    for mode in (asked, "message" if asked == "callback" else "callback"):
        if reachable[mode] and modes.is_open(mode, target.cfa, target.place, target.training):
            return mode
    raise ModeClosed(
        f"{target.cfa.shown_name} ne prend pas de demande par un moyen qui joigne cette personne. "
        "Choisissez un autre centre."
    )
