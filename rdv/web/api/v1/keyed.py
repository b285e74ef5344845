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
            api_keys.permit(key, scope)
            api_keys.count_call(key)
            api_keys.note_use(key, now)
            return view(key, **arguments)

        return call

    return wrap


@bp.after_request
def note_refusal(response: Response) -> Response:
    """Keep what a key was refused, for its integrators and the service team; a failure of ours too."""
    key_id = g.get("api_key_id")
    if key_id is not None and response.status_code >= 400 and request.path.startswith(problems.PREFIX):
        kind = str((response.get_json(silent=True) or {}).get("type", ""))
        endpoint, status = request.endpoint or "", response.status_code
        db.session.rollback()
        api_keys.note_refusal(key_id, endpoint, status, kind.rsplit("/", 1)[-1], clock.now())
    return response
