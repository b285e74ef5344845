"""One published slot: who comes, close it, open it again, cancel it."""

from __future__ import annotations

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, changes, clock, french, links, slots, waitlist
from rdv.db import transaction
from rdv.errors import EditedMeanwhile, RdvError, WrongTransition
from rdv.extensions import csrf
from rdv.models import Booking, Slot
from rdv.web.staff import change_lines, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.change_form import MessageForm
from rdv.web.staff.change_slots import scopes_of
from rdv.web.staff.context import current_cfa, current_person

SCOPE_LABELS = {"site": "Toutes celles du lieu", "cfa": "Toutes celles du centre"}


class CancelForm(MessageForm):
    """How much of a series to cancel, and a word to those booked."""

    scope = wtforms.RadioField("Que faut-il annuler", default="one")


@bp.get("/equipe/creneaux/<public_id>")
def slot(public_id: str) -> ResponseReturnValue:
    """Show a slot and the people booked; who else comes is known to the staff alone."""
    found = slots.get_for_cfa(current_cfa().id, public_id)
    now = clock.now()
    booked = agenda.bookings([found])[found.id]
    colour, words = slot_lines.state(found, now)
    return render_template(
        "staff/slot.html",
        slot=found,
        booked=[(one, change_lines.person_notes(one)) for one in booked],
        people_label=_people(booked),
        waiting=waitlist.of_slot(found),
        colour=colour,
        state_label=words,
        when=change_lines.when(found),
        facts=_facts(found),
        is_coming=found.starts_at > now,
        is_over=found.ends_at <= now,
        link=links.slot(found),
    )


def _facts(found: Slot) -> list[tuple[str, str | None]]:
    held = found.seats_taken - sum(one.seats for one in agenda.bookings([found])[found.id])
    trainings = "\n".join(training.shown_title for training in found.trainings)
    return [
        ("Quand", change_lines.when(found)),
        ("Où", slot_lines.where(found)),
        ("Visioconférence", found.place_detail if found.place == "video" else None),
        ("Avec", found.adviser.shown_name),
        ("Places", f"{found.seats_taken} prises sur {found.capacity + found.extra_seats}"),
        ("Places proposées", f"{held}, en attente de réponse" if held else None),
        ("Programme", found.shown_programme if found.is_group else None),
        ("À apporter", found.shown_what_to_bring),
        ("Formations", SCOPE_LABELS.get(found.training_scope) or trainings),
        ("Qui peut réserver", "Tous les candidats" if found.listed else "Les personnes qui ont le lien"),
        ("Série", "Modifié à part\u00a0: les changements de la série le laissent" if found.edited_alone else None),
    ]


def _people(booked: list[Booking]) -> str:
    """« 3 personnes inscrites, 2 accompagnants »."""
    words = french.plural(len(booked), "personne inscrite", "personnes inscrites")
    guests = sum(one.guests for one in booked)
    return f"{words}, {french.plural(guests, 'accompagnant')}" if guests else words


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
    """Ask before, saying who will be told and how much of a series goes; then cancel."""
    found = slots.get_for_cfa(current_cfa().id, public_id)
    if found.status == "cancelled":
        raise WrongTransition("Ce créneau est déjà annulé.")
    form = CancelForm()
    wide = _scopes(found)
    form.scope.choices = {scope: label for scope, (label, _, _) in wide.items()}
    if not form.validate_on_submit():
        return _cancel_page(found, form, wide), 400 if form.errors else 200
    scope, person = form.scope.data, current_person()
    try:
        with transaction():
            done = changes.cancel(
                found,
                scope,
                request.form.get(f"seen-{scope}", ""),
                clock.now(),
                person,
                message=form.message.data or None,
            )
    except EditedMeanwhile as refusal:
        return _cancel_page(found, form, _scopes(found), refusal.message), refusal.status
    said = (
        french.plural(len(done.cancelled), "Créneau annulé", "créneaux annulés")
        if len(done.cancelled) > 1
        else "Créneau annulé"
    )
    told = french.plural(done.told, "personne prévenue", "personnes prévenues")
    flash(f"{said}. {told}." if done.told else f"{said}. Personne n’y était inscrit.", "success")
    return _back(public_id)


def _scopes(found: Slot) -> dict[str, tuple[str, list[Slot], str]]:
    """Return each scope with its label, the slots it cancels and what stands for them as they are now."""
    scopes, _ = scopes_of(found)
    wide = {}
    for scope, label in (scopes or {"one": "Ce créneau seulement"}).items():
        reached = [found] if scope == "one" else changes.reached(found, scope, clock.now())
        wide[scope] = (label, reached, changes.seen_of(reached, None if scope == "one" else found.series))
    return wide


def _cancel_page(
    found: Slot, form: CancelForm, wide: dict[str, tuple[str, list[Slot], str]], refusal: str | None = None
) -> str:
    every = max((reached for _, reached, _ in wide.values()), key=len)
    people = agenda.bookings(every)
    booked = [(each, people[each.id]) for each in every if people[each.id]]
    return render_template(
        "staff/slot_cancel.html", slot=found, form=form, when=change_lines.when(found), refusal=refusal,
        page_error=refusal is not None, seen={scope: seen for scope, (_, _, seen) in wide.items()},
        counts={
            scope: french.plural(sum(len(people[each.id]) for each in reached), "personne inscrite", "personnes inscrites")
            for scope, (_, reached, _) in wide.items()
        },
        booked=[(change_lines.when(each), [one.request.person_name for one in found_there]) for each, found_there in booked],
        total=sum(len(those) for _, those in booked),
        without_email=[one.request.person_name for _, those in booked for one in those if not one.request.email],
    )  # fmt: skip


def _back(public_id: str) -> ResponseReturnValue:
    return redirect(url_for("staff.slot", public_id=public_id), 303)
