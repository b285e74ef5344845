"""What the centre shows on each platform: its manager accepts, refuses, chooses place by place, and names the centre's sites."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import cfa_settings, clock, consents, directory, french, links
from rdv.clock import PARIS, to_zone
from rdv.consents import NotPossible, WrongHost
from rdv.db import transaction
from rdv.errors import NotFound, RdvError
from rdv.models import Cfa, Platform, PlatformConsent, Training
from rdv.permissions import can_change_settings
from rdv.web import address_lines, bookable_lines
from rdv.web.forms import tidy
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import StaffForm

CHOICES: dict[str, bool | None] = {"comme": None, "oui": True, "non": False}
_WORDS = {value: word for word, value in CHOICES.items()}


class DomainsForm(StaffForm):
    hosts = wtforms.TextAreaField(
        "Adresses de votre site", [validators.Length(max=3000, message="Cette liste est trop longue.")], filters=[tidy]
    )

    def found(self) -> list[str]:
        """Return the host names typed, each once; raise WrongHost with what to correct."""
        typed = [line for line in (self.hosts.data or "").replace(",", "\n").split("\n") if line.strip()]
        found = list(dict.fromkeys(consents.host(line) for line in typed))
        if len(found) > consents.MOST_DOMAINS:
            raise WrongHost(f"Indiquez {consents.MOST_DOMAINS} adresses au plus.")
        return found


@dataclass(frozen=True)
class Line:
    """A platform as the page shows it; `yes` and `no`: what its buttons say, None for none."""

    code: str
    name: str
    state: str
    kind: str | None
    text: str
    yes: str | None
    no: str | None
    commitment: bool
    own_site: bool
    shown: bool


@bp.get("/equipe/plateformes", endpoint="platforms")
def platform_list() -> ResponseReturnValue:
    """Show the state of each platform, with what may be changed."""
    return _page(DomainsForm(data={"hosts": "\n".join(directory.domains_of(context.current_cfa()))}))


@bp.post("/equipe/plateformes/<code>")
def platform_answer(code: str) -> ResponseReturnValue:
    """Accept or refuse a platform for the whole centre."""
    context.require_manager()
    cfa, platform = context.current_cfa(), _platform(code)
    act = {"accepter": consents.turn_on, "refuser": consents.hide}.get(request.form.get("action", ""))
    if act is None:
        raise RdvError
    try:
        with transaction():
            act(cfa, platform, "manager", clock.now(), context.current_person())
        flash(f"{platform.name}\u00a0: votre choix est enregistré.", "success")
    except NotPossible as refusal:
        flash(refusal.message, "info")
    return redirect(url_for("staff.platforms"), 303)


@bp.route("/equipe/plateformes/<code>/lieux", methods=["GET", "POST"])
def platform_sites(code: str) -> ResponseReturnValue:
    """Show or hide each place on one platform."""
    context.require_manager()
    cfa, platform = context.current_cfa(), _platform(code)
    sites = [site for site in cfa.sites if site.closed_at is None]
    chosen = consents.chosen_sites(cfa, platform)
    if request.method == "POST":
        with transaction():
            for site in sites:
                word = request.form.get(f"lieu-{site.public_id}", "")
                if word in CHOICES:
                    consents.show_at(site, platform, CHOICES[word], context.current_person())
        flash("L’affichage de vos lieux est enregistré.", "success")
        return redirect(url_for("staff.platforms"), 303)
    return render_template(
        "staff/platform_sites.html", platform=platform,
        lines=[(site, _WORDS[chosen.get(site.id)]) for site in sites],
    )  # fmt: skip


@bp.post("/equipe/plateformes/cfa/adresses")
def platform_domains() -> ResponseReturnValue:
    """Replace the list of the centre's own sites; refused, it comes again as typed."""
    context.require_manager()
    form = DomainsForm()
    if not form.validate_on_submit():
        return _page(form), form.status
    try:
        hosts = form.found()
    except WrongHost as refusal:
        form.hosts.errors = [refusal.message]
        return _page(form), refusal.status
    with transaction():
        changed = consents.set_domains(context.current_cfa(), hosts, context.current_person())
    flash(
        "Les adresses de votre site sont enregistrées." if changed else "Rien n’a changé.",
        "success" if changed else "info",
    )
    return redirect(url_for("staff.platforms") + "#site", 303)


@bp.get("/equipe/reglages/formations/<public_id>/plateformes", endpoint="bookable")
def why_bookable(public_id: str) -> ResponseReturnValue:
    """« Pourquoi cette formation est-elle réservable ici ? »: each platform, each rule, and where to put it right."""
    training = cfa_settings.get_training(context.current_cfa(), public_id)
    return render_template(
        "staff/bookable.html", training=training, place=directory.shown_place(training.sites),
        platforms=bookable_lines.of(training, clock.now(), _targets(training)), public_url=links.training(training),
        addresses=address_lines.of(training), may_change=can_change_settings(context.current_membership()),
    )  # fmt: skip


def _targets(training: Training) -> bookable_lines.Targets:
    """Return where a member of the centre puts a rule right."""
    if not can_change_settings(context.current_membership()):
        return {"contact": (url_for("staff.publish"), "Publier des créneaux")}
    page = (url_for("staff.platforms"), "Ouvrir la page Plateformes")
    modes = url_for("staff.training_settings", public_id=training.public_id)
    return {
        "contact": (modes, "Ouvrir un moyen de contact"), "consent": page, "domain": page, "site": page,
    }  # fmt: skip


def _platform(code: str) -> Platform:
    found = directory.get_platform(code)
    if found is None or not found.active:
        raise NotFound
    return found


def _page(form: DomainsForm) -> str:
    cfa = context.current_cfa()
    said = consents.of_cfa(cfa)
    lines = [_line(cfa, each, said.get(each.id)) for each in directory.platforms() if each.active]
    return render_template(
        "staff/platforms.html", lines=[line for line in lines if not line.own_site], form=form, cfa=cfa,
        own=next((line for line in lines if line.own_site), None), may_change=can_change_settings(context.current_membership()),
        domains=directory.domains_of(cfa), several_sites=len([site for site in cfa.sites if site.closed_at is None]) > 1,
        code=f'<a href="{links.cfa(cfa)}?origine=cfa">Prendre rendez-vous</a>',
    )  # fmt: skip


def _line(cfa: Cfa, platform: Platform, consent: PlatformConsent | None) -> Line:
    state = consent.state if consent is not None else "none"
    cycle = platform.life_cycle
    since = f" depuis le {_day(consent.decided_at)}" if consent is not None and consent.decided_at else ""
    if cycle == "always":
        shown = state != "refused"
        text = (
            "Vos formations ouvertes s’y affichent, sans accord à donner."
            if shown
            else f"Masqué par votre centre{since}."
        )
    else:
        shown = state == "active"
        text = _text(platform, consent, since)
    label, kind = {
        "active": ("Affiché", "success"), "invited": ("Réponse attendue", "info"), "refused": ("Masqué", "error"),
    }.get(state, ("Affiché", "success") if cycle == "always" else ("Pas encore", None))  # fmt: skip
    yes = None if shown else ("Accepter" if cycle == "premium" else "Activer" if cycle == "own_site" else "Afficher")
    no = {"always": "Masquer", "own_site": "Désactiver"}.get(
        cycle, "Refuser" if state == "invited" else "Ne plus afficher"
    )
    may_refuse = shown or state == "invited"
    return Line(
        platform.code, platform.name, label, kind, text, yes, no if may_refuse else None, cycle == "premium",
        cycle == "own_site", shown,
    )  # fmt: skip


def _text(platform: Platform, consent: PlatformConsent | None, since: str) -> str:
    cycle, state = platform.life_cycle, consent.state if consent is not None else "none"
    if cycle == "own_site":
        return f"Le bouton est activé{since}." if state == "active" else "Le bouton n’est pas activé."
    if state == "active":
        who = {"silence": "sans refus de votre part", "team": "par l’équipe du service"}.get(
            (consent.decided_by if consent else None) or "", ""
        )
        return f"Vos formations s’y affichent{since}{', ' + who if who else ''}."
    if state == "refused":
        return f"Refusé{since}, pour tous vos lieux."
    if consent is not None and consent.activates_at is not None:
        return f"Vos formations s’y afficheront le {_day(consent.activates_at)}, sauf refus."
    if state == "invited":
        return "Votre réponse est attendue\u00a0: sans accord, rien ne s’affiche."
    if cycle == "opt_out":
        return "Votre centre sera prévenu par courriel avant tout affichage."
    return "Votre accord est nécessaire. Vous pouvez le donner dès maintenant."


def _day(instant: datetime | None) -> str:
    return french.day_of_month(to_zone(instant, PARIS)) if instant else ""
