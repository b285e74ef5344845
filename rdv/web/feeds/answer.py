"""The answer of a calendar: validators, compression, and what no proxy or search engine may keep."""

from __future__ import annotations

import gzip
from datetime import datetime

from flask import Response, request

from rdv import ical

_LEVEL = 5
_SUFFIX = "-gzip"


def unchanged(etag: str, changed_at: datetime | None) -> bool:
    """Say whether the client holds this calendar (RFC 9110 §13.2.2): by its validators, or by its date if it sent no other.

    Weak marks are set aside, and the suffix of a compressed copy: ours, or a proxy's.
    """
    held = request.if_none_match
    if held.star_tag:
        return True
    tags = held.as_set(include_weak=True)
    if tags or "If-None-Match" in request.headers:
        return any(tag.removesuffix(_SUFFIX) == etag for tag in tags)
    since = request.if_modified_since
    return since is not None and changed_at is not None and since >= changed_at


def calendar_answer(body: bytes | None, etag: str, changed_at: datetime | None, cache: str) -> Response:
    """Return the calendar, or 304 when the client holds it, or the headers alone to HEAD (`body`: None)."""
    compressed = _wants_gzip()
    if unchanged(etag, changed_at):
        response = Response(status=304)
    else:
        response = Response(content_type=ical.MEDIA_TYPE)
        response.headers["Content-Disposition"] = 'inline; filename="agenda.ics"'
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        if body is not None:
            # Without the hour of compression: the same calendar is the same bytes.
            response.data = gzip.compress(body, _LEVEL, mtime=0) if compressed else body
    response.set_etag(etag + _SUFFIX if compressed else etag)
    response.last_modified = changed_at
    headers = response.headers
    headers["Vary"] = "Accept-Encoding"
    headers["Cache-Control"] = cache
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Robots-Tag"] = "noindex"
    if request.method == "HEAD" and body is None and response.status_code == 200:
        response.automatically_set_content_length = False  # nobody rendered the calendar whose length it would be
        headers.pop("Content-Length", None)
    return response


def _wants_gzip() -> bool:
    """Compress for who asks, except Outlook's subscriptions, which were seen to fail on it (reference/ical.md §1.5)."""
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return False
    agent = request.user_agent.string
    return request.accept_encodings.quality("gzip") > 0 and not agent.startswith("Microsoft")
