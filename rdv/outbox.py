"""Mails and text messages to send, written in the business transaction: kind and ids only (design.md §5.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rdv import clock
from rdv.db import db, insert_once
from rdv.identifiers import new_public_id
from rdv.models import OutgoingMail, OutgoingSms


def mail_row(
    kind: str,
    to: str,
    dedup_key: str,
    *,
    request_id: int | None = None,
    booking_id: int | None = None,
    event_id: int | None = None,
    user_id: int | None = None,
    cfa_id: int | None = None,
    data: dict[str, Any] | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> dict[str, Any]:
    """Return the column values of a pending mail; `dedup_key` makes every producer harmless if run twice."""
    now = clock.now()
    return {
        "public_id": new_public_id(),
        "kind": kind,
        "dedup_key": dedup_key,
        "to_email": to,
        "request_id": request_id,
        "booking_id": booking_id,
        "event_id": event_id,
        "user_id": user_id,
        "cfa_id": cfa_id,
        "data": data or {},
        "not_before": not_before or now,
        "not_after": not_after,
        "status": "pending",
        "attempts": 0,
        "created_at": now,
    }


def sms_row(
    kind: str,
    to: str,
    dedup_key: str,
    *,
    request_id: int | None = None,
    booking_id: int | None = None,
    event_id: int | None = None,
    data: dict[str, Any] | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> dict[str, Any]:
    """Return the column values of a pending text message to a number in E.164."""
    now = clock.now()
    return {
        "public_id": new_public_id(),
        "kind": kind,
        "dedup_key": dedup_key,
        "to_phone": to,
        "request_id": request_id,
        "booking_id": booking_id,
        "event_id": event_id,
        "data": data or {},
        "not_before": not_before or now,
        "not_after": not_after,
        "status": "pending",
        "attempts": 0,
        "created_at": now,
    }


def enqueue(kind: str, to: str, dedup_key: str, **ids: Any) -> None:
    """Add a mail to the outbox of the current transaction, once per dedup key; arguments of `mail_row`."""
    add(OutgoingMail, [mail_row(kind, to, dedup_key, **ids)])


def enqueue_sms(kind: str, to: str, dedup_key: str, **ids: Any) -> None:
    """Add a text message to the outbox of the current transaction, once per dedup key; arguments of `sms_row`."""
    add(OutgoingSms, [sms_row(kind, to, dedup_key, **ids)])


def add(model: type[OutgoingMail] | type[OutgoingSms], rows: list[dict[str, Any]]) -> None:
    """Add pending rows to the outbox of the current transaction; those whose dedup key is there already are left out."""
    if not rows:
        return
    db.session.flush()  # the rows they name must exist
    insert_once(model, rows, "dedup_key")
