"""What a person adds to their request: a message, or other hours to be called. Sent twice, it is added once."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from rdv import asker, clock, inbox
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, RdvError, TooManyRequests
from rdv.web.forms import PublicForm, check_button, count_post
from rdv.web.public.blueprint import bp
from rdv.web.public.forms import ReplyForm, WindowsForm
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token
from rdv.web.public.standing import standing_of

REPLY, WINDOWS = "reply", "windows"  # of the form tokens, bound to the request


@bp.get("/suivi/<token>/ecrire")
def reply(token: str) -> ResponseReturnValue:
    """Write to the centre about this request."""
    reading = open_link(token)
    return _reply_page(reading, ReplyForm()) if inbox.may_write(reading.request) else reading.back()


@bp.post("/suivi/<token>/ecrire")
def reply_now(token: str) -> ResponseReturnValue:
    """Add the message; a second click finds it there."""
    reading, form = open_link(token), ReplyForm(request.form)
    found = reading.request
    if not inbox.may_write(found):
        return reading.back()
    try:
        sent = check_button(REPLY, found.public_id)
        if not form.validate():
            return _reply_page(reading, form, status=422)
        count_post(found.cfa.public_id, _own(reading))
    except (FormExpired, FormRefused, TooManyRequests) as refusal:
        return _reply_page(reading, form, refusal)
    with transaction():
        inbox.reply(found, form.text.data, sent.submission_id, clock.now(), as_asker=reading.is_asker)
    return reading.back()


@bp.get("/suivi/<token>/moments")
def windows(token: str) -> ResponseReturnValue:
    """Choose other hours to be called."""
    reading = open_link(token)
    if not inbox.may_call(reading.request):
        return reading.back()
    return _windows_page(reading, WindowsForm(windows=reading.request.callback_windows))


@bp.post("/suivi/<token>/moments")
def windows_now(token: str) -> ResponseReturnValue:
    """Keep them; the next call is planned within them."""
    reading, form = open_link(token), WindowsForm(request.form)
    found = reading.request
    if not inbox.may_call(reading.request):
        return reading.back()
    try:
        sent = check_button(WINDOWS, found.public_id)
        if not form.validate():
            return _windows_page(reading, form, status=422)
        count_post(found.cfa.public_id, _own(reading))
    except (FormExpired, FormRefused, TooManyRequests) as refusal:
        return _windows_page(reading, form, refusal)
    with transaction():
        inbox.new_windows(found, form.windows.data, sent.submission_id, clock.now(), as_asker=reading.is_asker)
    return reading.back()


def _own(reading: Reading) -> str | None:
    """The contact whose posts are counted: the reader's own."""
    found = reading.request
    return asker.who_asks(found) if reading.is_asker else found.email or found.phone


def _reply_page(
    reading: Reading, form: ReplyForm, refusal: RdvError | None = None, status: int = 200
) -> ResponseReturnValue:
    return _page("public/reply.html", REPLY, reading, form, refusal, status)


def _windows_page(
    reading: Reading, form: WindowsForm, refusal: RdvError | None = None, status: int = 200
) -> ResponseReturnValue:
    return _page("public/windows.html", WINDOWS, reading, form, refusal, status)


def _page(
    template: str, purpose: str, reading: Reading, form: PublicForm, refusal: RdvError | None, status: int
) -> ResponseReturnValue:
    if refusal is not None:
        form.form_errors.append(refusal.message)
    fresh = request.method == "GET" or isinstance(refusal, FormExpired | FormRefused)
    page = render_template(
        template, form=form, token=reading.token, cfa=reading.request.cfa, standing=standing_of(reading, clock.now()),
        who=reading.request.first_name if reading.is_asker else None,
        form_value=form_token(purpose, reading.request.public_id, fresh),
    )  # fmt: skip
    return page, refusal.status if refusal else status
