"""Ask to be called back, or write: to a training's CFA, or to a CFA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import asker, clock, inbox, modes
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, ModeClosed, RdvError, RequestReplayed, TooManyRequests
from rdv.models import Cfa, Training
from rdv.web.candidate_forms import CallbackForm, CandidateForm, MessageForm
from rdv.web.day_limit import count_request
from rdv.web.forms import check_post, count_post, submission
from rdv.web.public import frame
from rdv.web.public.blueprint import bp
from rdv.web.public.origin import carried, platform, source
from rdv.web.public.pages import closed_notice, open_cfa, open_training, promised, way_out
from rdv.web.public.sending import earlier_result, form_token, personal_page

FORMS: dict[str, type[CandidateForm]] = {"callback": CallbackForm, "message": MessageForm}


@dataclass(frozen=True)
class Target:
    """Whom the candidate asks: a CFA, about one training or not."""

    cfa: Cfa
    training: Training | None

    @property
    def public_id(self) -> str:
        """What the form token is bound to."""
        return self.training.public_id if self.training else self.cfa.public_id

    @property
    def page(self) -> str:
        """The address of its page."""
        endpoint = "public.training" if self.training else "public.cfa"
        return url_for(endpoint, public_id=self.public_id, **carried())

    @property
    def done(self) -> str:
        """The address of the page that tells who asks again that it was sent."""
        whom: dict[str, Any] = {"training_id" if self.training else "cfa_id": self.public_id}
        return url_for("public.asked_again", **whom, **carried())


@bp.route("/formation/<training_id>/etre-rappele", methods=["GET", "POST"])
@bp.route("/cfa/<cfa_id>/etre-rappele", methods=["GET", "POST"])
def callback(training_id: str | None = None, cfa_id: str | None = None) -> ResponseReturnValue:
    """Ask to be called back."""
    return _view("callback", _target(training_id, cfa_id))


@bp.route("/formation/<training_id>/ecrire", methods=["GET", "POST"])
@bp.route("/cfa/<cfa_id>/ecrire", methods=["GET", "POST"])
def message(training_id: str | None = None, cfa_id: str | None = None) -> ResponseReturnValue:
    """Write to the centre."""
    return _view("message", _target(training_id, cfa_id))


def _target(training_id: str | None, cfa_id: str | None) -> Target:
    if training_id is not None:
        training = open_training(training_id)
        return Target(training.cfa, training)
    return Target(open_cfa(cfa_id or ""), None)


def _view(mode: str, target: Target) -> ResponseReturnValue:
    if not modes.is_open(mode, target.cfa, inbox.main_site(target.cfa, target.training), target.training):
        return _closed(target)
    if request.method == "GET":
        return _page(mode, target, FORMS[mode]())
    return _send(mode, target, FORMS[mode](request.form))


def _send(mode: str, target: Target, form: CandidateForm) -> ResponseReturnValue:
    try:
        token = check_post(mode, target.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _page(mode, target, form, refusal)
    if not form.validate():
        return _page(mode, target, form, status=422)
    sent, candidate = submission(token), form.candidate(platform(), source())
    windows = list(form.windows.data or []) if isinstance(form, CallbackForm) else None
    try:
        count_post(target.cfa.public_id, *asker.contacts(candidate))
        earlier = earlier_result(sent, frame.done("envoye"))
        if earlier is not None:  # a second click is no second request
            return earlier
        count_request(candidate, target.cfa, inbox.main_site(target.cfa, target.training), clock.now())
        try:
            with transaction():
                made = inbox.open_or_add(
                    mode, target.cfa, candidate, sent, clock.now(), training=target.training, callback_windows=windows
                )
        except RequestReplayed:  # at this very instant
            earlier = earlier_result(sent, frame.done("envoye"))
            if earlier is not None:
                return earlier
            raise
    except (RequestReplayed, TooManyRequests) as refusal:
        return _page(mode, target, form, refusal)
    except ModeClosed:  # meanwhile
        return _closed(target)
    if made is None:
        return redirect(target.done, 303)
    return personal_page(made, frame.done("envoye"))


@bp.get("/formation/<training_id>/demande-envoyee")
@bp.get("/cfa/<cfa_id>/demande-envoyee")
def asked_again(training_id: str | None = None, cfa_id: str | None = None) -> ResponseReturnValue:
    """Say that it was sent, to whoever opens this page: it knows of no request."""
    target = _target(training_id, cfa_id)
    return render_template("public/asked_again.html", training=target.training, back=target.page)


def _page(
    mode: str, target: Target, form: CandidateForm, refusal: RdvError | None = None, status: int = 200
) -> ResponseReturnValue:
    if refusal is not None:
        form.problem(refusal.message)
    fresh = request.method == "GET" or isinstance(refusal, FormExpired | FormRefused | RequestReplayed)
    now = clock.now()
    page = render_template(
        f"public/{mode}.html", cfa=target.cfa, training=target.training, form=form, back=target.page,
        token=form_token(mode, target.public_id, fresh), promise=promised(target.cfa, target.training, now),
        closed=closed_notice(target.cfa, target.training, now),
        action=url_for(request.endpoint or "", **(request.view_args or {}), **carried()),
    )  # fmt: skip
    return page, refusal.status if refusal else status


def _closed(target: Target) -> ResponseReturnValue:
    """Offer what is open where this mode is not."""
    return way_out(
        "Ce moyen de contact n’est pas ouvert ici",
        f"{ModeClosed.message} La page du centre montre ce qui est possible.",
        [("Voir ce que propose le centre", target.page)],
        ModeClosed.status,
    )
