"""The five steps that make a centre ready for candidates, each verified by what the database holds: nobody ticks a box."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from rdv import seats
from rdv.db import db, note
from rdv.models import CandidateRequest, Cfa, Membership, OpeningHours, Site, Slot, User

SEEN_LATELY = timedelta(days=90)
NOTED_EVERY = timedelta(days=1)  # a visit from another site is kept once a day at most


@dataclass(frozen=True)
class Step:
    """One step: `done` as the system sees it; `missing` counts or names what is not there yet."""

    code: str  # places, hours, slots, link, trial
    done: bool
    missing: tuple[str, ...] = ()  # names of places
    at: datetime | None = None  # when it was last seen true, where that is known
    host: str | None = None


def steps(cfa: Cfa, now: datetime) -> list[Step]:
    """Return the five steps of a centre, in the order in which they are taken."""
    sites = [site for site in cfa.sites if site.closed_at is None]
    timed = set(
        db.session.scalars(sa.select(OpeningHours.site_id).where(OpeningHours.site_id.in_([s.id for s in sites])))
    )
    without_address = tuple(site.shown_name for site in sites if not site.shown_address)
    without_hours = tuple(site.shown_name for site in sites if site.id not in timed)
    linked = cfa.link_seen_at is not None and cfa.link_seen_at > now - SEEN_LATELY
    by_platform = None if linked else _asked_through_a_platform(cfa.id, now)
    return [
        Step("places", bool(sites) and not without_address, without_address),
        Step("hours", bool(sites) and not without_hours, without_hours),
        Step("slots", _has_slot(cfa.id, now)),
        Step(
            "link", linked or by_platform is not None, at=cfa.link_seen_at if linked else by_platform,
            host=cfa.link_seen_host if linked else None,
        ),
        Step("trial", (tried := _tried(cfa.id)) is not None, at=tried),
    ]  # fmt: skip


def _has_slot(cfa_id: int, now: datetime) -> bool:
    query = sa.select(Slot.id).where(Slot.cfa_id == cfa_id, Slot.listed.is_(True), *seats.bookable(now)).limit(1)
    return db.session.scalar(query) is not None


def _asked_through_a_platform(cfa_id: int, now: datetime) -> datetime | None:
    """Return when somebody last came through the link of a platform."""
    query = (
        sa.select(CandidateRequest.created_at)
        .where(
            CandidateRequest.cfa_id == cfa_id, CandidateRequest.created_at > now - SEEN_LATELY,
            CandidateRequest.platform_id.is_not(None),
        )
        .order_by(CandidateRequest.created_at.desc(), CandidateRequest.id.desc())
        .limit(1)
    )  # fmt: skip
    return db.session.scalar(query)


def _tried(cfa_id: int) -> datetime | None:
    """Return when somebody of the team last booked a slot as a candidate does, with their own address."""
    theirs = (
        sa.select(User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.cfa_id == cfa_id, Membership.ended_at.is_(None))
    )
    query = (
        sa.select(CandidateRequest.created_at)
        .where(
            CandidateRequest.cfa_id == cfa_id, CandidateRequest.mode == "slot", CandidateRequest.email.in_(theirs),
            CandidateRequest.submission_id.is_not(None),
        )
        .order_by(CandidateRequest.id.desc())
        .limit(1)
    )  # fmt: skip
    return db.session.scalar(query)


def first_site_without_hours(cfa: Cfa) -> Site | None:
    """Return the place to begin with for the step « hours », if any."""
    timed = sa.select(OpeningHours.site_id).where(OpeningHours.site_id == Site.id).exists()
    query = sa.select(Site).where(Site.cfa_id == cfa.id, Site.closed_at.is_(None), ~timed).order_by(Site.id).limit(1)
    return db.session.scalar(query)


def link_seen(cfa: Cfa, host: str, now: datetime) -> None:
    """Keep that the public page of a centre was reached from another site: telemetry, once a day at most."""
    if cfa.link_seen_at is not None and now - cfa.link_seen_at < NOTED_EVERY:
        return
    note(
        sa.update(Cfa).where(Cfa.id == cfa.id).values(link_seen_at=now, link_seen_host=host, updated_at=Cfa.updated_at)
    )
