"""The test client, with each request in an application context of its own, as in production."""

from __future__ import annotations

from typing import Any

from flask import current_app, has_app_context
from flask.testing import FlaskClient

from rdv.db import db


class Client(FlaskClient):
    """Flask reuses a context that is already pushed: `g`, the signed-in user and the session would leak from a
    request to the next, and from the test to both. Rows the test holds are read again after each request."""

    def open(self, *arguments: Any, **options: Any) -> Any:
        outside = has_app_context() and current_app._get_current_object() is self.application  # type: ignore[attr-defined]
        if outside:
            db.session.rollback()  # no read transaction of the test stays open meanwhile
        with self.application.app_context():
            response = super().open(*arguments, **options)
        if outside:
            db.session.rollback()
            db.session.expire_all()
        return response
