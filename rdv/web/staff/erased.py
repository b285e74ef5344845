"""What the team still sees of a request whose person was erased: that it was, and what happened, without anybody's name."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from rdv import erasure, inbox
from rdv.errors import RequestErased
from rdv.models import CandidateRequest
from rdv.web import request_lines
from rdv.web.error_pages import refusal
from rdv.web.staff.blueprint import bp


@bp.errorhandler(RequestErased)
def erased(error: RequestErased) -> ResponseReturnValue:
    """Show the figure that is left, whichever of the request's pages was asked."""
    found = error.request
    if not isinstance(found, CandidateRequest):
        return refusal(error.status, error.message)
    names = {user.public_id: user.shown_name for user in inbox.colleagues(found.cfa_id)}
    page = render_template(
        "staff/request_erased.html",
        asked=erasure.was_asked(found),
        facts=[
            ("Moyen", inbox.MODE_LABELS[found.mode]),
            ("Formation", found.training.shown_title if found.training else None),
            ("Résultat", inbox.OUTCOME_LABELS[found.outcome] if found.outcome else None),
            ("Venue de", found.platform.name if found.platform else None),
            ("Référence", found.reference),
        ],
        events=request_lines.thread(found, found.events, names),
    )
    return page, error.status
