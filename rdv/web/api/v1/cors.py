"""Who may call from a browser: pages of the platforms' own origins, and only what needs no key.

A key never belongs in a page: no keyed answer carries any of these headers, and none says « * » but the button's,
which tells any page the same.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from rdv import directory

_PREFLIGHT_KEPT = 3600  # seconds


def allow(
    response: Response, method: str = "GET", headers: str = "", also: Callable[[str], bool] | None = None
) -> Response:
    """Let the page of an active platform read this key-less answer, or of an origin that `also` takes; no other is told anything."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin and ((also is not None and also(origin)) or origin in origins()):
        response.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = method
            response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_KEPT)
            if headers:
                response.headers["Access-Control-Allow-Headers"] = headers
    return response


def origins() -> set[str]:
    """Return the origins of the platforms that show the service."""
    return {origin for platform in directory.platforms() if platform.active for origin in platform.origins}
