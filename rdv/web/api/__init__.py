from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("api", __name__)


def register(app: Flask) -> None:
    """Bind the blueprint."""
    app.register_blueprint(bp)
