"""`/r/<code>`: the short address of a text message, which leads to the personal page."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from rdv import asker, inbox, links
from rdv.errors import LinkInvalid, NotFound
from rdv.tokens import check_short, short_object
from rdv.web.public.blueprint import bp


@bp.get("/r/<secret>")
def short(secret: str) -> ResponseReturnValue:
    """Lead to the page of whom the code was sent to; wrong codes are counted like any wrong link."""
    code = secret.lower()  # telephones like capitals
    try:
        found = inbox.get_by_public_id(short_object(code))
    except NotFound:
        raise LinkInvalid from None
    to = check_short(code, asker.contacts(found), found.link_version)
    return redirect(url_for("public.personal", token=links.personal_token(found, to)), 303)
