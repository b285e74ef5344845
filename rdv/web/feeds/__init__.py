"""Calendar applications: they poll a secret address, without account or cookie."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("feeds", __name__)

from rdv.web.feeds import calendar, free_slots  # noqa: E402, F401  they attach their views to the blueprint


def register(app: Flask) -> None:
    """Bind the blueprint."""
    app.register_blueprint(bp)
