"""« Vous venez ? » and « je serai en retard »: what is said of a meeting that is kept."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from rdv import clock, french, inbox, presence
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, RdvError, WrongTransition
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.forms import LateForm
from rdv.web.public.personal import personal_page
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token
from rdv.web.public.standing import standing_of


@bp.get("/suivi/<token>/presence", endpoint="presence")
def ask(token: str) -> ResponseReturnValue:
    """« Vous venez ? »: three answers; opening the page gives none of them."""
    reading = open_link(token)
    return _ask(reading) if reading.can_change else reading.back()


@bp.post("/suivi/<token>/presence")
def confirm(token: str) -> ResponseReturnValue:
    """Yes; once is enough."""
    reading = open_link(token)
    held = reading.held
    try:
        check_button("presence", reading.request.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _ask(reading, refusal) if reading.can_change else reading.back()
    try:
        with transaction():
            presence.confirm(held, clock.now(), as_asker=reading.is_asker)
    except WrongTransition as refusal:
        return personal_page(reading, refusal)
    return reading.back()


@bp.get("/suivi/<token>/retard")
def late(token: str) -> ResponseReturnValue:
    """How late, on the day; before, from when it can be told."""
    reading = open_link(token)
    return _late(reading, LateForm()) if _is_kept(reading) else reading.back()


@bp.post("/suivi/<token>/retard")
def late_now(token: str) -> ResponseReturnValue:
    """Tell who receives them."""
    reading = open_link(token)
    held, form = reading.held, LateForm(request.form)
    try:
        check_button("late", reading.request.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _late(reading, form, refusal) if _is_kept(reading) else reading.back()
    if not form.validate():
        return _late(reading, form, status=422)
    try:
        with transaction():
            presence.late(held, form.minutes.data or 0, clock.now(), as_asker=reading.is_asker)
    except WrongTransition as refusal:
        return personal_page(reading, refusal)
    return reading.back()


def _is_kept(reading: Reading) -> bool:
    held = reading.request.booking
    return held is not None and held.status == "booked" and held.slot.ends_at > clock.now()


def _ask(reading: Reading, refusal: RdvError | None = None) -> ResponseReturnValue:
    page = render_template(
        "public/presence.html", token=reading.token, standing=standing_of(reading, clock.now()), refusal=refusal,
        who=reading.request.first_name if reading.is_asker else None,
        form_value=form_token("presence", reading.request.public_id, fresh=True),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def _late(reading: Reading, form: LateForm, refusal: RdvError | None = None, status: int = 200) -> ResponseReturnValue:
    if refusal is not None:
        form.form_errors.append(refusal.message)
    slot, now = reading.held.slot, clock.now()
    opens_at = presence.late_opens_at(slot)
    page = render_template(
        "public/late.html", form=form, token=reading.token, standing=standing_of(reading, now),
        who=reading.request.first_name if reading.is_asker else None, phone=inbox.phone_of(reading.request),
        opens=french.moment(opens_at, slot.site.timezone) if opens_at > now else None, can_change=reading.can_change,
        choices=[(minutes, french.duration(minutes)) for minutes in presence.LATE_MINUTES],
        chosen=reading.held.late_minutes,
        form_value=form_token("late", reading.request.public_id, fresh=request.method == "GET" or refusal is not None),
    )  # fmt: skip
    return page, refusal.status if refusal else status
