"""Rules of online booking: the three levels on one page, each changed in its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, cfa_settings, clock, directory, french, meeting_types, rules
from rdv.db import transaction
from rdv.errors import EditedMeanwhile
from rdv.extensions import csrf
from rdv.models import BookingRule, MeetingType, Site
from rdv.web.staff import rule_words
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, require_manager
from rdv.web.staff.posted import posted_version, session_refusal
from rdv.web.staff.rule_form import RuleForm


@dataclass(frozen=True)
class Level:
    """A rule as a card: whose, what it decides, how many coming slots it is about."""

    title: str
    facts: list[tuple[str, str | None]]
    concerned: str
    href: str


@bp.get("/equipe/reglages/regles", endpoint="rules")
def rule_list() -> ResponseReturnValue:
    """Show the rules of the centre, of its places and of its kinds of meetings."""
    require_manager()
    cfa = current_cfa()
    book, coming = rules.rulebook(cfa.id), rules.coming_slots(cfa.id, clock.now())
    zone, named = agenda.home_zone(cfa), platform_labels()

    def level(title: str, rule: BookingRule | None, where: str, slots: Iterable[int], href: str) -> Level:
        return Level(title, rule_words.facts(rule, where, named), concerned(sum(slots)), href)

    return render_template(
        "staff/rules.html",
        centre=level(cfa.shown_name, book.of_cfa, zone, coming.values(), url_for("staff.cfa_rule")),
        sites=[
            level(
                site.shown_name, book.of_site.get(site.id), site.timezone,
                (count for (site_id, _), count in coming.items() if site_id == site.id),
                url_for("staff.site_rule", public_id=site.public_id),
            )
            for site in cfa_settings.sites_with_hours(cfa)
        ],
        kinds=[
            level(
                kind.title, book.of_meeting_type.get(kind.id), zone,
                (count for (_, kind_id), count in coming.items() if kind_id == kind.id),
                url_for("staff.meeting_type_rule", public_id=kind.public_id),
            )
            for kind in meeting_types.listed(cfa.id)
        ],
    )  # fmt: skip


def platform_labels() -> dict[str, str]:
    """Return the platforms by code, the CFA's own page first."""
    others = {each.code: each.name for each in directory.platforms() if each.code != rules.OWN_PAGE}
    return {rules.OWN_PAGE: rule_words.OWN_PAGE_LABEL, **others}


def concerned(count: int) -> str:
    """« 12 créneaux publiés sont concernés »."""
    if not count:
        return "aucun créneau publié n’est concerné pour l’instant"
    verb = "sont concernés" if count > 1 else "est concerné"
    return f"{french.plural(count, 'créneau publié', 'créneaux publiés')} {verb}"


@bp.route("/equipe/reglages/regles/centre", methods=["GET", "POST"])
@csrf.exempt  # the form checks its token, and keeps what was typed
def cfa_rule() -> ResponseReturnValue:
    """Change the rule of the centre."""
    require_manager()
    return _form_page()


@bp.route("/equipe/reglages/regles/lieux/<public_id>", methods=["GET", "POST"])
@csrf.exempt
def site_rule(public_id: str) -> ResponseReturnValue:
    """Change the rule of a place."""
    require_manager()
    return _form_page(site=cfa_settings.get_site(current_cfa(), public_id))


@bp.route("/equipe/reglages/regles/types/<public_id>", methods=["GET", "POST"])
@csrf.exempt
def meeting_type_rule(public_id: str) -> ResponseReturnValue:
    """Change the rule of a kind of meeting."""
    require_manager()
    return _form_page(meeting_type=meeting_types.get_for_cfa(current_cfa().id, public_id))


def _form_page(site: Site | None = None, meeting_type: MeetingType | None = None) -> ResponseReturnValue:
    cfa, person, now = current_cfa(), current_person(), clock.now()
    rule = rules.get(cfa, site=site, meeting_type=meeting_type)
    form = RuleForm()
    form.offer(platform_labels(), site.timezone if site else agenda.home_zone(cfa), not site and not meeting_type)
    if not form.is_submitted():
        form.begin(rule)
        return _page(form, rule, site, meeting_type)
    changed = session_refusal()
    if changed:
        form.form_errors.append(changed)
    if changed or not form.validate():
        return _page(form, rule, site, meeting_type), 400
    try:
        with transaction():
            saved = rules.save(
                cfa, form.draft(), posted_version(), now, by=person, site=site, meeting_type=meeting_type
            )
    except EditedMeanwhile as refusal:
        form.form_errors.append(refusal.message)
        return _page(form, rules.get(cfa, site=site, meeting_type=meeting_type), site, meeting_type), refusal.status
    flash(_saved(saved), "success" if saved.changed else "info")
    return redirect(url_for("staff.rules"), 303)


def _saved(saved: rules.Saved) -> str:
    if not saved.changed:
        return "Rien n’a changé."
    shut = f", dont {saved.not_open} hors des réservations en ligne en ce moment" if saved.not_open else ""
    if saved.not_open == saved.slots > 0:
        shut = ", hors des réservations en ligne en ce moment"
    return f"Règle enregistrée\u00a0: {concerned(saved.slots)}{shut}."


def _page(form: RuleForm, rule: BookingRule | None, site: Site | None, meeting_type: MeetingType | None) -> str:
    cfa = current_cfa()
    narrow = site or meeting_type
    wider = rules.rulebook(cfa.id).of(None, None) if narrow else rules.NO_RULE
    decided = dict(rule_words.facts(wider, form.zone, platform_labels()))
    count, _ = rules.concerned(cfa, clock.now(), site=site, meeting_type=meeting_type)
    return render_template(
        "staff/rule.html",
        form=form,
        version=rule.version if rule else 0,
        title=site.shown_name if site else meeting_type.title if meeting_type else cfa.shown_name,
        whose="du lieu" if site else "du type de rendez-vous" if meeting_type else "du centre",
        wider=[(label, said) for label, said in decided.items() if said],
        is_widest=narrow is None,
        concerned=concerned(count),
        zone_label=french.zone_suffix(form.zone).strip(" ()"),
        # When it was changed meanwhile: what it says now.
        current=rule_words.facts(rule, form.zone, platform_labels()) if form.form_errors else [],
    )
