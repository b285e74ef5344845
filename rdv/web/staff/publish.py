"""Publish slots: typed in a form or in one line, seen before, published."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from rdv import agenda, clock, french, inbox, meeting_types, rules, series, slots
from rdv.db import transaction
from rdv.errors import SlotOverlap
from rdv.extensions import csrf
from rdv.models import MeetingType, Site, User
from rdv.series import quick
from rdv.web.staff import plan_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, current_role
from rdv.web.staff.posted import session_refusal
from rdv.web.staff.publish_form import MOST_RANGES, PublishForm
from rdv.web.staff.publish_line import LineForm, typed


@bp.route("/equipe/creneaux/publier", methods=["GET", "POST"])
@csrf.exempt
def publish() -> ResponseReturnValue:
    """Show the form; posted, show what it would publish or publish it."""
    action = request.form.get("action")
    form = _begun() if request.method == "GET" or action == "read" else _offered(PublishForm())
    if request.method == "GET":
        return _page(form)
    changed = session_refusal()
    if changed:
        return _page(form, refusal=changed), 400
    if action == "search":
        return _page(form)
    if action == "read":
        line = LineForm()
        try:
            form = _read(line, form)
        except quick.NotUnderstood as refusal:
            line.refuse(refusal, line.line)
            return _page(form, line=line), line.status
    return _act(form, action)


def _act(form: PublishForm, action: str | None) -> ResponseReturnValue:
    """Show what the form would publish, or publish it; a series is always shown before."""
    cfa, person, now = current_cfa(), current_person(), clock.now()
    if not form.validate():
        return _page(form), 400
    site = next(site for site in cfa.sites if site.public_id == form.site.data)
    adviser = next(user for user in advisers() if user.public_id == form.adviser.data)
    rule = form.rule(_usual_pause(form, site))
    try:
        planned = series.plan(rule, _offer(form, site, _unsaved_kind(form)), now)
        found = series.preview(cfa.id, adviser, planned, now)
        series.check_possible(found)
    except series.WrongPlan as refusal:
        form.refuse_plan(refusal)
        return _page(form), 400
    ticked = form.ticked(found, action)
    if action != "publish" or (rule.repeats and not form.seen.data):
        return _page(form, found, ticked, rule=rule)
    try:
        with transaction():
            offer = _offer(form, site, _kind(form.meeting_type.data))
            published = series.publish(
                cfa,
                adviser,
                series.plan(rule, offer, now),
                now,
                by=person,
                keep=form.keep.data if form.seen.data else None,
                seen=form.seen.data or None,
                rule=rule,
                allow_overlap=form.allow_overlap.data,
            )
    except (SlotOverlap, series.PlanChanged, series.NothingChosen) as refusal:
        found = series.preview(cfa.id, adviser, planned, now)
        return _page(form, found, ticked, refusal.message, rule=rule), refusal.status
    return announce(published, adviser, person)


def advisers() -> list[User]:
    """An adviser publishes for themselves; a manager for anybody of the CFA, themselves first."""
    person = current_person()
    if current_role() != "manager":
        return [person]
    return [person, *(user for user in inbox.colleagues(current_cfa().id) if user.id != person.id)]


def _begun() -> PublishForm:
    """Return the form with what was published last, and the day and the meeting type that the address names."""
    try:
        day: date | None = date.fromisoformat(request.args.get("jour", ""))
    except ValueError:
        day = None
    person, kind = current_person(), request.args.get("type")
    form = _offered(PublishForm(formdata=None, day=day, meeting_type=kind, adviser=person.public_id))
    form.begin(series.last_offer(current_cfa().id, person.id), typed_type=kind is not None)
    return form


def _offered(form: PublishForm) -> PublishForm:
    cfa = current_cfa()
    form.offer(cfa, meeting_types.listed(cfa.id), advisers(), slots.trainings_to_offer(cfa.id))
    return form


def _read(line: LineForm, begun: PublishForm) -> PublishForm:
    """Return the form as a person would have filled it to say what a line says. Raises NotUnderstood."""
    cfa = current_cfa()
    names = quick.Names(
        sites={site.public_id: site.shown_name for site in cfa.sites if site.closed_at is None},
        meeting_types={key: kind.title for key, kind in begun.kinds.items()},
        advisers={user.public_id: user.shown_name for user in advisers()},
    )
    wall = clock.to_zone(clock.now(), agenda.home_zone(cfa)).replace(tzinfo=None)
    entry = quick.read(line.line.data or "", names, wall)
    if len(entry.ranges) > MOST_RANGES:
        raise quick.NotUnderstood(f"Indiquez {MOST_RANGES} plages par jour au plus.")
    return _offered(PublishForm(formdata=MultiDict(typed(entry, begun, request.form.get("csrf_token", "")))))


def _offer(form: PublishForm, site: Site, kind: MeetingType) -> slots.Offer:
    capacity = form.capacity.data or form.kind.default_capacity
    words = {
        name: form[name].data or None if capacity > 1 else None for name in ("title", "programme", "what_to_bring")
    }
    return slots.Offer(
        site=site,
        meeting_type=kind,
        place=form.place.data,
        place_detail=form.place_detail,
        capacity=capacity,
        listed=form.listed.data == "yes",
        training_scope=form.training_scope.data,
        trainings=form.chosen_trainings(),
        **words,
    )


def _unsaved_kind(form: PublishForm) -> MeetingType:
    """Return the meeting type chosen; a suggested one is not written before something is published."""
    return form.kind if isinstance(form.kind, MeetingType) else MeetingType(**asdict(form.kind))


def _usual_pause(form: PublishForm, site: Site) -> int:
    """Return the pause that the centre's rules ask for."""
    kind_id = form.kind.id if isinstance(form.kind, MeetingType) else None
    return rules.pause(current_cfa().id, site.id, kind_id)


def _kind(key: str) -> MeetingType:
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


def announce(published: series.Published, adviser: User, person: User) -> ResponseReturnValue:
    """Say what was published, and lead to where it is seen."""
    made = published.slots
    count = french.plural(len(made), "créneau publié", "créneaux publiés")
    first = made[0]
    if not first.listed:
        flash(f"{count}. Ouvrez un créneau pour copier son lien de réservation.", "success")
    else:
        flash(f"{count}. Les candidats les voient sur votre page publique.", "success")
    if published.series:
        return redirect(url_for("staff.series", public_id=published.series.public_id), 303)
    if len(made) == 1:
        return redirect(url_for("staff.slot", public_id=first.public_id), 303)
    week = agenda.Week.of(agenda.local_day(first)).code
    whose = "moi" if adviser.id == person.id else adviser.public_id
    return redirect(url_for("staff.agenda", semaine=week, conseiller=whose), 303)


def _page(
    form: PublishForm,
    found: Sequence[series.Occurrence] = (),
    ticked: Collection[str] = (),
    refusal: str | None = None,
    line: LineForm | None = None,
    rule: series.Rule | None = None,
) -> str:
    cfa = current_cfa()
    line = line or LineForm()
    today = clock.today(agenda.home_zone(cfa))
    return render_template(
        "staff/publish.html",
        form=form,
        line=line,
        examples=quick.EXAMPLES,
        plan=plan_lines.plan(found, ticked, cfa.id) if found else None,
        sentence=series.rule_in_words(rule, today) if rule and rule.repeats else "",
        refusal=refusal,
        page_error=refusal is not None or bool(line.errors),
        today=today.isoformat(),
    )
