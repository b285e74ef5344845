"""Mails to send, written in the business transaction: kind and ids only (design.md §5.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from rdv import clock
from rdv.db import db, is_sqlite
from rdv.identifiers import new_public_id
from rdv.models import OutgoingMail


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


def enqueue(kind: str, to: str, dedup_key: str, **ids: Any) -> None:
    """Add a mail to the outbox of the current transaction, once per dedup key; arguments of `mail_row`."""
    db.session.flush()  # the rows it names must exist
    insert = (sqlite.insert if is_sqlite() else postgresql.insert)(OutgoingMail)
    row = mail_row(kind, to, dedup_key, **ids)
    db.session.connection().execute(insert.values(row).on_conflict_do_nothing(index_elements=["dedup_key"]))
