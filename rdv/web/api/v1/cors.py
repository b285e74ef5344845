"""Who may call from a browser: pages of the platforms' own origins, and only what needs no key.

A key never belongs in a page: no keyed answer carries any of these headers, and none says « * » but the button's,
which tells any page the same.
"""

from __future__ import annotations

from flask import Response, request

from rdv import directory

_PREFLIGHT_KEPT = 3600  # seconds


def allow(response: Response) -> Response:
    """Let the page of an active platform read this key-less answer; other pages are not told anything."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin and origin in origins():
        response.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET"
            response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_KEPT)
    return response


def origins() -> set[str]:
    """Return the origins of the platforms that show the service."""
    return {origin for platform in directory.platforms() if platform.active for origin in platform.origins}
