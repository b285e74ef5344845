"""Pages of a candidate inside a page of a platform: `cadre=1` follows them, and only that platform may frame them."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, g, request

from rdv import directory
from rdv.errors import NotFound
from rdv.models import Cfa
from rdv.web.headers import framed_policy
from rdv.web.public.blueprint import bp
from rdv.web.public.origin import in_frame, platform, source

# What may stand in a header as it is: a row of the database is no reason to write a second directive.
_SOURCE = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?")


# Where a visit that began with a poster goes before its form is sent; what comes after needs no tag.
_TAGGED = {
    "public.home", "public.training", "public.cfa", "public.slot", "public.book", "public.wait", "public.callback",
    "public.message",
}  # fmt: skip


def belongs_to(cfa: Cfa) -> None:
    """Note whose page this is: on a centre's own site, the domains that may frame it are this centre's alone."""
    g.framed_cfa = cfa


def of_one_centre() -> bool:
    """Say whether this page stands in a frame of a centre's own site, where other centres have no place."""
    found = platform() if in_frame() else None
    return found is not None and found.life_cycle == "own_site"


def ancestors() -> list[str]:
    """Return the origins whose pages may frame this answer: none outside the frame, nor of a platform switched off."""
    found = platform() if in_frame() else None
    if found is None or not found.active:
        return []
    if found.life_cycle == "own_site":
        cfa = _framed_for()
        origins = [f"https://{host}" for host in directory.domains_of(cfa)] if cfa else []
    else:
        origins = found.origins
    return [each for each in origins if _SOURCE.fullmatch(each)]


def _framed_for() -> Cfa | None:
    """Return whose site frames this answer: the centre of the page, else, for a page of no centre, the one before."""
    if "framed_cfa" not in g:
        try:
            g.framed_cfa = directory.get_cfa(request.args["centre"]) if request.args.get("centre") else None
        except NotFound:
            g.framed_cfa = None
    found: Cfa | None = g.framed_cfa
    return found


def done(what: str) -> dict[str, Any]:
    """Return the query that lets the page of a frame tell its host, once, what was « envoye » or « reserve »."""
    return {"fait": what} if in_frame() else {}


def told() -> dict[str, str]:
    """Return what the script of a framed page reads: who its host may be, and what was just done."""
    what = request.args.get("fait", "")
    return {"origins": " ".join(ancestors()), "done": what if what in ("envoye", "reserve") else ""}


@bp.url_defaults
def keep_the_frame(endpoint: str, values: dict[str, Any]) -> None:
    """Carry the frame and its platform to each page, form and redirection of a candidate: another would be refused.

    The tag of a poster follows too, to the forms that keep it.
    """
    tag = source()
    if tag is not None and endpoint in _TAGGED:
        values.setdefault("source", tag)
    if in_frame():
        values.setdefault("cadre", 1)
        found = platform()
        if found is not None:
            values.setdefault("origine", found.code)
            cfa = _framed_for() if found.life_cycle == "own_site" else None
            if cfa is not None:
                values.setdefault("centre", cfa.public_id)


@bp.after_app_request
def allow(response: Response) -> Response:
    """Name who may frame this answer of a public address, known or not, in place of nobody; our own generator of codes shows
    it too. A page that asks for isolation may do so."""
    if request.blueprint not in (None, bp.name) or response.status_code >= 500:
        return response
    allowed = ancestors()
    if allowed:
        response.headers["Content-Security-Policy"] = framed_policy(["'self'", *allowed])
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
