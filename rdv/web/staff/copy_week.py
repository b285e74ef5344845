"""The slots of one week published again in the next ones: « Répéter la semaine dernière »."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, clock, french, series
from rdv.agenda import Week
from rdv.db import transaction
from rdv.errors import SlotOverlap
from rdv.extensions import csrf
from rdv.models import User
from rdv.web.staff import plan_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.plan_form import PlanForm
from rdv.web.staff.posted import session_refusal
from rdv.web.staff.publish import advisers

WEEKS_BACK, WEEKS_AHEAD, MOST_WEEKS = 26, 52, 26


class WeeksForm(wtforms.Form):
    """Which week is copied, and where: read from the address; a value that makes no sense means the default."""

    semaine = wtforms.SelectField("Semaine à copier")
    vers = wtforms.SelectField("Vers la semaine")
    semaines = wtforms.SelectField(
        "Nombre de semaines",
        choices={str(count): str(count) for count in range(1, MOST_WEEKS + 1)},
        default="1",
    )
    conseiller = wtforms.SelectField("Agenda de")

    def offer(self, this_week: Week, people: Sequence[User]) -> None:
        """Fill the lists: last week into this one, the week before the one named, or the one that follows it."""
        self.conseiller.choices = {user.public_id: user.shown_name for user in people}
        if self.conseiller.data not in self.conseiller.choices:
            self.conseiller.data = people[0].public_id
        past = [this_week.shifted(-back) for back in range(WEEKS_BACK, -1, -1)]
        coming = [this_week.shifted(ahead) for ahead in range(WEEKS_AHEAD)]
        self.semaine.choices = {week.code: _label(week, this_week.monday.year) for week in [*past, *coming[1:]]}
        self.vers.choices = {week.code: _label(week, this_week.monday.year) for week in coming}
        if self.semaine.data not in self.semaine.choices:  # the one before the week that receives it
            target = self.vers.data if self.vers.data in self.vers.choices else None
            self.semaine.data = Week.parse(target, this_week.monday).shifted(-1).code
        if self.vers.data not in self.vers.choices:
            after = Week.parse(self.semaine.data, this_week.monday).shifted(1)
            self.vers.data = after.code if after.code in self.vers.choices else this_week.code
        if self.semaines.data not in self.semaines.choices:
            self.semaines.data = "1"

    def weeks(self, today: Week) -> tuple[Week, list[Week]]:
        """Return the week copied, and those that receive it."""
        first = Week.parse(self.vers.data, today.monday)
        return Week.parse(self.semaine.data, today.monday), [first.shifted(n) for n in range(int(self.semaines.data))]


class CopyForm(PlanForm):
    """What is ticked of the preview."""


@bp.route("/equipe/creneaux/dupliquer", methods=["GET", "POST"])
@csrf.exempt  # the form checks its token, and keeps what was ticked
def copy_week() -> ResponseReturnValue:
    """Show what copying a week would publish; posted, publish it."""
    cfa, person, now = current_cfa(), current_person(), clock.now()
    people = advisers()
    this_week = Week.of(clock.today(agenda.home_zone(cfa)))
    chosen = WeeksForm(request.args)
    chosen.offer(this_week, people)
    adviser = next(user for user in people if user.public_id == chosen.conseiller.data)
    origin, targets = chosen.weeks(this_week)
    form = CopyForm()
    try:
        copied = series.copy_week(cfa, adviser, origin, targets, now)
    except series.WrongPlan as refusal:
        return _page(chosen, form, None, refusal=refusal.message), 200 if request.method == "GET" else refusal.status
    found = series.preview(cfa.id, adviser, copied.planned, now)
    action = request.form.get("action")
    ticked = form.ticked(found, action)
    refused = session_refusal() if request.method == "POST" else None
    if refused:
        return _page(chosen, form, copied, found, ticked, refused), 400
    if action != "publish":
        return _page(chosen, form, copied, found, ticked)
    form.validate()
    try:
        with transaction():
            # Read again inside: the week may have changed.
            again = series.copy_week(cfa, adviser, origin, targets, now).planned
            published = series.publish(
                cfa, adviser, again, now, by=person, keep=form.keep.data or (), seen=form.seen.data or "",
                allow_overlap=form.allow_overlap.data,
            )  # fmt: skip
    except (SlotOverlap, series.PlanChanged, series.NothingChosen) as refusal:
        found = series.preview(cfa.id, adviser, copied.planned, now)
        return _page(chosen, form, copied, found, ticked, refusal.message), refusal.status
    count = french.plural(len(published.slots), "créneau publié", "créneaux publiés")
    flash(f"{count}. Les candidats les voient sur votre page publique.", "success")
    whose = "moi" if adviser.id == person.id else adviser.public_id
    return redirect(url_for("staff.agenda", semaine=targets[0].code, conseiller=whose), 303)


def _page(
    chosen: WeeksForm,
    form: CopyForm,
    copied: series.Copied | None,
    found: Sequence[series.Occurrence] = (),
    ticked: Collection[str] = (),
    refusal: str | None = None,
) -> str:
    left_out = copied.left_out if copied else 0
    return render_template(
        "staff/copy_week.html",
        chosen=chosen,
        form=form,
        plan=plan_lines.plan(found, ticked, current_cfa().id) if found else None,
        sentence="",
        left_out=french.plural(left_out, "créneau laissé", "créneaux laissés") if left_out else "",
        several_people=len(chosen.conseiller.choices) > 1,
        is_empty=copied is not None and not found,
        here=url_for(
            "staff.copy_week", semaine=chosen.semaine.data, vers=chosen.vers.data, semaines=chosen.semaines.data,
            conseiller=chosen.conseiller.data,
        ),
        refusal=refusal,
        page_error=refusal is not None,
    )  # fmt: skip


def _label(week: Week, this_year: int) -> str:
    """« du 23 au 29 novembre », « du 30 novembre au 6 décembre », with the year when it is another one."""
    first, last = week.days[0], week.days[-1]
    number = "1er" if first.day == 1 else str(first.day)
    begins = french.day_of_month(first, year=False) if first.month != last.month else number
    return f"du {begins} au {french.day_of_month(last, year=last.year != this_year)}"
