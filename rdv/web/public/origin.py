"""The platform a candidate comes from: `?origine=` follows them from page to page; an unknown code is dropped."""

from __future__ import annotations

from typing import Any

from flask import g, request

from rdv import directory, rules
from rdv.models import Platform


def platform() -> Platform | None:
    """Return the platform that this visit comes from, if it says a known one."""
    if "platform" not in g:
        g.platform = directory.get_platform(request.args.get("origine", ""))
    found: Platform | None = g.platform
    return found


def page_code() -> str:
    """Return the code that the CFA's rules know this visit by: the platform's, or that of the CFA's own page."""
    found = platform()
    return found.code if found else rules.OWN_PAGE


def carried() -> dict[str, Any]:
    """Return the query parameters that every link and form of this page keeps."""
    found = platform()
    return {"origine": found.code} if found else {}
