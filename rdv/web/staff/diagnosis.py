"""« Pourquoi mon lien n’affiche-t-il rien ? »: each rule in words, with the page that puts it right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import wtforms
from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, clock, diagnosis, french, links, rules
from rdv.diagnosis import Check
from rdv.models import Training
from rdv.permissions import can_change_settings
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_membership
from rdv.web.staff.rules import platform_labels


class LinkForm(wtforms.Form):
    """Which link is looked at, read from the address; a value that makes no sense means the CFA's own page."""

    formation = wtforms.SelectField("Page", default="")
    origine = wtforms.SelectField("Vue depuis", default=rules.OWN_PAGE)

    def offer(self, trainings: list[Training], platforms: dict[str, str]) -> None:
        """Fill the lists of this CFA."""
        self.formation.choices = {"": "Page du centre"} | {each.public_id: _label(each) for each in trainings}
        self.origine.choices = platforms
        for field in (self.formation, self.origine):
            if field.data not in field.choices:
                field.data = field.default


@dataclass(frozen=True)
class Line:
    """A check as a line of the page."""

    title: str
    text: str
    state: str
    state_label: str
    href: str | None
    label: str | None


@bp.get("/equipe/diagnostic", endpoint="diagnosis")
def link_diagnosis() -> ResponseReturnValue:
    """Say what a link shows, and what stands in the way."""
    cfa, now = current_cfa(), clock.now()
    trainings = diagnosis.trainings_of(cfa.id)
    form = LinkForm(request.args)
    form.offer(trainings, platform_labels())
    training = next((each for each in trainings if each.public_id == form.formation.data), None)
    found = diagnosis.diagnose(cfa, training, form.origine.data, now)
    public_url = links.training(training) if training else links.cfa(cfa)
    if form.origine.data != rules.OWN_PAGE:
        public_url += f"?origine={form.origine.data}"
    lines = [_line(check, agenda.home_zone(cfa)) for check in found.checks]
    return render_template(
        "staff/diagnosis.html",
        form=form,
        shown=found.shown,
        shown_title=_slots(found.shown) + (" et plus" if found.shown >= diagnosis.MOST_SHOWN else "") + " à réserver",
        wrong=[line for line in lines if line.state == "error"],
        right=[line for line in lines if line.state != "error"],
        public_url=public_url,
        may_change=can_change_settings(current_membership()),
    )


def _label(training: Training) -> str:
    towns = ", ".join(dict.fromkeys(site.city for site in training.sites if site.city))
    return f"{training.shown_title} – {towns}" if towns else training.shown_title


STATES = {True: ("success", "En ordre"), False: ("error", "À corriger"), None: ("none", "Sans objet")}


def _line(check: Check, zone: str) -> Line:
    title, right, wrong, fix = WORDS[check.code]
    state, label = STATES[check.passed]
    if check.passed is None:
        return Line(title, "Aucun créneau à examiner.", state, label, None, None)
    text = wrong if check.passed is False else right
    if check.left_out and check.passed:
        text = f"{text} {LEFT_OUT[check.code].format(_slots(check.left_out))}" if check.code in LEFT_OUT else text
    if check.at and (not check.passed or check.left_out):
        text += f" Le prochain s’ouvre {french.moment(check.at, zone)}."
    target = fix() if fix and check.passed is False else (None, None)
    return Line(title, text, state, label, *target)


def _slots(count: int) -> str:
    return french.plural(count, "créneau", "créneaux")


Target = tuple[str | None, str | None]


def _to(endpoint: str, label: str, **query: Any) -> Callable[[], Target]:
    def target() -> Target:
        manager_only = endpoint in ("staff.rules", "staff.cfa_settings_form")
        if manager_only and not can_change_settings(current_membership()):
            return None, None
        return url_for(endpoint, **query), label

    return target


_PUBLISH = _to("staff.publish", "Publier des créneaux")
_AGENDA = _to("staff.agenda", "Ouvrir l’agenda", vue="liste")
_RULES = _to("staff.rules", "Voir les règles de réservation")
_CLOSURES = _to("staff.closures", "Voir les fermetures et absences")

# For each check: its title, what to say when it passes, when it does not, and where to put it right.
WORDS: dict[str, tuple[str, str, str, Callable[[], Target] | None]] = {
    "centre": ("Le centre", "Votre centre accueille des candidats.", "Votre centre est fermé dans le service. Écrivez à l’assistance.", None),
    "training": (
        "La formation", "Elle est proposée aux candidats.",
        "Le catalogue ne la propose plus, ou l’équipe du service l’a masquée. Choisissez-en une autre, ou écrivez à l’assistance.", None,
    ),
    "site": ("Le lieu", "Un lieu de formation est ouvert.", "Aucun lieu de formation n’est ouvert. Les lieux viennent du catalogue\u00a0: écrivez à l’assistance.", None),
    "scope": (
        "Les formations choisies", "Des créneaux à venir sont pour cette formation.",
        "Des créneaux sont publiés, mais tous pour d’autres formations. Publiez-en pour «\u00a0toutes celles de ce lieu\u00a0».", _PUBLISH,
    ),
    "published": ("Des créneaux", "Des créneaux sont publiés.", "Aucun créneau n’est publié pour cette page.", _PUBLISH),
    "coming": ("Des dates à venir", "Des créneaux sont à venir.", "Tous les créneaux publiés sont passés.", _PUBLISH),
    "closure": ("Fermetures et absences", "Des créneaux restent hors de vos fermetures.", "Une fermeture ou une absence couvre tous les créneaux à venir.", _CLOSURES),
    "open": ("Créneaux ouverts", "Des créneaux sont ouverts aux réservations.", "Tous les créneaux à venir ont été fermés à la main. Rouvrez-en dans l’agenda.", _AGENDA),
    "listed": (
        "Créneaux affichés", "Des créneaux s’affichent sur votre page publique.",
        "Tous les créneaux ouverts sont réservés aux personnes à qui vous envoyez leur lien.", _PUBLISH,
    ),
    "platform": ("La plateforme", "Vos règles permettent de réserver depuis là.", "Vos règles ne permettent pas de réserver depuis cette plateforme.", _RULES),
    "opening": ("La date d’ouverture", "Les réservations en ligne sont ouvertes.", "Les réservations en ligne ne sont pas encore ouvertes.", _RULES),
    "horizon": ("À l’avance", "Des créneaux sont assez proches pour s’afficher.", "Tous les créneaux sont plus loin que ce que vos règles affichent.", _RULES),
    "notice": ("Le délai minimum", "Des créneaux laissent encore le délai que vous demandez.", "Tous les créneaux sont trop proches\u00a0: vos règles demandent un délai plus long.", _RULES),
    "day_full": (
        "Le nombre par jour", "Des journées acceptent encore des rendez-vous.",
        "Toutes les journées ont atteint le nombre de rendez-vous par conseiller.", _RULES,
    ),
    "seats": ("Les places", "Des places sont libres.", "Tous les créneaux qui pourraient s’afficher sont complets.", _PUBLISH),
    "modes": (
        "Sans créneau", "Les candidats peuvent aussi être rappelés ou vous écrire.",
        "«\u00a0Être rappelé\u00a0» et «\u00a0écrire un message\u00a0» sont fermés\u00a0: sans créneau, les candidats ne peuvent que téléphoner.",
        _to("staff.cfa_settings_form", "Modifier les moyens de contact"),
    ),
}  # fmt: skip

# What to say of the slots that do not pass while others do.
LEFT_OUT = {
    "scope": "Pour d’autres formations\u00a0: {}.",
    "closure": "Fermés par là\u00a0: {}.",
    "open": "Fermés à la main\u00a0: {}.",
    "listed": "Par leur lien seulement\u00a0: {}.",
    "platform": "Non affichés ici\u00a0: {}.",
    "opening": "Pas encore ouverts\u00a0: {}.",
    "horizon": "Pas encore affichés\u00a0: {}.",
    "notice": "Trop proches\u00a0: {}.",
    "day_full": "Sur une journée complète\u00a0: {}.",
    "seats": "Complets\u00a0: {}.",
}
