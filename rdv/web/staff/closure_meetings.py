"""The people who have a meeting during a closure: kept, cancelled or moved, until nobody is left."""

from __future__ import annotations

from collections.abc import Sequence

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import clock, closing, closures, french
from rdv.db import transaction
from rdv.errors import RdvError
from rdv.extensions import csrf
from rdv.models import Booking, Closure
from rdv.web.forms import MultiCheckbox, tidy
from rdv.web.staff import closure_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_membership, current_person
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.posted import session_refusal

CHOOSE = "Cochez au moins une personne."


class DecisionForm(StaffForm):
    meetings = MultiCheckbox("Personnes", [validators.DataRequired(CHOOSE)], validate_choice=False)
    message = wtforms.TextAreaField(
        "Message aux personnes dont vous annulez le rendez-vous",
        [validators.Optional(), validators.Length(max=300, message="Raccourcissez\u00a0: 300 caractères au plus.")],
        filters=[tidy],
    )


@bp.get("/equipe/fermetures/<public_id>/rendez-vous")
def closure_meetings(public_id: str) -> ResponseReturnValue:
    """Show who is still to be decided on."""
    found = _closure(public_id)
    return _page(found, DecisionForm())


@bp.post("/equipe/fermetures/<public_id>/rendez-vous")
@csrf.exempt
def decide_on_meetings(public_id: str) -> ResponseReturnValue:
    """Keep or cancel the meetings ticked: the `action` of the button pressed. Moving one is done on its own page."""
    found = _closure(public_id)
    form = DecisionForm()
    action = request.form.get("action")
    if action not in ("keep", "cancel"):
        raise RdvError
    changed = session_refusal()
    if changed:
        form.form_errors.append(changed)
        return _page(found, form), 400
    if not form.validate():
        return _page(found, form), 400
    # Decided on meanwhile by a colleague, or by the candidate: nothing left to do for those.
    wanted = set(form.meetings.data or ())
    chosen = [one for one in closures.to_decide(found, clock.now()) if one.public_id in wanted]
    try:
        done = _keep(found, chosen) if action == "keep" else _cancel(found, chosen, form.message.data or None)
    except RdvError as refusal:
        form.refuse(refusal)
        return _page(found, form), refusal.status
    flash(done, "success")
    return redirect(url_for("staff.closure_meetings", public_id=public_id), 303)


def _closure(public_id: str) -> Closure:
    """Load a closure; the absence of a person is that person's and the managers' alone."""
    found = closures.get_for_cfa(current_cfa().id, public_id)
    if found.user_id is not None:
        closing.permit(current_membership(), found.user_id)
    return found


def _keep(found: Closure, chosen: Sequence[Booking]) -> str:
    person = current_person()
    with transaction():
        kept = closing.keep(found, chosen, clock.now(), by=person)
    return f"{french.plural(kept, 'rendez-vous maintenu', 'rendez-vous maintenus')}. Les personnes ne reçoivent rien."


def _cancel(found: Closure, chosen: Sequence[Booking], message: str | None) -> str:
    person = current_person()
    with transaction():
        unreached = closing.call_off(found, chosen, clock.now(), message=message, by=person)
    told = f"{french.plural(len(chosen), 'rendez-vous annulé', 'rendez-vous annulés')}."
    if not unreached:
        return f"{told} Chaque personne est prévenue."
    names = ", ".join(one.person_name for one in unreached)
    return f"{told} À appeler, faute d’adresse électronique\u00a0: {names}. Les demandes sont dans «\u00a0À traiter\u00a0»."


def _page(found: Closure, form: DecisionForm) -> str:
    people = closure_lines.people(closures.to_decide(found, clock.now()))
    form.meetings.choices = {one.public_id: one.name for one in people}
    return render_template(
        "staff/closure_meetings.html",
        found=found,
        form=form,
        people=people,
        ticked=form.meetings.data or [],
        title=closure_lines.title(found),
        kind=closure_lines.kind(found).lower(),
        what=f"{closure_lines.whose(found)}, {closure_lines.when(found)}",
    )
