"""The candidates' blueprint: no account, no cookie."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("public", __name__)
