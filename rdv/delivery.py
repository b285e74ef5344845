"""No lost mail (design.md §5.3): claim, ask whether it is still due, render once, send, mark; `kill -9` at any point
leaves a row that another run takes when the claim ends, with the same bytes.

Each step is a short transaction of its own; nothing is locked while the relay speaks. Called by the worker.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import audit, clock, mailer, transport
from rdv.db import db, transaction
from rdv.mails import KINDS
from rdv.models import OutgoingMail, User

log = logging.getLogger(__name__)

# Longer than the slowest SMTP session (about eight steps, each bounded by mail_timeout).
CLAIM = timedelta(minutes=5)
# Waits after each failed try; after the last, the mail is marked failed, for an operator to see.
WAITS = (
    *(timedelta(seconds=30),),
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 4)),
)

# A relay that is down is not the mail's fault: it is asked more often, for longer (RFC 5321 §4.5.4.1: 4–5 days).
RELAY_WAIT = timedelta(minutes=30)
RELAY_PATIENCE = timedelta(days=4)


@dataclass(frozen=True)
class _Claimed:
    """A row that this process alone may work on until the claim ends."""

    id: int
    token: str
    attempt: int
    public_id: str
    kind: str
    created_at: datetime

    def facts(self, **more: Any) -> dict[str, Any]:
        """What the log may say of it: no address."""
        return {"facts": {"mail": self.public_id, "kind": self.kind, "attempt": self.attempt, **more}}


def deliver_due(limit: int = 50) -> int:
    """Send what is due, oldest first, and return how many mails left; safe in any number of processes at once.

    A mail that fails waits for its next try and stops nobody else; a relay that is down ends the round, so that one
    breakdown costs one attempt of one mail.
    """
    sent = 0
    for mail_id in db.session.scalars(_due(clock.now(), limit)).all():
        claimed = _claim(mail_id)
        if claimed is None:
            continue
        try:
            sent += _deliver(claimed)
        except transport.NotSent as error:
            log.warning("mail not sent", extra=claimed.facts(error=str(error)))
            _set_back(claimed, error)
            if error.relay_down:
                break
        except Exception as error:  # a row that cannot be rendered must not hold the others
            log.exception("mail failed", extra=claimed.facts())
            _set_back(claimed, error)
    return sent


def retry(public_id: str | None = None, by: User | None = None) -> int:
    """Put one failed mail, or all of them, back to be sent, and return how many; bytes already rendered stay.

    The journal tells who asked, if a person did.
    """
    query = sa.update(OutgoingMail).where(OutgoingMail.status == "failed")
    if public_id is not None:
        query = query.where(OutgoingMail.public_id == public_id)
    with transaction() as session:
        changed = session.connection().execute(
            query.values(status="pending", attempts=0, not_before=clock.now(), claimed_until=None, claim_token=None)
        )
        if by is not None and changed.rowcount:
            audit.record("mail.retried", user=by, object_type="outgoing_mail", object_id=public_id)
        return changed.rowcount


def _waiting(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Literal status, so that the partial index serves on both engines."""
    return (
        OutgoingMail.status == sa.literal_column("'pending'"),
        OutgoingMail.not_before <= now,
        sa.or_(OutgoingMail.claimed_until.is_(None), OutgoingMail.claimed_until <= now),
    )


def _due(now: datetime, limit: int) -> sa.Select[Any]:
    return (
        sa.select(OutgoingMail.id).where(*_waiting(now)).order_by(OutgoingMail.not_before, OutgoingMail.id).limit(limit)
    )


def _claim(mail_id: int) -> _Claimed | None:
    """Take a row by one guarded UPDATE, or return None when another process has it."""
    now, token = clock.now(), secrets.token_hex(16)
    with transaction() as session:
        row = (
            session.connection()
            .execute(
                sa.update(OutgoingMail)
                .where(OutgoingMail.id == mail_id, *_waiting(now))
                .values(claimed_until=now + CLAIM, claim_token=token, attempts=OutgoingMail.attempts + 1)
                .returning(OutgoingMail.attempts, OutgoingMail.public_id, OutgoingMail.kind, OutgoingMail.created_at)
            )
            .one_or_none()
        )
    return _Claimed(mail_id, token, row.attempts, row.public_id, row.kind, row.created_at) if row else None


def _deliver(claimed: _Claimed) -> int:
    """Send a claimed mail and return 1, or drop it and return 0."""
    row = db.session.get_one(OutgoingMail, claimed.id)
    now = clock.now()
    too_late = row.not_after is not None and row.not_after <= now
    if too_late or not KINDS[row.kind].still_due(row, now):
        _finish(claimed, status="dropped")
        return 0
    to_email, content = row.to_email, row.message_bytes
    if content is None:
        rendered = mailer.render(row)
        content = rendered.content
        stored = {"subject": rendered.subject, "message_id": rendered.message_id, "message_bytes": content}
        if not _update(claimed, **stored):
            return 0  # this process slept through its claim: another one has the mail, and its own bytes
    db.session.rollback()  # no transaction stays open while the relay speaks
    transport.send(claimed.public_id, to_email, content)
    _finish(claimed, status="sent", sent_at=clock.now(), last_error=None)
    return 1


def _set_back(claimed: _Claimed, error: Exception) -> None:
    """Wait for the next try, or give up: a permanent refusal, too many tries, or a relay down for days."""
    now, told = clock.now(), type(error).__name__
    wait = WAITS[min(claimed.attempt, len(WAITS)) - 1]
    hopeless = claimed.attempt > len(WAITS)
    if isinstance(error, transport.NotSent):
        told = str(error)
        if error.relay_down:
            wait = min(wait, RELAY_WAIT)
            hopeless = now - claimed.created_at > RELAY_PATIENCE
        hopeless = hopeless or error.permanent
    if hopeless:
        _finish(claimed, status="failed", last_error=told)
    else:
        _finish(claimed, not_before=now + wait, last_error=told)


def _finish(claimed: _Claimed, **values: Any) -> None:
    _update(claimed, claimed_until=None, claim_token=None, **values)


def _update(claimed: _Claimed, **values: Any) -> bool:
    """Write what became of a mail; False when the claim ended and another process has it now."""
    with transaction() as session:
        changed = session.connection().execute(
            sa.update(OutgoingMail)
            .where(OutgoingMail.id == claimed.id, OutgoingMail.claim_token == claimed.token)
            .values(**values)
        )
    return changed.rowcount == 1
