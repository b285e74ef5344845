"""One request, opened by the link of its mail: read it, answer it, say that it was dealt with.

The link is enough: no account, no cookie. Opening it changes nothing, since mail scanners open every link; what was
answered stays and is shown, a later answer is added to it.
"""

from __future__ import annotations

from collections.abc import Callable

import wtforms
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import clock, inbox, links
from rdv.contacts import masked_email
from rdv.db import transaction
from rdv.errors import EditedMeanwhile, LinkInvalid, NotFound, RdvError
from rdv.models import CandidateRequest, RequestEvent
from rdv.settings import settings
from rdv.tokens import check_link, read_link, sign_form
from rdv.web import request_lines
from rdv.web.cfa_link.blueprint import bp
from rdv.web.forms import PublicForm, Required, check_post, count_failed_secret, count_post, tidy

TOO_LONG = validators.Length(max=5000, message="Ce texte est trop long\u00a0: 5000 caractères au plus.")
SHOWN = ("created", "answer", "call", "closed", "reopened", "booked", "moved", "cancelled")  # notes are the team's own


class AnswerForm(PublicForm):
    text = wtforms.TextAreaField(
        "Votre réponse", [Required("Écrivez votre réponse avant de l’envoyer."), TOO_LONG], filters=[tidy]
    )


class CallForm(PublicForm):
    result = wtforms.RadioField(
        "Résultat de l’appel",
        [validators.InputRequired("Choisissez le résultat de l’appel.")],
        choices=inbox.CALL_RESULTS,
        invalid_choice_message="Choisissez un résultat de la liste.",
    )
    text = wtforms.TextAreaField("Ce qu’il faut retenir", [validators.Optional(), TOO_LONG], filters=[tidy])


class LinkForms:
    """The forms of the page, those not posted empty."""

    def __init__(self, action: str | None = None) -> None:
        self.answer = AnswerForm(request.form if action == "answer" else None, prefix="answer-")
        self.call = CallForm(request.form if action == "call" else None, prefix="call-")


@bp.errorhandler(LinkInvalid)
def wrong_link(error: LinkInvalid) -> ResponseReturnValue:
    """Say what to do with a link that is wrong, too old or revoked."""
    page = render_template(
        "cfa_link/invalid.html",
        support=settings().support_email,
        days=links.ANSWER_LINK_SECONDS // (24 * 3600),
        sign_in=links.sign_in(),
    )
    return page, error.status


@bp.get("/demande/<token>", endpoint="request")
def show(token: str) -> ResponseReturnValue:
    """Show a request to the address that received it."""
    return _page(_found(token), token, LinkForms())


@bp.post("/demande/<token>")
def act(token: str) -> ResponseReturnValue:
    """Do one thing: the `action` of the button pressed; refused, the page comes again as typed."""
    found = _found(token)
    action = request.form.get("action", "")
    if action not in ACTS:
        raise RdvError
    forms = LinkForms(action)
    try:
        check_post("answer", found.public_id)
        form = {"answer": forms.answer, "call": forms.call}.get(action)
        if form is not None and not form.validate():
            return _page(found, token, forms), 400
        count_post(found.cfa.public_id)
        ACTS[action](found, forms)
    except EditedMeanwhile as refusal:
        if not _is_replay(found, action, forms):
            return _page(found, token, forms, refusal.message), refusal.status
    except RdvError as refusal:
        return _page(found, token, forms, refusal.message), refusal.status
    return redirect(url_for("cfa_link.request", token=token), 303)


def _found(token: str) -> CandidateRequest:
    """Return the request of a valid link, none of a centre that was closed; wrong ones are counted, so that nobody
    tries many.

    Raises LinkInvalid, or TooManyRequests.
    """
    try:
        link = read_link("answer", token, max_age=links.ANSWER_LINK_SECONDS)
        found = inbox.get_by_public_id(link.object_id)
        check_link(link, found.recipient_email, found.link_version)
        if found.cfa.closed_at is not None:
            raise LinkInvalid
    except (LinkInvalid, NotFound):
        count_failed_secret()
        raise LinkInvalid from None
    return found


def _version() -> int:
    """The version of the page that was read; 0, which no row has, when it is missing or makes no sense."""
    version = request.form.get("version", 0, type=int)
    return version if 0 < version < 2**31 else 0


def _answer(found: CandidateRequest, forms: LinkForms) -> None:
    with transaction():
        inbox.answer(found, forms.answer.text.data or "", "cfa_link", clock.now(), version=_version())


def _call(found: CandidateRequest, forms: LinkForms) -> None:
    form = forms.call
    with transaction():
        inbox.log_call(found, form.result.data, "cfa_link", clock.now(), text=form.text.data, version=_version())


def _not_for_us(found: CandidateRequest, _forms: LinkForms) -> None:
    with transaction():
        inbox.close(found, "not_for_us", "cfa_link", clock.now(), version=_version())


ACTS: dict[str, Callable[[CandidateRequest, LinkForms], None]] = {
    "answer": _answer,
    "call": _call,
    "not_for_us": _not_for_us,
}


def _is_replay(found: CandidateRequest, action: str, forms: LinkForms) -> bool:
    """Say whether the last act is this very one, sent twice by a double click."""
    events = _shown_events(found)
    last = events[-1] if events else None
    if last is None or last.actor != "cfa_link":
        return False
    if action == "answer":
        return last.kind == "answer" and last.text == forms.answer.text.data
    if action == "call":
        same = last.data.get("result") == forms.call.result.data and last.text == (forms.call.text.data or None)
        return last.kind == "call" and same
    return last.kind == "closed"


def _shown_events(found: CandidateRequest) -> list[RequestEvent]:
    return [event for event in found.events if event.kind in SHOWN]


def _page(found: CandidateRequest, token: str, forms: LinkForms, refusal: str | None = None) -> str:
    badge = request_lines.due_badge(found, clock.now())
    cfa, recipient = found.cfa, found.recipient_email
    return render_template(
        "cfa_link/request.html",
        found=found,
        cfa=cfa,
        forms=forms,
        form=next((form for form in (forms.answer, forms.call) if form.errors), None),
        refusal=refusal,
        page_error=refusal is not None,
        to=url_for("cfa_link.request", token=token),
        form_token=sign_form("answer", found.public_id),
        warning=request_lines.contact_warning(found),
        mode_label=inbox.MODE_LABELS[found.mode],
        badge=badge,
        phone_href=f"tel:{found.phone}" if found.phone else None,
        facts=[*request_lines.person_facts(found), ("Référence", found.reference)],
        events=request_lines.thread(found, _shown_events(found)),
        is_dealt_with=found.first_answered_at is not None or found.status == "closed",
        recipient=masked_email(recipient) if recipient else None,
        activate=links.activate(cfa, recipient) if recipient and cfa.activated_at is None else None,
        sign_in=links.sign_in(),
    )
