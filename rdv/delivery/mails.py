"""The channel of mails: rendered by the mailer, taken by the relay."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rdv import mailer, transport
from rdv.delivery.rounds import Parcel
from rdv.mails import KINDS
from rdv.models import OutgoingMail


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

    def admit(self, _row_id: int) -> None:
        """Mails are not counted."""

    def given_up(self, _row_id: int) -> None:
        """The service team sees it in /admin."""
