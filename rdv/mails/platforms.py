"""Mails of the life cycle of platforms: to who decides for a centre, and to whom requests reach."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from rdv import clock, consents, french, links
from rdv.db import db
from rdv.mails.message import Kind, Link, Mail, always, facts, named
from rdv.models import OutgoingMail, PlatformConsent, PlatformQuestion, Training
from rdv.settings import settings

WHY = (
    "Vous recevez ce message parce que cette adresse est celle de votre centre, ou d’une de ses formations, dans le "
    "catalogue des Carif-Oref. Pour la corriger, adressez-vous à votre Carif-Oref."
)
SERVICE = (
    "Depuis la page d’une formation, un candidat peut demander à être rappelé, écrire un message, ou réserver un créneau si "
    "vous en publiez. Sa demande arrive à l’adresse que votre centre déclare pour cette formation."
)
COMMITMENT = (
    "En acceptant, votre centre s’engage à répondre à tous les candidats, par téléphone ou par courriel, dans les "
    "4 jours ouvrés."
)


def consent_of(row: OutgoingMail) -> PlatformConsent | None:
    """Return the answer a mail is about, None when a new season forgot it."""
    query = sa.select(PlatformConsent).where(PlatformConsent.public_id == row.data.get("consent"))
    return db.session.scalar(query)


def _while(state: str) -> Callable[[OutgoingMail, datetime], bool]:
    """Due while the answer is still this one, for a centre that is open and an address that still decides or receives."""

    def due(row: OutgoingMail, _now: datetime) -> bool:
        consent = consent_of(row)
        return consent is not None and consent.state == state and consent.cfa.closed_at is None

    return due


def _names(consent: PlatformConsent, state: str) -> str:
    return french.enumeration([each.platform.name for each in consents.together(consent) if each.state == state])


def _choice(row: OutgoingMail, label: str) -> Link:
    return label, links.platform_choice(named(consent_of(row)), row.to_email)


def _centre(consent: PlatformConsent) -> tuple[tuple[str, str], ...]:
    open_ones = sa.select(sa.func.count()).where(
        Training.cfa_id == consent.cfa_id, Training.published.is_(True), Training.closed_at.is_(None)
    )
    number = db.session.scalar(open_ones) or 0
    return facts(
        ("Centre", consent.cfa.shown_name), ("SIRET", consent.cfa.siret),
        ("Formations", french.plural(number, "formation") if number else None),
    )  # fmt: skip


def _link_lives() -> str:
    return f"Ce lien est à votre adresse et fonctionne {settings().platform_link_days} jours."


def optout_invited(row: OutgoingMail) -> Mail:
    """The platforms will show the centre's trainings on a day, unless it refuses."""
    consent = named(consent_of(row))
    names = _names(consent, "invited")
    opening = french.day(clock.to_zone(named(consent.activates_at), clock.PARIS), year=True)
    return Mail(
        subject=f"Vos formations bientôt réservables en ligne : {names}",
        preheader=f"À partir du {opening}, sauf si vous le refusez.",
        paragraphs=(
            f"À partir du {opening}, le bouton « Prendre rendez-vous » s’affichera sur les fiches de vos formations : {names}.",
            SERVICE,
            "Vous n’avez rien à faire pour en profiter. C’est gratuit.",
        ),
        facts=_centre(consent),
        button=_choice(row, "Voir, refuser ou poser une question"),
        after=(
            f"Sans refus de votre part, l’affichage commence le {opening}. Vous pourrez encore l’arrêter ensuite.",
            _link_lives(),
        ),
        footer_reason=WHY,
    )


def optout_active(row: OutgoingMail) -> Mail:
    """The platforms show the centre's trainings; they may still be refused."""
    consent = named(consent_of(row))
    names = _names(consent, "active")
    return Mail(
        subject=f"Vos formations sont réservables en ligne : {names}",
        preheader="Les demandes des candidats peuvent arriver dès maintenant.",
        paragraphs=(
            f"Le bouton « Prendre rendez-vous » s’affiche sur les fiches de vos formations : {names}.",
            SERVICE,
        ),
        facts=_centre(consent),
        button=_choice(row, "Voir, arrêter ou poser une question"),
        after=("Chaque demande vous dit combien de temps vous avez pour répondre.", _link_lives()),
        footer_reason=WHY,
    )


def optout_active_contact(row: OutgoingMail) -> Mail:
    """The same to an address that receives requests, and does not decide."""
    consent = named(consent_of(row))
    names = _names(consent, "active")
    return Mail(
        subject=f"Les candidats peuvent vous joindre depuis {names}",
        paragraphs=(
            f"Le bouton « Prendre rendez-vous » s’affiche sur les fiches des formations de votre centre : {names}.",
            "Les demandes des candidats pour les formations dont vous êtes le contact arriveront à cette adresse.",
        ),
        facts=_centre(consent),
        footer_reason=WHY,
    )


def optout_refused(row: OutgoingMail) -> Mail:
    """The refusal is noted."""
    consent = named(consent_of(row))
    names = _names(consent, "refused")
    return Mail(
        subject=f"Vos formations ne sont pas réservables en ligne : {names}",
        paragraphs=(
            f"Votre refus est enregistré pour tous les lieux de votre centre : {names}. Le bouton « Prendre rendez-vous » ne "
            "s’y affiche pas.",
            "Nous ne vous inviterons plus. Ce que vous avez accepté sur d’autres plateformes ne change pas.",
        ),
        facts=_centre(consent),
        after=(
            f"Vous changez d’avis ? Un responsable du centre peut le faire dans son espace, ou écrivez à {settings().support_email}.",
        ),
        footer_reason=WHY,
    )


def _premium_invitation(row: OutgoingMail, again: bool) -> Mail:
    consent = named(consent_of(row))
    name = consent.platform.name
    return Mail(
        subject=f"{'Rappel : r' if again else 'R'}ecevez les demandes des candidats de {name}",
        preheader="Votre accord est nécessaire.",
        paragraphs=(
            *((f"Nous vous avons écrit au sujet de {name}, et votre réponse nous manque. Nous n’écrirons plus cette année.",) if again else ()),
            f"Les candidats qui consultent vos formations sur {name} peuvent prendre rendez-vous avec vous, si vous l’acceptez.",
            SERVICE, COMMITMENT,
            "Votre accord vaut pour toutes les formations de votre centre qui y sont publiées, et pour les suivantes.",
        ),
        facts=_centre(consent),
        button=_choice(row, "Accepter, refuser ou poser une question"),
        after=(_link_lives(),),
        footer_reason=WHY,
    )  # fmt: skip


def premium_invited(row: OutgoingMail) -> Mail:
    """Asks for a yes to one platform."""
    return _premium_invitation(row, again=False)


def premium_followed_up(row: OutgoingMail) -> Mail:
    """Asks again, once."""
    return _premium_invitation(row, again=True)


def premium_active(row: OutgoingMail) -> Mail:
    """The yes is noted."""
    consent = named(consent_of(row))
    name = consent.platform.name
    return Mail(
        subject=f"Les candidats de {name} peuvent prendre rendez-vous avec vous",
        paragraphs=(
            f"Votre accord est enregistré : le bouton « Prendre rendez-vous » s’affiche sur {name} pour les formations de votre "
            "centre qui y sont publiées, et pour les suivantes.",
            "Votre centre s’est engagé à répondre à tous les candidats dans les 4 jours ouvrés.",
        ),
        facts=_centre(consent),
        after=(f"Pour revenir sur cet accord, allez dans votre espace, ou écrivez à {settings().support_email}.",),
        footer_reason=WHY,
    )


def premium_active_contact(row: OutgoingMail) -> Mail:
    """The same to an address that receives requests."""
    consent = named(consent_of(row))
    name = consent.platform.name
    return Mail(
        subject=f"Les candidats peuvent vous joindre depuis {name}",
        paragraphs=(
            f"Votre centre a accepté de recevoir les demandes des candidats de {name}. Celles des formations dont vous êtes le "
            "contact arriveront à cette adresse.",
            "Votre centre s’est engagé à répondre à tous, par téléphone ou par courriel, dans les 4 jours ouvrés.",
        ),
        facts=_centre(consent),
        footer_reason=WHY,
    )


def premium_refused(row: OutgoingMail) -> Mail:
    """The no is noted."""
    consent = named(consent_of(row))
    name = consent.platform.name
    return Mail(
        subject=f"« Prendre rendez-vous » ne s’affiche pas sur {name}",
        paragraphs=(
            f"Votre refus est enregistré pour tous les lieux de votre centre. Il ne change rien à la présence de vos formations "
            f"sur {name}.",
        ),
        facts=_centre(consent),
        after=(
            "Nous vous poserons la question à nouveau l’an prochain. Un responsable du centre peut accepter avant, dans son espace.",
        ),
        footer_reason=WHY,
    )


def premium_reminder(row: OutgoingMail) -> Mail:
    """Repeats the commitment at the beginning of a season."""
    consent = named(consent_of(row))
    name = consent.platform.name
    return Mail(
        subject=f"Rappel : les candidats de {name} peuvent vous écrire",
        paragraphs=(
            f"Une nouvelle période commence sur {name}. Votre centre y a accepté le bouton « Prendre rendez-vous » : les demandes des "
            "candidats arrivent à cette adresse.",
            "Merci de répondre à tous, par téléphone ou par courriel, dans les 4 jours ouvrés.",
        ),
        facts=_centre(consent),
        footer_reason=WHY,
    )


def platform_question(row: OutgoingMail) -> Mail:
    """A centre's question, to the service team."""
    question = _question(row)
    consent = named(question).consent
    return Mail(
        subject=f"Un centre pose une question sur {consent.platform.name}",
        paragraphs=("Ce centre a posé cette question depuis le lien de son invitation. Répondez-lui à son adresse.",),
        quote=named(question).text,
        facts=facts(("Centre", consent.cfa.shown_name), ("SIRET", consent.cfa.siret), ("Adresse", named(question).email)),
        reply_to=named(question).email,
        footer_reason="Vous recevez ce message parce que cette adresse est celle de l’assistance du service.",
    )  # fmt: skip


def _question(row: OutgoingMail) -> PlatformQuestion | None:
    query = sa.select(PlatformQuestion).where(PlatformQuestion.public_id == row.data.get("question"))
    return db.session.scalar(query)


KINDS = {
    "optout_invited": Kind(optout_invited, _while("invited")),
    "optout_active": Kind(optout_active, _while("active")),
    "optout_active_contact": Kind(optout_active_contact, _while("active")),
    "optout_refused": Kind(optout_refused, _while("refused")),
    "premium_invited": Kind(premium_invited, _while("invited")),
    "premium_followed_up": Kind(premium_followed_up, _while("invited")),
    "premium_active": Kind(premium_active, _while("active")),
    "premium_active_contact": Kind(premium_active_contact, _while("active")),
    "premium_refused": Kind(premium_refused, _while("refused")),
    "premium_reminder": Kind(premium_reminder, _while("active")),
    "platform_question": Kind(platform_question, always, written=True),
}
