"""Kinds of meetings: listed, made, changed, put away."""

from __future__ import annotations

from dataclasses import asdict

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import clock, french, meeting_types
from rdv.db import transaction
from rdv.errors import RdvError
from rdv.extensions import csrf
from rdv.models import MeetingType
from rdv.slots import PLACE_LABELS
from rdv.web.forms import Required, one_line, tidy
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.posted import session_refusal
from rdv.web.staff.publish_form import NOT_IN_LIST, WholeNumberField

_LONG = validators.Length(max=5000, message="Ce texte est trop long\u00a0: 5000 caractères au plus.")


class MeetingTypeForm(StaffForm):
    title = wtforms.StringField(
        "Titre",
        [Required("Donnez un titre, par exemple «\u00a0Entretien individuel\u00a0»."), validators.Length(max=120, message="Raccourcissez le titre\u00a0: 120 caractères au plus.")],
        filters=[one_line],
    )  # fmt: skip
    duration_minutes = WholeNumberField(
        "Durée, en minutes",
        [validators.InputRequired("Indiquez une durée, par exemple 20."), validators.NumberRange(5, 480, "Indiquez une durée entre 5 et 480 minutes, par exemple 20.")],
    )  # fmt: skip
    default_capacity = WholeNumberField(
        "Places par créneau",
        [validators.InputRequired("Indiquez un nombre de places, par exemple 1."), validators.NumberRange(1, 500, "Indiquez entre 1 et 500 places, par exemple 12.")],
        default=1,
    )  # fmt: skip
    default_place = wtforms.RadioField(
        "Comment, d’habitude", choices=PLACE_LABELS, default="on_site", invalid_choice_message=NOT_IN_LIST
    )
    description = wtforms.TextAreaField("Présentation ou programme", [validators.Optional(), _LONG], filters=[tidy])
    instructions = wtforms.TextAreaField("Consignes pour venir", [validators.Optional(), _LONG], filters=[tidy])
    what_to_bring = wtforms.TextAreaField("À apporter", [validators.Optional(), _LONG], filters=[tidy])
    guests_allowed = WholeNumberField(
        "Accompagnants permis, par personne",
        [validators.Optional(), validators.NumberRange(0, 20, "Indiquez entre 0 et 20 accompagnants, par exemple 2.")],
    )  # fmt: skip
    guests_counted = wtforms.BooleanField("Chaque accompagnant prend une place")

    def draft(self) -> meeting_types.Draft:
        """Return what was typed, once validated."""
        return meeting_types.Draft(
            title=self.title.data,
            duration_minutes=self.duration_minutes.data or 0,
            default_capacity=self.default_capacity.data or 0,
            default_place=self.default_place.data,
            description=self.description.data or None,
            instructions=self.instructions.data or None,
            what_to_bring=self.what_to_bring.data or None,
            guests_allowed=self.guests_allowed.data or 0,
            guests_counted=bool(self.guests_counted.data and self.guests_allowed.data),
        )


@bp.get("/equipe/types-de-rendez-vous", endpoint="meeting_types")
def meeting_type_list() -> ResponseReturnValue:
    """Show the kinds of meetings in use, and those put away."""
    cfa_id = current_cfa().id
    return render_template(
        "staff/meeting_types.html",
        kinds=[(kind, _summary(kind)) for kind in meeting_types.listed(cfa_id)],
        archived=meeting_types.listed(cfa_id, archived=True),
        suggested=[draft.title for draft in meeting_types.SUGGESTED.values()],
    )


@bp.post("/equipe/types-de-rendez-vous")
def begin_meeting_types() -> ResponseReturnValue:
    """Create the suggested kinds for a CFA that has none."""
    cfa, person = current_cfa(), current_person()
    with transaction():
        made = meeting_types.create_suggested(cfa, by=person)
    flash(f"{french.plural(len(made), 'type créé', 'types créés')}. Adaptez-les à votre centre.", "success")
    return redirect(url_for("staff.meeting_types"), 303)


@bp.route("/equipe/types-de-rendez-vous/nouveau", methods=["GET", "POST"])
@csrf.exempt  # the form checks its token, and keeps what was typed
def new_meeting_type() -> ResponseReturnValue:
    """Create a kind of meeting; `retour=publier` goes back to publishing with it."""
    form = MeetingTypeForm()
    status = 400
    if form.validate_on_submit():
        cfa, person = current_cfa(), current_person()
        try:
            with transaction():
                made = meeting_types.create(cfa, form.draft(), by=person)
        except meeting_types.TitleTaken as refusal:
            form.title.errors = [refusal.message]
            status = refusal.status
        else:
            flash(f"Type «\u00a0{made.title}\u00a0» créé.", "success")
            if request.args.get("retour") == "publier":
                return redirect(url_for("staff.publish", type=made.public_id), 303)
            return redirect(url_for("staff.meeting_types"), 303)
    return render_template("staff/meeting_type.html", form=form, kind=None), status if form.errors else 200


@bp.route("/equipe/types-de-rendez-vous/<public_id>", methods=["GET", "POST"])
@csrf.exempt
def meeting_type(public_id: str) -> ResponseReturnValue:
    """Change a kind of meeting, put it away, or take it back."""
    kind = meeting_types.get_for_cfa(current_cfa().id, public_id)
    action = request.form.get("action", "change")
    form = MeetingTypeForm(**_begun(kind))
    if request.method == "GET":
        return render_template("staff/meeting_type.html", form=form, kind=kind)
    changed = session_refusal()
    if changed:
        form.form_errors.append(changed)
        return render_template("staff/meeting_type.html", form=form, kind=kind), 400
    try:
        done = _act(kind, action, form)
    except meeting_types.TitleTaken as refusal:
        form.title.errors = [refusal.message]
        return render_template("staff/meeting_type.html", form=form, kind=kind), refusal.status
    if done is None:
        return render_template("staff/meeting_type.html", form=form, kind=kind), 400
    flash(done, "success")
    return redirect(url_for("staff.meeting_types"), 303)


def _act(kind: MeetingType, action: str, form: MeetingTypeForm) -> str | None:
    person, now = current_person(), clock.now()
    if action == "change":
        if not form.validate():
            return None
        with transaction():
            meeting_types.change(kind, form.draft(), now, by=person)
        return "Modifications enregistrées. Les calendriers des personnes inscrites suivent."
    if action not in ("archive", "restore"):
        raise RdvError
    with transaction():
        if action == "archive":
            meeting_types.archive(kind, now, by=person)
        else:
            meeting_types.restore(kind, by=person)
    return (
        "Type archivé. Les créneaux déjà publiés restent."
        if action == "archive"
        else "Type de nouveau proposé pour les prochains créneaux."
    )


def _begun(kind: MeetingType) -> dict[str, object]:
    """Return what the form begins with."""
    return {name: getattr(kind, name) for name in asdict(meeting_types.SUGGESTED["individuel"])}


def _summary(kind: MeetingType) -> str:
    places = "individuel" if kind.default_capacity == 1 else french.plural(kind.default_capacity, "place")
    words = [french.duration(kind.duration_minutes), places, PLACE_LABELS[kind.default_place].lower()]
    if kind.guests_allowed:
        counted = ", qui prennent une place" if kind.guests_counted else ""
        words.append(f"{french.plural(kind.guests_allowed, 'accompagnant')} au plus{counted}")
    return " · ".join(words)
