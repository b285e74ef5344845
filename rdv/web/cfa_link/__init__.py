"""A CFA without account: reads and answers a request by the signed link of its mail."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("cfa_link", __name__)


def register(app: Flask) -> None:
    """Bind the blueprint."""
    app.register_blueprint(bp)
