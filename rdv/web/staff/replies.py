"""Saved replies: listed, made, changed, reread, deleted; and what their variables stand for, by centre and by training."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import agenda, clock, french, replies, slots
from rdv.candidate import REASONS
from rdv.db import db, transaction
from rdv.errors import EditedMeanwhile, NotFound, RdvError
from rdv.extensions import csrf
from rdv.models import Cfa, SavedReply, Training
from rdv.web.forms import Required, one_line, tidy
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.posted import posted_version, session_refusal

NOT_IN_LIST = "Choisissez une valeur de la liste."
LONGEST = 5000  # characters


class SavedReplyForm(StaffForm):
    title = wtforms.StringField(
        "Titre",
        [Required("Donnez un titre, par exemple «\u00a0Places disponibles\u00a0»."), validators.Length(max=80, message="Raccourcissez le titre\u00a0: 80 caractères au plus.")],
        filters=[one_line],
    )  # fmt: skip
    reason = wtforms.SelectField(
        "Question du candidat", choices={"": "Toutes"} | REASONS, default="", invalid_choice_message=NOT_IN_LIST
    )
    text = wtforms.TextAreaField(
        "Texte",
        [Required("Écrivez le texte de la réponse."), validators.Length(max=LONGEST, message="Ce texte est trop long\u00a0: %(max)d caractères au plus.")],
        filters=[tidy],
    )  # fmt: skip

    def validate_text(self, field: wtforms.Field) -> None:
        """Refuse a variable that does not exist: it would be refused each time the reply is used."""
        strange = replies.unknown(field.data or "")
        if strange:
            names = french.enumeration([f"{{{name}}}" for name in strange])
            known = french.enumeration([f"{{{name}}}" for name in replies.VARIABLES])
            raise validators.ValidationError(f"Il n’y a pas de variable {names}. Celles qui existent\u00a0: {known}.")

    def draft(self) -> replies.Draft:
        """Return what was typed, once validated."""
        return replies.Draft(self.title.data, self.reason.data or None, self.text.data)


class ValuesForm(StaffForm):
    fees = wtforms.TextAreaField(
        "{frais}", [validators.Length(max=500, message="500 caractères au plus.")], filters=[tidy]
    )
    rhythm = wtforms.TextAreaField(
        "{rythme}", [validators.Length(max=500, message="500 caractères au plus.")], filters=[tidy]
    )
    open_days = wtforms.TextAreaField(
        "{portes ouvertes}", [validators.Length(max=500, message="500 caractères au plus.")], filters=[tidy]
    )


@bp.get("/equipe/reponses-types")
def saved_replies() -> ResponseReturnValue:
    """Show the replies of the centre."""
    cfa, today = current_cfa(), _today()
    return render_template(
        "staff/saved_replies.html", lines=[_line(reply, today) for reply in replies.listed(cfa.id)],
        starters=[draft.title for draft in replies.STARTERS], values=_shown_values(cfa),
    )  # fmt: skip


@bp.post("/equipe/reponses-types")
def begin_saved_replies() -> ResponseReturnValue:
    """Create the starting replies for a centre that has none."""
    cfa, person, today = current_cfa(), current_person(), _today()
    with transaction():
        made = replies.begin(cfa, today, person)
    flash(
        f"{french.plural(len(made), 'réponse créée', 'réponses créées')}. Relisez-les et adaptez-les à votre centre."
        if made
        else "Votre centre a déjà des réponses types.",
        "success" if made else "info",
    )
    return redirect(url_for("staff.saved_replies"), 303)


@bp.route("/equipe/reponses-types/nouvelle", methods=["GET", "POST"])
@csrf.exempt  # the form checks its token, and keeps what was typed
def new_saved_reply() -> ResponseReturnValue:
    """Keep a new reply."""
    form = SavedReplyForm()
    if form.validate_on_submit():
        cfa, person, today = current_cfa(), current_person(), _today()
        try:
            with transaction():
                made = replies.create(cfa, form.draft(), today, person)
        except replies.TitleTaken as refusal:
            form.refuse(refusal, form.title)
        else:
            flash(f"Réponse «\u00a0{made.title}\u00a0» créée.", "success")
            return redirect(url_for("staff.saved_replies"), 303)
    return _page(form, None), form.status


@bp.route("/equipe/reponses-types/<public_id>", methods=["GET", "POST"])
@csrf.exempt
def saved_reply(public_id: str) -> ResponseReturnValue:
    """Change a reply, say that it was reread today, or delete it: the `action` of the button pressed."""
    reply = replies.get_for_cfa(current_cfa().id, public_id)
    if request.method == "GET":
        return _page(_begun(reply), reply)
    form = SavedReplyForm()
    action = request.form.get("action", "")
    if action not in ("change", "review", "delete"):
        raise RdvError
    changed = session_refusal()
    if changed:
        form.form_errors.append(changed)
        return _page(form, reply), 400
    try:
        done = _act(reply, action, form)
    except (EditedMeanwhile, replies.TitleTaken) as refusal:
        theirs = reply if isinstance(refusal, EditedMeanwhile) else None
        form.refuse(refusal, form.title if theirs is None else None)
        if action != "change":
            form = _begun(reply)
            form.refuse(refusal)
        return _page(form, reply, theirs=theirs if action == "change" else None), refusal.status
    if done is None:
        return _page(form, reply), form.status
    flash(done, "success")
    return redirect(url_for("staff.saved_replies"), 303)


def _act(reply: SavedReply, action: str, form: SavedReplyForm) -> str | None:
    person, version, today, title = current_person(), posted_version(), _today(), reply.title
    if action == "change" and not form.validate():
        return None
    with transaction():
        if action == "change":
            replies.change(reply, form.draft(), version, today, person)
        elif action == "review":
            replies.review(reply, version, today, person)
        else:
            replies.delete(reply, version, person)
    return {
        "change": "Réponse enregistrée. Elle compte comme relue aujourd’hui.",
        "review": f"«\u00a0{title}\u00a0» est relue aujourd’hui.",
        "delete": f"«\u00a0{title}\u00a0» est supprimée. Les réponses déjà envoyées ne changent pas.",
    }[action]


@bp.route("/equipe/reponses-types/valeurs", methods=["GET", "POST"], endpoint="reply_values")
@csrf.exempt
def values_of_the_centre() -> ResponseReturnValue:
    """Fill fees, rhythm and open days of the centre."""
    return _values(current_cfa())


@bp.route("/equipe/reponses-types/valeurs/<public_id>", methods=["GET", "POST"], endpoint="training_reply_values")
@csrf.exempt
def values_of_a_training(public_id: str) -> ResponseReturnValue:
    """Fill those of one training."""
    training = db.session.scalar(
        sa.select(Training).where(Training.public_id == public_id, Training.cfa_id == current_cfa().id)
    )
    if training is None:
        raise NotFound
    return _values(training)


def _values(of: Cfa | Training) -> ResponseReturnValue:
    form, cfa = ValuesForm(data=of.reply_values or {}), current_cfa()
    if form.validate_on_submit():
        person = current_person()
        typed = {key: form[key].data for key in replies.KEPT}
        with transaction():
            changed = replies.set_values(of, typed, person)
        flash("C’est enregistré." if changed else "Rien n’a changé.", "success" if changed else "info")
        return redirect(url_for("staff.reply_values"), 303)
    own = isinstance(of, Training)
    return render_template(
        "staff/reply_values.html", form=form, training=of if own else None, centre=_shown_values(cfa),
        trainings=[] if own else [(each, len(each.reply_values or {})) for each in slots.trainings_to_offer(cfa.id)],
    ), form.status  # fmt: skip


def _page(form: SavedReplyForm, reply: SavedReply | None, theirs: SavedReply | None = None) -> str:
    today = _today()
    return render_template(
        "staff/saved_reply.html", form=form, reply=reply, line=_line(reply, today) if reply else None, theirs=theirs,
        variables=replies.VARIABLES,
    )  # fmt: skip


def _begun(reply: SavedReply) -> SavedReplyForm:
    return SavedReplyForm(formdata=None, title=reply.title, reason=reply.reason or "", text=reply.text)


def _line(reply: SavedReply, today: date) -> dict[str, Any]:
    by = f" par {reply.reviewed_by.shown_name}" if reply.reviewed_by else ""
    return {
        "reply": reply,
        "reason": REASONS.get(reply.reason or "", "Toutes les questions"),
        "reviewed": f"Relue le {french.day_of_month(reply.reviewed_on)}{by}",
        "stale": replies.is_stale(reply, today),
        "used": "Jamais utilisée" if not reply.used else f"Utilisée {french.plural(reply.used, 'fois', 'fois')}",
        "href": url_for("staff.saved_reply", public_id=reply.public_id),
    }


def _shown_values(cfa: Cfa) -> list[tuple[str, str]]:
    kept = cfa.reply_values or {}
    return [(f"{{{variable}}}", kept.get(key) or "À remplir") for key, variable in replies.KEPT.items()]


def _today() -> date:
    return clock.today(agenda.home_zone(current_cfa()))
