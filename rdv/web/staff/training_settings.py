"""What a manager decides of one training: where its requests go, and the modes of contact offered on its page."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import cfa_settings, directory, inbox, links
from rdv.db import transaction
from rdv.models import Training
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.mode_fields import TrainingSettingsForm, above_training, chosen, own_words


@bp.get("/equipe/reglages/formations")
def training_list() -> ResponseReturnValue:
    """List the trainings of the centre, with what each has chosen for itself."""
    context.require_manager()
    text = request.args.get("q", "").strip()[:80]
    number = min(max(request.args.get("page", 1, type=int), 1), 1000)
    found, more = directory.trainings_of(context.current_cfa(), text, number)
    return render_template(
        "staff/trainings.html", q=text, lines=[_line(each) for each in found],
        previous=_page(text, number - 1) if number > 1 else None, following=_page(text, number + 1) if more else None,
    )  # fmt: skip


def _page(text: str, number: int) -> str:
    return url_for("staff.training_list", page=number, q=text or None)


def _line(training: Training) -> dict[str, str | None]:
    return {
        "title": training.shown_title,
        "place": directory.shown_place(training.sites),
        "own": own_words(training),
        "href": url_for("staff.training_settings", public_id=training.public_id),
    }


@bp.route("/equipe/reglages/formations/<public_id>", methods=["GET", "POST"])
def training_settings(public_id: str) -> ResponseReturnValue:
    """Choose the address of one training's requests, open or shut its modes of contact."""
    context.require_manager()
    cfa = context.current_cfa()
    training = cfa_settings.get_training(cfa, public_id)
    form = TrainingSettingsForm(data={"chosen_email": training.chosen_email, **chosen(training)})
    form.say_above("son lieu", above_training(cfa, inbox.main_site(cfa, training)))
    if form.validate_on_submit():
        with transaction():
            changed = cfa_settings.update_training(
                training, context.current_person(), form.chosen_email.normalised, form.opened()
            )
        flash("Les réglages sont enregistrés." if changed else "Rien n’a changé.", "success" if changed else "info")
        return redirect(url_for("staff.training_list"), 303)
    page = render_template(
        "staff/training_settings.html", form=form, training=training, place=directory.shown_place(training.sites),
        public_url=links.training(training),
    )  # fmt: skip
    return page, form.status
