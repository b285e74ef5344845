"""What machines ask, in JSON: no session, no cookie."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("api", __name__)
