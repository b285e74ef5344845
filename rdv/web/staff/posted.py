"""What was typed must survive a session that changed: checked by the view, which shows the form again."""

from __future__ import annotations

from flask import request
from flask_wtf.csrf import CSRFError

from rdv.extensions import csrf
from rdv.web.staff.forms import SESSION_CHANGED

LARGEST_VERSION = 2**31 - 1


def session_refusal() -> str | None:
    """Check the token of a view that CSRFProtect leaves alone; return the sentence to show when it is wrong."""
    try:
        csrf.protect()
    except CSRFError:
        return SESSION_CHANGED
    return None


def posted_version() -> int:
    """Return the version of the page that was read; 0, which no row has, when it is missing or makes no sense."""
    version = request.form.get("version", 0, type=int)
    return version if 0 < version <= LARGEST_VERSION else 0
