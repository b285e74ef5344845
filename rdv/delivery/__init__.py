"""What leaves the house: the rows of the outbox, sent by the worker with the same guarantees on every channel."""

from __future__ import annotations

from rdv.delivery import rounds as rounds
from rdv.delivery.mails import Mails
from rdv.delivery.rounds import CLAIM as CLAIM
from rdv.delivery.rounds import WAITS as WAITS
from rdv.delivery.texts import Texts
from rdv.models import User

MAILS = Mails()
TEXTS = Texts()


def deliver_due(limit: int = 50) -> int:
    """Send the mails that are due, oldest first, and return how many left."""
    return rounds.deliver_due(MAILS, limit)


def deliver_texts(limit: int = 50) -> int:
    """Send the text messages that are due, oldest first, and return how many left."""
    return rounds.deliver_due(TEXTS, limit)


def retry(public_id: str | None = None, by: User | None = None) -> int:
    """Put one failed mail, or all of them, back to be sent, and return how many."""
    return rounds.retry(MAILS, public_id, by)


def retry_texts(public_id: str | None = None, by: User | None = None) -> int:
    """The same for text messages."""
    return rounds.retry(TEXTS, public_id, by)
