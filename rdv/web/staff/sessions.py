"""Opening and closing a browser's session, and where to go next."""

from __future__ import annotations

import re

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user
from werkzeug.wrappers import Response

from rdv import clock
from rdv.models import Cfa, User
from rdv.web.forms import count_failed_secret
from rdv.web.staff import context

# Only pages of ours behind the sign-in, so that no link leads elsewhere through our door.
_LOCAL = re.compile(r"/(?:equipe|admin)(?:/[\w.-]+)*/?", re.ASCII)


def open_session(person: User, cfa: Cfa | None = None) -> None:
    """Sign a person in: nothing of the former session remains (fixation), the CFA is chosen when known."""
    session.clear()
    session.permanent = True
    session["signed_in_at"] = int(clock.now().timestamp())
    login_user(person)
    if cfa is not None:
        context.remember_cfa(cfa)


def close_session(message: str | None = None) -> Response:
    """Forget everything about this browser and go to the sign-in page."""
    session.clear()
    if message:
        flash(message, "success")
    return redirect(url_for("staff.sign_in"), 303)


def came_for() -> str | None:
    """Return the page a person wanted (« next »), when it is one of ours."""
    wanted = request.args.get("next") or ""
    return wanted if _LOCAL.fullmatch(wanted) else None


def dead_link(title: str, text: str, *actions: tuple[str, str]) -> ResponseReturnValue:
    """Answer a wrong, old or used link by a page that offers the next step; counted against guessing."""
    count_failed_secret()
    return refused_link(404, title, text, *actions)


def refused_link(status: int, title: str, text: str, *actions: tuple[str, str]) -> ResponseReturnValue:
    """Show why a true link does nothing any more, and the next step."""
    page = render_template(
        "errors/error.html", status=status, title=title, text=text, actions=list(actions), reference=None
    )
    return page, status
