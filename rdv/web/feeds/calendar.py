"""`/flux/<secret>.ics`: the validator first, the calendar only when it changed."""

from __future__ import annotations

from datetime import datetime

from flask import Response, request

from rdv import clock, feeds, ical
from rdv.errors import NotFound
from rdv.web.feeds import bp
from rdv.web.forms import count_failed_secret


@bp.route("/flux/<secret>.ics", methods=["GET"], provide_automatic_options=False)
def feed(secret: str) -> Response:
    """Answer 304 at the cost of one small query, else the calendar; unknown and revoked addresses read alike.

    If-Modified-Since is not compared: a date cannot tell that a row was deleted.
    """
    now = clock.now()
    found = feeds.load(secret)
    if found is None:
        count_failed_secret()
        raise NotFound(
            "Cette adresse de calendrier n’existe pas ou a été retirée. Créez-en une autre dans votre espace."
        )
    etag, changed = feeds.validator(found, now)
    if _has(etag):
        response = Response(status=304)
    elif request.method == "HEAD":
        response = Response(content_type=ical.MEDIA_TYPE)
    else:
        body = ical.calendar(feeds.meetings(found, now), feeds.calendar_name(found))
        response = Response(body, content_type=ical.MEDIA_TYPE)
    feeds.note_use(found, request.user_agent.string, now)
    return _with_headers(response, etag, changed)


def _has(etag: str) -> bool:
    """Say whether the client holds these bytes: weak marks and the suffix of compressing proxies set aside."""
    held = request.if_none_match
    if held.star_tag:
        return True
    return any(tag.removesuffix("-gzip") == etag for tag in held.as_set(include_weak=True))


def _with_headers(response: Response, etag: str, changed: datetime) -> Response:
    response.set_etag(etag)
    response.last_modified = changed
    headers = response.headers
    headers["Cache-Control"] = "private, no-cache"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Robots-Tag"] = "noindex"
    if response.status_code != 304:
        headers["Content-Disposition"] = 'inline; filename="agenda.ics"'
    return response
