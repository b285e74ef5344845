"""One request, opened by the link of a mail to its CFA: read it, say what was done, answer it.

The link is enough: no account, no cookie. Opening it changes nothing, since mail scanners open every link; what was
answered stays and is shown, a later answer is added to it.
"""

from __future__ import annotations

from collections.abc import Callable

import wtforms
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import clock, erasure, french, inbox, links, mail_links, outcomes
from rdv.contacts import masked_email
from rdv.db import transaction
from rdv.errors import EditedMeanwhile, LinkInvalid, RdvError, RequestErased, WrongTransition
from rdv.mail_links import Opened
from rdv.models import CandidateRequest, RequestEvent
from rdv.settings import settings
from rdv.tokens import sign_form
from rdv.web import outcome_form, request_lines
from rdv.web.cfa_link.blueprint import bp
from rdv.web.forms import PublicForm, Required, check_button, check_post, count_failed_secret, count_post, tidy
from rdv.web.outcome_form import OutcomeFields

TOO_LONG = validators.Length(max=5000, message="Ce texte est trop long\u00a0: 5000 caractères au plus.")
SHOWN = (  # notes are the team's own
    "created", "answer", "answered_elsewhere", "call", "closed", "reopened", "booked", "moved", "cancelled",
    "candidate_note", "windows", "redirect_asked", "redirected",
)  # fmt: skip
ANSWERS = ("answer", "answered_elsewhere", "call", "closed", "booked", "redirected", "contact_check")
OVER = "Cette demande est terminée\u00a0: rien n’a été changé. Pour la reprendre, connectez-vous à votre espace."


class AnswerForm(PublicForm):
    text = wtforms.TextAreaField(
        "Votre réponse", [Required("Écrivez votre réponse avant de l’envoyer."), TOO_LONG], filters=[tidy]
    )


class OutcomeForm(OutcomeFields, PublicForm):
    """What was done."""


class LinkForms:
    """The forms of the page, those not posted empty; `chosen`: the outcome of the mail's link."""

    def __init__(self, found: CandidateRequest, action: str | None = None, chosen: str | None = None) -> None:
        self.answer = AnswerForm(request.form if action == "answer" else None, prefix="answer-")
        self.outcome = OutcomeForm(request.form if action == "outcome" else None)
        self.outcome.prepare(found, clock.now(), chosen)
        self.chosen = chosen if chosen in outcomes.offered(found) else None


@bp.errorhandler(LinkInvalid)
def wrong_link(error: LinkInvalid) -> ResponseReturnValue:
    """Say what to do with a link that is wrong, too old or revoked; a fresh one goes to the same address only."""
    if request.endpoint in ("cfa_link.platform_choice", "cfa_link.choose"):
        about = {"days": settings().platform_link_days, "sign_in": links.staff_platforms(), "about_platforms": True}
        return render_template("cfa_link/invalid.html", support=settings().support_email, **about), error.status
    return _wrong(str((request.view_args or {}).get("token", ""))), error.status


@bp.errorhandler(RequestErased)
def erased(error: RequestErased) -> ResponseReturnValue:
    """Say that there is nobody to answer any more."""
    found = error.request
    asked = isinstance(found, CandidateRequest) and erasure.was_asked(found)
    return render_template("cfa_link/erased.html", asked=asked), error.status


def _wrong(token: str, sent: bool = False, refusal: str | None = None) -> str:
    opened = mail_links.sendable(token)
    return render_template(
        "cfa_link/invalid.html",
        support=settings().support_email,
        days=links.ANSWER_LINK_SECONDS // (24 * 3600),
        sign_in=links.sign_in(),
        again=url_for("cfa_link.send_again", token=token) if opened and not sent else None,
        form_token=sign_form("answer_again", opened.request.public_id) if opened else None,
        address=masked_email(opened.email) if opened else None,
        sent=sent,
        refusal=refusal,
    )


@bp.post("/demande/<token>/renvoyer")
def send_again(token: str) -> ResponseReturnValue:
    """Send a fresh link to the address that the old one was made for, and to no other."""
    opened = mail_links.sendable(token)
    if opened is None:
        count_failed_secret()
        raise LinkInvalid
    try:
        check_button("answer_again", opened.request.public_id)
        count_post(opened.request.cfa.public_id, opened.email)
    except RdvError as refusal:
        return _wrong(token, refusal=refusal.message), refusal.status
    with transaction():
        mail_links.send_again(opened, clock.now())
    return _wrong(token, sent=True)


@bp.get("/demande/<token>", endpoint="request")
def show(token: str) -> ResponseReturnValue:
    """Show a request to the address that received it; `resultat` chooses what was done, and writes nothing."""
    opened = _opened(token)
    return _page(opened, token, LinkForms(opened.request, chosen=request.args.get("resultat")))


@bp.post("/demande/<token>")
def act(token: str) -> ResponseReturnValue:
    """Do one thing: the `action` of the button pressed; refused, the page comes again as typed."""
    opened = _opened(token)
    found, action = opened.request, request.form.get("action", "")
    if action not in ACTS:
        raise RdvError
    forms = LinkForms(found, action, request.args.get("resultat"))
    try:
        # Two taps between two calls: only what is typed needs a moment.
        (check_post if action == "answer" else check_button)("answer", found.public_id)
        form = {"answer": forms.answer, "outcome": forms.outcome}[action]
        # What was posted may be done already, by this very page or by a colleague's: said before the form's own errors.
        if found.version != _version() and _is_replay(opened, action, forms):
            return _noted(token)
        if not form.validate():
            if not outcomes.offered(found) and action == "outcome":
                raise EditedMeanwhile
            return _page(opened, token, forms), 400
        count_post(found.cfa.public_id)
        ACTS[action](opened, forms)
    except EditedMeanwhile as refusal:
        if not _is_replay(opened, action, forms):
            return _page(opened, token, forms, refusal.message), refusal.status
    except RdvError as refusal:
        return _page(opened, token, forms, refusal.message), refusal.status
    return _noted(token)


def _noted(token: str) -> ResponseReturnValue:
    return redirect(url_for("cfa_link.request", token=token, note="oui"), 303)


def _opened(token: str) -> Opened:
    """Return what a valid link opens; wrong ones are counted, so that nobody tries many.

    Raises LinkInvalid, or TooManyRequests.
    """
    try:
        return mail_links.open_link(token)
    except LinkInvalid:
        if mail_links.sendable(token) is None:  # one of ours that is too old is no attempt
            count_failed_secret()
        raise


def _version() -> int:
    """The version of the page that was read; 0, which no row has, when it is missing or makes no sense."""
    version = request.form.get("version", 0, type=int)
    return version if 0 < version < 2**31 else 0


def _answer(opened: Opened, forms: LinkForms) -> None:
    found, text = opened.request, forms.answer.text.data or ""
    with transaction():
        if found.status == "closed":
            raise WrongTransition(OVER)
        inbox.answer(found, text, "cfa_link", clock.now(), user=opened.user, version=_version())


def _outcome(opened: Opened, forms: LinkForms) -> None:
    form = forms.outcome
    with transaction():
        outcomes.record(
            opened.request, form.outcome.data, "cfa_link", clock.now(), user=opened.user, text=form.text.data,
            next_at=form.next_at, version=_version(),
        )  # fmt: skip


ACTS: dict[str, Callable[[Opened, LinkForms], None]] = {"answer": _answer, "outcome": _outcome}


def _is_replay(opened: Opened, action: str, forms: LinkForms) -> bool:
    """Say whether the last act is this very one, sent twice by a double click."""
    events = _shown_events(opened.request)
    last = events[-1] if events else None
    author = opened.user.id if opened.user else None
    if last is None or last.actor != "cfa_link" or last.user_id != author:
        return False
    if action == "answer":
        return last.kind == "answer" and last.text == forms.answer.text.data
    form = forms.outcome
    return outcomes.is_of(last, request.form.get("outcome", "")) and last.text == (form.text.data or None)


def _shown_events(found: CandidateRequest) -> list[RequestEvent]:
    undone = inbox.state.undone_ids(found.events)
    return [event for event in found.events if event.kind in SHOWN and event.id not in undone]


def _last_answer(events: list[RequestEvent]) -> RequestEvent | None:
    """Return the event that answered a request, or ended it."""
    answers = (each for each in reversed(events) if each.kind in ANSWERS)
    return next((each for each in answers if each.kind != "call" or each.data.get("result") == "reached"), None)


def _page(opened: Opened, token: str, forms: LinkForms, refusal: str | None = None) -> str:
    found, now = opened.request, clock.now()
    badge = request_lines.due_badge(found, now)
    cfa, shown = found.cfa, _shown_events(found)
    offered = bool(outcomes.offered(found))
    answered = _last_answer(shown) if not offered else None
    zone = request_lines.zone_of(found)
    without_account = opened.user is None and cfa.activated_at is None
    # What was done, said too late: no form is left to correct, what was typed is shown to be copied.
    unsaved = answered is not None and request.method == "POST" and request.form.get("action") == "outcome"
    return render_template(
        "cfa_link/request.html",
        found=found,
        cfa=cfa,
        forms=forms,
        form=next((form for form in (forms.outcome, forms.answer) if form.errors), None) if not unsaved else None,
        refusal=refusal if not unsaved else None,
        unsaved=unsaved,
        unsaved_text=forms.outcome.text.data if unsaved else None,
        page_error=refusal is not None,
        to=url_for("cfa_link.request", token=token, resultat=forms.chosen),
        every=url_for("cfa_link.request", token=token),
        form_token=sign_form("answer", found.public_id),
        warning=request_lines.contact_warning(found),
        mode_label=inbox.MODE_LABELS[found.mode],
        badge=badge,
        about=request_lines.about(found),
        phone_href=f"tel:{found.phone}" if found.phone else None,
        facts=[*request_lines.person_facts(found), ("Référence", found.reference)],
        events=request_lines.thread(found, shown),
        noted="note" in request.args and not refusal,
        offered=offered,
        chosen=outcomes.OUTCOMES[forms.chosen] if forms.chosen else None,
        words=outcome_form.words(found, now),
        answered=request_lines.thread(found, [answered])[0] if answered else None,
        too_late="resultat" in request.args and not offered and request.method == "GET",
        planned=french.moment(found.next_attempt_at, zone) if found.next_attempt_at else None,
        recipient=masked_email(opened.email),
        member=opened.user,
        activate=links.activate(cfa, opened.email) if without_account else None,
        sign_in=links.sign_in(),
    )
