"""What the script of the button asks, from any page: one training, one platform, no key, no cookie."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from rdv import clock, directory
from rdv.errors import RdvError
from rdv.web.api.blueprint import bp
from rdv.web.button import button_of

# A minute: the next slot told may be gone by then, its page says so. Older, it is shown while it is asked again.
CACHE = "public, max-age=60, stale-while-revalidate=600"


class NoIdentifier(RdvError):
    message = (
        "Aucun identifiant de formation\u00a0: ajoutez cle, parcoursup, onisep, affelnet, rco, ou siret avec cfd. "
        "Le «\u00a0#\u00a0» d’une clé s’écrit %23."
    )
    status = 400


@bp.get("/api/v1/button")
def button() -> ResponseReturnValue:
    """Say whether a training is bookable from a platform, its next slot, and where its pages are."""
    platform = directory.get_platform(request.args.get("origine", ""))
    found = button_of(request.args, platform, clock.now())
    if found is None:
        raise NoIdentifier
    response = jsonify(asdict(found))
    response.headers["Cache-Control"] = CACHE
    response.add_etag()
    return response.make_conditional(request)


@bp.after_request
def allow_any_page(response: Response) -> Response:
    """Let any page read the button's answer: nothing in it depends on who asks."""
    if request.endpoint == "api.button":
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
