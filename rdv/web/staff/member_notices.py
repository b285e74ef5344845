"""How a member hears of requests: chosen by themselves for the current centre, or by its managers."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import memberships
from rdv.db import transaction
from rdv.models import Membership
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import NOTICE_HINTS, NoticesForm


@bp.route("/equipe/profil/courriels", methods=["GET", "POST"])
def my_notices() -> ResponseReturnValue:
    """Choose one's own mails, in the current centre."""
    return _choose(context.current_membership(), url_for("staff.profile"))


@bp.route("/equipe/membres/<public_id>/courriels", methods=["GET", "POST"])
def member_notices(public_id: str) -> ResponseReturnValue:
    """Choose the mails of a colleague."""
    context.require_manager()
    membership = memberships.get_for_cfa(context.current_cfa(), public_id)
    return _choose(membership, url_for("staff.member", public_id=public_id))


def _choose(membership: Membership, back: str) -> ResponseReturnValue:
    form = NoticesForm(notices=membership.notices)
    if form.validate_on_submit():
        with transaction():
            changed = memberships.choose_notices(membership, form.notices.data, by=context.current_person())
        flash("Ce choix est enregistré." if changed else "Rien n’a changé.", "success" if changed else "info")
        return redirect(back, 303)
    page = render_template(
        "staff/notices.html", form=form, hints=NOTICE_HINTS, back=back, cfa=membership.cfa,
        name=None if membership.user_id == context.current_person().id else membership.user.shown_name,
    )  # fmt: skip
    return page, form.status
