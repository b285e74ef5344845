"""Settings of the centre: read by everyone, changed by its managers."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, cfa_settings, clock, closures, french, sms
from rdv.db import transaction
from rdv.models import Cfa, Site
from rdv.opening_hours import WEEKDAYS, show_spans, week_of
from rdv.permissions import can_change_settings
from rdv.web.staff import closure_lines, context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import CfaSettingsForm
from rdv.web.staff.mode_fields import SiteSettingsForm, above_site, chosen, own_words

CLOSURES_SHOWN = 3
DEFAULT_HOURS = "du lundi au vendredi, 9\u00a0h – 17\u00a0h (par défaut)"


@bp.get("/equipe/reglages")
def settings() -> str:
    """Show the settings; links to change them for whoever may."""
    cfa = context.current_cfa()
    return render_template(
        "staff/settings.html",
        may_change=can_change_settings(context.current_membership()),
        facts=_facts(cfa),
        sites=[_site(each) for each in cfa_settings.sites_with_hours(cfa)],
        closures=_closures(cfa),
    )


@bp.route("/equipe/reglages/centre", methods=["GET", "POST"])
def cfa_settings_form() -> ResponseReturnValue:
    """Change modes of contact, promised time, name and disability contact."""
    context.require_manager()
    cfa = context.current_cfa()
    modes = [mode for mode, opened in (("callback", cfa.callback_open), ("message", cfa.message_open)) if opened]
    form = CfaSettingsForm(obj=cfa, modes=modes)
    if not sms.available():
        del form.sms_open
    if form.validate_on_submit():
        with transaction():
            changed = cfa_settings.update_cfa(
                cfa,
                context.current_person(),
                name=form.chosen_name.data or None,
                email=form.chosen_email.normalised,
                callback_open="callback" in form.modes.data,
                message_open="message" in form.modes.data,
                answer_days=form.answer_days.data,
                disability_contact=form.disability_contact.data or None,
                sms_open=form.sms_open.data if form.sms_open else None,
            )
        return _saved(changed)
    page = render_template("staff/settings_cfa.html", form=form, catalogue_name=cfa.name, catalogue_email=cfa.email)
    return page, form.status


@bp.route("/equipe/reglages/lieux/<public_id>", methods=["GET", "POST"])
def site_settings(public_id: str) -> ResponseReturnValue:
    """Change the name, the opening hours and the modes of contact of a place."""
    context.require_manager()
    cfa = context.current_cfa()
    site = cfa_settings.get_site(cfa, public_id)
    form = SiteSettingsForm(
        data={"name": site.chosen_name, "chosen_email": site.chosen_email, **_hours_typed(site), **chosen(site)}
    )
    form.say_above("le centre", above_site(cfa))
    if form.validate_on_submit():
        with transaction():
            changed = cfa_settings.update_site(
                site,
                context.current_person(),
                form.name.data or None,
                form.chosen_email.normalised,
                [day.spans for day in form.days],
                form.opened(),
            )
        return _saved(changed)
    return render_template(
        "staff/settings_site.html", form=form, site=_site(site), catalogue_name=site.name, catalogue_email=site.email
    ), form.status


def _saved(changed: bool) -> ResponseReturnValue:
    flash("Les réglages sont enregistrés." if changed else "Rien n’a changé.", "success" if changed else "info")
    return redirect(url_for("staff.settings"), 303)


def _hours_typed(site: Site) -> dict[str, str]:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return dict(zip(names, map(show_spans, week_of(site.opening_hours)), strict=True))


def _facts(cfa: Cfa) -> list[tuple[str, str | None]]:
    modes = [
        label
        for label, opened in (
            ("réserver un créneau (dès que vous en publiez)", True),
            ("être rappelé", cfa.callback_open),
            ("écrire un message", cfa.message_open),
        )
        if opened
    ]
    return [
        ("Nom affiché", cfa.shown_name),
        ("SIRET", cfa.siret),
        ("Les candidats peuvent", ", ".join(modes)),
        ("Réponse promise en", french.plural(cfa.answer_days, "jour ouvré", "jours ouvrés")),
        ("Les demandes arrivent à", cfa.chosen_email or "l’adresse du catalogue"),
        ("SMS", _texts(cfa) if sms.available() else None),
        ("Contact handicap", cfa.disability_contact or "Non renseigné"),
    ]


def _closures(cfa: Cfa) -> list[tuple[str, str]]:
    """Return the next closures of the centre and its places; absences are not settings."""
    found = closures.listed(cfa.id, clock.today(agenda.home_zone(cfa)))
    shown = [one for one in (*found.current, *found.coming) if one.user_id is None][:CLOSURES_SHOWN]
    return [(closure_lines.title(one), f"{closure_lines.whose(one)}, {closure_lines.when(one)}") for one in shown]


def _texts(cfa: Cfa) -> str:
    return "à tous les candidats qui donnent un mobile" if cfa.sms_open else "aux candidats sans adresse électronique"


def _site(site: Site) -> dict[str, object]:
    week = week_of(site.opening_hours)
    days = [(WEEKDAYS[i].capitalize(), show_spans(spans)) for i, spans in enumerate(week) if spans]
    closed = [WEEKDAYS[i] for i, spans in enumerate(week) if not spans]
    return {
        "name": site.shown_name,
        "address": site.shown_address,
        "hours": [
            *([*days, ("Fermé", ", ".join(closed))] if days else [("Horaires", DEFAULT_HOURS)]),
            ("Moyens de contact", own_words(site)),
        ],
        "href": url_for("staff.site_settings", public_id=site.public_id),
        "poster": url_for("staff.site_poster", public_id=site.public_id),
    }
