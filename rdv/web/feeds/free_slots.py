"""`/flux/cfa/<cfa>/creneaux-libres.ics`: the free slots of a CFA, for its own site; public, and nobody's data."""

from __future__ import annotations

from flask import Response, request

from rdv import clock, free_calendar
from rdv.web.feeds import bp
from rdv.web.feeds.answer import calendar_answer, unchanged


@bp.route("/flux/cfa/<public_id>/creneaux-libres.ics", methods=["GET"], provide_automatic_options=False)
def free_slots(public_id: str) -> Response:
    """Answer 304 when no slot came or went, else the calendar of the slots that the CFA's page offers."""
    found = free_calendar.read(public_id, clock.now())
    body = None
    if not unchanged(found.etag, None) and request.method != "HEAD":
        body = free_calendar.body(found)
    return calendar_answer(body, found.etag, None, "public, max-age=300")
