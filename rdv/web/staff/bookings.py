"""One booking: move it to another slot, or cancel it with a word of explanation."""

from __future__ import annotations

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import agenda, booking, clock, french, slots
from rdv.db import transaction
from rdv.errors import NotFound, RdvError
from rdv.extensions import csrf
from rdv.models import Booking, Slot
from rdv.web.forms import tidy
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.posted import session_refusal


class MoveForm(StaffForm):
    target = wtforms.SelectField(
        "Nouveau créneau",
        [validators.Regexp("^[a-z0-9]{1,16}$", message="Choisissez un créneau.")],
        validate_choice=False,
    )


class CancelForm(StaffForm):
    message = wtforms.TextAreaField(
        "Message à la personne",
        [validators.Optional(), validators.Length(max=300, message="Raccourcissez\u00a0: 300 caractères au plus.")],
        filters=[tidy],
    )


@bp.get("/equipe/rendez-vous/<public_id>", endpoint="booking")
def show_booking(public_id: str) -> ResponseReturnValue:
    """Show a booking and where it may move."""
    found = agenda.get_booking(current_cfa().id, public_id)
    return _page(found, MoveForm(prefix="move-"), CancelForm(prefix="cancel-"))


@bp.post("/equipe/rendez-vous/<public_id>")
@csrf.exempt
def act_on_booking(public_id: str) -> ResponseReturnValue:
    """Move or cancel: the `action` of the button pressed."""
    found = agenda.get_booking(current_cfa().id, public_id)
    move, cancel = MoveForm(prefix="move-"), CancelForm(prefix="cancel-")
    action = request.form.get("action")
    if action not in ("move", "cancel"):
        raise RdvError
    changed = session_refusal()
    if changed:
        return _page(found, move, cancel, changed), 400
    form = move if action == "move" else cancel
    if not form.validate():
        return _page(found, move, cancel), 400
    try:
        done = _move(found, move.target.data) if action == "move" else _cancel(found, cancel.message.data or None)
    except NotFound:
        raise
    except RdvError as refusal:
        return _page(found, move, cancel, refusal.message), refusal.status
    flash(done, "success")
    return redirect(url_for("staff.slot", public_id=found.slot.public_id), 303)


def _move(found: Booking, target_id: str) -> str:
    target = slots.get_for_cfa(current_cfa().id, target_id)
    person, now = current_person(), clock.now()
    with transaction():
        booking.move(found, target, "staff", now, user=person)
    when = french.moment(target.starts_at, target.site.timezone)
    return f"Rendez-vous déplacé au {when}. {_told(found)}"


def _cancel(found: Booking, message: str | None) -> str:
    person = current_person()
    with transaction():
        booking.cancel(found, "staff", clock.now(), reason=message, user=person)
    return f"Rendez-vous annulé. {_told(found)}"


def _told(found: Booking) -> str:
    if found.request.email:
        return f"{found.request.person_name} reçoit un message."
    return f"{found.request.person_name} n’a pas d’adresse électronique\u00a0: appelez, la demande est dans «\u00a0À traiter\u00a0»."


def _page(found: Booking, move: MoveForm, cancel: CancelForm, refusal: str | None = None) -> str:
    now = clock.now()
    is_coming = found.slot.ends_at > now
    targets = agenda.move_targets(found, now) if found.is_live and is_coming else []
    move.target.choices = {slot.public_id: _target_label(slot) for slot in targets}
    return render_template(
        "staff/booking.html",
        found=found,
        person=found.request,
        is_coming=is_coming,
        move=move,
        cancel=cancel,
        form=move if move.errors else cancel,
        refusal=refusal,
        page_error=refusal is not None,
        when=french.moment(found.slot.starts_at, found.slot.site.timezone),
        where=slot_lines.where(found.slot),
    )


def _target_label(slot: Slot) -> str:
    day = french.day(clock.to_zone(slot.starts_at, slot.site.timezone))
    return f"{day.capitalize()}, {slot_lines.hours(slot)} – {slot.meeting_type.title}, {slot.adviser.shown_name}"
