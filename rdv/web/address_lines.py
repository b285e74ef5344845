"""« Pourquoi cette adresse ? » in lines, the same for a centre and for the service team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rdv import contact_resolution, inbox
from rdv.contact_resolution import Rule
from rdv.db import db
from rdv.models import Training

_TITLES = {
    Rule.CHOSEN_TRAINING: "Choisie pour la formation",
    Rule.CHOSEN_SITE: "Choisie pour le lieu de formation",
    Rule.CHOSEN_CFA: "Choisie pour le centre",
    Rule.TRAINING: "De la formation",
    Rule.SITE: "Du lieu de formation",
    Rule.CFA: "Du centre",
    Rule.MOST_FREQUENT: "La plus fréquente de vos formations",
}
_STATES = {
    "taken": "C’est elle qui reçoit les demandes.",
    "spare": "En réserve\u00a0: une adresse choisie, ou plus proche de la formation, reçoit déjà les demandes.",
    "dead": "Écartée\u00a0: nos messages en reviennent. L’équipe du service la remet en service une fois corrigée.",
    "missing": "Le catalogue n’en donne pas.",
}


@dataclass(frozen=True)
class Line:
    """A place where an address is looked for, what is found there, and what becomes of it."""

    title: str
    address: str | None
    taken: bool
    text: str


@dataclass(frozen=True)
class Lines:
    """Every step, and the conclusion."""

    steps: Sequence[Line]
    conclusion: str


def of(training: Training) -> Lines:
    """Return where the requests for a training are sent, and why there."""
    place = inbox.main_site(training.cfa, training)
    found = contact_resolution.explain(db.session(), training, place, training.cfa)
    steps = [Line(_TITLES[step.rule], step.email, step.state == "taken", _STATES[step.state]) for step in found]
    taken = next((step.email for step in found if step.state == "taken"), None)
    if taken:
        conclusion = f"Les demandes de rappel et les messages pour cette formation arrivent à {taken}."
    else:
        conclusion = (
            "Aucune adresse ne reçoit les demandes\u00a0: elles attendent dans l’espace du centre. Créneaux et téléphone "
            "restent ouverts aux candidats. Choisissez une adresse dans les réglages du centre, ou faites-en ajouter une par "
            "votre Carif-Oref."
        )
    return Lines(steps, conclusion)
