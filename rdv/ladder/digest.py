"""The morning's digest: what waits for each person of a CFA, at 8:30 of every working day of their place, if anything does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import allowance, clock, deadlines, inbox, outbox
from rdv.db import db
from rdv.inbox import Recipient
from rdv.models import CandidateRequest, Cfa, Membership, Site
from rdv.settings import settings

LEAVES, UNTIL = time(8, 30), time(12)  # a worker that was down catches up until noon
STALE = time(18)  # what could not leave by then waits for the next morning
_FARTHEST_BACK = 60  # days, for the working day before


@dataclass(frozen=True)
class Digest:
    """What waits, most urgent first; a request stands under one heading alone."""

    late: Sequence[CandidateRequest]
    today: Sequence[CandidateRequest]  # due today
    calls: Sequence[CandidateRequest]  # planned today
    new: Sequence[CandidateRequest]  # since the working day before
    zone: str

    @property
    def empty(self) -> bool:
        """True when there is nothing to tell."""
        return not (self.late or self.today or self.calls or self.new)


@dataclass(frozen=True)
class Morning:
    """One working morning of a place."""

    day: date
    zone: str
    since: datetime  # 8:30 of the working day before

    @property
    def ends(self) -> datetime:
        """When this day's digest is no longer worth sending."""
        return clock.from_wall(self.day, STALE, self.zone)


def cfas_in_the_morning(now: datetime) -> list[int]:
    """Return the CFAs that have something to treat and a place where it is the hour of the digest."""
    zones = [
        zone
        for zone in db.session.scalars(sa.select(Site.timezone).distinct().union(sa.select(sa.literal(clock.PARIS))))
        if LEAVES <= clock.to_zone(now, zone).time() < UNTIL
    ]
    if not zones:
        return []
    # Literal states, so that the partial index serves on both engines.
    waiting = sa.select(CandidateRequest.cfa_id).where(sa.text("status IN ('new', 'in_progress')")).distinct()
    here = sa.exists().where(Site.cfa_id == Cfa.id, Site.timezone.in_(zones))
    anywhere = sa.exists().where(Site.cfa_id == Cfa.id)
    paris = sa.literal(clock.PARIS in zones)
    query = sa.select(Cfa.id).where(Cfa.id.in_(waiting), sa.or_(here, sa.and_(~anywhere, paris)))
    return list(db.session.scalars(query.order_by(Cfa.id)))


def write(cfa_id: int, now: datetime) -> None:
    """Write this morning's digests of a CFA, once each: to who prefers one, and to whom yesterday's limit kept mails from."""
    cfa = db.session.get_one(Cfa, cfa_id)
    waiting = _waiting(cfa_id)
    most = settings().staff_mails_most_per_day
    team = inbox.team(cfa_id)
    for member in sorted(team, key=lambda each: each.user.email):
        morning = morning_of(_place(cfa, member), cfa_id, now)
        if morning is None:
            continue
        wants = member.notices == "digest" or allowance.reached(member.user.email, most, morning.zone, morning.since)
        if wants and not _digest(_theirs(waiting, member), morning, now).empty:
            _enqueue(cfa, Recipient(member.user.email, member.user), morning)
    known = {member.user.email for member in team}
    morning = morning_of(_place(cfa), cfa_id, now)
    for email in sorted({each.recipient_email for each in waiting if each.recipient_email} - known):
        if morning is None or not allowance.reached(email, most, morning.zone, morning.since):
            continue
        mine = [each for each in waiting if each.recipient_email == email]
        if not _digest(mine, morning, now).empty:
            _enqueue(cfa, Recipient(email), morning)


def _enqueue(cfa: Cfa, to: Recipient, morning: Morning) -> None:
    outbox.enqueue(
        "digest", to.email, f"digest:{cfa.public_id}:{morning.day:%Y%m%d}:{to.email}"[:160], cfa_id=cfa.id,
        user_id=to.user.id if to.user else None, not_after=morning.ends,
    )  # fmt: skip


def of_member(member: Membership, now: datetime) -> Digest | None:
    """Return what waits for a member, None on a day when their place does not open."""
    morning = morning_of(_place(member.cfa, member), member.cfa_id, now, sent=True)
    return _digest(_theirs(_waiting(member.cfa_id), member), morning, now) if morning else None


def of_address(cfa: Cfa, email: str, now: datetime) -> Digest | None:
    """Return what waits for the address that received requests, None on a day when the CFA does not open."""
    morning = morning_of(_place(cfa), cfa.id, now, sent=True)
    mine = [each for each in _waiting(cfa.id) if each.recipient_email == email]
    return _digest(mine, morning, now) if morning else None


def morning_of(site: Site | None, cfa_id: int, now: datetime, *, sent: bool = False) -> Morning | None:
    """Return the working morning that it is at a place, None when it is not; `sent`: at any hour of that day."""
    zone = site.timezone if site else clock.PARIS
    local = clock.to_zone(now, zone)
    if not sent and not LEAVES <= local.time() < UNTIL:
        return None
    today = local.date()
    hours = deadlines.Hours(site, cfa_id, today - timedelta(days=_FARTHEST_BACK))
    if not hours.of_day(today):
        return None
    back = (today - timedelta(days=ago) for ago in range(1, _FARTHEST_BACK))
    before = next((day for day in back if hours.of_day(day)), today - timedelta(days=1))
    return Morning(today, zone, clock.from_wall(before, LEAVES, zone))


def _place(cfa: Cfa, member: Membership | None = None) -> Site | None:
    """Return the place by whose day a person lives: the first of theirs, else of the CFA."""
    places = list(member.sites) if member is not None and member.sites else cfa.sites
    return next((site for site in places if site.closed_at is None), None)


def _waiting(cfa_id: int) -> list[CandidateRequest]:
    query = (
        sa.select(CandidateRequest)
        .options(joinedload(CandidateRequest.training), joinedload(CandidateRequest.site))
        .where(CandidateRequest.cfa_id == cfa_id, sa.text("candidate_request.status IN ('new', 'in_progress')"))
        .order_by(CandidateRequest.due_at, CandidateRequest.id)
    )
    return list(db.session.scalars(query))


def _theirs(waiting: Iterable[CandidateRequest], member: Membership) -> list[CandidateRequest]:
    """Return what concerns a member: what they follow, and what arrives at their places."""
    places = {site.id for site in member.sites}
    everywhere = not places or member.role == "manager"
    return [
        each
        for each in waiting
        if everywhere or each.owner_id == member.user_id or each.site_id is None or each.site_id in places
    ]


def _digest(waiting: Iterable[CandidateRequest], morning: Morning, now: datetime) -> Digest:
    _, midnight = clock.day_bounds(morning.day, morning.zone)
    late, today, calls, new = [], [], [], []
    for each in waiting:
        if each.due_at is not None and each.due_at < now:
            late.append(each)
        elif each.due_at is not None and each.due_at < midnight:
            today.append(each)
        elif each.next_attempt_at is not None and each.next_attempt_at < midnight:
            calls.append(each)
        elif each.status == "new" and each.created_at >= morning.since:
            new.append(each)
    return Digest(late, today, calls, new, morning.zone)
