"""One published slot: who comes, close it, open it again, cancel it."""

from __future__ import annotations

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import agenda, clock, french, links, slots
from rdv.db import transaction
from rdv.errors import RdvError, WrongTransition
from rdv.extensions import csrf
from rdv.models import Slot
from rdv.web.forms import tidy
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm

SCOPE_LABELS = {"site": "Toutes celles du lieu", "cfa": "Toutes celles du centre"}


class MessageForm(StaffForm):
    message = wtforms.TextAreaField(
        "Message aux personnes inscrites",
        [validators.Optional(), validators.Length(max=300, message="Raccourcissez\u00a0: 300 caractères au plus.")],
        filters=[tidy],
    )


@bp.get("/equipe/creneaux/<public_id>")
def slot(public_id: str) -> ResponseReturnValue:
    """Show a slot and the people booked."""
    found = slots.get_for_cfa(current_cfa().id, public_id)
    now = clock.now()
    booked = agenda.bookings([found])[found.id]
    colour, words = slot_lines.state(found, now)
    trainings = "\n".join(training.shown_title for training in found.trainings)
    return render_template(
        "staff/slot.html",
        slot=found,
        booked=booked,
        colour=colour,
        state_label=words,
        when=_when(found),
        facts=[
            ("Quand", _when(found)),
            ("Où", slot_lines.where(found)),
            ("Visioconférence", found.place_detail if found.place == "video" else None),
            ("Avec", found.adviser.shown_name),
            ("Places", f"{found.seats_taken} prises sur {found.capacity + found.extra_seats}"),
            ("Formations", SCOPE_LABELS.get(found.training_scope) or trainings),
            ("Qui peut réserver", "Tous les candidats" if found.listed else "Les personnes qui ont le lien"),
        ],
        is_coming=found.starts_at > now,
        link=links.slot(found),
    )


@bp.post("/equipe/creneaux/<public_id>")
def open_or_close_slot(public_id: str) -> ResponseReturnValue:
    """Open or close a slot to new bookings."""
    found = slots.get_for_cfa(current_cfa().id, public_id)
    action = request.form.get("action")
    if action not in ("open", "close"):
        raise RdvError
    person = current_person()
    with transaction():
        slots.set_open(found, action == "open", clock.now(), person)
    flash(
        "Créneau rouvert\u00a0: il peut de nouveau être réservé." if action == "open"
        else "Créneau fermé aux nouvelles réservations. Les personnes inscrites gardent leur place.",
        "success",
    )  # fmt: skip
    return _back(public_id)


@bp.route("/equipe/creneaux/<public_id>/annuler", methods=["GET", "POST"])
@csrf.exempt  # the form checks its token, and keeps what was typed
def cancel_slot(public_id: str) -> ResponseReturnValue:
    """Ask before, saying how many people will be told; then cancel."""
    found = slots.get_for_cfa(current_cfa().id, public_id)
    if found.status == "cancelled":
        raise WrongTransition("Ce créneau est déjà annulé.")
    form = MessageForm()
    if form.validate_on_submit():
        person = current_person()
        with transaction():
            told = slots.cancel(found, clock.now(), person, form.message.data or None)
        flash(
            f"Créneau annulé. {french.plural(told, 'personne prévenue', 'personnes prévenues')}." if told
            else "Créneau annulé. Personne n’y était inscrit.",
            "success",
        )  # fmt: skip
        return _back(public_id)
    booked = agenda.bookings([found])[found.id]
    page = render_template(
        "staff/slot_cancel.html", slot=found, form=form, booked=booked, when=_when(found),
        without_email=[one.request.person_name for one in booked if not one.request.email],
    )  # fmt: skip
    return page, 400 if form.errors else 200


def _when(found: Slot) -> str:
    zone = found.site.timezone
    day = french.day(clock.to_zone(found.starts_at, zone), year=True).capitalize()
    return f"{day}, {slot_lines.hours(found)}"


def _back(public_id: str) -> ResponseReturnValue:
    return redirect(url_for("staff.slot", public_id=public_id), 303)
