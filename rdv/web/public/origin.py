"""The platform a candidate comes from: `?origine=` follows them from page to page; an unknown code is dropped."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import g, request

from rdv import clock, directory, links, posters, rules, setting_up
from rdv.models import Cfa, Platform

_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
# How the service of 2021 numbered who sent candidates; 3, a regional site, ended with it (reference/predecessor.md §2.2).
_NUMBERED = {"1": "parcoursup", "2": "lba", "4": "onisep", "5": "jeune_1_solution", "6": "affelnet"}


def platform() -> Platform | None:
    """Return the platform that this visit comes from, if it says a known one."""
    if "platform" not in g:
        code = request.args.get("origine") or _former_code(request.args.get("referrer", ""))
        g.platform = directory.get_platform(code)
    found: Platform | None = g.platform
    return found


def _former_code(referrer: str) -> str:
    """Return our code of a `referrer`: the links of the service that runs today, which its partners keep."""
    said = referrer.strip().lower()
    return _NUMBERED.get(said, said)


def in_frame() -> bool:
    """Say whether this page stands in a frame of the platform's page."""
    return request.args.get("cadre") == "1"


def source() -> str | None:
    """Return the tag of the poster that this visit comes from: it follows as the platform does."""
    return posters.tag(request.args.get("source", ""))


def page_code() -> str:
    """Return the code that the CFA's rules know this visit by: the platform's, or that of the CFA's own page."""
    found = platform()
    return found.code if found else rules.OWN_PAGE


def carried() -> dict[str, Any]:
    """Return the query parameters that every link and form of this page keeps."""
    found = platform()
    kept: dict[str, Any] = {"origine": found.code} if found else {}
    return kept | {"cadre": 1} if in_frame() else kept


def note_arrival(cfa: Cfa) -> None:
    """Keep that a page of this centre was reached from another site: the proof that its link is in place."""
    host = urlsplit(request.referrer or "").hostname or ""
    if len(host) <= 120 and _HOST.fullmatch(host) and host not in (urlsplit(links.home()).hostname, request.host):
        setting_up.link_seen(cfa, host, clock.now())
