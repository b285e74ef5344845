"""Refusals and failures, in French, as a page, JSON or plain text according to the audience."""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from rdv.errors import RdvError
from rdv.web import problems, retry_after

TEXTS = {
    400: (
        "Demande incomprise",
        "Le navigateur a envoyé une demande que nous ne comprenons pas. Revenez en arrière et réessayez.",
    ),
    401: ("Appel refusé", "La signature ou le secret de cet appel n’est pas valable."),
    403: ("Accès refusé", "Vous n’avez pas le droit d’ouvrir cette page."),
    404: (
        "Page introuvable",
        "Cette page n’existe pas ou n’existe plus. Vérifiez l’adresse, ou repartez de l’accueil.",
    ),
    405: ("Action impossible", "Cette adresse ne s’utilise pas ainsi. Revenez à la page précédente."),
    409: ("Action devenue impossible", "La situation a changé entre-temps. Rechargez la page."),
    413: ("Envoi trop lourd", "Ce que vous envoyez dépasse la taille permise. Raccourcissez votre texte."),
    429: ("Trop de demandes", "Vous avez fait trop de demandes en peu de temps. Réessayez dans une heure."),
    500: ("Une erreur est survenue", "Le service a rencontré une erreur. Réessayez dans quelques minutes."),
    503: (
        "Service momentanément indisponible",
        "Réessayez dans une minute. Rien de ce qui était enregistré n’est perdu.",
    ),
}


def refusal(
    status: int,
    text: str | None = None,
    reference: str | None = None,
    first: tuple[str, str] | None = None,
    error: RdvError | None = None,
) -> Response:
    """Return the answer of this audience for a status, with a sentence that says what to do.

    `first`: the label and address of what to do before anything else. `error`: what says when to come back.
    """
    said = text is not None
    title, default = TEXTS.get(status, TEXTS[400 if status < 500 else 500])
    text = text or default
    blueprint = request.blueprint or ""
    if _speaks_v1():
        return problems.of_status(status, text if said else None)
    # An unknown address and a wrong method belong to no blueprint.
    if blueprint == "api" or request.path == "/api" or request.path.startswith("/api/"):
        response = jsonify(type="about:blank", title=title, status=status, detail=text)
        response.mimetype = "application/problem+json"
        response.headers["Cache-Control"] = "no-store"
    elif blueprint == "feeds":
        response = make_response(text + "\n")
        response.mimetype = "text/plain"
    else:
        actions = [("Tableau de bord", "/equipe")] if blueprint == "staff" else [("Accueil", "/")]
        if status == 404 and blueprint != "staff":
            actions.append(("Recevoir à nouveau mon lien", "/renvoyer-mon-lien"))
        page = render_template(
            "errors/error.html", status=status, title=title, text=text, actions=[first, *actions] if first else actions,
            reference=reference,
        )  # fmt: skip
        response = make_response(page)
    response.status_code = status
    return retry_after.tell(response, error)


def _speaks_v1() -> bool:
    """Say whether the address asked for is the API v1's, one that does not exist too; its documentation is a page."""
    return request.path.startswith(problems.PREFIX + "/") or request.path == problems.PREFIX


def register(app: Flask) -> None:
    """Bind the handlers."""
    # What fails outside a view (a hook, another error's page) Flask logs with the address asked for, which may hold a
    # token; `outside_a_view` tells it instead, with the reference that the person reads.
    app.log_exception = lambda exc_info: None  # type: ignore[method-assign]

    @app.errorhandler(RdvError)
    def domain(error: RdvError) -> Response:
        if _speaks_v1():
            return problems.answer(error)
        return refusal(error.status, error.message, error=error)

    @app.errorhandler(CSRFError)
    def csrf(error: CSRFError) -> Response:
        return refusal(
            400,
            "Votre session a changé ou expiré. Revenez à la page précédente, rechargez-la et recommencez.",
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if error.code is None or error.code < 400:
            return make_response(error.get_response())
        response = refusal(error.code)
        if error.code == 405 and error.get_response().headers.get("Allow"):
            response.headers["Allow"] = error.get_response().headers["Allow"]
        return response

    @app.errorhandler(OperationalError)
    def database(error: OperationalError) -> Response:
        reference = secrets.token_hex(4)
        current_app.logger.error("database unavailable", extra={"facts": {"reference": reference}}, exc_info=error)
        return refusal(503, reference=reference)

    @app.errorhandler(InternalServerError)
    def outside_a_view(error: InternalServerError) -> Response:
        cause = error.original_exception
        if isinstance(cause, OperationalError):
            return database(cause)
        return failure(cause) if isinstance(cause, Exception) else refusal(500)

    @app.errorhandler(Exception)
    def failure(error: Exception) -> Response:
        reference = secrets.token_hex(4)
        current_app.logger.error("failure", extra={"facts": {"reference": reference}}, exc_info=error)
        if app.config.get("PROPAGATE_EXCEPTIONS") or (app.testing and not app.config.get("SHOW_FAILURES")):
            raise error
        return refusal(500, reference=reference)
