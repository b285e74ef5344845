"""An open page of a request says so each twenty seconds, and hears who else is there. Telemetry: nothing depends on it."""

from __future__ import annotations

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from rdv import clock, inbox, viewers
from rdv.web.staff.blueprint import bp
from rdv.web.staff.composer import others_label
from rdv.web.staff.context import current_cfa, current_person


@bp.post("/equipe/demandes/<public_id>/presence")
def request_presence(public_id: str) -> ResponseReturnValue:
    """Note who is there, and answer who else is."""
    found, person, now = inbox.get_for_cfa(current_cfa().id, public_id), current_person(), clock.now()
    viewers.seen(found, person, now, writing=bool(request.form.get("writing")))
    return jsonify(others=others_label(found, person, now) or "")
