"""Who carries text messages: an interface, the console of development, and the choice between them."""

from __future__ import annotations

import logging
import os
from typing import Protocol

from rdv.sending import NotSent
from rdv.settings import settings

log = logging.getLogger(__name__)


class SmsRefused(NotSent):
    """The provider will never take this message: a number that does not exist, a text it forbids."""

    permanent = True


class SmsPutOff(NotSent):
    """The provider did not take this message now; the same one may pass later."""


class SmsProviderDown(NotSent):
    """The provider answers nobody, or does not know us: the other messages wait too."""

    relay_down = True


class SmsLimit(NotSent):
    """This number has had enough messages today (SMS_MOST_PER_DAY)."""

    permanent = True


class SmsProvider(Protocol):
    """What carries a message; the same key twice must reach the person once."""

    def send(self, to: str, text: str, idempotency_key: str) -> str | None:
        """Send a text to a number in E.164 and return the provider's own identifier, if it gives one.

        Raises SmsRefused, SmsPutOff or SmsProviderDown.
        """
        ...


class Console:
    """Development: one `.txt` file a message in instance/outbox, beside the mails; a repeat replaces the same file."""

    def send(self, to: str, text: str, idempotency_key: str) -> str | None:
        """Write the file, whole or not at all."""
        folder = settings().instance_dir / "outbox"
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{idempotency_key}.{os.getpid()}"
        unfinished.write_text(f"{to}\n{text}\n", encoding="utf-8")
        unfinished.replace(folder / f"{idempotency_key}.txt")
        return None
