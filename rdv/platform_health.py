"""Whether platforms still send candidates: what each sent week by week, and the silences that are not usual.

A silence is measured in hours at which offices are open (Monday to Friday, 9 to 17 in Paris, public holidays left out), so
that no night and no week-end is one, and against the platform's own rhythm: six hours say nothing of a site that sends a
request a week, and much of one that sends ten a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from rdv import accounts, clock, outbox
from rdv.clock import PARIS
from rdv.db import db, insert_once
from rdv.deadlines.hours import Hours
from rdv.models import ApiKey, ApiRefusal, CandidateRequest, Platform, PlatformSilence
from rdv.settings import settings

WEEKS = 12
RHYTHM = timedelta(days=28)  # before its last request: how often a platform usually sends one
REFUSALS_SINCE = timedelta(days=7)
EXPIRES_SOON = timedelta(days=14)


@dataclass(frozen=True)
class Health:
    """What a platform sent: requests by week, oldest first, the present one last; and since when it is silent."""

    platform: Platform
    weeks: Sequence[int]
    last_at: datetime | None
    silence: PlatformSilence | None  # told to the team and not over


@dataclass(frozen=True)
class Refused:
    """Calls of a key that were refused for one reason, and the last time."""

    endpoint: str
    status: int
    problem: str
    count: int
    last_at: datetime


def mondays(now: datetime) -> list[date]:
    """Return the first days of the weeks that are shown, in Paris, the present one last."""
    today = clock.to_zone(now, PARIS).date()
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=ago) for ago in range(WEEKS - 1, -1, -1)]


def every(now: datetime) -> list[Health]:
    """Return the health of every platform, by name; three statements, however many requests there are."""
    days = mondays(now)
    starts = [clock.day_bounds(day, PARIS)[0] for day in days]
    counts = [
        sa.func.count().filter(
            CandidateRequest.created_at >= start,
            CandidateRequest.created_at < (starts[rank + 1] if rank + 1 < len(starts) else now + timedelta(days=1)),
        )
        for rank, start in enumerate(starts)
    ]
    rows = db.session.execute(
        sa.select(CandidateRequest.platform_id, *counts)
        .where(CandidateRequest.platform_id.is_not(None), CandidateRequest.created_at >= starts[0])
        .group_by(CandidateRequest.platform_id)
    )
    by_week = {row[0]: list(row[1:]) for row in rows}
    last = sa.select(sa.func.max(CandidateRequest.created_at)).where(CandidateRequest.platform_id == Platform.id)
    open_silences = {row.platform_id: row for row in db.session.scalars(_open_silences())}
    platforms = db.session.execute(
        sa.select(Platform, last.correlate(Platform).scalar_subquery()).order_by(Platform.name, Platform.id)
    )
    return [
        Health(platform, by_week.get(platform.id, [0] * WEEKS), last_at, open_silences.get(platform.id))
        for platform, last_at in platforms
    ]


def refusals(now: datetime) -> dict[int, list[Refused]]:
    """Return what was refused to each key in the last week, most frequent first, by the key's id."""
    counted = sa.func.count().label("counted")
    rows = db.session.execute(
        sa.select(
            ApiRefusal.api_key_id, ApiRefusal.endpoint, ApiRefusal.status, ApiRefusal.problem, counted,
            sa.func.max(ApiRefusal.at),
        )
        .where(ApiRefusal.at >= now - REFUSALS_SINCE)
        .group_by(ApiRefusal.api_key_id, ApiRefusal.endpoint, ApiRefusal.status, ApiRefusal.problem)
        .order_by(counted.desc(), ApiRefusal.endpoint)
    )  # fmt: skip
    found: dict[int, list[Refused]] = {}
    for key_id, endpoint, status, problem, count, last_at in rows:
        found.setdefault(key_id, []).append(Refused(endpoint, status, problem, count, last_at))
    return found


def expires_soon(key: ApiKey, now: datetime) -> bool:
    """Say whether a key that still works ends within two weeks."""
    return key.revoked_at is None and key.expires_at is not None and now < key.expires_at <= now + EXPIRES_SOON


# -- silences ---------------------------------------------------------------------------------------------------------


def watch(now: datetime) -> None:
    """Tell the service team, in office hours, of each new silence, once, and of each one that is over, once."""
    hours = Hours(None, None, clock.to_zone(now - 2 * RHYTHM, PARIS).date())
    for silence in db.session.scalars(_open_silences()):
        if (_last_request(silence.platform_id) or silence.since) > silence.since:
            _end(silence, now)
    if not hours.is_open(now):
        return
    for platform in db.session.scalars(sa.select(Platform).where(Platform.active.is_(True))):
        since = _last_request(platform.id)
        if since is None:
            continue
        expected = expected_since(platform, since, now, hours)
        if expected >= settings().platform_silence_expected:
            _tell(platform, since, expected, now)


def expected_since(platform: Platform, since: datetime, now: datetime, hours: Hours) -> int:
    """Return how many requests the rhythm of the four weeks up to `since` would have brought between then and now."""
    sent = db.session.scalar(
        sa.select(sa.func.count()).where(
            CandidateRequest.platform_id == platform.id,
            CandidateRequest.created_at > since - RHYTHM,
            CandidateRequest.created_at <= since,
        )
    )
    usual = hours.minutes_between(since - RHYTHM, since)
    return (sent or 0) * hours.minutes_between(since, now) // usual if usual else 0


def _open_silences() -> sa.Select[PlatformSilence]:
    return sa.select(PlatformSilence).where(PlatformSilence.ended_at.is_(None)).order_by(PlatformSilence.id)


def _last_request(platform_id: int) -> datetime | None:
    return db.session.scalar(
        sa.select(sa.func.max(CandidateRequest.created_at)).where(CandidateRequest.platform_id == platform_id)
    )


def _tell(platform: Platform, since: datetime, expected: int, now: datetime) -> None:
    """Keep a silence and write to the team; the row is unique, so that who runs twice says nothing twice."""
    row = {"platform_id": platform.id, "since": since, "expected": expected, "told_at": now, "ended_at": None}
    if insert_once(PlatformSilence, [row], "platform_id", "since"):
        _write("platform_silent", platform.code, since, {"expected": expected})


def _end(silence: PlatformSilence, now: datetime) -> None:
    ended = db.session.connection().execute(
        sa.update(PlatformSilence)
        .where(PlatformSilence.id == silence.id, PlatformSilence.ended_at.is_(None))
        .values(ended_at=now)
    )
    if ended.rowcount:
        _write("platform_heard", silence.platform.code, silence.since, {})


def _write(kind: str, code: str, since: datetime, data: dict[str, int]) -> None:
    facts = {"platform": code, "since": since.isoformat(), **data}
    for member in accounts.service_team():
        key = f"{kind}:{code}:{since.isoformat()}:{member.public_id}"
        outbox.enqueue(kind, member.email, key, user_id=member.id, data=facts)


def is_silent(code: str, since: datetime) -> bool:
    """Say whether a silence that began then still lasts."""
    found = db.session.scalar(
        _open_silences().join(Platform).where(Platform.code == code, PlatformSilence.since == since)
    )
    return found is not None
