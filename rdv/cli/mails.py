"""`flask mails`: what the outbox holds, and another try for what failed."""

from __future__ import annotations

import click
import sqlalchemy as sa
from flask import Flask
from flask.cli import AppGroup

from rdv import delivery, french
from rdv.contacts import masked_email
from rdv.db import db
from rdv.models import OutgoingMail

STATUSES = {"pending": "en attente", "sent": "envoyés", "dropped": "sans objet", "failed": "en échec"}

mails = AppGroup("mails", help="Courriels à envoyer : état de la boîte d’envoi, nouvel essai.")


@mails.command("list")
@click.option("--limite", default=20, show_default=True, help="Nombre de courriels en échec montrés.")
def list_mails(limite: int) -> None:
    """Compte les courriels par état et montre les derniers échecs."""
    counts = db.session.execute(sa.select(OutgoingMail.status, sa.func.count()).group_by(OutgoingMail.status))
    found: dict[str, int] = dict(iter(counts))
    for status, label in STATUSES.items():
        click.echo(f"{found.get(status, 0):>8} {label}")
    failed = sa.select(OutgoingMail).where(OutgoingMail.status == "failed").order_by(OutgoingMail.id.desc())
    for row in db.session.scalars(failed.limit(limite)):
        tries = french.plural(row.attempts, "essai")
        click.echo(f"{row.public_id}  {row.kind}  {masked_email(row.to_email)}  {tries}  {row.last_error}")


@mails.command("retry")
@click.argument("public_id", required=False)
@click.option("--tous", is_flag=True, help="Tous les courriels en échec.")
def retry(public_id: str | None, tous: bool) -> None:
    """Remet en attente un courriel en échec, ou tous."""
    if (public_id is None) != tous:
        raise click.UsageError("Donnez l’identifiant d’un courriel, ou --tous.")
    count = delivery.retry(public_id)
    if public_id is not None and not count:
        raise click.ClickException("Aucun courriel en échec ne porte cet identifiant (voir « flask mails list »).")
    click.echo(f"{french.plural(count, 'courriel remis', 'courriels remis')} en attente.")


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(mails)
