"""Mails about staff accounts and the opening of a CFA's space."""

from __future__ import annotations

from datetime import datetime, timedelta

from rdv import clock, french, links
from rdv.mails.message import Kind, Mail, always, facts, named
from rdv.models import OutgoingMail
from rdv.settings import settings

WHY_ACCOUNT = "Vous recevez ce message parce qu’un compte existe à cette adresse dans un centre de formation."
WHY_CFA = (
    "Vous recevez ce message parce que cette adresse est celle que votre centre de formation déclare à son Carif-Oref."
)


def _until(seconds: int) -> str:
    return french.day(clock.to_zone(clock.now() + timedelta(seconds=seconds), clock.PARIS), year=True)


def _when(instant: datetime) -> str:
    return f"{french.moment(instant)} (heure de Paris)"  # staff overseas read it too


def invitation(row: OutgoingMail) -> Mail:
    """An account waits for its first password; somebody who has one is told of one more CFA."""
    user = named(row.user)
    if user.password_hash is not None and row.cfa is not None:
        return Mail(
            subject="Vous avez accès à un nouveau centre de formation",
            preheader=row.cfa.shown_name,
            greeting=f"Bonjour {user.first_name},",
            paragraphs=(f"L’espace de {row.cfa.shown_name} vous est ouvert sur RDV Apprentissage.",),
            facts=facts(("Votre identifiant", user.email)),
            button=("Me connecter", links.sign_in()),
            after=("Gardez votre mot de passe habituel, puis changez de centre en haut de l’écran.",),
            footer_reason=WHY_ACCOUNT,
        )
    return Mail(
        subject="Votre invitation à RDV Apprentissage",
        preheader="Choisissez votre mot de passe pour commencer.",
        greeting=f"Bonjour {user.first_name},",
        paragraphs=(
            f"L’espace de {row.cfa.shown_name} sur RDV Apprentissage vous attend."
            if row.cfa
            else "Un compte vous attend sur RDV Apprentissage.",
            "Vous y trouverez vos créneaux, vos rendez-vous et les demandes des candidats.",
        ),
        facts=facts(
            ("Votre identifiant", user.email), ("Lien valable jusqu’au", _until(links.INVITATION_LINK_SECONDS))
        ),
        button=("Choisir mon mot de passe", links.invitation(user)),
        after=("Ce lien ne sert qu’à vous. Vous n’attendiez pas cette invitation ? Ignorez ce message.",),
        footer_reason=WHY_ACCOUNT,
    )


def password_reset(row: OutgoingMail) -> Mail:
    """A forgotten password can be replaced."""
    user = named(row.user)
    return Mail(
        subject="Choisir un nouveau mot de passe",
        preheader="Ce lien est valable 2 heures.",
        greeting=f"Bonjour {user.first_name},",
        paragraphs=("Vous avez demandé à choisir un nouveau mot de passe. Ce lien est valable 2 heures.",),
        button=("Choisir un nouveau mot de passe", links.password_reset(user)),
        after=("Vous n’avez rien demandé ? Ignorez ce message : votre mot de passe n’a pas changé.",),
        footer_reason=WHY_ACCOUNT,
    )


def password_changed(row: OutgoingMail) -> Mail:
    """A password was changed: its owner is told, in case it was somebody else."""
    user = named(row.user)
    support = settings().support_email
    return Mail(
        subject="Votre mot de passe a été changé",
        preheader="Si ce n’est pas vous, prévenez-nous.",
        greeting=f"Bonjour {user.first_name},",
        paragraphs=(
            f"Le mot de passe de votre compte a été changé {_when(row.created_at)}.",
            "Les sessions ouvertes sur d’autres appareils ont été fermées.",
        ),
        button=("Me connecter", links.sign_in()),
        after=(f"Ce n’est pas vous ? Écrivez sans attendre à {support}.",),
        footer_reason=WHY_ACCOUNT,
    )


def cfa_activation(row: OutgoingMail) -> Mail:
    """Who controls the address of a CFA may open its space."""
    cfa = named(row.cfa)
    return Mail(
        subject="Activer l’espace de votre centre de formation",
        preheader=cfa.shown_name,
        paragraphs=(
            f"Vous pouvez activer l’espace de {cfa.shown_name} sur RDV Apprentissage.",
            "Vous y publiez des créneaux, invitez vos collègues et répondez à toutes les demandes au même endroit.",
        ),
        facts=facts(
            ("Centre de formation", cfa.shown_name),
            ("SIRET", cfa.siret),
            ("Lien valable jusqu’au", _until(links.ACTIVATION_LINK_SECONDS)),
        ),
        button=("Activer notre espace", links.activate(cfa, row.to_email)),
        after=(
            "La personne qui ouvre ce lien devient responsable de l’espace : transmettez-le si ce n’est pas vous.",
            "Sans espace activé, les demandes continuent d’arriver à cette adresse.",
        ),
        footer_reason=WHY_CFA,
    )


def cfa_activated_notice(row: OutgoingMail) -> Mail:
    """The other addresses of a CFA learn who opened its space, and how to object."""
    cfa, user, support = named(row.cfa), row.user, settings().support_email
    return Mail(
        subject="L’espace de votre centre de formation est activé",
        preheader=cfa.shown_name,
        paragraphs=(f"L’espace de {cfa.shown_name} sur RDV Apprentissage vient d’être activé.",),
        facts=facts(
            ("Centre de formation", cfa.shown_name),
            ("SIRET", cfa.siret),
            ("Activé par", f"{user.shown_name} ({user.email})" if user else None),
            ("Le", _when(cfa.activated_at or row.created_at)),
        ),
        button=("Se connecter", links.sign_in()),
        after=(
            "Pour y accéder, demandez une invitation à cette personne.",
            f"Cette activation ne vient pas de votre centre ? Écrivez à {support} : nous vérifierons avec vous.",
        ),
        footer_reason=WHY_CFA,
    )


def _theirs(row: OutgoingMail) -> bool:
    """A link that opens an account goes to the address of this account alone."""
    user = named(row.user)
    return user.active and row.to_email == user.email


def _invited(row: OutgoingMail, _now: datetime) -> bool:
    if row.cfa_id is None:
        return _theirs(row) and named(row.user).password_hash is None
    return _theirs(row) and any(
        membership.cfa_id == row.cfa_id and membership.ended_at is None for membership in named(row.user).memberships
    )


def _just_asked(row: OutgoingMail, now: datetime) -> bool:
    return _theirs(row) and now < row.created_at + timedelta(seconds=links.RESET_LINK_SECONDS)


def _not_activated(row: OutgoingMail, _now: datetime) -> bool:
    cfa = named(row.cfa)
    return cfa.activated_at is None and cfa.closed_at is None


KINDS = {
    "invitation": Kind(invitation, _invited),
    "password_reset": Kind(password_reset, _just_asked),
    "password_changed": Kind(password_changed, always),
    "cfa_activation": Kind(cfa_activation, _not_activated),
    "cfa_activated_notice": Kind(cfa_activated_notice, always),
}
