"""The addresses of platforms: made, changed, paused, tried and given another secret by the service team.

A secret is derived from our key, the address's identifier and its version, so that none is stored: a copy of the
database signs nothing, and replacing one is raising a number.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from rdv import audit
from rdv.db import db
from rdv.errors import NotFound, RdvError
from rdv.identifiers import new_public_id
from rdv.models import Platform, User, WebhookDelivery, WebhookEndpoint
from rdv.models.webhook import WEBHOOK_TYPES
from rdv.settings import settings
from rdv.tokens import keyed_hash
from rdv.webhooks import content

OVERLAP = timedelta(days=7)  # both secrets sign while the platform changes to the new one
KEPT = timedelta(days=30)  # deliveries, whatever became of them
LONGEST_URL = 500


class WrongEndpoint(RdvError):
    """What was typed is no address that may be told anything; the sentence says why."""

    status = 400


def secret(endpoint: WebhookEndpoint, version: int | None = None) -> str:
    """Return the secret of an address, in its present version unless told otherwise."""
    of = endpoint.secret_version if version is None else version
    return "whsec_" + keyed_hash("webhook", f"{endpoint.public_id}\n{of}")


def signing(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """Return the secrets that sign now: the present one, and the former one while it is replaced."""
    found = [secret(endpoint)]
    if endpoint.former_until is not None and now < endpoint.former_until:
        found.append(secret(endpoint, endpoint.secret_version - 1))
    return found


def get(public_id: str) -> WebhookEndpoint:
    """Return an address, or raise NotFound."""
    found = db.session.scalar(sa.select(WebhookEndpoint).where(WebhookEndpoint.public_id == public_id))
    if found is None:
        raise NotFound
    return found


def create(
    platform: Platform, url: str, events: Sequence[str], now: datetime, by: User | None = None
) -> WebhookEndpoint:
    """Add an address, told of what happens from now on. Raises WrongEndpoint."""
    endpoint = WebhookEndpoint(
        platform=platform, public_id=new_public_id(), url=_sound_url(url), events=_known(events), secret_version=1,
        active=True, created_at=now,
    )  # fmt: skip
    db.session.add(endpoint)
    db.session.flush()
    _journal("created", endpoint, by)
    return endpoint


def change(endpoint: WebhookEndpoint, url: str, events: Sequence[str], by: User | None = None) -> None:
    """Change where and what; what waits goes to the new address. Raises WrongEndpoint."""
    endpoint.url, endpoint.events = _sound_url(url), _known(events)
    endpoint.resting_until = None
    _journal("changed", endpoint, by)


def rotate(endpoint: WebhookEndpoint, now: datetime, by: User | None = None) -> str:
    """Replace the secret and return the new one; the former signs too for OVERLAP.

    Raises WrongEndpoint while an earlier change is not over: three secrets would live at once.
    """
    db.session.refresh(endpoint, with_for_update={"of": WebhookEndpoint, "key_share": True})
    if endpoint.former_until is not None and now < endpoint.former_until:
        raise WrongEndpoint("Le secret de cette adresse vient d’être remplacé : attendez la fin du recouvrement.")
    endpoint.secret_version += 1
    endpoint.former_until = now + OVERLAP
    _journal("rotated", endpoint, by)
    return secret(endpoint)


def set_active(endpoint: WebhookEndpoint, active: bool, now: datetime, by: User | None = None) -> None:
    """Pause an address, where what happens then waits; or put it back in service, dead or paused, and send what waited."""
    endpoint.active = active
    if active:
        endpoint.disabled_at = endpoint.resting_until = None
        db.session.flush()
        db.session.execute(
            sa.update(WebhookDelivery)
            .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == sa.literal_column("'pending'"))
            .values(attempts=0, first_tried_at=None, next_attempt_at=now)
        )
    _journal("resumed" if active else "paused", endpoint, by)


def send_test(endpoint: WebhookEndpoint, now: datetime, by: User | None = None) -> WebhookDelivery:
    """Queue a delivery that tells of nobody, and return it. Raises WrongEndpoint when the address is paused or dead."""
    if not endpoint.active or endpoint.disabled_at is not None:
        raise WrongEndpoint("Cette adresse est en pause ou coupée : remettez-la d’abord en service.")
    event_id = secrets.token_hex(12)
    delivery = WebhookDelivery(
        endpoint_id=endpoint.id, event_id=event_id, kind="test", next_attempt_at=now, created_at=now,
        body=content.write(event_id, "test", now, endpoint.platform, None),
    )  # fmt: skip
    db.session.add(delivery)
    endpoint.resting_until = None
    _journal("tested", endpoint, by)
    return delivery


def resend(public_id: str, now: datetime, by: User | None = None) -> bool:
    """Send a delivery again, whatever became of it: same identifier, same bytes. False when it holds nothing any more."""
    of = sa.select(WebhookDelivery.endpoint_id).where(WebhookDelivery.public_id == public_id)
    endpoint = db.session.scalar(
        sa.select(WebhookEndpoint).where(WebhookEndpoint.id.in_(of)).with_for_update(key_share=True)
    )
    query = sa.select(WebhookDelivery).where(WebhookDelivery.public_id == public_id).with_for_update()
    found = db.session.scalar(query, execution_options={"populate_existing": True})
    if endpoint is None or found is None or found.body is None:
        return False
    found.state, found.attempts, found.first_tried_at, found.next_attempt_at = "pending", 0, None, now
    endpoint.resting_until = None
    audit.record("webhook_delivery.retried", user=by, object_type="webhook_delivery", object_id=public_id)
    return True


def purge(now: datetime) -> None:
    """Delete the deliveries of more than thirty days ago."""
    db.session.execute(sa.delete(WebhookDelivery).where(WebhookDelivery.created_at < now - KEPT))


def _known(events: Sequence[str]) -> list[str]:
    chosen = [kind for kind in WEBHOOK_TYPES if kind in events]
    if not chosen or len(chosen) != len(set(events)):
        raise WrongEndpoint("Choisissez au moins un événement de la liste.")
    return chosen


def _sound_url(url: str) -> str:
    """Return an address that may be called; whether it is public is asked of its name at each connection."""
    url = url.strip()
    try:
        target = urlsplit(url)
        port_is_sound = target.port is None or target.port > 0
    except ValueError:
        raise WrongEndpoint("Cette adresse est mal écrite. Exemple : https://exemple.fr/rdv/evenements") from None
    schemes = ("https", "http") if settings().webhook_allow_private else ("https",)
    if target.scheme not in schemes or not target.hostname or not port_is_sound or not url.isascii() or " " in url:
        raise WrongEndpoint("L’adresse doit commencer par https://, par exemple https://exemple.fr/rdv/evenements")
    if target.username or target.password or target.fragment:
        raise WrongEndpoint("L’adresse ne doit contenir ni identifiants ni ancre (#) : les appels sont signés.")
    if len(url) > LONGEST_URL:
        raise WrongEndpoint(f"L’adresse est trop longue : {LONGEST_URL} caractères au plus.")
    return url


def _journal(what: str, endpoint: WebhookEndpoint, by: User | None) -> None:
    audit.record(
        f"webhook.{what}", user=by, object_type="webhook", object_id=endpoint.public_id,
        data={"platform": endpoint.platform.code},
    )  # fmt: skip
