"""Lists that partners read without a key: bookable Parcoursup ids, and links for a list of wishes (§3.4, §1.3 I5, I6)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import request
from flask.typing import ResponseReturnValue

from rdv import bookable, clock, directory, links
from rdv.db import db
from rdv.models import Cfa, Platform, Site, Training, training_site
from rdv.web.api.blueprint import bp
from rdv.web.api.former import answers, schemas
from rdv.web.api.former.answers import Refused, said

Wish = Mapping[str, str]
MOST_WISHES = 500  # today’s service sets no number: a mailing sends more than a hundred
FRESH = 600  # seconds that the list may be kept
# What every address of this call carries, to tell where its readers come from.
CAMPAIGN = {"utm_source": "lba", "utm_medium": "email", "utm_campaign": "promotion-emploi-jeunes-voeux"}
SEARCHED_FROM = {"search_source": "training_links"}
RADIUS = "60"  # km around the place of a wish


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
    wishes = answers.body(partial(schemas.each_of, schemas.WISH))
    if len(wishes) > MOST_WISHES:
        raise Refused(413, f"{MOST_WISHES} wishes at most")
    lba = directory.get_platform("lba")
    known = [_known(wish) for wish in wishes]
    keyed = [_of_key(wish) for wish in known]
    # All at once: one by one, they cost the most of this call.
    there = bookable.among(filter(None, keyed), lba, clock.now()) if lba is not None else set()
    places = _places(known)
    return said(
        [
            {
                "id": wish["id"],
                "lien_prdv": _form(asked["cle_ministere_educatif"]) if training and training.id in there else "",
                "lien_lba": _search(training or _of_place(asked), _place(asked, places), lba),
            }
            for wish, asked, training in zip(wishes, known, keyed, strict=True)
        ]
    )


def _known(wish: Mapping[str, str | None]) -> Wish:
    """Return what of a wish may be looked for; what may not is as if it were left out."""
    return {name: value.strip() for name, value in wish.items() if value and answers.is_text(value)}


def _form(key: str) -> str:
    return links.absolute(f"/rdva?{_query({'referrer': 'lba', 'cleMinistereEducatif': key} | CAMPAIGN)}")


def _search(training: Training | None, near: Site | None, lba: Platform | None) -> str:
    """Return the address of a search of jobs: for this training's trade, near the place of the wish, as far as they are known."""
    home = ((lba.url if lba else None) or "").rstrip("/")
    if training is None and near is None:
        return f"{home}/?{_query(SEARCHED_FROM | CAMPAIGN)}"
    asked: dict[str, str | None] = {"mode": "emplois", "q": training.title if training is not None else None}
    if near is not None:
        latitude, longitude = f"{near.latitude:.15g}", f"{near.longitude:.15g}"
        asked |= {"lieu_label": near.city, "latitude": latitude, "longitude": longitude, "radius": RADIUS}
    return f"{home}/recherche?{_query(asked | SEARCHED_FROM | CAMPAIGN)}"


def _commune(wish: Wish) -> tuple[str, str]:
    """Return the commune code and the postal code of a wish; four digits lost their zero in a spreadsheet."""
    codes = (wish.get(name, "") for name in ("code_insee", "code_postal"))
    insee, postal = (f"0{code}" if re.fullmatch(r"\d{4}", code) else code for code in codes)
    return insee, postal


def _places(wishes: Sequence[Wish]) -> dict[str, dict[str, Site]]:
    """Return a place of the catalogue in each commune that wishes name, by its code and by its postal code, at once."""
    pairs = [_commune(wish) for wish in wishes]
    located = (Site.latitude.is_not(None), Site.longitude.is_not(None), Site.city.is_not(None))
    found: dict[str, dict[str, Site]] = {}
    for name, column, codes in (
        ("insee", Site.insee, {pair[0] for pair in pairs}),
        ("postal", Site.postal_code, {pair[1] for pair in pairs}),
    ):
        first = sa.select(sa.func.min(Site.id)).where(column.in_(codes - {""}), *located).group_by(column)
        found[name] = {
            getattr(site, column.key): site for site in db.session.scalars(sa.select(Site).where(Site.id.in_(first)))
        }
    return found


def _place(wish: Wish, places: Mapping[str, Mapping[str, Site]]) -> Site | None:
    """Return where a wish is, None when no place of the catalogue is there: we hold no list of communes."""
    insee, postal = _commune(wish)
    return places["insee"].get(insee) or places["postal"].get(postal)


def _query(said: Mapping[str, str | None]) -> str:
    """Return a query as browsers write it (URLSearchParams), without what is empty."""
    return urlencode([(name, value) for name, value in said.items() if value], safe="*").replace("~", "%7E")


def _of_key(wish: Wish) -> Training | None:
    """Return the training whose key a wish holds."""
    found = directory.by_key(wish["cle_ministere_educatif"]) if "cle_ministere_educatif" in wish else []
    return found[0] if len(found) == 1 else None


def _of_place(wish: Wish) -> Training | None:
    """Return the only open training of a wish's diploma at its place."""
    query = _of_diploma(wish)
    if query is None:
        return None
    for narrowed in _narrowings(wish):
        few = list(db.session.scalars(query.where(narrowed).order_by(Training.id).limit(2)))
        if len(few) == 1:
            return few[0]
    return None


def _of_diploma(wish: Wish) -> sa.Select[Training] | None:
    if wish.get("cfd"):
        same = Training.diploma_code == wish["cfd"]
    elif wish.get("rncp"):
        same = Training.rncp == wish["rncp"]
    else:
        return None
    return sa.select(Training).where(same, Training.published.is_(True), Training.closed_at.is_(None))


def _narrowings(wish: Wish) -> list[sa.ColumnElement[bool]]:
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
