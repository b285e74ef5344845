"""Change a published slot or its series: typed, reviewed when somebody is booked or something is met, then done."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import changes, clock, french, inbox, meeting_types, slots
from rdv.changes import Change, Decision, Outcome, Review
from rdv.db import transaction
from rdv.errors import NotFound, RdvError, WrongTransition
from rdv.extensions import csrf
from rdv.models import Slot
from rdv.web.staff import change_lines, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.change_form import ChangeForm, MessageForm, facts_of
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.posted import session_refusal

MEANWHILE = (
    "Ce créneau a été modifié entre-temps par un collègue. Ce que vous avez saisi est conservé\u00a0: relisez, puis "
    "continuez pour le remplacer."
)
_OF_THE_REVIEW = ("csrf_token", "action", "seen", "message", "others")


@bp.route("/equipe/creneaux/<public_id>/modifier", methods=["GET", "POST"])
@csrf.exempt  # the page checks its token, and keeps what was typed
def change_slots(public_id: str) -> ResponseReturnValue:
    """Show what a slot is; posted, review the change or carry it out."""
    found, now = slots.get_for_cfa(current_cfa().id, public_id), clock.now()
    if found.status == "cancelled" or found.starts_at <= now:
        raise WrongTransition("Ce créneau est passé ou annulé\u00a0: il ne peut plus être modifié.")
    form = _form(found)
    if not form.is_submitted():
        form.begin()
        return _form_page(found, form)
    refusal = session_refusal()
    if refusal or request.form.get("action") == "edit":
        return _form_page(found, form, refusal), 400 if refusal else 200
    if not form.validate():
        return _form_page(found, form), 400
    if form.facts.data != facts_of(found):
        form.facts.data = facts_of(found)
        return _form_page(found, form, MEANWHILE), 409
    wanted = form.change()
    if wanted.is_empty:
        flash("Rien n’a été modifié.", "info")
        return _back(public_id)
    reviewed = _review(found, form, wanted)
    own = next((line.impossible for line in reviewed.lines if line.slot.id == found.id), None)
    if own:
        field = "day" if own in ("past", "too_far") else "start"
        form.refuse_field(field, changes.IMPOSSIBLE[own] + " Choisissez un autre moment.")
        return _form_page(found, form), 400
    return _decide(found, form, wanted, reviewed)


def _decide(found: Slot, form: ChangeForm, wanted: Change, reviewed: Review) -> ResponseReturnValue:
    """Carry out what was decided, at once when there is nothing to decide; else show the review."""
    message, deciding = MessageForm(), request.form.get("action") == "apply"
    if reviewed.to_decide and not deciding:
        return _review_page(found, reviewed, message, _suggested(reviewed))
    others = request.form.get("others")
    decided = change_lines.decisions(request.form, reviewed.to_decide, others if others in ("keep", "apply") else None)
    if not message.validate():
        return _review_page(found, reviewed, message, decided), 400
    seen = request.form.get("seen", "") if deciding else reviewed.seen
    scope, edited, person, now = form.chosen_scope, form.with_edited, current_person(), clock.now()
    try:
        with transaction():
            done = changes.apply(
                found, scope, wanted, decided, seen, now, person, edited=edited, message=message.message.data or None
            )
    except NotFound:
        raise
    except RdvError as refusal:
        again = _review(found, form, wanted)
        return _review_page(found, again, message, decided, refusal), refusal.status
    flash(_said(done), "success")
    return _back(found.public_id)


def _form(found: Slot) -> ChangeForm:
    cfa = current_cfa()
    form = ChangeForm()
    scopes, alone = scopes_of(found)
    form.offer(
        cfa,
        found,
        meeting_types.listed(cfa.id),
        inbox.colleagues(cfa.id),
        slots.trainings_to_offer(cfa.id),
        scopes,
        alone,
    )
    return form


def scopes_of(found: Slot) -> tuple[dict[str, str], int]:
    """Return the scopes that a slot of a series may be changed with, and how many slots of it were edited alone."""
    if found.series_id is None:
        return {}, 0
    now = clock.now()
    later, every = (len(changes.reached(found, scope, now)) for scope in ("following", "all"))
    alone = len(changes.reached(found, "all", now, edited=True)) - every
    scopes = {"one": "Ce créneau seulement"}
    if later > 1:
        scopes["following"] = f"Celui-ci et les suivants de la série ({later}\u00a0créneaux)"
    if every > later:
        scopes["all"] = f"Tous ceux à venir de la série ({every}\u00a0créneaux)"
    return (scopes if len(scopes) > 1 else {}), alone


def _review(found: Slot, form: ChangeForm, wanted: Change) -> Review:
    scope = form.chosen_scope
    reached = changes.reached(found, scope, clock.now(), form.with_edited)
    return changes.review(wanted, reached, clock.now(), found.series if scope != "one" else None)


def _suggested(reviewed: Review) -> dict[str, Decision]:
    """Tick « modifier » for the only slot of a change that meets nothing: it was asked for; several are decided one by one."""
    first = reviewed.lines[0]
    alone = len(reviewed.lines) == 1 and not first.has_conflict and not first.people_to_decide
    return {first.slot.public_id: Decision("apply")} if alone else {}


def _said(done: Outcome) -> str:
    parts = [french.plural(len(done.changed), "créneau modifié", "créneaux modifiés")] if done.changed else []
    if done.kept:
        parts.append(french.plural(len(done.kept), "laissé tel quel", "laissés tels quels"))
    if done.cancelled:
        parts.append(french.plural(len(done.cancelled), "annulé", "annulés"))
    told = f" {french.plural(done.told, 'personne prévenue', 'personnes prévenues')}." if done.told else ""
    return f"{', '.join(parts)}.{told}"


def _form_page(found: Slot, form: ChangeForm, refusal: str | None = None) -> str:
    return render_template(
        "staff/slot_change.html", slot=found, form=form, refusal=refusal, page_error=refusal is not None,
        when=change_lines.when(found), zone=french.zone_suffix(found.site.timezone).strip(" ()"),
        taken=french.plural(found.seats_taken, "place prise", "places prises"),
    )  # fmt: skip


def _review_page(
    found: Slot, reviewed: Review, message: MessageForm, decided: dict[str, Decision], refusal: RdvError | None = None
) -> str:
    reached = {line.slot.id for line in reviewed.lines}
    undecided = refusal if isinstance(refusal, changes.Undecided) else None
    lines = [
        change_lines.slot_line(line, decided.get(line.slot.public_id), clock.now(), undecided, reached)
        for line in reviewed.to_decide
    ]
    free = [line for line in reviewed.lines if not line.to_decide]
    return render_template(
        "staff/slot_review.html", slot=found, lines=lines, form=message, refusal=refusal, seen=reviewed.seen,
        page_error=refusal is not None, when=change_lines.when(found), others=request.form.get("others"),
        told=any(line.people for line in reviewed.to_decide), free_count=len(free),
        free=[f"{change_lines.when(line.slot)}, {slot_lines.state(line.slot, clock.now())[1].lower()}" for line in free],
        kept=[
            (name, value) for name, value in request.form.items(multi=True)
            if name not in _OF_THE_REVIEW and not name.startswith(("slot-", "person-"))
        ],
    )  # fmt: skip


def _back(public_id: str) -> ResponseReturnValue:
    return redirect(url_for("staff.slot", public_id=public_id), 303)
