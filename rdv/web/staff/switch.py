"""Choosing the centre to work for; also the page of somebody who has none any more."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv.settings import settings
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.sessions import came_for


@bp.get("/equipe/changer-de-centre")
def switch_cfa() -> str:
    """Offer the centres of the signed-in person."""
    return render_template(
        "staff/switch.html",
        centres=context.current_user_cfas(),
        action=url_for("staff.choose_cfa", next=came_for()),
        support=settings().support_email,
    )


@bp.post("/equipe/changer-de-centre")
def choose_cfa() -> ResponseReturnValue:
    """Act for this centre in the rest of the session."""
    context.remember_cfa(context.get_cfa(request.form.get("cfa", "")))
    return redirect(came_for() or url_for("staff.dashboard"), 303)
