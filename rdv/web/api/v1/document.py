"""The OpenAPI 3.1 document of the API v1: what stands at /api/v1/openapi.json and what its page shows; tests hold it to the code."""

from __future__ import annotations

from typing import Any

from rdv import api_keys, links
from rdv.web.api.v1.schemas import DEPRECATED, IDENTIFIERS, SCHEMAS, Schema, ref
from rdv.web.problems import PROBLEMS

VERSION = "1.0.0"
_ANY_CALL = (404, 405, 413, 500, 503)  # 404: an address that holds the character NUL is none
_KEYED = (401, 403, 429)


def _query(name: str, said: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "description": said, "schema": schema}


_TRAINING = [
    _query(name, said, {"type": "string", "maxLength": 120}) | ({"deprecated": True} if name in DEPRECATED else {})
    for name, said in IDENTIFIERS.items()
]  # fmt: skip
_TEXT: Schema = {"type": "string"}
_AFTER = _query(
    "after", "«\u00a0next\u00a0» de la page précédente", {"type": "string", "pattern": "^[a-z0-9]{0,16}$"}
)  # fmt: skip
_ETAG = {"ETag": {"description": "À renvoyer dans If-None-Match", "schema": _TEXT}}


def _limit(default: int, most: int) -> Schema:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return _query("limit", "Nombre d’éléments d’une page", schema)


def _since(name: str, said: str) -> Schema:
    return _query(name, said, {"type": "string", "format": "date-time"})


def _day(name: str, said: str) -> Schema:
    return _query(name, said, {"type": "string", "format": "date"})


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": ref(name)}}


def _operation(
    name: str, summary: str, said: str, answers: dict[int, str], refused: tuple[int, ...], *, scope: str | None,
    parameters: list[Schema] | None = None, body: str | None = None, reads: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Return one operation; `answers`: the schema of each success, `refused`: its own statuses beside those of any call."""
    responses: dict[str, Any] = {
        str(status): {
            "description": "Fait" if status != 202 else "Ajouté à une demande récente",
            "content": _json(schema), **({"headers": _ETAG} if reads else {}),
        }
        for status, schema in answers.items()
    }  # fmt: skip
    if reads:
        responses["304"] = {"description": "Inchangé depuis l’ETag donné"}
    for status in sorted({*refused, *_ANY_CALL, *(_KEYED if scope else ())}):
        titles = ", ".join(each.code for each in PROBLEMS.values() if each.status == status)
        responses[str(status)] = {
            "description": titles, "content": {"application/problem+json": {"schema": ref("Problem")}},
        }  # fmt: skip
    found: dict[str, Any] = {"operationId": name, "summary": summary, "description": said, "responses": responses}
    found["security"] = [{"key": []}] if scope else []
    if scope:
        found["x-scope"] = scope
    if parameters:
        found["parameters"] = parameters
    if body:
        found["requestBody"] = {"required": True, "content": _json(body)}
    return found


_IDEMPOTENCY = [
    {
        "name": "Idempotency-Key", "in": "header", "required": True,
        "description": "Une valeur neuve pour chaque envoi voulu, la même pour réessayer. Gardée sept jours.",
        "schema": {"type": "string", "pattern": "^[!-~]{8,200}$"},
    }
]  # fmt: skip

PATHS: dict[str, dict[str, Any]] = {
    "/api/v1/training": {
        "get": _operation(
            "training", "Contexte d’une formation",
            "Ce que votre page montre d’une formation\u00a0: ouverte ou pourquoi non, par quels moyens, les prochains créneaux, le lien.",
            {200: "Context"}, (400, 404, 409), scope="trainings:read", parameters=_TRAINING,
        )
    },
    "/api/v1/slots": {
        "get": _operation(
            "slots", "Créneaux libres",
            "Les créneaux libres d’une formation, page par page. Une page se termine avec une heure entière\u00a0: la suivante commence après.",
            {200: "Slots"}, (400, 404, 409), scope="trainings:read",
            parameters=[
                *_TRAINING, _since("from", "Après cet instant"), _since("to", "Avant cet instant"), _limit(50, 200),
            ],
        )
    },
    "/api/v1/training-links": {
        "post": _operation(
            "training_links", "Liens de plusieurs formations",
            "Les liens de deux cents formations au plus, dans l’ordre demandé\u00a0: pour un envoi de courriels sur des vœux.",
            {200: "Links"}, (400, 415, 422), scope="trainings:read", body="LinksAsked", reads=False,
        )
    },
    "/api/v1/bookable-trainings": {
        "get": _operation(
            "bookable_trainings", "Formations ouvertes",
            "Toutes les formations ouvertes sur votre plateforme, page par page. Avec date, telles qu’elles étaient ce jour-là "
            "(gardées chaque nuit, quatre cents jours).",
            {200: "Bookable"}, (400, 404), scope="trainings:read",
            parameters=[_limit(1000, 10_000), _AFTER, _day("date", "Jour passé, ou aujourd’hui")],
        )
    },
    "/api/v1/requests": {
        "get": _operation(
            "requests", "Demandes envoyées", "Les demandes et réservations venues de votre plateforme, et où elles en sont.",
            {200: "Requests"}, (400,), scope="requests:read",
            parameters=[_limit(50, 200), _AFTER, _since("from", "Reçues depuis cet instant")],
        ),
        "post": _operation(
            "send_request", "Envoyer une demande",
            "Demande un rappel ou envoie un message pour une personne. Mêmes règles que nos pages\u00a0; elle reçoit le même courriel.",
            {201: "RequestMade", 202: "RequestMade"}, (400, 404, 409, 415, 422), scope="requests:write",
            parameters=_IDEMPOTENCY, body="RequestSent", reads=False,
        ),
    },
    "/api/v1/requests/{public_id}": {
        "get": _operation(
            "request", "Suivre une demande", "Où en est une demande venue de votre plateforme. Une autre n’existe pas ici.",
            {200: "Request"}, (404,), scope="requests:read",
            parameters=[
                {
                    "name": "public_id", "in": "path", "required": True, "description": "Identifiant de la demande",
                    "schema": {"type": "string", "pattern": "^[a-z0-9]{16}$"},
                }
            ],
        )
    },
    "/api/v1/bookings": {
        "post": _operation(
            "send_booking", "Réserver un créneau",
            "Prend une place dans un créneau libre. Mêmes règles que nos pages\u00a0: jamais plus de réservations que de places.",
            {201: "BookingMade"}, (400, 404, 409, 415, 422), scope="requests:write",
            parameters=_IDEMPOTENCY, body="BookingSent", reads=False,
        )
    },
    "/api/v1/statistics": {
        "get": _operation(
            "statistics", "Chiffres de la plateforme", "Par semaine ou par mois, un an au plus, en jours de Paris.",
            {200: "Statistics"}, (400,), scope="statistics:read",
            parameters=[
                _query("by", "Période", {"type": "string", "enum": ["week", "month"], "default": "week"}),
                _day("from", "Premier jour"), _day("to", "Dernier jour"),
            ],
        )
    },
    "/api/v1/button": {
        "get": _operation(
            "button", "Bouton d’une formation",
            "Ce que le script du bouton affiche. Sans clé, lisible de toute page, gardé une minute.",
            {200: "Button"}, (400, 404), scope=None,
            parameters=[
                *(each for each in _TRAINING if each["name"] != "id"),
                _query("origine", "Code de la plateforme", {"type": "string", "maxLength": 30}),
            ],
        )
    },
    "/api/v1/openapi.json": {
        "get": _operation(
            "openapi", "Ce document", "Le document OpenAPI 3.1. Sans clé.", {200: "Document"}, (), scope=None,
        )
    },
}  # fmt: skip


def document() -> dict[str, Any]:
    """Return the whole document, with the address of this service."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "RDV Apprentissage",
            "version": VERSION,
            "summary": "Ce que les plateformes lisent et envoient",
            "description": "Une clé par plateforme, dans l’en-tête Authorization. Les instants sont en ISO 8601 avec leur décalage. "
            "Les refus sont des documents application/problem+json (RFC 9457), dont le type est l’adresse d’une explication.",
        },
        "servers": [{"url": links.absolute("")}],
        "paths": PATHS,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "key": {
                    "type": "http", "scheme": "bearer",
                    "description": "Droits\u00a0: " + "\u00a0; ".join(f"{scope} ({said})" for scope, said in api_keys.SCOPES.items()),
                }
            },
        },
    }  # fmt: skip
