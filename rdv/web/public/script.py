"""The script of the button: a version never changes once published, so that a page may pin it by its hash."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue

from rdv.errors import NotFound
from rdv.web.public.blueprint import bp

CURRENT = 1
FOREVER = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300, stale-while-revalidate=86400"


@bp.get("/bouton/v<string(maxlength=3):version>/bouton.js")
def script_version(version: str) -> ResponseReturnValue:
    """A version of the script as it was published, for as long as a page may name it."""
    return _answer(_number(version), FOREVER)


@bp.get("/bouton.js")
@bp.get("/assets/widget.min.js")  # the addresses of the service that runs today (reference/predecessor.md §4)
@bp.get("/assets/bundle.js")
def script() -> ResponseReturnValue:
    """The newest version, for pages that pin none."""
    return _answer(CURRENT, SHORT)


def integrity(version: int = CURRENT) -> str:
    """Return the hash that a page pins a version with, as its `integrity` holds it."""
    return _hash(_bytes(version))


def _bytes(version: int) -> bytes:
    path = Path(current_app.static_folder or "") / "button" / f"v{version}.js"
    if not path.is_file():
        raise NotFound("Cette version du bouton n’existe pas.")
    return path.read_bytes()


@lru_cache(maxsize=16)
def _hash(script: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


def _answer(version: int, cache: str) -> ResponseReturnValue:
    """Return a version to whatever page asks: the hash is checked on what CORS lets be read."""
    found = _bytes(version)
    response = Response(found, mimetype="text/javascript")
    response.headers["Cache-Control"] = cache
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(_hash(found)[-20:])
    return response.make_conditional(request)


def _number(version: str) -> int:
    if not version.isdecimal() or not version.isascii():
        raise NotFound("Cette version du bouton n’existe pas.")
    return int(version)
