"""The blueprint of pages that a CFA opens by the link of a mail."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("cfa_link", __name__)
