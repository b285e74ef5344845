"""Publish slots: typed, seen before if wanted, published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, clock, french, inbox, meeting_types, slots
from rdv.db import transaction
from rdv.errors import SlotOverlap
from rdv.extensions import csrf
from rdv.models import MeetingType, Site, Slot, User
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, current_role
from rdv.web.staff.posted import session_refusal
from rdv.web.staff.publish_form import PublishForm


@bp.route("/equipe/creneaux/publier", methods=["GET", "POST"])
@csrf.exempt
def publish() -> ResponseReturnValue:
    """Show the form; posted, show what it would publish or publish it."""
    cfa, person, now = current_cfa(), current_person(), clock.now()
    advisers = _advisers(person)
    form = PublishForm(**_begun(person))
    form.offer(cfa, meeting_types.listed(cfa.id), advisers, slots.trainings_to_offer(cfa.id))
    action = request.form.get("action")
    if not form.is_submitted():
        form.begin()
        return _page(form)
    changed = session_refusal()
    if changed:
        return _page(form, refusal=changed), 400
    if action == "search":
        return _page(form)
    if not form.validate():
        return _page(form), 400
    site = next(site for site in cfa.sites if site.public_id == form.site.data)
    adviser = next(user for user in advisers if user.public_id == form.adviser.data)
    minutes = form.duration.data or form.kind.duration_minutes
    try:
        spans = slots.plan_run(
            form.day.data, form.start.data, form.end.data, minutes, form.pause.data or 0, site.timezone, now
        )
    except slots.WrongPlan as refusal:
        form.refuse_field(refusal.field, refusal.message)
        return _page(form), 400
    if action == "preview":
        return _page(form, _forecast(adviser, site, spans))
    try:
        with transaction():
            offer = slots.Offer(
                site=site,
                meeting_type=_meeting_type(form.meeting_type.data),
                place=form.place.data,
                place_detail=form.place_detail,
                capacity=form.capacity.data or form.kind.default_capacity,
                listed=form.listed.data == "yes",
                training_scope=form.training_scope.data,
                trainings=form.chosen_trainings(),
            )
            made = slots.publish(cfa, adviser, offer, spans, now, by=person, allow_overlap=form.allow_overlap.data)
    except SlotOverlap as refusal:
        return _page(form, _forecast(adviser, site, spans), refusal.message), refusal.status
    return _published(made, adviser, person)


def _advisers(person: User) -> list[User]:
    """An adviser publishes for themselves; a manager for anybody of the CFA, themselves first."""
    if current_role() != "manager":
        return [person]
    return [person, *(user for user in inbox.colleagues(current_cfa().id) if user.id != person.id)]


def _begun(person: User) -> dict[str, object]:
    """What the form begins with: the day and the meeting type that the address names, oneself."""
    try:
        day: date | None = date.fromisoformat(request.args.get("jour", ""))
    except ValueError:
        day = None
    return {"day": day, "meeting_type": request.args.get("type"), "adviser": person.public_id}


def _meeting_type(key: str) -> MeetingType:
    cfa = current_cfa()
    if key in meeting_types.SUGGESTED:
        made = meeting_types.create_suggested(cfa, by=current_person())
        if made:
            return made[key]
        # Somebody else has just begun: theirs is the same.
        title = meeting_types.SUGGESTED[key].title
        return next(
            (kind for kind in meeting_types.listed(cfa.id) if kind.title == title), meeting_types.listed(cfa.id)[0]
        )
    return meeting_types.get_for_cfa(cfa.id, key)


def _published(made: Sequence[Slot], adviser: User, person: User) -> ResponseReturnValue:
    count = french.plural(len(made), "créneau publié", "créneaux publiés")
    first = made[0]
    if not first.listed:
        flash(f"{count}. Ouvrez un créneau pour copier son lien de réservation.", "success")
    else:
        flash(f"{count}. Les candidats les voient sur votre page publique.", "success")
    if len(made) == 1:
        return redirect(url_for("staff.slot", public_id=first.public_id), 303)
    week = agenda.Week.of(agenda.local_day(first)).code
    whose = "moi" if adviser.id == person.id else adviser.public_id
    return redirect(url_for("staff.agenda", semaine=week, conseiller=whose), 303)


def _forecast(adviser: User, site: Site, spans: Sequence[slots.Span]) -> list[slot_lines.Event]:
    cfa_id = current_cfa().id
    return [slot_lines.forecast(each, site, cfa_id) for each in slots.forecast(adviser, site, spans)]


def _page(form: PublishForm, planned: Sequence[slot_lines.Event] = (), refusal: str | None = None) -> str:
    now: datetime = clock.now()
    return render_template(
        "staff/publish.html",
        form=form,
        planned=planned,
        planned_title=french.plural(len(planned), "créneau", "créneaux"),
        overlaps=any(each.state == "todo" for each in planned),
        refusal=refusal,
        page_error=refusal is not None,
        today=clock.to_zone(now, agenda.home_zone(current_cfa())).date().isoformat(),
    )
