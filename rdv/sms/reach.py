"""Whom a text message may reach, and at what hours."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from rdv import asker, clock
from rdv.contacts import is_mobile
from rdv.settings import settings

# Local hours of the meeting's place between which nobody's telephone rings.
NIGHT_FROM, NIGHT_UNTIL = time(21), time(8)


def available() -> bool:
    """Say whether this installation sends text messages at all."""
    return settings().sms_provider != "none"


def numbers(person: Any, sms_open: bool = False) -> list[str]:
    """Return the mobiles that messages go to: of who reads no mail about it, of everybody if the CFA turned it on.

    `person`: a Candidate, a CandidateRequest, or a row with their contacts. Two people may ask: the candidate and who
    asks for them. Empty when this installation sends none.
    """
    if not available():
        return []
    mobiles = [phone for phone in (person.phone, person.asker_phone) if is_mobile(phone)]
    return [phone for phone in dict.fromkeys(mobiles) if sms_open or not _reads_mails(person, phone)]


def _reads_mails(person: Any, phone: str) -> bool:
    """Say whether who has this number also gets the mails; an address that is the asker's is not the candidate's."""
    if asker.reads(person, phone):
        return bool(person.asker_email)
    # Where the address looks mistyped, or fails, the phone is the second channel.
    sound = getattr(person, "email_state", None) is None
    return bool(person.email) and sound and not asker.reads(person, person.email)


def night_until(now: datetime, zone: str) -> datetime | None:
    """Return the end of the local night when it is night in a zone, else None."""
    local = clock.to_zone(now, zone)
    if NIGHT_UNTIL <= local.time() < NIGHT_FROM:
        return None
    morning = local.date() + (timedelta(days=1) if local.time() >= NIGHT_FROM else timedelta())
    return clock.from_wall(morning, NIGHT_UNTIL, zone)
