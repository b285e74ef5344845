"""Mails of the life cycle, in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime, time

from rdv import outbox
from rdv.clock import PARIS, from_wall, to_zone
from rdv.consents import addresses
from rdv.models import PlatformConsent
from rdv.tokens import keyed_hash

MORNING = time(9)  # in Paris: nobody is invited at night


def tell(kind: str, consent: PlatformConsent, email: str, mark: str, now: datetime) -> None:
    """Write one mail about an answer, once for each `mark` of it, to leave in the day."""
    morning = from_wall(to_zone(now, PARIS).date(), MORNING, PARIS)
    outbox.enqueue(
        kind, email, f"{kind}:{consent.public_id}:{mark}:{of_address(email)}", cfa_id=consent.cfa_id,
        data={"consent": consent.public_id}, not_before=max(now, morning),
    )  # fmt: skip


def tell_all(kind: str, consents: list[PlatformConsent], now: datetime) -> None:
    """Tell an activation: who decides, and every address that will receive requests (`kind` + « _contact »)."""
    first = consents[0]
    mark = now.isoformat()
    email = addresses.decision_maker(first.cfa)
    if email:
        tell(kind, first, email, mark, now)
    for contact in addresses.contacts(first.cfa, [each.platform for each in consents]):
        tell(f"{kind}_contact", first, contact, mark, now)


def of_address(email: str) -> str:
    """Return what stands for an address in the key of a mail."""
    return keyed_hash("platform_mail", email.lower())[:16]
