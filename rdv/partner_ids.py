"""What other sites call our trainings: the identifiers that their links carry, in every spelling that reaches us.

The names are those of the two contracts in use (reference/predecessor.md §3.2, §3.3) beside ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from rdv import directory
from rdv.db import db
from rdv.identifiers import is_storable
from rdv.models import Cfa, Site, Training, training_site

# Our own name first; in the order in which they win when a link carries several, as today's service reads them.
SPELLINGS = {
    "cle": ("cle", "cleMinistereEducatif", "idCleMinistereEducatif", "cle_ministere_educatif"),
    "rco": ("rco", "idRcoFormation"),  # deprecated by the catalogue; its links are still about
    "parcoursup": ("parcoursup", "idParcoursup", "parcoursup_id"),
    "onisep": ("onisep", "idActionFormation", "onisep_id"),
    "affelnet": ("affelnet", "idAffelnet", "affelnet_id"),
    "siret": ("siret",),  # of the centre or of the place, with the diploma
}
_DIPLOMA = "cfd"
_LONGEST = 120
_COLUMNS = {
    "rco": Training.rco_id, "parcoursup": Training.parcoursup_id, "onisep": Training.onisep_id,
    "affelnet": Training.affelnet_id,
}  # fmt: skip


@dataclass(frozen=True)
class PartnerId:
    """One identifier of a training; `diploma` goes with a SIRET alone."""

    kind: str
    value: str
    diploma: str = ""

    def query(self) -> dict[str, str]:
        """Return the identifier under our own names, as a link of ours holds it."""
        return {self.kind: self.value} | ({_DIPLOMA: self.diploma} if self.diploma else {})


def read(said: Mapping[str, str]) -> PartnerId | None:
    """Return the identifier that a query or a body carries, None when it carries none of ours, or half of one."""
    for kind, names in SPELLINGS.items():
        value = next((text for name in names if (text := said.get(name, "").strip())), "")
        if not _is_sound(value):
            continue
        if kind != "siret":
            return PartnerId(kind, value)
        diploma = said.get(_DIPLOMA, "").strip()
        if _is_sound(diploma):
            return PartnerId(kind, re.sub(r"\s", "", value), diploma)
    return None


def values(said: Mapping[str, str]) -> list[str]:
    """Return every identifier that a query carries, halves too: one that no training has may name a centre."""
    names = (name for spellings in SPELLINGS.values() for name in spellings)
    return [text for name in names if _is_sound(text := said.get(name, "").strip())]


def trainings(meant: PartnerId) -> list[Training]:
    """Return the trainings that an identifier may mean, closed ones too, at most `directory.MOST_FOUND`.

    As it is written, else without what sites add to it: spaces, a second escape (« # » reaches us as « %23 »), small letters.
    """
    flat = re.sub(r"\s", "", unquote(meant.value))
    for value in dict.fromkeys((meant.value, flat, flat.upper())):
        found = _known(replace(meant, value=value)) if _is_sound(value) else []
        if found:
            return found
    return []


def _is_sound(text: str) -> bool:
    """Say whether a text may be looked for: some characters, not too many, that a database takes."""
    return 0 < len(text) <= _LONGEST and is_storable(text)


def _known(meant: PartnerId) -> list[Training]:
    if meant.kind == "cle":
        return directory.by_key(meant.value.rstrip("#"))
    query = sa.select(Training).options(joinedload(Training.cfa), selectinload(Training.sites))
    if meant.kind == "siret":
        places = sa.select(training_site.c.training_id).join(Site, Site.id == training_site.c.site_id)
        query = query.join(Cfa, Cfa.id == Training.cfa_id).where(
            Training.diploma_code == re.sub(r"\s", "", meant.diploma),
            sa.or_(Cfa.siret == meant.value, Training.id.in_(places.where(Site.siret == meant.value))),
        )
    else:
        query = query.where(_COLUMNS[meant.kind] == meant.value)
    return list(db.session.scalars(query.order_by(Training.id).limit(directory.MOST_FOUND)))


def open_ones(found: list[Training]) -> list[Training]:
    """Return those that take candidates; when none does any more, the first, whose page says what to do instead."""
    opened = [each for each in found if directory.is_open(each)]
    return opened or found[:1]
