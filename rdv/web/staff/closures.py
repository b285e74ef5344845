"""Closures of the centre and absences: listed, written after seeing what they meet, ended."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, cfa_settings, clock, closing, closures, french, inbox
from rdv.closures import Draft, Touched
from rdv.db import transaction
from rdv.errors import NotAllowed
from rdv.extensions import csrf
from rdv.models import Closure
from rdv.web.staff import closure_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.closure_form import WHOLE, ClosureForm, mark_of
from rdv.web.staff.context import current_cfa, current_membership, current_person, current_role
from rdv.web.staff.posted import session_refusal

MOST_PEOPLE_SHOWN = 20  # before saving; the page that follows shows them all


@bp.get("/equipe/fermetures", endpoint="closures")
def closure_list() -> ResponseReturnValue:
    """Show what is shut now, soon, and was; and the public holidays, which nobody has to type."""
    cfa, now = current_cfa(), clock.now()
    today = clock.today(agenda.home_zone(cfa))
    found = closures.listed(cfa.id, today, absences_of=_absences_seen())
    theirs = [one for one in (*found.current, *found.coming) if _may_change(one)]
    return render_template(
        "staff/closures.html",
        current=closure_lines.lines(found.current, theirs, now),
        coming=closure_lines.lines(found.coming, theirs, now),
        past=closure_lines.lines(found.past, (), now),
        holidays=closure_lines.holidays(cfa_settings.sites_with_hours(cfa), today),
        is_manager=current_role() == "manager",
    )


@bp.route("/equipe/fermetures/nouvelle", methods=["GET", "POST"])
@csrf.exempt  # the form checks its token, and keeps what was typed
def new_closure() -> ResponseReturnValue:
    """Write a closure; `pour=moi` begins with oneself."""
    form = _form(whose=current_person().public_id if request.args.get("pour") == "moi" else WHOLE)
    return _form_page(form, None)


@bp.route("/equipe/fermetures/<public_id>", methods=["GET", "POST"])
@csrf.exempt
def closure(public_id: str) -> ResponseReturnValue:
    """Change a closure."""
    found = closures.get_for_cfa(current_cfa().id, public_id)
    closing.permit(current_membership(), found.user_id)
    form = _form()
    if not form.is_submitted():
        form.begin(found)
    return _form_page(form, found)


@bp.post("/equipe/fermetures/<public_id>/fin")
def end_closure(public_id: str) -> ResponseReturnValue:
    """End a closure, or take back one to come: what it shut opens again."""
    found = closures.get_for_cfa(current_cfa().id, public_id)
    closing.permit(current_membership(), found.user_id)
    person, today, words = current_person(), clock.today(agenda.home_zone(current_cfa())), closure_lines.kind(found)
    with transaction():
        opened = closing.end(found, today, clock.now(), by=person)
    flash(f"{words} terminée. {_opened(opened)}", "success")
    return redirect(url_for("staff.closures"), 303)


def _form_page(form: ClosureForm, found: Closure | None) -> ResponseReturnValue:
    """Show the form; posted, save it, after showing what it meets when it meets anything."""
    if not form.is_submitted():
        return _page(form, found)
    changed = session_refusal()
    if changed:
        form.form_errors.append(changed)
        return _page(form, found), 400
    if not form.validate():
        return _page(form, found), 400
    draft, now = form.draft(), clock.now()
    closing.permit(current_membership(), draft.user_id)
    try:
        closing.check(draft, clock.today(agenda.home_zone(current_cfa())))
    except closing.WrongClosure as refusal:
        form.refuse_days(refusal)
        return _page(form, found), refusal.status
    met = closures.touched_by(current_cfa().id, draft, now, instead_of=found)
    if (met.to_shut or met.booked) and request.form.get("seen") != mark_of(draft):
        return _page(form, found, draft, met)
    return _save(draft, found)


def _save(draft: Draft, found: Closure | None) -> ResponseReturnValue:
    cfa, person, now, opened = current_cfa(), current_person(), clock.now(), 0
    with transaction():
        if found is None:
            found, shut = closing.create(cfa, draft, now, by=person)
        else:
            shut, opened = closing.change(found, draft, now, by=person)
    shut_words = f" {french.plural(shut, 'créneau fermé', 'créneaux fermés')}." if shut else ""
    flash(f"{closure_lines.kind(found)} enregistrée.{shut_words}{f' {_opened(opened)}' if opened else ''}", "success")
    if closures.to_decide(found, now):
        return redirect(url_for("staff.closure_meetings", public_id=found.public_id), 303)
    return redirect(url_for("staff.closures"), 303)


def _opened(count: int) -> str:
    return f"{french.plural(count, 'créneau rouvert', 'créneaux rouverts')}." if count else "Aucun créneau à rouvrir."


def _form(whose: str | None = None) -> ClosureForm:
    """Return the form with what this person may close: a manager everything, an adviser themselves."""
    cfa, person = current_cfa(), current_person()
    is_manager = current_role() == "manager"
    people = [user for user in inbox.colleagues(cfa.id) if is_manager or user.id == person.id]
    form = ClosureForm(whose=whose if is_manager else person.public_id)
    form.offer(cfa, [site for site in cfa.sites if site.closed_at is None], people, is_manager)
    return form


def _page(form: ClosureForm, found: Closure | None, draft: Draft | None = None, met: Touched | None = None) -> str:
    booked = closure_lines.people(met.booked) if met else []
    return render_template(
        "staff/closure.html",
        form=form,
        found=found,
        heading=closure_lines.title(found) if found else "Fermeture ou absence",
        seen=mark_of(draft) if draft else None,
        what=f"{closure_lines.whose(draft)}, {closure_lines.when(draft)}" if draft else None,
        shut=closure_lines.shut_days(met.to_shut) if met else [],
        shut_count=french.plural(len(met.to_shut), "créneau", "créneaux") if met and met.to_shut else None,
        booked=booked[:MOST_PEOPLE_SHOWN],
        booked_count=len(booked),
        today=clock.today(agenda.home_zone(current_cfa())).isoformat(),
    )


def _may_change(one: Closure) -> bool:
    try:
        closing.permit(current_membership(), one.user_id)
    except NotAllowed:
        return False
    return True


def _absences_seen() -> int | None:
    """A manager sees everybody's absences, an adviser their own: why somebody is away is not a colleague's business."""
    return None if current_role() == "manager" else current_person().id
