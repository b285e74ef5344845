"""`context/create`: whether a training is bookable from a referrer, without a key (reference/predecessor.md §3.2)."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Response, request
from flask.typing import ResponseReturnValue

from rdv import bookable, clock, directory, links
from rdv.models import Platform, Training
from rdv.web.api.blueprint import bp
from rdv.web.api.former import answers, schemas
from rdv.web.api.former.answers import Refused, said
from rdv.web.api.v1 import cors

NOT_OPEN = "Prise de rendez-vous non disponible."
NO_CRITERION = "Critère de recherche non conforme."
# The identifier of each shape of the body.
IDENTIFIERS = {"idParcoursup": "parcoursup", "idActionFormation": "onisep", "idCleMinistereEducatif": "cle"}


@bp.route("/api/appointment-request/context/create", methods=["POST", "OPTIONS"])
@answers.contract
def former_context() -> ResponseReturnValue:
    """Answer the fields of a training and the address of its form, or that it is not bookable from there."""
    if request.method == "OPTIONS":
        return Response(status=204)
    answers.count_caller()
    asked = answers.body(partial(schemas.one_of, schemas.CONTEXT))
    name = next(each for each in IDENTIFIERS if each in asked)
    if not asked[name]:  # the one identifier that may be empty, by the schema
        raise Refused(400, NO_CRITERION)
    platform = directory.get_platform(asked["referrer"])
    known = answers.known(IDENTIFIERS[name], asked[name])
    training = first_open(known, platform) if platform is not None else None
    if training is None or platform is None:
        return said({"error": NOT_OPEN})
    return said(facts(training, platform, with_rco=True))


def first_open(trainings: list[Training], platform: Platform) -> Training | None:
    """Return the first of these trainings that is bookable on a platform, None when none is."""
    now = clock.now()
    return next((each for each in trainings if bookable.on(each, platform, now)), None)


def facts(training: Training, platform: Platform, *, with_rco: bool) -> dict[str, Any]:
    """Return the fields of a bookable training, in the order of the contract."""
    sites = [site for site in training.sites if site.closed_at is None] or list(training.sites)
    site = sites[0] if sites else None
    found: dict[str, Any] = {
        "etablissement_formateur_entreprise_raison_sociale": training.cfa.name,
        "intitule_long": training.title,
        "lieu_formation_adresse": site.address if site else None,
        "code_postal": site.postal_code if site else None,
        "etablissement_formateur_siret": (site.siret if site else "") or training.cfa.siret,
        "cfd": training.diploma_code,
        "localite": site.city if site else None,
    }
    if with_rco:
        found["id_rco_formation"] = training.rco_id
    return found | {"cle_ministere_educatif": training.training_key, "form_url": form_url(training, platform)}


def form_url(training: Training, platform: Platform) -> str:
    """Return the address of the form as partners know it; ours for a training that has no key."""
    if training.training_key is None:
        return links.training_on(training, platform.code)
    key = quote(training.training_key, safe="")
    return links.absolute(f"/rdva?referrer={platform.code}&cleMinistereEducatif={key}")


@bp.after_request
def allow_former_pages(response: Response) -> Response:
    """Let the pages that call the open contract from a browser go on: those of *.gouv.fr, and of our platforms."""
    if request.endpoint != "api.former_context":
        return response
    return cors.allow(response, "POST", "Content-Type", also=_is_public_service)


def _is_public_service(origin: str) -> bool:
    host = urlsplit(origin).netloc
    return origin == f"https://{host}" and re.fullmatch(r"(?:[a-z0-9-]+\.)+gouv\.fr", host) is not None
