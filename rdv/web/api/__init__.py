"""What machines ask, in JSON: no session, no cookie."""

from __future__ import annotations

from flask import Flask

from rdv.web.api import button as button
from rdv.web.api import former as former
from rdv.web.api import mail_events as mail_events
from rdv.web.api import v1 as v1
from rdv.web.api.blueprint import bp as bp


def register(app: Flask) -> None:
    """Bind the blueprint."""
    app.register_blueprint(bp)
