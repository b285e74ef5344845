"""Pages of a candidate inside a page of a platform: `cadre=1` follows them, and only that platform may frame them."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, g

from rdv import directory
from rdv.models import Cfa
from rdv.web.headers import framed_policy
from rdv.web.public.blueprint import bp
from rdv.web.public.origin import in_frame, platform

# What may stand in a header as it is: a row of the database is no reason to write a second directive.
_SOURCE = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?")


def belongs_to(cfa: Cfa) -> None:
    """Note whose page this is: on a centre's own site, the domains that may frame it are this centre's alone."""
    g.framed_cfa = cfa


def ancestors() -> list[str]:
    """Return the origins whose pages may frame this answer: none outside the frame, nor of a platform switched off."""
    found = platform() if in_frame() else None
    if found is None or not found.active:
        return []
    if found.life_cycle == "own_site":
        cfa: Cfa | None = g.get("framed_cfa")
        origins = [f"https://{host}" for host in directory.domains_of(cfa)] if cfa else []
    else:
        origins = found.origins
    return [each for each in origins if _SOURCE.fullmatch(each)]


@bp.url_defaults
def keep_the_frame(endpoint: str, values: dict[str, Any]) -> None:
    """Carry the frame and its platform to each page, form and redirection of a candidate: another would be refused."""
    if in_frame():
        values.setdefault("cadre", 1)
        found = platform()
        if found is not None:
            values.setdefault("origine", found.code)


@bp.after_request
def allow(response: Response) -> Response:
    """Name who may frame this answer, in place of nobody; a page that asks for isolation may do so too."""
    allowed = ancestors()
    if allowed:
        response.headers["Content-Security-Policy"] = framed_policy(allowed)
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
