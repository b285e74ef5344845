"""Mail to the service team about the addresses where platforms are told."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import sqlalchemy as sa

from rdv import french, links
from rdv.db import db
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import OutgoingMail, WebhookEndpoint


def webhook_dead(row: OutgoingMail) -> Mail:
    """A platform's address accepted nothing for three days: nothing is sent there any more."""
    endpoint = named(_endpoint(row))
    since = named(endpoint.disabled_at)
    return Mail(
        subject=f"Événements coupés – {endpoint.platform.name}",
        preheader="Son adresse n’accepte plus rien depuis trois jours.",
        greeting=f"Bonjour {named(row.user).first_name},",
        paragraphs=(
            "L’adresse où cette plateforme reçoit les événements de ses demandes n’a rien accepté depuis trois jours. "
            "Nous ne lui envoyons plus rien ; ce qui arrive entre-temps l’attend, 30 jours au plus.",
        ),
        facts=facts(
            ("Plateforme", endpoint.platform.name),
            ("Serveur", urlsplit(endpoint.url).hostname),
            ("Coupée", french.moment(since, year=True)),
        ),
        button=("Voir les adresses", links.admin_webhooks()),
        after=("Prévenez la plateforme, essayez l’adresse, puis remettez-la en service : ce qui attend partira.",),
        footer_reason="Vous recevez ce message parce que vous faites partie de l’équipe du service.",
    )


def _endpoint(row: OutgoingMail) -> WebhookEndpoint | None:
    query = sa.select(WebhookEndpoint).where(WebhookEndpoint.public_id == row.data["endpoint"])
    return db.session.scalar(query)


def _still_dead(row: OutgoingMail, _now: datetime) -> bool:
    found = _endpoint(row)
    return found is not None and found.disabled_at is not None and named(row.user).active


KINDS = {"webhook_dead": Kind(webhook_dead, _still_dead)}
