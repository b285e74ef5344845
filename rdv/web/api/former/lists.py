"""Lists that partners read without a key: bookable Parcoursup ids, and links for a list of wishes (§3.4, §1.3 I5, I6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import request
from flask.typing import ResponseReturnValue

from rdv import bookable, clock, directory
from rdv.db import db
from rdv.models import Cfa, Platform, Site, Training, training_site
from rdv.web.api.blueprint import bp
from rdv.web.api.former import answers, context
from rdv.web.api.former.answers import Refused, said

MOST_WISHES = 500  # today’s service sets no number: a mailing sends more than a hundred
FRESH = 600  # seconds that the list may be kept
_KNOWN = (
    "id", "cle_ministere_educatif", "mef", "cfd", "rncp", "code_postal", "uai_lieu_formation", "uai_formateur",
    "uai_formateur_responsable", "code_insee", "siret_lieu_formation", "siret_formateur", "siret_formateur_responsable",
)  # fmt: skip


@bp.get("/api/partners/parcoursup/formations")
@answers.contract
def former_parcoursup_list() -> ResponseReturnValue:
    """Answer {"ids": […]}: every Parcoursup id whose training is bookable there."""
    answers.count_caller()
    platform = directory.get_platform("parcoursup")
    ids: list[str] = []
    if platform is not None:
        query = sa.select(Training.parcoursup_id).where(Training.id.in_(bookable.ids(platform, clock.now()))).distinct()
        ids = [each for each in db.session.scalars(query.order_by(Training.parcoursup_id)) if each]
    response = said({"ids": ids})
    response.headers["Cache-Control"] = f"public, max-age={FRESH}"
    response.add_etag()
    return response.make_conditional(request)


@bp.post("/api/traininglinks")
@answers.contract
def former_training_links() -> ResponseReturnValue:
    """Answer [{id, lien_prdv, lien_lba}] in the order of the wishes; « lien_prdv » is empty where nothing is bookable."""
    answers.count_caller()
    wishes = answers.body()
    if not isinstance(wishes, list) or len(wishes) > MOST_WISHES:
        raise Refused(400, "Request validation failed")
    if not all(isinstance(wish, dict) and _sound(wish) for wish in wishes):
        raise Refused(400, "Request validation failed")
    lba = directory.get_platform("lba")
    wished = [_wished(wish) for wish in wishes]
    # All at once: one by one, they cost the most of this call.
    there = bookable.among(filter(None, wished), lba, clock.now()) if lba is not None else set()
    return said([_links(wish["id"], training, lba, there) for wish, training in zip(wishes, wished, strict=True)])


def _sound(wish: Mapping[str, Any]) -> bool:
    if not set(wish) <= set(_KNOWN) or not answers.is_text(wish.get("id")):
        return False
    return all(value in (None, "") or answers.is_text(value) for value in wish.values())


def _links(wish_id: str, training: Training | None, lba: Platform | None, there: set[int]) -> dict[str, str]:
    """Return the links of a wish. Searching jobs is La bonne alternance's own work: its first page stands for it."""
    opened = training is not None and lba is not None and training.id in there
    return {
        "id": wish_id,
        "lien_prdv": context.form_url(training, lba) if opened and training and lba else "",
        "lien_lba": (lba.url if lba else None) or "",
    }


def _wished(wish: Mapping[str, Any]) -> Training | None:
    """Return the training of a wish: by its key, else the only open one of that diploma at that place."""
    key = wish.get("cle_ministere_educatif")
    if key:
        found = directory.by_key(key)
        return found[0] if len(found) == 1 else None
    query = _of_diploma(wish)
    if query is None:
        return None
    for narrowed in _narrowings(wish):
        few = list(db.session.scalars(query.where(narrowed).order_by(Training.id).limit(2)))
        if len(few) == 1:
            return few[0]
    return None


def _of_diploma(wish: Mapping[str, Any]) -> sa.Select[Training] | None:
    if wish.get("cfd"):
        same = Training.diploma_code == wish["cfd"]
    elif wish.get("rncp"):
        same = Training.rncp == wish["rncp"]
    else:
        return None
    return sa.select(Training).where(same, Training.published.is_(True), Training.closed_at.is_(None))


def _narrowings(wish: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """Return the places that a wish may name, the surest first."""
    sites = sa.select(training_site.c.training_id).join(Site, Site.id == training_site.c.site_id)
    centres = sa.select(Cfa.id)
    found: list[sa.ColumnElement[bool]] = []
    for name in ("uai_lieu_formation", "uai_formateur"):
        if wish.get(name):
            found.append(Training.id.in_(sites.where(Site.uai == wish[name])))
    for name in ("siret_lieu_formation", "siret_formateur"):
        if wish.get(name):
            found.append(Training.id.in_(sites.where(Site.siret == wish[name])))
    if wish.get("uai_formateur_responsable"):
        found.append(Training.cfa_id.in_(centres.where(Cfa.uai == wish["uai_formateur_responsable"])))
    if wish.get("siret_formateur_responsable"):
        found.append(Training.cfa_id.in_(centres.where(Cfa.siret == wish["siret_formateur_responsable"])))
    if wish.get("code_insee"):
        found.append(Training.id.in_(sites.where(Site.insee == wish["code_insee"])))
    if wish.get("code_postal"):
        found.append(Training.id.in_(sites.where(Site.postal_code == wish["code_postal"])))
    return found
