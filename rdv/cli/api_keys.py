"""`flask api-keys`: keys of the API, for whoever runs the service; the service team has the same in /admin."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from rdv import api_keys as keys
from rdv import clock, directory, french
from rdv.api_keys import NewKey
from rdv.db import transaction
from rdv.errors import RdvError

STATES = {"live": "en service", "replaced": "remplacée", "ended": "remplacement terminé", "revoked": "retirée"}

api_keys = AppGroup("api-keys", help="Clés de l’API des plateformes : créer, remplacer, retirer.")


@api_keys.command("create")
@click.option("--platform", required=True, help="Code de la plateforme, par exemple lba.")
@click.option("--name", required=True, help="À quoi sert la clé, par exemple « site public ».")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(list(keys.SCOPES)), help="Un droit ; tous si rien n’est dit."
)
def create(platform: str, name: str, scopes: tuple[str, ...]) -> None:
    """Crée une clé et montre son secret, une seule fois."""
    found = directory.get_platform(platform)
    if found is None:
        codes = ", ".join(each.code for each in directory.platforms())
        raise click.ClickException(f"Plateforme inconnue. Plateformes : {codes}.")
    with transaction():
        _show(keys.create(found, name, scopes or keys.SCOPES, clock.now()))


@api_keys.command("list")
def list_keys() -> None:
    """Montre les clés, leurs droits et leur dernier usage, jamais leur secret."""
    now = clock.now()
    for key in keys.every():
        used = french.moment(key.last_used_at, year=True) if key.last_used_at else "jamais"
        click.echo(
            f"{key.public_id}  {key.platform.code}  {key.name}  {STATES[keys.state(key, now)]}  "
            f"{', '.join(key.scopes)}  dernier usage : {used}"
        )


@api_keys.command("rotate")
@click.argument("public_id")
@click.option(
    "--days",
    type=click.IntRange(0, keys.MOST_OVERLAP_DAYS),
    default=keys.OVERLAP_DAYS,
    show_default=True,
    help="Jours pendant lesquels l’ancienne marche encore.",
)
def rotate(public_id: str, days: int) -> None:
    """Remplace une clé : montre la nouvelle, l’ancienne marche encore quelques jours."""
    try:
        with transaction():
            made = keys.rotate(keys.get(public_id), clock.now(), days)
            _show(made)
    except RdvError as refusal:
        raise click.ClickException(refusal.message) from None
    click.echo(f"L’ancienne clé marche encore {french.plural(days, 'jour')}.")


@api_keys.command("revoke")
@click.argument("public_id")
def revoke(public_id: str) -> None:
    """Retire une clé, aussitôt."""
    try:
        with transaction():
            keys.revoke(keys.get(public_id), clock.now())
    except RdvError as refusal:
        raise click.ClickException(refusal.message) from None
    click.echo("Clé retirée.")


def _show(made: NewKey) -> None:
    click.echo(f"Clé {made.key.public_id}. Son secret n’est montré qu’une fois :")
    click.echo(made.secret)


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(api_keys)
