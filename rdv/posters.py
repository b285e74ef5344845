"""Posters: a short address with a QR code for a place or a meeting, and what came from each."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import french, links
from rdv.db import db
from rdv.models import Cfa, Site, Slot
from rdv.models.request import CandidateRequest

# A tag is a word of an address and a line of the figures, never a sentence, and never names a person.
_TAG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_TAG = 40
_OWN = "affiche-"


def tag(text: str) -> str | None:
    """Return a source tag as it is kept (« salon-lille »), None when it is not one."""
    return text if len(text) <= LONGEST_TAG and _TAG.fullmatch(text) else None


def own_tag(thing: Site | Slot) -> str:
    """Return the tag of the poster of a place or a meeting that was given no other."""
    return f"{_OWN}{thing.public_id}"


def labels(sources: Iterable[str]) -> dict[str, str]:
    """Return how figures name tags: by the place or the meeting whose own poster it is, else as it was typed; two queries."""
    found = {source: source for source in sources}
    own = [source.removeprefix(_OWN) for source in found if source.startswith(_OWN)]
    for site in db.session.scalars(sa.select(Site).where(Site.public_id.in_(own))):
        found[own_tag(site)] = f"Affiche du lieu {site.shown_name}"
    for slot in db.session.scalars(sa.select(Slot).options(joinedload(Slot.site)).where(Slot.public_id.in_(own))):
        found[own_tag(slot)] = f"Affiche du {french.moment(slot.starts_at, slot.site.timezone)}"
    return found


def address(thing: Site | Slot, name: str | None) -> str:
    """Return the short address that the QR code holds, with the poster's own name when it has one."""
    return links.absolute(f"/a/{thing.public_id}" + (f"?source={name}" if name else ""))


def get(public_id: str) -> Site | Slot | None:
    """Return the place or the meeting that a poster leads to."""
    site = db.session.scalar(sa.select(Site).where(Site.public_id == public_id))
    return site or db.session.scalar(sa.select(Slot).where(Slot.public_id == public_id))


def came(cfa: Cfa, source: str) -> int:
    """Return how many requests and meetings of a centre came by a tag."""
    query = sa.select(sa.func.count()).select_from(CandidateRequest)
    return db.session.scalar(query.where(CandidateRequest.cfa_id == cfa.id, CandidateRequest.source == source)) or 0
