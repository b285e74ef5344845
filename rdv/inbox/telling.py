"""Mails about a request to the CFA's side: each member by their preference, each address within its day's most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rdv import allowance, clock, contact_resolution, dead_addresses, outbox
from rdv.db import db
from rdv.inbox import calling, people
from rdv.models import CandidateRequest, RequestEvent, User
from rdv.settings import settings


@dataclass(frozen=True)
class Recipient:
    """An address of the CFA that is told; a person of its staff, or None for the address that received the request."""

    email: str
    user: User | None = None


def receivers(request: CandidateRequest) -> list[Recipient]:
    """Return who hears of a new request: its address, or the managers without one, and who wants each of them."""
    email = address_of(request)
    heard = (
        [Recipient(email)]
        if email
        else [Recipient(user.email, user) for user in dead_addresses.living(people.managers(request.cfa_id))]
    )
    wanted = [each.user for each in people.team_of(request.cfa_id, request.site_id) if each.notices == "each"]
    return distinct([*heard, *(Recipient(user.email, user) for user in wanted)])


def address_of(request: CandidateRequest) -> str | None:
    """Return the address that receives a request, from now on the next one of the rule if its own has died since.

    It died while nobody was to answer, or before it was written to. The caller holds the request's lock.
    """
    if dead_addresses.is_dead(request.recipient_email):
        found = contact_resolution.recipient_for(db.session(), request.training, request.site, request.cfa)
        request.recipient_email = found.email
    return request.recipient_email


def distinct(recipients: Iterable[Recipient]) -> list[Recipient]:
    """Return each address once, the first that names it, in alphabetical order."""
    known: dict[str, Recipient] = {}
    for each in recipients:
        known.setdefault(each.email, each)
    return [known[email] for email in sorted(known)]


def tell(
    kind: str,
    request: CandidateRequest,
    version: str,
    recipients: Iterable[Recipient],
    event: RequestEvent | None = None,
    *,
    not_before: datetime | None = None,
) -> list[Recipient]:
    """Write to those whose address takes mails and whose day's most is not reached, and return them; `version` makes it told once to each.

    The last mail of the day says that it is the last: the rest waits for the digest of the next working morning.
    """
    told = []
    everybody = distinct(recipients)
    dead = dead_addresses.among(each.email for each in everybody)
    most, zone = settings().staff_mails_most_per_day, calling.zone_of(request)
    for each in everybody:
        left = 0 if each.email.lower() in dead else allowance.left(each.email, most, zone, clock.now())
        if not left:
            continue
        outbox.enqueue(
            kind, each.email, f"{kind}:{version}:{each.email}"[:160], request_id=request.id, cfa_id=request.cfa_id,
            event_id=event.id if event else None, user_id=each.user.id if each.user else None,
            data={"last": True} if left == 1 else {}, not_before=not_before,
        )  # fmt: skip
        told.append(each)
    return told
