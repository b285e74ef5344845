"""Hand over what a colleague leaves behind: coming slots, bookings and requests, in one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, french, hand_over, inbox
from rdv.changes import Line
from rdv.db import transaction
from rdv.errors import NotFound, RdvError
from rdv.extensions import csrf
from rdv.hand_over import Given, Remaining
from rdv.models import CandidateRequest, Membership, Slot, User
from rdv.web import request_lines
from rdv.web.forms import CHOOSE, Required
from rdv.web.staff import change_lines, context, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.change_form import MessageForm

LABELS = {"give": "Confier", "force": "Confier malgré tout", "leave": "Laisser", "cancel": "Annuler"}


class HandOverForm(MessageForm):
    """To whom, and a word to those booked."""

    to = wtforms.SelectField(
        "À qui", [Required("Choisissez la personne qui prend la suite.")], invalid_choice_message=CHOOSE
    )
    reopen = wtforms.BooleanField("Rouvrir aux réservations les créneaux confiés qui sont fermés")


@dataclass(frozen=True)
class SlotLine:
    """A slot at somebody's name: who is booked, what it would meet at the colleague's."""

    key: str
    title: str
    state: str
    href: str
    people: list[str]
    notes: list[str]
    choices: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class RequestLine:
    """A request at somebody's name."""

    key: str
    label: str
    checked: bool


@dataclass
class Chosen:
    """What was posted, or what the page begins with: everything goes to the colleague."""

    acts: dict[str, str]
    requests: list[str]
    free: str = "give"  # what becomes of the free slots that are not decided one by one
    alone: dict[str, str] = field(default_factory=dict)  # those that are
    met: dict[str, Line] = field(default_factory=dict)


@bp.route("/equipe/membres/<public_id>/transmettre", methods=["GET", "POST"], endpoint="hand_over")
@csrf.exempt  # the form checks its token, and keeps what was typed
def pass_on(public_id: str) -> ResponseReturnValue:
    """Show what is at somebody's name, also once they have left; posted, give it to a colleague or cancel what is free."""
    context.require_manager()
    cfa = context.current_cfa()
    membership = hand_over.person_of(cfa, public_id)
    left, form = hand_over.remaining(membership.user, cfa.id, clock.now()), HandOverForm()
    colleagues = {one.public_id: one for one in inbox.colleagues(cfa.id) if one.id != membership.user_id}
    form.to.choices = {"": "Choisir…"} | {key: one.shown_name for key, one in colleagues.items()}
    if not form.is_submitted():
        everything = Chosen({one.public_id: "give" for one in left.slots}, [one.public_id for one in left.requests])
        form.reopen.data = membership.ended_at is not None
        return _page(membership, left, form, everything)
    chosen = _posted(left, request.form)
    if not form.validate():
        return _page(membership, left, form, chosen), 400
    if not chosen.requests and set(chosen.acts.values()) <= {"leave"}:
        return _page(membership, left, form, chosen, "Choisissez au moins un créneau ou une demande."), 400
    return _give(membership, colleagues[form.to.data], form, chosen)


def _give(membership: Membership, to: User, form: HandOverForm, chosen: Chosen) -> ResponseReturnValue:
    cfa, by, now = context.current_cfa(), context.current_person(), clock.now()
    person = membership.user
    try:
        with transaction():
            done = hand_over.hand_over(
                person, to, cfa, chosen.acts, chosen.requests, request.form.get("seen", ""), now, by,
                reopen=form.reopen.data, message=form.message.data or None,
            )  # fmt: skip
    except NotFound:
        raise
    except RdvError as refusal:
        left = hand_over.remaining(person, cfa.id, now)
        given = [one for one in left.slots if chosen.acts.get(one.public_id) in ("give", "force")]
        reviewed = hand_over.review(given, to, now)
        chosen.met = {line.slot.public_id: line for line in reviewed.lines if line.has_conflict}
        return _page(membership, left, form, chosen, refusal.message), refusal.status
    flash(_said(done, to), "success")
    if hand_over.remaining(person, cfa.id, now).is_empty:
        return redirect(url_for("staff.team"), 303)
    return redirect(url_for("staff.hand_over", public_id=person.public_id), 303)


def _posted(left: Remaining, posted: Mapping[str, str]) -> Chosen:
    free = posted.get("free", "leave")
    free = free if free in hand_over.ACTS else "leave"
    asked = {one.public_id: posted.get(f"slot-{one.public_id}", "leave") for one in left.slots}
    alone = {key: act for key, act in asked.items() if act in hand_over.ACTS}
    # Left as the others: it was free when the page was shown.
    acts = {key: alone.get(key, free if act == "" else "leave") for key, act in asked.items()}
    wanted = request.form.getlist("requests")
    return Chosen(acts, [one.public_id for one in left.requests if one.public_id in wanted], free, alone)


def _said(done: Given, to: User) -> str:
    parts = []
    if done.slots:
        parts.append(french.plural(done.slots, "créneau", "créneaux"))
    if done.requests:
        parts.append(french.plural(done.requests, "demande"))
    said = f"{' et '.join(parts)} à {to.shown_name}\u00a0: c’est fait." if parts else ""
    if done.cancelled:
        said += f" {french.plural(done.cancelled, 'créneau annulé', 'créneaux annulés')}."
    if done.told:
        said += f" {french.plural(done.told, 'personne prévenue', 'personnes prévenues')}."
    return said.strip()


def _page(
    membership: Membership, left: Remaining, form: HandOverForm, chosen: Chosen, refusal: str | None = None
) -> str:
    booked = sum(len(found) for found in left.booked.values())
    return render_template(
        "staff/hand_over.html",
        person=membership.user,
        left=left,
        form=form,
        refusal=refusal,
        page_error=refusal is not None,
        seen=left.seen,
        booked_label=french.plural(booked, "personne inscrite", "personnes inscrites") if booked else None,
        lines=[_slot_line(one, left, chosen) for one in left.slots if _stands_out(one, left, chosen)],
        free=[_slot_line(one, left, chosen) for one in left.slots if not _stands_out(one, left, chosen)],
        free_choices=[(act, LABELS[act]) for act in ("give", "leave", "cancel")],
        free_chosen=chosen.free,
        requests=[RequestLine(one.public_id, _request(one), one.public_id in chosen.requests) for one in left.requests],
    )


def _stands_out(slot: Slot, left: Remaining, chosen: Chosen) -> bool:
    """Say whether a slot is decided by itself: somebody is booked, or it meets something at the colleague's."""
    return bool(left.booked[slot.id]) or slot.public_id in chosen.met


def _slot_line(slot: Slot, left: Remaining, chosen: Chosen) -> SlotLine:
    met = chosen.met.get(slot.public_id)
    booked = left.booked[slot.id]
    acts = [(act, LABELS[act]) for act in ("force" if met else "give", "leave", *([] if booked else ["cancel"]))]
    wanted = chosen.acts.get(slot.public_id, "leave")
    if met and wanted == "give":
        acts, wanted = [("", "Choisir…"), *acts], ""
    elif not _stands_out(slot, left, chosen):
        acts, wanted = [("", "Comme les autres"), *acts], chosen.alone.get(slot.public_id, "")
    return SlotLine(
        key=slot.public_id,
        title=f"{change_lines.when(slot)} – {slot.shown_title}",
        state=slot_lines.state(slot, clock.now())[1],
        href=url_for("staff.slot", public_id=slot.public_id),
        people=[", ".join([one.request.person_name, *change_lines.person_notes(one)]) for one in booked],
        notes=change_lines.conflicts(met) if met else [],
        choices=acts,
        chosen=wanted,
    )


def _request(one: CandidateRequest) -> str:
    """« Lina Martin – à rappeler, En retard de 2 h »."""
    due = request_lines.due_badge(one, clock.now())
    said = inbox.MODE_LABELS[one.mode].lower() + (f", {due.label[:1].lower()}{due.label[1:]}" if due else "")
    return f"{one.person_name} – {said}"


def label_of(user: User, cfa_id: int) -> str | None:
    """« 12 créneaux à venir et 3 demandes » at somebody's name, None when there is nothing."""
    left = hand_over.remaining(user, cfa_id, clock.now())
    parts = []
    if left.slots:
        parts.append(french.plural(len(left.slots), "créneau à venir", "créneaux à venir"))
    if left.requests:
        parts.append(french.plural(len(left.requests), "demande à suivre", "demandes à suivre"))
    return " et ".join(parts) or None
