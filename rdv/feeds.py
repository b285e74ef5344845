"""Calendar feeds: secret addresses that a calendar application polls, one for each device.

A feed shows the meetings of a person, or of the whole centre, from thirty days ago to twelve months ahead. Everything
that depends on time depends on the day alone, so that the validator of a day and its bytes agree.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from rdv import audit, clock, ical
from rdv import meetings as shown
from rdv.db import db, note
from rdv.errors import NotFound
from rdv.models import Booking, CalendarFeed, CandidateRequest, Cfa, MeetingType, Membership, Site, Slot, Training, User
from rdv.settings import settings
from rdv.tokens import hash_secret

SCOPES = {"adviser": "Mes rendez-vous", "cfa": "Les rendez-vous de tout le centre"}
DETAILS = {"minimal": "Initiales et référence", "full": "Nom et formation"}

PAST = timedelta(days=30)
AHEAD = timedelta(days=366)  # Google drops silently what lies beyond 1 MB (reference/ical.md §0.8)
TOMBSTONE = timedelta(days=14)  # how long a cancellation stays visible as such
NOTE_EVERY = timedelta(hours=1)


# -- whose, and for how long ----------------------------------------------------------------------------------------


def create(user: User, cfa: Cfa, *, name: str, scope: str, detail: str = "minimal") -> str:
    """Open a feed of this person in this CFA and return its secret, which can never be read again."""
    secret = _new_secret()
    feed = CalendarFeed(
        user_id=user.id, cfa_id=cfa.id, scope=scope, detail=detail, name=name, secret_hash=hash_secret(secret)
    )
    db.session.add(feed)
    db.session.flush()  # its public identifier goes to the journal
    _record("feed.created", feed, user, cfa, {"scope": scope, "detail": detail})
    return secret


def renew(feed: CalendarFeed) -> str:
    """Give a feed another secret and return it; the former address is refused at once."""
    secret = _new_secret()
    feed.secret_hash = hash_secret(secret)
    feed.generation += 1
    feed.last_used_at = feed.last_used_by = None
    _record("feed.renewed", feed, feed.user, feed.cfa)
    return secret


def revoke(feed: CalendarFeed, now: datetime) -> None:
    """Close a feed for ever."""
    feed.revoked_at = now
    _record("feed.revoked", feed, feed.user, feed.cfa)


def _new_secret() -> str:
    return secrets.token_urlsafe(24)  # 192 bits


def _record(action: str, feed: CalendarFeed, user: User, cfa: Cfa, data: dict[str, Any] | None = None) -> None:
    audit.record(action, user=user, cfa=cfa, object_type="calendar_feed", object_id=feed.public_id, data=data)


def of_person(user: User, cfa: Cfa) -> Sequence[CalendarFeed]:
    """Return the open feeds of a person in a CFA, oldest first."""
    return db.session.scalars(
        sa.select(CalendarFeed)
        .where(
            CalendarFeed.user_id == user.id, CalendarFeed.cfa_id == cfa.id, CalendarFeed.revoked_at.is_(None)
        )
        .order_by(CalendarFeed.id)
    ).all()  # fmt: skip


def get_of_person(user: User, cfa: Cfa, public_id: str) -> CalendarFeed:
    """Return an open feed of this person in this CFA, or raise NotFound: a colleague's does not exist here."""
    for feed in of_person(user, cfa):
        if feed.public_id == public_id:
            return feed
    raise NotFound


def load(secret: str) -> CalendarFeed | None:
    """Return the feed of a secret, or None: unknown, revoked, or its person no longer works for this CFA."""
    return db.session.scalar(
        sa.select(CalendarFeed)
        .join(CalendarFeed.user)
        .join(CalendarFeed.cfa)
        .join(
            Membership,
            sa.and_(Membership.user_id == CalendarFeed.user_id, Membership.cfa_id == CalendarFeed.cfa_id),
        )
        .where(
            CalendarFeed.secret_hash == hash_secret(secret),
            CalendarFeed.revoked_at.is_(None),
            User.active,
            Membership.ended_at.is_(None),
            Cfa.closed_at.is_(None),
        )
        .options(contains_eager(CalendarFeed.user), contains_eager(CalendarFeed.cfa))
    )


# -- when it was last read ------------------------------------------------------------------------------------------

# What calendar applications say of themselves (reference/ical.md §1.5); the first match names the family.
_APPLICATIONS = (
    ("google-calendar", "Google Agenda"),
    ("nextcloud", "Nextcloud"),
    ("thunderbird", "Thunderbird"),
    ("evolution", "GNOME Agenda"),
    ("icsx5", "ICSx⁵"),
    ("dataaccessd", "Calendrier d’Apple"),
    ("calendaragent", "Calendrier d’Apple"),
    ("ios/", "Calendrier d’Apple"),
    ("macos/", "Calendrier d’Apple"),
    ("outlook", "Outlook"),
    ("microsoft", "Outlook"),
    ("exchange", "Outlook"),
    ("mozilla/", "Navigateur"),
)


def application_family(user_agent: str) -> str:
    """Return the name that staff know of the application that reads a feed."""
    said = user_agent.lower()
    return next((name for mark, name in _APPLICATIONS if mark in said), "Autre application")


def note_use(feed: CalendarFeed, user_agent: str, now: datetime) -> None:
    """Remember who read the feed last, at most once an hour; a busy database loses the note."""
    if feed.last_used_at is not None and now - feed.last_used_at < NOTE_EVERY:
        return
    note(
        sa.update(CalendarFeed)
        .where(CalendarFeed.id == feed.id)
        .values(last_used_at=now, last_used_by=application_family(user_agent))
    )


# -- what it shows --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """The instants between which meetings are shown, and since when cancellations are; the same all day in Paris."""

    day: str
    first: datetime
    last: datetime
    today: datetime
    cancelled_since: datetime

    @classmethod
    def at(cls, now: datetime) -> Window:
        """Return the window of the day that `now` belongs to."""
        day = clock.to_zone(now, clock.PARIS).date()
        today = clock.from_wall(day, time.min, clock.PARIS)
        return cls(day.isoformat(), today - PAST, today + AHEAD, today, today - TOMBSTONE)


def _slots_of(feed: CalendarFeed, window: Window) -> list[sa.ColumnElement[bool]]:
    scope = [Slot.cfa_id == feed.cfa_id, Slot.starts_at >= window.first, Slot.starts_at < window.last]
    if feed.scope == "adviser":
        scope.append(Slot.adviser_id == feed.user_id)
    return scope


def validator(feed: CalendarFeed, now: datetime) -> tuple[str, datetime]:
    """Return the strong validator of what the feed shows now, and when that last changed, in one statement.

    A slot's version rises with every booking, move and cancellation; counts see what was deleted; the dates of
    sites, meeting types and (full detail) requests and trainings see what was renamed without anybody's telling.
    """
    window = Window.at(now)
    facts: list[Any] = [
        sa.func.count(Slot.id),
        sa.func.sum(Slot.version),
        sa.func.max(Slot.updated_at, type_=Slot.updated_at.type),
        sa.func.count(Booking.id),
        sa.func.sum(Booking.sequence),
        sa.func.max(Booking.updated_at, type_=Slot.updated_at.type),
        _latest(Site, feed),
        _latest(MeetingType, feed),
    ]
    joined = sa.outerjoin(Slot, Booking, Booking.slot_id == Slot.id)
    if feed.detail == "full":
        facts += [
            sa.func.max(CandidateRequest.updated_at, type_=Slot.updated_at.type),
            sa.func.max(Training.updated_at, type_=Slot.updated_at.type),
        ]
        joined = joined.outerjoin(CandidateRequest, CandidateRequest.id == Booking.request_id).outerjoin(
            Training, Training.id == CandidateRequest.training_id
        )
    # An individual slot that nobody ever touched shows nothing: publishing does not disturb calendars.
    ever_touched = sa.or_(Slot.version > 1, Slot.seats_taken > 0, Slot.capacity > 1)
    query = sa.select(*facts).select_from(joined).where(*_slots_of(feed, window), ever_touched)
    row = db.session.connection().execute(query).one()
    said = (
        feed.public_id, feed.generation, feed.scope, feed.detail, calendar_name(feed), feed.cfa.updated_at, window.day,
        ical.RENDERING_VERSION, settings().public_url, *row,
    )  # fmt: skip
    etag = hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()[:32]
    changed = max([feed.created_at, window.today, *(value for value in row if isinstance(value, datetime))])
    return etag, changed


def _latest(model: Any, feed: CalendarFeed) -> sa.ScalarSelect[datetime]:
    latest = sa.func.max(model.updated_at, type_=model.updated_at.type)
    return sa.select(latest).where(model.cfa_id == feed.cfa_id).scalar_subquery()


def calendar_name(feed: CalendarFeed) -> str:
    """Return the name that applications give to the calendar."""
    whose = feed.user.shown_name if feed.scope == "adviser" else feed.cfa.shown_name
    return f"RDV Apprentissage – {whose}"


def meetings(feed: CalendarFeed, now: datetime) -> list[ical.Meeting]:
    """Return the meetings the feed shows, soonest first.

    A cancellation stays visible, without anything of the person, for fourteen days or until the day of the meeting.
    """
    window = Window.at(now)
    gone = shown.Cancelled(since=window.cancelled_since, not_over_before=window.today)
    return shown.meetings(
        feed.cfa_id, _slots_of(feed, window), full=feed.detail == "full", named=feed.scope == "cfa", cancelled=gone
    )
