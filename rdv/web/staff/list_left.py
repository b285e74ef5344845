"""The list that a request was opened from: its filters follow in the address, so that one comes back to it."""

from __future__ import annotations

import re
from typing import Any

from flask import request, url_for

_QUERY = re.compile(r"[\w%=&.,~+-]{1,300}")  # what our own lists write, as an address holds it: never a name


def carried() -> dict[str, Any]:
    """Return the query parameter that the links and forms of a request's page keep."""
    said = request.args.get("liste", "")
    return {"liste": said} if _QUERY.fullmatch(said) else {}


def opened_from(address: str) -> dict[str, Any]:
    """Return the same for the links of a list whose own address this is; nothing when no filter is in force."""
    query = address.partition("?")[2]
    return {"liste": query} if _QUERY.fullmatch(query) else {}


def back() -> str:
    """Return the address of the list left, of the usual one when none is known."""
    query = carried().get("liste")
    return url_for("staff.requests") + (f"?{query}" if query else "")
