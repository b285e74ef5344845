"""Deliveries to platforms: one process at a time speaks to an address, and no address waits for another.

A claim of the address and of its next delivery is one guarded write; the post itself happens outside any transaction.
Killed between the answer and its mark, a delivery leaves again once the claim ends: same identifier, same bytes.
"""

from __future__ import annotations

import logging
import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from flask import Flask, current_app

from rdv import accounts, clock, outbox, outgoing_http, signature
from rdv.db import db, transaction
from rdv.models import WebhookDelivery, WebhookEndpoint
from rdv.settings import settings
from rdv.webhooks import content, endpoints

log = logging.getLogger(__name__)

WAITS = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 30)),
    *(timedelta(hours=hours) for hours in (2, 6, 24)),
)
PATIENCE = timedelta(days=3)  # from the first try of a delivery to its last
JITTER = 0.1  # of each wait, added at random: what failed together does not come back together
REST = timedelta(minutes=1)  # of an address that failed, whatever else waits for it
CLAIM = timedelta(minutes=2)  # longer than a turn of one address
TURN = 20.0  # seconds after which an address gives its thread back
PARALLEL = 8  # addresses spoken to at once by one look
DEAD_KIND = "webhook_dead"  # mail to the service team


@dataclass(frozen=True)
class Parcel:
    """A delivery about to leave: plain values, so that no transaction stays open while it travels."""

    endpoint_id: int
    token: str  # of the claim of the address
    delivery_id: int
    attempt: int
    url: str
    event_id: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What came of a post: a status, or the class of what prevented one."""

    status: int | None
    error: str | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver_due() -> int:
    """Post what is due, and return how many deliveries were accepted; safe in any number of processes at once."""
    now = clock.now()
    due = db.session.scalars(sa.select(WebhookEndpoint.id).where(_free(now), _has_due(now))).all()
    db.session.rollback()
    if not due:
        return 0
    app = cast("Any", current_app)._get_current_object()
    with ThreadPoolExecutor(min(len(due), PARALLEL), "webhooks") as pool:
        return sum(pool.map(lambda endpoint_id: _in_context(app, endpoint_id), due))


def _in_context(app: Flask, endpoint_id: int) -> int:
    with app.app_context():
        try:
            return serve(endpoint_id)
        except Exception:  # nothing of one address stops another
            log.exception("webhook address not served", extra={"facts": {"endpoint": endpoint_id}})
            return 0


def serve(endpoint_id: int) -> int:
    """Post what is due to one address, one after the other, until one fails or its turn ends; return how many it took."""
    begun, accepted = clock.monotonic(), 0
    token = _claim(endpoint_id)
    if token is None:
        return 0
    with transaction():
        parcel = _next(endpoint_id, token)
        if parcel is None:
            _release(endpoint_id, token)
    while parcel is not None:
        result = post(parcel)
        accepted += result.accepted
        with transaction():
            _mark(parcel, result)
            more = result.accepted and clock.monotonic() - begun < TURN
            parcel = _next(endpoint_id, token) if more else None
            if parcel is None:
                _release(endpoint_id, token)
    return accepted


def post(parcel: Parcel) -> Result:
    """Post a delivery and say what came of it; never raises."""
    timestamp = int(clock.now().timestamp())
    headers = {
        "User-Agent": "RDV-Apprentissage-Webhooks/1",
        "X-RDV-Timestamp": str(timestamp),
        "X-RDV-Signature": ", ".join(signature.sign(secret, timestamp, parcel.body) for secret in parcel.secrets),
        "X-RDV-Event-Id": parcel.event_id,
    }
    config = settings()
    try:
        answer = outgoing_http.post(
            parcel.url, parcel.body, headers, timeout=config.webhook_timeout, allow_private=config.webhook_allow_private
        )
    except outgoing_http.Unreachable as failure:
        return Result(None, str(failure)[:60])
    except Exception as error:  # an address that cannot even be called waits like one that does not answer
        log.exception("webhook not posted", extra={"facts": {"event": parcel.event_id}})
        return Result(None, type(error).__name__[:60])
    return Result(answer.status)


def _free(now: datetime) -> sa.ColumnElement[bool]:
    """Say of an address that it may be spoken to, and that nobody does."""
    return sa.and_(
        WebhookEndpoint.active,
        WebhookEndpoint.disabled_at.is_(None),
        sa.or_(WebhookEndpoint.resting_until.is_(None), WebhookEndpoint.resting_until <= now),
        sa.or_(WebhookEndpoint.claimed_until.is_(None), WebhookEndpoint.claimed_until <= now),
    )


def _has_due(now: datetime) -> sa.ColumnElement[bool]:
    due = sa.select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id == WebhookEndpoint.id, *_due(now))
    return due.correlate(WebhookEndpoint).exists()


def _due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Literal state, so that the partial index serves on both engines."""
    return WebhookDelivery.state == sa.literal_column("'pending'"), WebhookDelivery.next_attempt_at <= now


def _claim(endpoint_id: int) -> str | None:
    """Take an address by one guarded UPDATE; None when another process has it, or it may not be spoken to."""
    now, token = clock.now(), secrets.token_hex(16)
    with transaction() as session:
        changed = session.connection().execute(
            sa.update(WebhookEndpoint)
            .where(WebhookEndpoint.id == endpoint_id, _free(now))
            .values(claimed_until=now + CLAIM, claim_token=token)
        )
    return token if changed.rowcount == 1 else None


def _next(endpoint_id: int, token: str) -> Parcel | None:
    """Take the next delivery of an address that is ours, its attempt counted; None when there is none, or it is paused."""
    now = clock.now()
    endpoint = db.session.scalar(
        sa.select(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.claim_token == token, WebhookEndpoint.active)
        .with_for_update(of=WebhookEndpoint, key_share=True),  # deliveries may be added meanwhile
        execution_options={"populate_existing": True},
    )
    if endpoint is None:
        return None
    delivery = db.session.scalar(
        sa.select(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id, *_due(now))
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(1)
        .with_for_update(),
        execution_options={"populate_existing": True},
    )
    if delivery is None or delivery.body is None:
        return None
    if delivery.has_contacts and not endpoint.platform.gets_contacts:  # no longer entitled since it was written
        delivery.body, delivery.has_contacts = content.without_contacts(delivery.body), False
    delivery.attempts += 1
    delivery.first_tried_at = delivery.first_tried_at or now
    endpoint.claimed_until = now + CLAIM
    db.session.flush()
    return Parcel(
        endpoint_id, token, delivery.id, delivery.attempts, endpoint.url, delivery.event_id, delivery.body,
        tuple(endpoints.signing(endpoint, now)),
    )  # fmt: skip


def _release(endpoint_id: int, token: str) -> None:
    db.session.flush()
    db.session.connection().execute(
        sa.update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.claim_token == token)
        .values(claimed_until=None, claim_token=None)
    )


def _mark(parcel: Parcel, result: Result) -> None:
    """Write what came of an attempt, unless another one began since: asked by the service team, or after our claim."""
    now = clock.now()
    # The address first, as everybody who writes both.
    endpoint = db.session.get(
        WebhookEndpoint, parcel.endpoint_id, with_for_update={"key_share": True}, populate_existing=True
    )
    delivery = db.session.get(WebhookDelivery, parcel.delivery_id, with_for_update=True, populate_existing=True)
    if endpoint is None or delivery is None or delivery.state != "pending" or delivery.attempts != parcel.attempt:
        return
    delivery.last_status, delivery.last_error = result.status, result.error
    if result.accepted:
        delivery.state, delivery.delivered_at = "delivered", now
        endpoint.last_success_at, endpoint.resting_until = now, None
        return
    log.warning(
        "webhook not accepted",
        extra={"facts": {"event": parcel.event_id, "attempt": parcel.attempt, "status": result.status}},
    )
    endpoint.resting_until = now + REST
    began = delivery.first_tried_at or now
    if now < began + PATIENCE:
        delivery.next_attempt_at = min(now + wait(parcel.attempt), began + PATIENCE)
        return
    delivery.state = "failed"
    if endpoint.last_success_at is None or endpoint.last_success_at < began:
        _die(endpoint, now)


def wait(attempt: int) -> timedelta:
    """Return how long to wait after the n-th attempt has failed."""
    return WAITS[min(attempt, len(WAITS)) - 1] * (1 + random.random() * JITTER)  # noqa: S311


def _die(endpoint: WebhookEndpoint, now: datetime) -> None:
    """Speak no more to an address that accepted nothing for days, and tell the service team, once."""
    if endpoint.disabled_at is not None:
        return
    endpoint.disabled_at = now
    for person in accounts.service_team():
        outbox.enqueue(
            DEAD_KIND, person.email, f"{DEAD_KIND}:{endpoint.public_id}:{int(now.timestamp())}:{person.public_id}",
            user_id=person.id, data={"endpoint": endpoint.public_id},
        )  # fmt: skip
