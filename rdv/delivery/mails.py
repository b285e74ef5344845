"""The channel of mails: rendered by the mailer, taken by the relay."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import clock, dead_addresses, delivery_events, mailer, transport
from rdv.db import db, one_at_a_time
from rdv.delivery.rounds import Parcel
from rdv.mails import KINDS
from rdv.models import OutgoingMail
from rdv.sending import NotSent
from rdv.settings import settings
from rdv.tokens import keyed_hash

DAY = timedelta(days=1)
DEAD = "dead address"


class MailLimit(NotSent):
    """This address has had its automatic mails of the day about this request: something answers them."""

    permanent = True


class Mails:
    """Mails to the relay. Any hour is right: a mailbox wakes nobody."""

    model = OutgoingMail
    noun = "mail"
    patience = timedelta(days=4)  # RFC 5321 §4.5.4.1: 4–5 days

    def still_due(self, row: OutgoingMail, now: datetime) -> bool:
        """Ask the kind."""
        return KINDS[row.kind].still_due(row, now)

    def not_before(self, _row: OutgoingMail, _now: datetime) -> datetime | None:
        """Never later."""
        return None

    def parcel(self, row: OutgoingMail) -> Parcel:
        """Return the bytes that were stored, else those rendered now."""
        public_id, to_email, content, rendered = row.public_id, row.to_email, row.message_bytes, {}
        if content is None:
            mail = mailer.render(row)
            content = mail.content
            rendered = {"subject": mail.subject, "message_id": mail.message_id, "message_bytes": content}

        def send() -> dict[str, Any]:
            transport.send(public_id, to_email, content)
            return {}

        return Parcel(send, rendered)

    def admit(self, row_id: int) -> None:
        """Raise MailLimit when this address has had its automatic mails of the day about this request: no loop goes on.

        Somebody's own words are neither held back nor counted.
        """
        row = db.session.get_one(OutgoingMail, row_id)
        if row.request_id is None or KINDS[row.kind].written:
            return
        one_at_a_time(keyed_hash("mail", row.to_email))
        automatic = [kind for kind, each in KINDS.items() if not each.written]
        rendered = sa.select(sa.func.count()).where(
            OutgoingMail.request_id == row.request_id,
            OutgoingMail.to_email == row.to_email,
            OutgoingMail.id != row_id,
            OutgoingMail.kind.in_(automatic),
            OutgoingMail.message_id.is_not(None),
            OutgoingMail.status.in_(("pending", "sent")),
            OutgoingMail.not_before > clock.now() - DAY,
        )
        if (db.session.scalar(rendered) or 0) >= settings().mail_most_per_day:
            raise MailLimit("daily limit")

    def hindrance(self, row: OutgoingMail) -> str | None:
        """Nothing is sent to a dead address."""
        return DEAD if dead_addresses.is_dead(row.to_email) else None

    def given_up(self, row_id: int, error: Exception | None) -> None:
        """Go on another way: the next address of a centre, a text message or a call to a candidate."""
        row = db.session.get_one(OutgoingMail, row_id)
        if error is None:
            delivery_events.dropped(row, clock.now())
        else:
            delivery_events.given_up(row, error, clock.now())
