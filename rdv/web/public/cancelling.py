"""Give a seat back: each button cancels at once, and may say why."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from rdv import booking, clock
from rdv.candidate import CANCEL_BUTTONS, CANCEL_WORDS
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, RdvError, WrongTransition
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.forms import CancelForm
from rdv.web.public.personal import personal_page
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token
from rdv.web.public.standing import standing_of


@bp.get("/suivi/<token>/annuler")
def cancel(token: str) -> ResponseReturnValue:
    """Ask why, before a seat is given back."""
    reading = open_link(token)
    return _page(reading, CancelForm()) if reading.can_change else reading.back()


@bp.post("/suivi/<token>/annuler")
def cancel_now(token: str) -> ResponseReturnValue:
    """Give the seat back."""
    reading = open_link(token)
    held, form = reading.held, CancelForm(request.form)
    try:
        check_button("cancel", reading.request.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _page(reading, form, refusal) if reading.can_change else reading.back()
    if not form.validate():
        return _page(reading, form, status=422)
    try:
        with transaction():
            booking.cancel(
                held, "candidate", clock.now(), reason=form.text.data or None, choice=form.choice.data or None,
                as_asker=reading.is_asker,
            )  # fmt: skip
    except WrongTransition as refusal:
        if held.status != "cancelled":  # a second click finds it done
            return personal_page(reading, refusal)
    return reading.back()


def _page(
    reading: Reading, form: CancelForm, refusal: RdvError | None = None, status: int = 200
) -> ResponseReturnValue:
    if refusal is not None:
        form.form_errors.append(refusal.message)
    fresh = request.method == "GET" or refusal is not None
    page = render_template(
        "public/cancel.html", form=form, token=reading.token, standing=standing_of(reading, clock.now()),
        form_value=form_token("cancel", reading.request.public_id, fresh),
        choices=CANCEL_WORDS if reading.is_asker else CANCEL_BUTTONS,
    )  # fmt: skip
    return page, refusal.status if refusal else status
