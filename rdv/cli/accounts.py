"""`flask --app wsgi create-admin`, `flask --app wsgi invite`: the first accounts, before anybody can sign in."""

from __future__ import annotations

import click
import sqlalchemy as sa
from flask import Flask

from rdv import accounts, activation, audit, links, memberships, passwords
from rdv.contacts import normalise_email
from rdv.db import db, transaction
from rdv.errors import AccountClosed, RdvError, WeakPassword
from rdv.models import Cfa


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(create_admin)
    app.cli.add_command(invite)
    app.cli.add_command(send_activation)


def _address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    email = normalise_email(text)
    if email is None:
        raise click.BadParameter("adresse incorrecte, par exemple prenom.nom@exemple.fr")
    return email


@click.command("create-admin")
@click.option("--email", required=True, callback=_address, help="Adresse de la personne.")
@click.option("--first-name", default="", help="Prénom.")
@click.option("--last-name", default="", help="Nom.")
@click.option("--ask-password", is_flag=True, help="Demander le mot de passe ici plutôt que par un lien.")
def create_admin(email: str, first_name: str, last_name: str, ask_password: bool) -> None:
    """Donne accès à l’administration : affiche un lien d'invitation, ou demande un mot de passe."""
    hashed = _asked_password(email, first_name, last_name) if ask_password else None
    with transaction():
        user = accounts.find(email) or accounts.create(email, first_name, last_name)
        if not user.active:
            raise click.ClickException(AccountClosed.message)
        user.is_service_team = True
        audit.record("user.service_team", user=None, object_type="user", object_id=user.public_id)
        if hashed and user.password_hash:
            accounts.reset_password(user, hashed)
        elif hashed:
            accounts.accept_invitation(user, first_name or user.first_name, last_name or user.last_name, hashed)
    if user.password_hash:
        click.echo(f"{email} peut se connecter : {links.sign_in()}")
    else:
        click.echo("Lien d’invitation, valable 14 jours, à remettre à cette personne :")
        click.echo(links.invitation(user))


def _asked_password(*own_words: str) -> str:
    while True:
        typed = click.prompt("Mot de passe", hide_input=True, confirmation_prompt="Le même, encore une fois")
        try:
            return passwords.hash_new(typed, own_words)
        except WeakPassword as error:
            click.echo(error.message)


@click.command("invite")
@click.option("--siret", required=True, help="SIRET de l’établissement gestionnaire.")
@click.option("--email", required=True, callback=_address, help="Adresse de la personne.")
@click.option("--first-name", default="", help="Prénom.")
@click.option("--last-name", default="", help="Nom.")
@click.option("--role", type=click.Choice(["adviser", "manager"]), default="manager", help="Rôle dans le centre.")
def invite(siret: str, email: str, first_name: str, last_name: str, role: str) -> None:
    """Invite une personne dans un centre : lui écrit, et affiche le lien."""
    cfa = _cfa(siret)
    try:
        with transaction():
            membership = memberships.invite(cfa, email, first_name, last_name, role)
    except RdvError as error:
        raise click.ClickException(error.message) from None
    user = membership.user
    click.echo(links.sign_in() if user.password_hash else links.invitation(user))


@click.command("send-activation")
@click.option("--siret", required=True, help="SIRET de l’établissement gestionnaire.")
def send_activation(siret: str) -> None:
    """Envoie « activer notre espace » à l’adresse qui reçoit les demandes d’un centre sans compte."""
    cfa = _cfa(siret)
    try:
        with transaction():
            email = activation.send_link(cfa)
    except RdvError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"Courriel en attente d’envoi à {email}.")


def _cfa(siret: str) -> Cfa:
    cfa = db.session.scalar(sa.select(Cfa).where(Cfa.siret == siret))
    if cfa is None:
        raise click.ClickException(f"Aucun centre n’a le SIRET {siret}.")
    return cfa
