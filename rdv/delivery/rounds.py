"""No lost message (design.md §5.3): claim, ask whether it is still due, render once, send, mark; `kill -9` at any point
leaves a row that another run takes when the claim ends, with the same content.

Each step is a short transaction of its own; nothing is locked while the other side speaks. What differs between mails
and text messages is a `Channel`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from rdv import audit, clock
from rdv.db import db, transaction
from rdv.models import OutgoingMail, OutgoingSms, User
from rdv.sending import NotSent

log = logging.getLogger(__name__)

Row = OutgoingMail | OutgoingSms

# Longer than the slowest session with a relay (about eight steps, each bounded by its time-out).
CLAIM = timedelta(minutes=5)
# Waits after each failed try; after the last, the message is marked failed, for an operator to see.
WAITS = (
    *(timedelta(seconds=30),),
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 4)),
)
# A relay that is down is not the message's fault: it is asked at least this often.
RELAY_WAIT = timedelta(minutes=30)


@dataclass(frozen=True)
class Parcel:
    """A message about to leave: plain values, so that no transaction stays open while it travels."""

    send: Callable[[], dict[str, Any]]  # returns the columns to keep once it left; raises NotSent
    rendered: dict[str, Any] = field(default_factory=dict)  # columns to store before the first try; empty at the next


class Channel(Protocol):
    """A way out: its table, its words, its other side."""

    model: Any  # OutgoingMail or OutgoingSms
    noun: str  # in the log and the journal
    patience: timedelta  # how long a relay may be down before a message is given up

    def still_due(self, row: Any, now: datetime) -> bool:
        """Say whether it makes sense to send this now."""
        ...

    def not_before(self, row: Any, now: datetime) -> datetime | None:
        """Return a later instant when this is no hour for it."""
        ...

    def parcel(self, row: Any) -> Parcel:
        """Return what leaves, rendered now or as it was."""
        ...

    def admit(self, row_id: int) -> None:
        """Have the last word in the transaction that stores what leaves first; raises NotSent."""
        ...

    def hindrance(self, row: Any) -> str | None:
        """Return why nothing is sent there any more, None when something may be."""
        ...

    def given_up(self, row_id: int, error: Exception | None) -> None:
        """Do what follows from a failure for good, in the transaction that records it; no error: there is a hindrance."""
        ...


@dataclass(frozen=True)
class Claimed:
    """A row that this process alone may work on until the claim ends."""

    id: int
    token: str
    attempt: int
    public_id: str
    kind: str
    created_at: datetime

    def facts(self, channel: Channel, **more: Any) -> dict[str, Any]:
        """What the log may say of it: no address."""
        return {"facts": {channel.noun: self.public_id, "kind": self.kind, "attempt": self.attempt, **more}}


def deliver_due(channel: Channel, limit: int = 50) -> int:
    """Send what is due, oldest first, and return how many messages left; safe in any number of processes at once.

    A message that fails waits for its next try and stops nobody else; a relay that is down ends the round, so that one
    breakdown costs one attempt of one message.
    """
    sent = 0
    for row_id in db.session.scalars(due(channel, clock.now(), limit)).all():
        claimed = claim(channel, row_id)
        if claimed is None:
            continue
        try:
            sent += deliver(channel, claimed)
        except NotSent as error:
            log.warning("%s not sent", channel.noun, extra=claimed.facts(channel, error=str(error)))
            set_back(channel, claimed, error)
            if error.relay_down:
                break
        except Exception as error:  # a row that cannot be rendered must not hold the others
            log.exception("%s failed", channel.noun, extra=claimed.facts(channel))
            set_back(channel, claimed, error)
    return sent


def retry(channel: Channel, public_id: str | None = None, by: User | None = None) -> int:
    """Put one failed message, or all of them, back to be sent, and return how many; what was rendered stays.

    The journal tells who asked, if a person did.
    """
    model = channel.model
    query = sa.update(model).where(model.status == "failed")
    if public_id is not None:
        query = query.where(model.public_id == public_id)
    with transaction() as session:
        changed = session.connection().execute(
            query.values(status="pending", attempts=0, not_before=clock.now(), claimed_until=None, claim_token=None)
        )
        if by is not None and changed.rowcount:
            audit.record(f"{channel.noun}.retried", user=by, object_type=model.__tablename__, object_id=public_id)
        return changed.rowcount


def _waiting(model: Any, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Literal status, so that the partial index serves on both engines."""
    return (
        model.status == sa.literal_column("'pending'"),
        model.not_before <= now,
        sa.or_(model.claimed_until.is_(None), model.claimed_until <= now),
    )


def due(channel: Channel, now: datetime, limit: int) -> sa.Select[Any]:
    """Return the query of what waits for nothing but a worker."""
    model = channel.model
    return sa.select(model.id).where(*_waiting(model, now)).order_by(model.not_before, model.id).limit(limit)


def claim(channel: Channel, row_id: int) -> Claimed | None:
    """Take a row by one guarded UPDATE, or return None when another process has it."""
    model, now, token = channel.model, clock.now(), secrets.token_hex(16)
    with transaction() as session:
        row = (
            session.connection()
            .execute(
                sa.update(model)
                .where(model.id == row_id, *_waiting(model, now))
                .values(claimed_until=now + CLAIM, claim_token=token, attempts=model.attempts + 1)
                .returning(model.attempts, model.public_id, model.kind, model.created_at)
            )
            .one_or_none()
        )
    return Claimed(row_id, token, row.attempts, row.public_id, row.kind, row.created_at) if row else None


def deliver(channel: Channel, claimed: Claimed) -> int:
    """Send a claimed message and return 1; drop it, or put it off, and return 0."""
    row = db.session.get_one(channel.model, claimed.id)
    now = clock.now()
    too_late = row.not_after is not None and row.not_after <= now
    if too_late or not channel.still_due(row, now):
        _finish(channel, claimed, status="dropped")
        return 0
    hindrance = channel.hindrance(row)
    if hindrance is not None:
        _give_up(channel, claimed, None, status="dropped", last_error=hindrance)
        return 0
    later = channel.not_before(row, now)
    if later is not None:
        _finish(channel, claimed, not_before=later, attempts=claimed.attempt - 1)
        return 0
    parcel = channel.parcel(row)
    if parcel.rendered and not _store(channel, claimed, parcel.rendered):
        return 0  # this process slept through its claim: another one has the message, and its own rendering
    db.session.rollback()  # no transaction stays open while the relay speaks
    kept = parcel.send()
    _finish(channel, claimed, status="sent", sent_at=clock.now(), last_error=None, **kept)
    return 1


def set_back(channel: Channel, claimed: Claimed, error: Exception) -> None:
    """Wait for the next try, or give up: a permanent refusal, too many tries, or a relay down for too long."""
    now, told = clock.now(), type(error).__name__
    wait = WAITS[min(claimed.attempt, len(WAITS)) - 1]
    hopeless = claimed.attempt > len(WAITS)
    if isinstance(error, NotSent):
        told = str(error)
        if error.relay_down:
            wait = min(wait, RELAY_WAIT)
            hopeless = now - claimed.created_at > channel.patience
        hopeless = hopeless or error.permanent
    if not hopeless:
        _finish(channel, claimed, not_before=now + wait, last_error=told)
        return
    _give_up(channel, claimed, error, status="failed", last_error=told)


def _store(channel: Channel, claimed: Claimed, rendered: dict[str, Any]) -> bool:
    with transaction():
        channel.admit(claimed.id)
        return _update(channel, claimed, **rendered)


def _give_up(channel: Channel, claimed: Claimed, error: Exception | None, **values: Any) -> None:
    with transaction():
        if _update(channel, claimed, claimed_until=None, claim_token=None, **values):
            channel.given_up(claimed.id, error)


def _finish(channel: Channel, claimed: Claimed, **values: Any) -> None:
    with transaction():
        _update(channel, claimed, claimed_until=None, claim_token=None, **values)


def _update(channel: Channel, claimed: Claimed, **values: Any) -> bool:
    """Write what became of a message; False when the claim ended and another process has it now."""
    model = channel.model
    changed = db.session.connection().execute(
        sa.update(model).where(model.id == claimed.id, model.claim_token == claimed.token).values(**values)
    )
    return bool(changed.rowcount == 1)
