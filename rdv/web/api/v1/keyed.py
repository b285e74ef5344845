"""Calls with a key: who speaks, whether it may, how often; and what was refused to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from rdv import api_keys, clock
from rdv.db import db
from rdv.web import problems
from rdv.web.api.blueprint import bp
from rdv.web.forms import count_failed_secret

View = Callable[..., ResponseReturnValue]


def keyed(scope: str) -> Callable[[View], View]:
    """Let in the calls whose key has a scope; the view is given the platform's key first."""

    def wrap(view: View) -> View:
        @wraps(view)
        def call(**arguments: Any) -> ResponseReturnValue:
            header, now = request.headers.get("Authorization"), clock.now()
            try:
                key = api_keys.identify(header, now)
            except api_keys.NoKey:
                if header:
                    count_failed_secret()
                raise
            g.api_key_id = key.id
            api_keys.admit(key, scope, now)
            return view(key, **arguments)

        return call

    return wrap


@bp.after_request
def note_refusal(response: Response) -> Response:
    """Keep what a key was refused, for its integrators and the service team; a failure of ours too.

    A problem document says its own code; an answer of another shape leaves it in `g.api_problem`.
    """
    key_id, problem = g.get("api_key_id"), g.get("api_problem")
    if problem is None and request.path.startswith(problems.PREFIX):
        problem = str((response.get_json(silent=True) or {}).get("type", "")).rsplit("/", 1)[-1]
    if key_id is not None and problem is not None and response.status_code >= 400:
        endpoint, status = request.endpoint or "", response.status_code
        db.session.rollback()
        api_keys.note_refusal(key_id, endpoint, status, problem, clock.now())
    return response
