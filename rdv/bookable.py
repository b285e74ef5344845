"""Where « Prendre rendez-vous » stands: the one rule of what is bookable on which platform, for one training and for all.

A candidate who comes by a link is never turned away from an open training: only buttons and the API ask this.
`on` and `ids` give the same answer (tests compare them on a generated table of cases).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv import directory, french, inbox, modes, seats, slots
from rdv import rules as booking_rules
from rdv.clock import PARIS, to_zone
from rdv.db import db
from rdv.models import (
    Cfa,
    CfaDomain,
    Platform,
    PlatformConsent,
    PlatformSite,
    Site,
    Slot,
    SlotTraining,
    Training,
    training_site,
)

# What a platform must know of a training to show it, whatever the centre said (reference/predecessor.md §7.3).
_VISIBLE = {"parcoursup": Training.parcoursup_visible, "affelnet": Training.affelnet_visible}
_KNOWN_AS = {"parcoursup": Training.parcoursup_id, "onisep": Training.onisep_id}


@dataclass(frozen=True)
class Rule:
    """One thing that must hold; `sentence` says in French that it does, or what to do."""

    code: str  # platform, centre, training, contact, consent, listed, known, domain, site
    met: bool
    sentence: str


def on(training: Training, platform: Platform, now: datetime) -> bool:
    """Say whether a button of this platform leads to this training."""
    return all(rule.met for rule in rules(training, platform, now))


def rules(training: Training, platform: Platform, now: datetime) -> list[Rule]:
    """Return every rule of this platform for this training, met or not, in the order in which people can act on them."""
    cfa = training.cfa
    found = [
        _rule("platform", platform.active, platform),
        _rule("centre", cfa.closed_at is None, platform),
        _rule("training", training.published and training.closed_at is None, platform),
        _rule("contact", reachable(training, platform.code, now), platform),
    ]
    consent = consent_of(cfa, platform)
    if platform.life_cycle != "always":
        active = consent is not None and consent.state == "active"
        found.append(Rule("consent", active, _consent_sentence(platform, consent, now)))
    if platform.code in _VISIBLE:
        found.append(_rule("listed", bool(getattr(training, _VISIBLE[platform.code].key)), platform))
    if platform.code in _KNOWN_AS:
        found.append(_rule("known", bool(getattr(training, _KNOWN_AS[platform.code].key)), platform))
    if platform.life_cycle == "own_site":
        found.append(_rule("domain", bool(directory.domains_of(cfa)), platform))
    found.append(_rule("site", _shown_at_a_site(training, platform, consent), platform))
    return found


def consent_of(cfa: Cfa, platform: Platform) -> PlatformConsent | None:
    """Return what a centre answered about a platform, None when it was never asked."""
    return db.session.scalar(
        sa.select(PlatformConsent).where(
            PlatformConsent.cfa_id == cfa.id, PlatformConsent.platform_id == platform.id
        )
    )  # fmt: skip


def ids(platform: Platform, now: datetime) -> sa.Select[int]:
    """Return the SELECT of the ids of the trainings bookable on a platform: the rules above, in SQL."""
    found = open_ids(platform.code, now)
    if not platform.active:
        return found.where(sa.false())
    found = found.where(_site_in_sql(platform))
    consents = sa.select(PlatformConsent.cfa_id).where(PlatformConsent.platform_id == platform.id)
    if platform.life_cycle != "always":
        found = found.where(Training.cfa_id.in_(consents.where(PlatformConsent.state == "active")))
    found = found.where(*listed_on(platform))
    if platform.life_cycle == "own_site":
        found = found.where(Training.cfa_id.in_(sa.select(CfaDomain.cfa_id)))
    return found


def open_ids(page_code: str, now: datetime) -> sa.Select[int]:
    """Return the SELECT of the ids of open trainings whose page offers a way to reach the centre: `reachable`, in SQL."""
    return (
        sa.select(Training.id)
        .join(Cfa, Cfa.id == Training.cfa_id)
        .where(
            Cfa.closed_at.is_(None), Training.published.is_(True), Training.closed_at.is_(None),
            sa.or_(*(_mode_in_sql(mode) for mode in modes.MODES), *_free_slot_in_sql(page_code, now)),
        )
    )  # fmt: skip


def among(trainings: Iterable[Training], platform: Platform, now: datetime) -> set[int]:
    """Return the ids of those of these trainings that are bookable on a platform: one statement, however many they are."""
    asked = {training.id for training in trainings}
    return set(db.session.scalars(ids(platform, now).where(Training.id.in_(asked)))) if asked else set()


def listed_on(platform: Platform) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on trainings that a platform knows and publishes; none where it takes whatever is open."""
    found: list[sa.ColumnElement[bool]] = []
    if platform.code in _VISIBLE:
        found.append(_VISIBLE[platform.code].is_(True))
    if platform.code in _KNOWN_AS:
        found.append(sa.func.coalesce(_KNOWN_AS[platform.code], "") != "")
    return found


# -- a way of contact -------------------------------------------------------------------------------------------------


def reachable(training: Training, page_code: str, now: datetime) -> bool:
    """Say whether a page of this platform (`rules.OWN_PAGE`: the centre's own) offers a way to reach the centre."""
    place = inbox.main_site(training.cfa, training)
    if any(modes.is_open(mode, training.cfa, place, training) for mode in modes.MODES):
        return True
    return bool(slots.free_for_training(training, now, 1, platform=page_code))


def _mode_in_sql(mode: str) -> sa.ColumnElement[bool]:
    """Say what `modes.is_open` says at the training's main place (`inbox.main_site`)."""
    column = f"{mode}_open"
    here: Any = getattr(Site, column)
    first = sa.select(here).where(Site.closed_at.is_(None)).order_by(Site.id).limit(1).correlate(Training)
    its_sites = sa.select(training_site.c.site_id).where(training_site.c.training_id == Training.id).correlate(Training)
    # Two statements rather than an OR: each reads an index for every training.
    its_own = first.join(training_site, training_site.c.site_id == Site.id).where(
        training_site.c.training_id == Training.id
    )
    of_cfa = first.where(Site.cfa_id == Training.cfa_id)
    place = sa.case((sa.exists(its_sites), its_own.scalar_subquery()), else_=of_cfa.scalar_subquery())
    chosen = sa.func.coalesce(getattr(Training, column), place, getattr(Cfa, column))
    return chosen.is_(True)


def _free_slot_in_sql(page_code: str, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Say what `slots.free_for_training` finds: slots of the centre, of the place, and those chosen for the training."""
    free = sa.select(Slot.id).where(
        *seats.bookable(now), Slot.listed.is_(True), Slot.seats_taken < Slot.capacity,
        booking_rules.shown_by_any(page_code),
    )  # fmt: skip
    sites = sa.select(training_site.c.site_id).where(training_site.c.training_id == Training.id).correlate(Training)
    own = free.join(SlotTraining, SlotTraining.slot_id == Slot.id).where(SlotTraining.training_id == Training.id)
    ways = (
        free.where(Slot.training_scope == "cfa", Slot.cfa_id == Training.cfa_id),
        free.where(Slot.training_scope == "site", Slot.site_id.in_(sites)),
        own,
    )
    return [sa.exists(way.correlate(Training)) for way in ways]


# -- the choice of the centre, and of each place ----------------------------------------------------------------------


def _by_default(platform: Platform, consent: PlatformConsent | None) -> bool:
    """Where nothing is asked, a centre may still hide itself, and show some places alone."""
    return not (platform.life_cycle == "always" and consent is not None and consent.state == "refused")


def _shown_at_a_site(training: Training, platform: Platform, consent: PlatformConsent | None) -> bool:
    """Say whether one open place of the training is shown; the centre's choice alone counts when it has none."""
    default = _by_default(platform, consent)
    places = [site.id for site in training.sites if site.closed_at is None]
    query = sa.select(PlatformSite.site_id, PlatformSite.shown).where(
        PlatformSite.platform_id == platform.id, PlatformSite.site_id.in_(places)
    )
    chosen = {row.site_id: row.shown for row in db.session.execute(query)} if places else {}
    return any(chosen.get(place, default) for place in places) if places else default


def _site_in_sql(platform: Platform) -> sa.ColumnElement[bool]:
    default: sa.ColumnElement[bool] = sa.true()
    if platform.life_cycle == "always":
        default = ~sa.exists().where(
            PlatformConsent.cfa_id == Training.cfa_id, PlatformConsent.platform_id == platform.id,
            PlatformConsent.state == "refused",
        ).correlate(Training)  # fmt: skip
    places = (
        sa.select(Site.id)
        .join(training_site, training_site.c.site_id == Site.id)
        .where(training_site.c.training_id == Training.id, Site.closed_at.is_(None))
    )
    here = sa.select(PlatformSite.id).where(
        PlatformSite.site_id == Site.id, PlatformSite.platform_id == platform.id
    )  # fmt: skip
    said_yes = sa.exists(here.where(PlatformSite.shown.is_(True)).correlate(Site))
    said_nothing = ~sa.exists(here.correlate(Site))
    return sa.or_(
        sa.exists(places.where(said_yes).correlate(Training)),
        sa.and_(default, sa.exists(places.where(said_nothing).correlate(Training))),
        sa.and_(default, ~sa.exists(places.correlate(Training))),
    )


# -- words ------------------------------------------------------------------------------------------------------------

# For each rule: what to say when it is met, and what to do when it is not.
_SENTENCES = {
    "platform": (
        "{name} affiche le service.",
        "{name} n’affiche plus le service pour le moment. L’équipe du service peut l’y remettre.",
    ),
    "centre": (
        "Le centre accueille des candidats.",
        "Le centre est fermé dans le service. Écrivez à l’assistance pour le rouvrir.",
    ),
    "training": (
        "La formation est proposée aux candidats.",
        "Le catalogue ne propose plus cette formation, ou elle est masquée. Faites corriger sa fiche par votre "
        "Carif-Oref, ou écrivez à l’assistance.",
    ),
    "contact": (
        "Les candidats ont un moyen de vous joindre.",
        "Aucun moyen de contact n’est ouvert. Publiez des créneaux, ou ouvrez «\u00a0être rappelé\u00a0» ou "
        "«\u00a0écrire un message\u00a0».",
    ),
    "known": (
        "{name} connaît cette formation.",
        "Le catalogue ne dit pas sous quel numéro {name} connaît cette formation. Demandez à votre Carif-Oref de "
        "compléter sa fiche.",
    ),
    "listed": (
        "Cette formation est publiée sur {name}.",
        "Le catalogue ne dit pas que cette formation est publiée sur {name}. Vérifiez sa fiche auprès de votre "
        "Carif-Oref\u00a0: l’affichage suit la nuit d’après.",
    ),
    "domain": (
        "Les adresses de votre site sont connues.",
        "Aucune adresse de votre site n’est connue. Ajoutez-la dans la page Plateformes.",
    ),
    "site": (
        "Un lieu de la formation est affiché sur {name}.",
        "Votre centre a masqué les lieux de cette formation sur {name}. Changez ce choix dans la page Plateformes.",
    ),
}  # fmt: skip


def _rule(code: str, met: bool, platform: Platform) -> Rule:
    right, wrong = _SENTENCES[code]
    return Rule(code, met, (right if met else wrong).format(name=platform.name))


def _consent_sentence(platform: Platform, consent: PlatformConsent | None, now: datetime) -> str:
    name = platform.name
    if consent is None:
        if platform.life_cycle == "own_site":
            return "Le bouton de votre site n’est pas activé. Activez-le dans la page Plateformes."
        if platform.life_cycle == "opt_out":
            return f"Le centre n’a pas encore été prévenu de l’affichage sur {name}. Un responsable peut l’accepter dès maintenant."
        return f"Le centre n’a pas encore accepté d’être affiché sur {name}. Un responsable peut l’accepter dans la page Plateformes."
    if consent.state == "active":
        if consent.decided_by == "silence":
            return f"Le centre a été prévenu et n’a pas refusé l’affichage sur {name}."
        return f"Le centre a accepté d’être affiché sur {name}."
    if consent.state == "refused":
        if platform.life_cycle == "own_site":
            return "Le bouton de votre site a été désactivé. Réactivez-le dans la page Plateformes."
        return f"Le centre a refusé d’être affiché sur {name}. Un responsable peut revenir sur ce choix dans la page Plateformes."
    if consent.activates_at is not None and consent.activates_at > now:
        opening = french.day(to_zone(consent.activates_at, PARIS))
        return f"Le centre a été prévenu\u00a0: {name} affichera la formation le {opening}, sauf refus. Un responsable peut l’accepter avant."
    if platform.life_cycle == "opt_out":
        return f"Le centre a été prévenu\u00a0: {name} affichera la formation dans quelques heures, sauf refus."
    return f"Le centre est invité à accepter d’être affiché sur {name}\u00a0: sa réponse manque. Un responsable la donne dans la page Plateformes."
