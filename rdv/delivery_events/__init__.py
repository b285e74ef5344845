"""What becomes of our mails once they left: told by relays (docs/mail-events.md) or by an SMTP refusal, each thing once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from rdv import dead_addresses
from rdv.db import db, insert_once
from rdv.delivery_events import undelivered
from rdv.delivery_events.kinds import DEADLY as DEADLY
from rdv.delivery_events.kinds import kind_of as kind_of
from rdv.delivery_events.kinds import of_refusal as of_refusal
from rdv.models import MailEvent, OutgoingMail
from rdv.sending import NotSent

# A mailbox that is full for so long is read by nobody: so many mails in so many days, and none delivered meanwhile.
SOFT_MOST = 5
SOFT_SPAN = timedelta(days=14)
KEPT = timedelta(days=183)


class Recorded(StrEnum):
    """What came of one event."""

    NEW = "recorded"
    KNOWN = "known"  # the same event, told again
    UNMATCHED = "unmatched"  # of a mail that is not ours, or was erased


@dataclass(frozen=True)
class Event:
    """One thing that a relay tells of one mail."""

    key: str  # unique: the same twice is one event
    kind: str  # of MAIL_EVENTS
    at: datetime
    message_id: str  # as we sent it, with or without its angle brackets
    detail: str | None = None


def record(event: Event, now: datetime) -> Recorded:
    """Keep an event once, mark its mail, and do what follows: a dead address, another one for the requests it received."""
    mail_id = db.session.scalar(
        sa.select(OutgoingMail.id).where(OutgoingMail.message_id == f"<{event.message_id.strip().strip('<>')}>")
    )
    at = min(event.at, now)  # a clock that is ahead must not hide what comes next
    if not _keep(event.key, mail_id, event.kind, at, event.detail, now):
        return Recorded.KNOWN
    if mail_id is None:
        return Recorded.UNMATCHED
    later = sa.exists().where(MailEvent.mail_id == mail_id, MailEvent.at > at)
    db.session.execute(sa.update(OutgoingMail).where(OutgoingMail.id == mail_id, ~later).values(delivery=event.kind))
    _follow(db.session.get_one(OutgoingMail, mail_id), event.kind, now)
    return Recorded.NEW


def given_up(mail: OutgoingMail, error: Exception, now: datetime) -> None:
    """Do what follows when a mail will never leave: the recipient is refused, or the message, or the relay took nothing."""
    kind = None
    if isinstance(error, NotSent) and error.about_recipient:
        kind = of_refusal(error.code, error.status)
    if kind is None:
        undelivered.follow(mail, "refused", now)
        return
    _keep(f"smtp:{mail.public_id}:{mail.attempts}", mail.id, kind, now, str(error), now)
    mail.delivery = kind
    if not _follow(mail, kind, now):
        undelivered.follow(mail, kind, now)


def dropped(mail: OutgoingMail, now: datetime) -> None:
    """Do what follows when a mail was for a dead address: its request goes on another way."""
    undelivered.address_died(mail.to_email, "dead", now)
    undelivered.follow(mail, "dead", now)


def purge(now: datetime) -> None:
    """Delete the events of more than six months (design.md §6)."""
    db.session.execute(sa.delete(MailEvent).where(MailEvent.created_at < now - KEPT))


def _keep(key: str, mail_id: int | None, kind: str, at: datetime, detail: str | None, now: datetime) -> bool:
    row = {
        "event_key": key, "mail_id": mail_id, "kind": kind, "at": at, "detail": (detail or "")[:200] or None, "created_at": now,
    }  # fmt: skip
    return insert_once(MailEvent, [row], "event_key") == 1


def _follow(mail: OutgoingMail, kind: str, now: datetime) -> bool:
    """Hold the address dead if this kind says so, with what follows; False when it does not."""
    if kind not in DEADLY and not (kind == "soft_bounce" and _always_full(mail.to_email, now)):
        return False
    dead_addresses.declare(mail.to_email, kind, mail.id, now)
    undelivered.address_died(mail.to_email, kind, now)
    undelivered.follow(mail, kind, now)
    return True


def _always_full(email: str, now: datetime) -> bool:
    """Say whether the last mails to an address all came back, for two weeks, without one that arrived."""
    heard = (
        sa.select(MailEvent.kind, sa.func.count(sa.distinct(MailEvent.mail_id)))
        .join(OutgoingMail, OutgoingMail.id == MailEvent.mail_id)
        .where(OutgoingMail.to_email == email, MailEvent.at > now - SOFT_SPAN)
        .where(MailEvent.kind.in_(("soft_bounce", "delivered")))
        .group_by(MailEvent.kind)
    )
    counted = dict(db.session.execute(heard).all())
    return counted.get("soft_bounce", 0) >= SOFT_MOST and not counted.get("delivered")
