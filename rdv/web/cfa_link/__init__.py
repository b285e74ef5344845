"""A CFA without account: reads and answers a request by the signed link of its mail."""

from __future__ import annotations

from flask import Flask

from rdv.web.cfa_link import platforms, requests  # noqa: F401  attaches their views
from rdv.web.cfa_link.blueprint import bp

__all__ = ["bp", "register"]


def register(app: Flask) -> None:
    """Bind the blueprint."""
    app.register_blueprint(bp)
