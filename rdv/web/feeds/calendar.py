"""`/flux/<secret>.ics`: the validator first, the calendar only when it changed."""

from __future__ import annotations

from flask import Response, current_app, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rdv import clock, feeds
from rdv.errors import NotFound, TooManyRequests
from rdv.settings import settings
from rdv.throttle import Limit, count
from rdv.web.error_pages import refusal
from rdv.web.feeds import bp
from rdv.web.feeds.answer import calendar_answer, unchanged
from rdv.web.forms import count_failed_secret


@bp.route("/flux/<secret>.ics", methods=["GET"], provide_automatic_options=False)
def feed(secret: str) -> Response:
    """Answer 304 and HEAD at the cost of one small query, else the calendar; unknown and revoked addresses read alike."""
    now = clock.now()
    found = feeds.poll(secret, now)
    if found is None:
        count_failed_secret()
        raise NotFound(
            "Cette adresse de calendrier n’existe pas ou a été retirée. Créez-en une autre dans votre espace."
        )
    body = None
    if not unchanged(found.etag, found.changed_at) and request.method != "HEAD":
        _count_read(found.feed.public_id)
        body = feeds.body(found.feed, now)
    feeds.note_poll(found, request.user_agent.string, now)
    return calendar_answer(body, found.etag, found.changed_at, "private, no-cache")


def _count_read(public_id: str) -> None:
    """Count a whole calendar against its own address; raise TooManyRequests. A busy database loses the count.

    Never against the network: Google reads everybody's from its own.
    """
    try:
        count([Limit("feed.read", public_id, settings().limit_feed_reads)])
    except OperationalError as error:
        current_app.logger.warning("calendar read not counted: %s", type(error.orig).__name__)


@bp.errorhandler(TooManyRequests)
def too_often(error: TooManyRequests) -> Response:
    """Say when to come back: applications obey, people never see it."""
    return refusal(429, error=error)


@bp.errorhandler(DBAPIError)
@bp.errorhandler(PoolTimeout)
def database_down(error: Exception) -> Response:
    """Ask to come back: an application that got an empty calendar instead would erase every meeting."""
    current_app.logger.error("calendar not served: database unavailable", exc_info=error)
    return refusal(503)
