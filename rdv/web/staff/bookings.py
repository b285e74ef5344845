"""One booking: who came, move it anywhere in the centre, change how many come along, cancel it."""

from __future__ import annotations

from collections.abc import Sequence

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import agenda, attendance, booking, booking_for, clock, french, notices, slots
from rdv.db import transaction
from rdv.errors import NotFound, RdvError
from rdv.extensions import csrf
from rdv.models import Booking, Slot
from rdv.web import request_lines
from rdv.web.forms import tidy
from rdv.web.staff import day_lines, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.book_for_forms import GuestsForm
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.posted import session_refusal

# What happened to the meeting itself, of all the thread of its request.
OF_THE_MEETING = ("booked", "moved", "cancelled", "attendance", "presence", "late", "slot_changed")
_TOO_LONG = validators.Length(max=300, message="Raccourcissez\u00a0: 300 caractères au plus.")


class MoveForm(StaffForm):
    target = wtforms.SelectField(
        "Nouveau créneau",
        [validators.Regexp("^[a-z0-9]{1,16}$", message="Choisissez un créneau.")],
        validate_choice=False,
    )
    message = wtforms.TextAreaField("Un mot pour la personne", [validators.Optional(), _TOO_LONG], filters=[tidy])
    tell = wtforms.BooleanField("Prévenir la personne", default=True)


class CancelForm(StaffForm):
    message = wtforms.TextAreaField("Message à la personne", [validators.Optional(), _TOO_LONG], filters=[tidy])
    tell = wtforms.BooleanField("Prévenir la personne", default=True)


class Forms:
    """The forms of a booking's page; each has its own prefix, since they share names."""

    def __init__(self, found: Booking) -> None:
        self.move = MoveForm(prefix="move-")
        self.cancel = CancelForm(prefix="cancel-")
        self.guests = GuestsForm(prefix="guests-", data={"guests": found.guests})
        self.guests.offer(found.slot)

    def wrong(self) -> StaffForm:
        """Return the form that has errors; the last one when none has."""
        return next((form for form in (self.move, self.guests) if form.errors), self.cancel)


@bp.get("/equipe/rendez-vous/<public_id>", endpoint="booking")
def show_booking(public_id: str) -> ResponseReturnValue:
    """Show a booking, what happened to it and where it may move; `vers` names a slot chosen elsewhere."""
    found = agenda.get_booking(current_cfa().id, public_id)
    forms = Forms(found)
    chosen = request.args.get("vers")
    if chosen:
        forms.move.target.data = slots.get_for_cfa(current_cfa().id, chosen).public_id
    return _page(found, forms)


@bp.post("/equipe/rendez-vous/<public_id>")
@csrf.exempt
def act_on_booking(public_id: str) -> ResponseReturnValue:
    """Move, cancel or change who comes along: the `action` of the button pressed; refused, the page comes again as typed."""
    found = agenda.get_booking(current_cfa().id, public_id)
    forms, act = Forms(found), ACTS.get(request.form.get("action", ""))
    if act is None:
        raise RdvError
    changed = session_refusal()
    if changed:
        return _page(found, forms, changed), 400
    try:
        done = act(found, forms)
    except booking_for.Unread as unread:
        return _page(found, forms, unread.message, unread.hindrances), unread.status
    except NotFound:
        raise
    except RdvError as refusal:
        return _page(found, forms, refusal.message), refusal.status
    if done is None:
        return _page(found, forms), 400
    flash(done, "success")
    return redirect(url_for("staff.booking", public_id=public_id), 303)


def _move(found: Booking, forms: Forms) -> str | None:
    form, person = forms.move, current_person()
    if not form.validate():
        return None
    target = slots.get_for_cfa(current_cfa().id, form.target.data)
    with transaction():
        booking_for.move(
            found, target, clock.now(), person, message=form.message.data or None, tell=form.tell.data, accepted=_read()
        )
    when = french.moment(target.starts_at, target.site.timezone)
    return f"Rendez-vous déplacé au {when}. {_told(found, form.tell.data)}"


def _cancel(found: Booking, forms: Forms) -> str | None:
    form, person = forms.cancel, current_person()
    if not form.validate():
        return None
    with transaction():
        booking.cancel(
            found, "staff", clock.now(), reason=form.message.data or None, user=person, tell=form.tell.data
        )  # fmt: skip
    return f"Rendez-vous annulé. {_told(found, form.tell.data)}"


def _guests(found: Booking, forms: Forms) -> str | None:
    form, person = forms.guests, current_person()
    if not form.validate():
        return None
    with transaction():
        booking_for.change_guests(found, form.guests.data, clock.now(), person, accepted=_read())
    return "Nombre d’accompagnants enregistré."


ACTS = {"move": _move, "cancel": _cancel, "guests": _guests}


def _read() -> list[str]:
    """Return the marks of the warnings that were ticked."""
    return request.form.getlist("accepted")


def _told(found: Booking, tell: bool) -> str:
    name = found.request.person_name
    if not tell:
        return f"Rien n’est envoyé à {name}\u00a0: dites-le-lui."
    if notices.reachable(found.request):
        return f"{name} reçoit un message."
    return f"{name} n’a ni adresse électronique ni mobile\u00a0: appelez, la demande est dans «\u00a0À traiter\u00a0»."


def _page(
    found: Booking,
    forms: Forms,
    refusal: str | None = None,
    hindrances: Sequence[booking_for.Hindrance] | None = None,
) -> str:
    now, slot = clock.now(), found.slot
    can_move = found.status == attendance.UNKNOWN and slot.ends_at > now
    chosen = _offer_targets(found, forms.move) if can_move else None
    if hindrances is None:
        hindrances = _hindrances(found, chosen)
    return render_template(
        "staff/booking.html",
        found=found,
        person=found.request,
        line=day_lines.meetings([slot], {slot.id: [found]}, now)[0],
        can_move=can_move,
        is_over=slot.ends_at <= now,
        forms=forms,
        form=forms.wrong(),
        hindrances=hindrances,
        for_guests=any(each.mark == "full" for each in hindrances) and request.form.get("action") == "guests",
        accepted=_read(),
        reachable=notices.reachable(found.request),
        outcomes=attendance.OUTCOMES,
        history=request_lines.thread(
            found.request, [each for each in found.request.events if each.kind in OF_THE_MEETING]
        ),
        refusal=refusal,
        page_error=refusal is not None,
        when=french.moment(slot.starts_at, slot.site.timezone),
        where=slot_lines.where(slot),
    )


def _hindrances(found: Booking, chosen: Slot | None) -> Sequence[booking_for.Hindrance]:
    if chosen is None or chosen.id == found.slot_id:
        return []
    wanted = 1 + (found.guests if chosen.meeting_type.guests_counted else 0)
    return booking_for.against(chosen, found.request, clock.now(), wanted=wanted, moving=found)


def _offer_targets(found: Booking, form: MoveForm) -> Slot | None:
    """Fill the list with the free slots, and the one chosen elsewhere, which is returned."""
    targets = agenda.move_targets(found, clock.now())
    chosen = next((slot for slot in targets if slot.public_id == form.target.data), None)
    if form.target.data and chosen is None and not form.target.errors:
        try:
            chosen = slots.get_for_cfa(found.cfa_id, form.target.data)
        except NotFound:
            chosen = None
        if chosen is not None and chosen.ends_at > clock.now() and chosen.status != "cancelled":
            targets = [chosen, *targets]
    # Nothing is chosen beforehand: a click too many moves nobody.
    form.target.choices = {slot.public_id: _target_label(slot) for slot in targets}
    if targets and chosen is None:
        form.target.choices = {"": "Choisissez un créneau"} | form.target.choices
    return chosen


def _target_label(slot: Slot) -> str:
    day = french.day(clock.to_zone(slot.starts_at, slot.site.timezone))
    full = ", complet" if slot.seats_taken >= slot.capacity else ""
    return f"{day.capitalize()}, {slot_lines.hours(slot)} – {slot.shown_title}, {slot.adviser.shown_name}{full}"
