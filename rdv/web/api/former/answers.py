"""Bodies of the former contracts: compact UTF-8 JSON, in the order of their fields, errors as {statusCode, error, message, data?}."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import RequestEntityTooLarge

from rdv import partner_ids
from rdv.errors import TooManyRequests
from rdv.identifiers import is_storable
from rdv.models import Training
from rdv.settings import settings
from rdv.throttle import Limit, count
from rdv.web import retry_after
from rdv.web.access import address_prefix
from rdv.web.api.former import schemas
from rdv.web.api.v1 import answering

View = Callable[..., ResponseReturnValue]
_MOST_CHARACTERS = 255
# What the journal of refusals says of each sentence, and never the sentence's subject.
_PROBLEMS = {
    400: "contrat-corps", 401: "contrat-organisation", 403: "contrat-droit", 404: "contrat-inconnue",
    413: "contrat-corps", 415: "contrat-corps", 429: "limite",
}  # fmt: skip


class Refused(Exception):
    """A call that is answered by an error of the contract."""

    def __init__(self, status: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.data = status, message, data


def said(data: Any, status: int = 200) -> Response:
    """Return a body as today's service writes it; nothing of it is kept."""
    response = Response(answering.encoded(data), status, content_type="application/json; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def contract(view: View) -> View:
    """Answer refusals of a view in the shape of the contract."""

    @wraps(view)
    def call() -> ResponseReturnValue:
        try:
            return view()
        except Refused as refusal:
            return error(refusal.status, refusal.message, refusal.data)
        except TooManyRequests as refusal:
            return retry_after.tell(error(429, "Rate limit exceeded, retry later"), refusal)

    return call


def error(status: int, message: str, data: dict[str, Any] | None = None) -> Response:
    """Return an error of the contract, its code left for the journal of the key's refusals when there is a key."""
    g.api_problem = _PROBLEMS[status]
    told: dict[str, Any] = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}
    return said(told | ({"data": data} if data else {}), status)


def body(issues: Callable[[Any], list[schemas.Issue]]) -> Any:
    """Return the JSON of the call once nothing is wrong with it; raise Refused as today's service does, with its `data`."""
    sent = _json()
    found = issues(sent)
    if found:
        told = {
            "code": "FST_ERR_VALIDATION", "issues": found, "name": "ZodError", "statusCode": 400,
            "validationContext": "body",
        }  # fmt: skip
        raise Refused(400, schemas.message(found), {"validationError": told})
    return sent


def _json() -> Any:
    """Return the JSON of the call, whatever it says; a text stays one."""
    try:
        sent = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _unread(413, "BODY_TOO_LARGE", "Request body is too large") from None
    if not request.mimetype and not sent:
        return None
    if request.mimetype == "text/plain":
        return sent.decode(errors="replace")
    if request.mimetype != "application/json":
        raise _unread(415, "INVALID_MEDIA_TYPE", "Unsupported Media Type")
    if not sent:
        raise _unread(400, "EMPTY_JSON_BODY", "Body cannot be empty when content-type is set to 'application/json'")
    try:
        return json.loads(sent, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        text = "Body is not valid JSON but content-type is set to 'application/json'"
        raise _unread(400, "INVALID_JSON_BODY", text) from None


def _unread(status: int, code: str, message: str) -> Refused:
    raw = {"code": f"FST_ERR_CTP_{code}", "name": "FastifyError", "statusCode": status, "message": message}
    return Refused(status, message, {"rawError": raw})


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def known(kind: str, value: str) -> list[Training]:
    """Return the trainings that an identifier of the call may mean; none for a text that cannot be looked for."""
    return partner_ids.trainings(partner_ids.PartnerId(kind, value)) if is_text(value) else []


def is_text(value: str) -> bool:
    """Say whether a text of the call may be looked for: no blank, not too long, of characters that a database takes."""
    return 0 < len(value.strip()) <= len(value) <= _MOST_CHARACTERS and is_storable(value)


def count_caller() -> None:
    """Count a call that names nobody against its network; raise TooManyRequests. A busy database counts none."""
    try:
        count([Limit("api.open", address_prefix(), settings().limit_open_api_per_minute, 60)])
    except OperationalError:
        return
