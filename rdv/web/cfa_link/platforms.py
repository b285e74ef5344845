"""A centre's answer about platforms, by the link of its mail: opening it changes nothing, a button answers.

The link is enough: no account, no cookie.
"""

from __future__ import annotations

from collections.abc import Callable

import wtforms
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import clock, consents, french, links
from rdv.consents import NotPossible
from rdv.contacts import masked_email
from rdv.db import transaction
from rdv.errors import LinkInvalid, RdvError
from rdv.models import PlatformConsent
from rdv.settings import settings
from rdv.tokens import sign_form
from rdv.web.cfa_link.blueprint import bp
from rdv.web.forms import PublicForm, Required, check_button, check_post, count_failed_secret, count_post, tidy


class QuestionForm(PublicForm):
    text = wtforms.TextAreaField(
        "Votre question",
        [
            Required("Écrivez votre question avant de l’envoyer."),
            validators.Length(max=3000, message="Ce texte est trop long\u00a0: 3000 caractères au plus."),
        ],
        filters=[tidy],
    )


@bp.get("/plateformes/<token>", endpoint="platform_choice")
def choice(token: str) -> ResponseReturnValue:
    """Show what a centre may answer, and what it has answered already."""
    return _page(_opened(token), token, QuestionForm())


@bp.post("/plateformes/<token>")
def choose(token: str) -> ResponseReturnValue:
    """Accept, refuse, or send a question; refused, the page comes again as typed."""
    consent = _opened(token)
    action = request.form.get("action", "")
    form = QuestionForm(request.form if action == "question" else None)
    if action not in ACTS:
        raise RdvError
    try:
        (check_post if action == "question" else check_button)("platform", consent.public_id)
        if action == "question" and not form.validate():
            return _page(consent, token, form), 400
        count_post(consent.cfa.public_id)
        ACTS[action](consent, form)
    except NotPossible:
        # What was pressed is so already, or the other answer is: the page says which.
        return _page(consent, token, form, already=True), NotPossible.status
    except RdvError as refusal:
        return _page(consent, token, form, refusal.message), refusal.status
    return redirect(url_for("cfa_link.platform_choice", token=token, fait=action), 303)


def _accept(consent: PlatformConsent, _form: QuestionForm) -> None:
    with transaction():
        consents.accept(consents.together(consent), "link", clock.now())


def _refuse(consent: PlatformConsent, _form: QuestionForm) -> None:
    with transaction():
        consents.refuse(consents.together(consent), "link", clock.now())


def _ask(consent: PlatformConsent, form: QuestionForm) -> None:
    with transaction():
        email = consents.decision_maker(consent.cfa)
        consents.ask(consent, form.text.data or "", email or settings().support_email, clock.now())


ACTS: dict[str, Callable[[PlatformConsent, QuestionForm], None]] = {
    "accepter": _accept, "refuser": _refuse, "question": _ask,
}  # fmt: skip


def _opened(token: str) -> PlatformConsent:
    try:
        return consents.opened_by(token)
    except LinkInvalid:
        count_failed_secret()
        raise


def _page(
    consent: PlatformConsent, token: str, form: QuestionForm, refusal: str | None = None, already: bool = False
) -> str:
    about = consents.together(consent)
    opt_out = consent.platform.life_cycle == "opt_out"
    states = {each.state for each in about}
    state = "invited" if "invited" in states else "active" if "active" in states else "refused"
    opening = next((each.activates_at for each in about if each.activates_at), None)
    return render_template(
        "cfa_link/platforms.html",
        cfa=consent.cfa,
        names=french.enumeration([each.platform.name for each in about if each.state == state]),
        opt_out=opt_out,
        state=state,
        decided=french.day(clock.to_zone(consent.decided_at, clock.PARIS), year=True) if consent.decided_at else None,
        opening=french.day(clock.to_zone(opening, clock.PARIS), year=True) if opening else None,
        may_accept=state == "invited",
        may_refuse=state == "invited" or (opt_out and state == "active"),
        token=token,
        form=form,
        form_token=sign_form("platform", consent.public_id),
        refusal=refusal,
        already=already,
        done=request.args.get("fait") if not refusal and not already else None,
        address=masked_email(consents.decision_maker(consent.cfa) or ""),
        page_error=refusal is not None,
        sign_in=links.staff_platforms(),
        support=settings().support_email,
    )
