"""Who of the CFA each rung concerns, read when it is due: people leave, go on holiday, change how they want to be told."""

from __future__ import annotations

from datetime import datetime

from rdv import clock, closures, dead_addresses, inbox
from rdv.inbox import Recipient, calling
from rdv.models import CandidateRequest, Membership, User


def owner(request: CandidateRequest, now: datetime, team: list[Membership]) -> User | None:
    """Return who follows a request, when they still work there, are not away today and can be mailed."""
    mine = next((each.user for each in team if each.user_id == request.owner_id), None)
    if mine is None or dead_addresses.is_dead(mine.email):
        return None
    today = clock.to_zone(now, calling.zone_of(request)).date()
    return None if closures.absent(request.cfa_id, mine.id, today) else mine


def reminded(request: CandidateRequest, now: datetime) -> list[Recipient]:
    """Return who is reminded before the answer is due: its owner, else those who heard of it when it arrived."""
    mine = owner(request, now, inbox.team(request.cfa_id))
    return [Recipient(mine.email, mine)] if mine is not None else inbox.receivers(request)


def warned(request: CandidateRequest, now: datetime) -> list[Recipient]:
    """Return who is told that the answer is late: its owner, and the members and managers who want each mail.

    The others read it in their digest of that morning. Where nobody would read it at all, the managers, else the address.
    """
    team = inbox.team(request.cfa_id)
    mine = owner(request, now, team)
    members = inbox.team_of(request.cfa_id, request.site_id)
    told = dead_addresses.living(each.user for each in members if each.notices == "each")
    told += [mine] if mine is not None else []
    if told or dead_addresses.living(each.user for each in members if each.notices == "digest"):
        return [Recipient(user.email, user) for user in told]
    managers = dead_addresses.living(inbox.managers(request.cfa_id))
    if managers:
        return [Recipient(user.email, user) for user in managers]
    email = inbox.address_of(request)
    return [Recipient(email)] if email else []


def concerned(request: CandidateRequest, now: datetime) -> list[Recipient]:
    """Return who is told that the candidate was not contacted: its owner, else the members who want each mail, else whoever may."""
    mine = owner(request, now, inbox.team(request.cfa_id))
    if mine is not None:
        return [Recipient(mine.email, mine)]
    return warned(request, now) or inbox.receivers(request)
