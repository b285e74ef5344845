"""The staff's blueprint, closed by default: only the endpoints of OPEN answer somebody who has not signed in.

A view added to `bp` without another word asks for a signed-in person who works for a CFA.
"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from rdv.errors import NotFound
from rdv.french import NBSP
from rdv.web.error_pages import refusal
from rdv.web.staff import context

bp = Blueprint("staff", __name__)

# Reached without signing in: what leads to a session, and what ends in one.
OPEN = frozenset(
    {
        "staff.sign_in",
        "staff.forgotten",
        "staff.reset",
        "staff.accept_invitation",
        "staff.activate",
    }
)
# Reached by a signed-in person, whatever the CFA, or without any.
ANY_PERSON = frozenset(
    {
        "staff.sign_out",
        "staff.sign_out_everywhere",
        "staff.switch_cfa",
        "staff.choose_cfa",
        "staff.profile",
        "staff.change_password",
    }
)


@bp.before_request
def guard() -> Response | None:
    """Let pass who has signed in and works for a CFA; send the others where they can become so."""
    if request.endpoint in OPEN:
        return None
    person = context.load_person()
    # The path alone: what a person searched for does not follow them in an address.
    came_for = request.path if request.method == "GET" else None
    if person is None:
        return redirect(url_for("staff.sign_in", next=came_for), 303)
    context.load_memberships(person)
    if request.endpoint in ANY_PERSON or context.has_cfa():
        return None
    if person.is_service_team and not context.current_user_cfas():
        return redirect("/admin/", 303)
    return redirect(url_for("staff.switch_cfa", next=came_for), 303)


@bp.context_processor
def names_for_templates() -> dict[str, object]:
    """Give the layout what the guard has loaded, and nothing else: an error page must not query the database."""
    return context.for_templates()


@bp.errorhandler(NotFound)
def not_here(error: NotFound) -> Response:
    """Say what is not here; who works for several centres may have opened a link of another, in a mail or a calendar.

    Nothing is looked up elsewhere: what exists in no centre reads alike.
    """
    if request.method != "GET" or not context.has_cfa() or len(context.current_user_cfas()) == 1:
        return refusal(error.status, error.message)
    text = (
        f"{error.message} Vous travaillez en ce moment pour «{NBSP}{context.current_cfa().shown_name}{NBSP}». "
        f"Si votre lien vient d’un autre de vos centres, changez de centre{NBSP}: la page s’ouvrira ensuite."
    )
    other = ("Changer de centre", url_for("staff.switch_cfa", next=request.path))
    return refusal(error.status, text, first=other)
