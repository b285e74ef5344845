"""What leaves the house: nothing that should have left waits for hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from rdv.integrity.range import Check, Range, rows
from rdv.models import OutgoingMail, OutgoingSms

LONGEST_WAIT = timedelta(hours=1)  # each try that fails moves `not_before` on


def _stuck(table: type[OutgoingMail] | type[OutgoingSms], word: str, span: Range) -> Iterator[str]:
    pending = sa.text(f"{table.__tablename__}.status = 'pending'")
    query = sa.select(table.public_id, table.kind).where(
        span.holds(table.id), pending, table.not_before < span.now - LONGEST_WAIT
    )
    for row in rows(query):
        yield f"{word} {row.public_id} ({row.kind})"


def stuck_mails(span: Range) -> Iterator[str]:
    """A mail that is due left, or was refused."""
    return _stuck(OutgoingMail, "courriel", span)


def stuck_texts(span: Range) -> Iterator[str]:
    """So did a text message."""
    return _stuck(OutgoingSms, "SMS", span)


CHECKS = (
    Check("courriel en attente", OutgoingMail, stuck_mails),
    Check("SMS en attente", OutgoingSms, stuck_texts),
)
