"""The channel of text messages: few, never at night, and a call of the centre when one cannot be delivered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import clock, inbox, notices, sms
from rdv.db import db, one_at_a_time
from rdv.delivery.rounds import Parcel
from rdv.models import OutgoingSms
from rdv.settings import settings
from rdv.sms.http import HttpProvider
from rdv.sms.provider import Console, SmsLimit, SmsProvider, SmsProviderDown
from rdv.texts import KINDS
from rdv.tokens import keyed_hash

PROVIDERS: dict[str, Callable[[], SmsProvider]] = {"console": Console, "http": HttpProvider}
DAY = timedelta(days=1)


class Texts:
    """Text messages to the provider of SMS_PROVIDER."""

    model = OutgoingSms
    noun = "sms"
    # Then the centre is told to call: somebody whose meeting was cancelled must not travel.
    patience = timedelta(hours=6)

    def still_due(self, row: OutgoingSms, now: datetime) -> bool:
        """Ask the kind."""
        return KINDS[row.kind].still_due(row, now)

    def not_before(self, row: OutgoingSms, now: datetime) -> datetime | None:
        """Return the end of the local night, except for an answer to what the person has just done."""
        return None if row.data.get("answer") else sms.night_until(now, row.data["zone"])

    def parcel(self, row: OutgoingSms) -> Parcel:
        """Return the text that was stored, else the one written now."""
        public_id, to, text, rendered = row.public_id, row.to_phone, row.text, {}
        if text is None:
            text = KINDS[row.kind].text(row)
            rendered = {"text": text}

        def send() -> dict[str, Any]:
            chosen = settings().sms_provider
            if chosen not in PROVIDERS:
                raise SmsProviderDown("none")
            return {"provider_id": PROVIDERS[chosen]().send(to, text, public_id)}

        return Parcel(send, rendered)

    def admit(self, row_id: int) -> None:
        """Raise SmsLimit when this number has had its messages of the day; written texts count, sent or about to be."""
        row = db.session.get_one(OutgoingSms, row_id)
        one_at_a_time(keyed_hash("sms", row.to_phone))
        written = sa.select(sa.func.count()).where(
            OutgoingSms.to_phone == row.to_phone,
            OutgoingSms.id != row_id,
            OutgoingSms.text.is_not(None),
            OutgoingSms.status.in_(("pending", "sent")),
            OutgoingSms.not_before > clock.now() - DAY,
        )
        if (db.session.scalar(written) or 0) >= settings().sms_most_per_day:
            raise SmsLimit("daily limit")

    def hindrance(self, _row: OutgoingSms) -> str | None:
        """No number is given up for good."""
        return None

    def given_up(self, row_id: int, _error: Exception | None) -> None:
        """Turn news that nobody could deliver into an « à appeler » task of the centre's inbox."""
        row = db.session.get_one(OutgoingSms, row_id)
        now, request = clock.now(), row.request
        kind = KINDS[row.kind]
        if row.data.get("answer") or not kind.call_instead or notices.read(request):
            return
        if request.status == "closed" and kind.still_due(row, now):
            inbox.wake_as_call(request, now)
