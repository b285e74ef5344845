"""For the machine that watches: /sante answers while the process lives, /sante/base while the database does."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Flask, jsonify
from flask.typing import ResponseReturnValue

from rdv.db import db

bp = Blueprint("health", __name__)


@bp.get("/sante")
def alive() -> ResponseReturnValue:
    """Answer while this process lives."""
    return jsonify(ok=True)


@bp.get("/sante/base")
def database() -> ResponseReturnValue:
    """Answer while the database does; 503 otherwise (error_pages)."""
    db.session.execute(sa.text("SELECT 1"))
    return jsonify(ok=True)


def register(app: Flask) -> None:
    """Bind the blueprint."""
    app.register_blueprint(bp)
