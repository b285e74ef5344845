"""Bodies of the former contracts: compact UTF-8 JSON, in the order of their fields, errors as {statusCode, error, message}."""

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

from rdv.errors import TooManyRequests
from rdv.settings import settings
from rdv.throttle import Limit, count
from rdv.web import retry_after
from rdv.web.access import address_prefix
from rdv.web.api.v1 import answering

View = Callable[..., ResponseReturnValue]
_MOST_CHARACTERS = 255
# What the journal of refusals says of each sentence, and never the sentence's subject.
_PROBLEMS = {
    400: "contrat-corps", 401: "contrat-organisation", 403: "contrat-droit", 404: "contrat-inconnue",
    413: "contrat-corps", 429: "limite",
}  # fmt: skip


class Refused(Exception):
    """A call that is answered by an error of the contract."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


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
            return error(refusal.status, refusal.message)
        except TooManyRequests as refusal:
            return retry_after.tell(error(429, "Rate limit exceeded, retry later"), refusal)

    return call


def error(status: int, message: str) -> Response:
    """Return an error of the contract, its code left for the journal of the key's refusals when there is a key."""
    g.api_problem = _PROBLEMS[status]
    return said({"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}, status)


def body_object() -> dict[str, Any]:
    """Return the JSON object of the call; raise Refused when it is none."""
    found = body()
    if not isinstance(found, dict):
        raise Refused(400, "Request validation failed")
    return found


def body() -> Any:
    """Return the JSON of the call; raise Refused when it is not JSON, or too long."""
    try:
        return json.loads(request.get_data(cache=False))
    except RequestEntityTooLarge:
        raise Refused(413, "Request body is too large") from None
    except (ValueError, RecursionError):
        raise Refused(400, "Request validation failed") from None


def is_text(value: Any) -> bool:
    """Say whether a value of the call is a text that may be looked for: neither database takes NUL or half a character."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= len(value) <= _MOST_CHARACTERS:
        return False
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value)


def count_caller() -> None:
    """Count a call that names nobody against its network; raise TooManyRequests. A busy database counts none."""
    try:
        count([Limit("api.open", address_prefix(), settings().limit_open_api_per_minute, 60)])
    except OperationalError:
        return
