"""« Renvoyer mon lien »: the same answer whether the address is known or not."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, personal_links
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, RdvError, TooManyRequests
from rdv.web.forms import check_post, count_post
from rdv.web.public.blueprint import bp
from rdv.web.public.forms import ResendForm
from rdv.web.public.sending import form_token

PURPOSE, OBJECT = "resend", "link"


@bp.get("/renvoyer-mon-lien")
def resend() -> ResponseReturnValue:
    """Ask for the address, or say that it was done."""
    return _page(ResendForm(), done="envoye" in request.args)


@bp.post("/renvoyer-mon-lien")
def resend_now() -> ResponseReturnValue:
    """Mail the links of this address again, and say nothing of what is known."""
    form = ResendForm(request.form)
    try:
        check_post(PURPOSE, OBJECT)
        if not form.validate():
            return _page(form, status=422)
        count_post(None, form.email.normalised)
    except (FormExpired, FormRefused, TooManyRequests) as refusal:
        return _page(form, refusal)
    with transaction():
        personal_links.send_to_address(form.email.normalised or "", clock.now())
    return redirect(url_for("public.resend", envoye="oui"), 303)


def _page(
    form: ResendForm, refusal: RdvError | None = None, status: int = 200, done: bool = False
) -> ResponseReturnValue:
    if refusal is not None:
        form.form_errors.append(refusal.message)
    fresh = request.method == "GET" or isinstance(refusal, FormExpired | FormRefused)
    page = render_template("public/resend.html", form=form, done=done, token=form_token(PURPOSE, OBJECT, fresh))
    return page, refusal.status if refusal else status
