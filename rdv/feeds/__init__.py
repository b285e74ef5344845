"""Calendar feeds: secret addresses that a calendar application polls, one for each device.

A feed shows the meetings of a person, of a place or of the whole centre, from thirty days ago to twelve months ahead.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import audit, outbox
from rdv.agenda import home_zone
from rdv.db import db
from rdv.errors import NotFound
from rdv.feeds.applications import APPLICATIONS as APPLICATIONS
from rdv.feeds.applications import application_of as application_of
from rdv.feeds.applications import named as named
from rdv.feeds.content import body as body
from rdv.feeds.content import calendar_name as calendar_name
from rdv.feeds.content import meetings as meetings
from rdv.feeds.polling import Poll as Poll
from rdv.feeds.polling import note_poll as note_poll
from rdv.feeds.polling import poll as poll
from rdv.models import CalendarFeed, Cfa, Site, User
from rdv.tokens import hash_secret

DETAILS = {"minimal": "Initiales et référence", "full": "Nom et formation"}
FORGOTTEN = timedelta(days=400)  # an address nobody reads any more is closed (reference/ical.md §1.8)
WARNED = timedelta(days=370)  # its person was told a month before
FORGOTTEN_KIND = "calendar_forgotten"
# What applications take (reference/ical.md §1.6): Google drops the rest silently.
LARGEST, MOST_EVENTS = 1_000_000, 1_000


@dataclass(frozen=True)
class Choice:
    """Whose meetings, and what is said beside and of them.

    Without `site` nor `whole_cfa`: this person's own, in the CFA at hand or, `everywhere`, in all of theirs.
    """

    site: Site | None = None
    whole_cfa: bool = False
    everywhere: bool = False
    detail: str = "minimal"
    shows_due: bool = False
    shows_free: bool = False
    shows_closures: bool = False
    shows_cancelled: bool = True


def create(user: User, cfa: Cfa, choice: Choice, name: str) -> str:
    """Open a feed of this person in this CFA and return its secret, which can never be read again."""
    secret = _new_secret()
    feed = CalendarFeed(user_id=user.id, name=name, secret_hash=hash_secret(secret))
    _write(feed, cfa, choice)
    db.session.add(feed)
    db.session.flush()  # its public identifier goes to the journal
    _record("feed.created", feed, user, _facts(feed))
    return secret


def change(feed: CalendarFeed, cfa: Cfa, choice: Choice, name: str) -> None:
    """Change what a feed shows, and its name; its address stays."""
    before = _facts(feed)
    feed.name = name
    _write(feed, cfa, choice)
    if _facts(feed) != before:
        feed.generation += 1
        _record("feed.changed", feed, feed.user, _facts(feed))


def renew(feed: CalendarFeed) -> str:
    """Give a feed another secret and return it; the former address is refused at once."""
    secret = _new_secret()
    feed.secret_hash = hash_secret(secret)
    feed.generation += 1
    feed.last_used_at = feed.last_used_by = None
    _record("feed.renewed", feed, feed.user)
    return secret


def revoke(feed: CalendarFeed, now: datetime) -> None:
    """Close a feed for ever."""
    feed.revoked_at = now
    _record("feed.revoked", feed, feed.user)


def warn_forgotten(now: datetime) -> None:
    """Tell people, once, which of their calendars nobody has read for a year: reading it again keeps it."""
    last = _last_read()
    unread = db.session.execute(
        sa.select(CalendarFeed, User, last)
        .join(User, User.id == CalendarFeed.user_id)
        .where(CalendarFeed.revoked_at.is_(None), User.active, last < now - WARNED)
        .order_by(CalendarFeed.id)
    ).all()
    for feed, user, since in unread:
        key = f"{FORGOTTEN_KIND}:{feed.public_id}:{since.date()}"
        outbox.enqueue(FORGOTTEN_KIND, user.email, key, user_id=user.id, data={"feed": feed.public_id})


def unread(public_id: str, now: datetime) -> tuple[CalendarFeed, datetime] | None:
    """Return an open feed that nobody has read for a year, and when it will be closed; None: it is read, or closed."""
    last = _last_read()
    found = db.session.execute(
        sa.select(CalendarFeed, last).where(
            CalendarFeed.public_id == public_id, CalendarFeed.revoked_at.is_(None), last < now - WARNED
        )
    ).one_or_none()
    return (found[0], max(found[1] + FORGOTTEN, now)) if found else None


def close_forgotten(now: datetime) -> int:
    """Close the feeds that nobody has read for more than a year; return how many."""
    forgotten = db.session.scalars(
        sa.select(CalendarFeed)
        .where(CalendarFeed.revoked_at.is_(None), _last_read() < now - FORGOTTEN)
        .order_by(CalendarFeed.id)
    ).all()
    for feed in forgotten:
        feed.revoked_at = now
        _record("feed.forgotten", feed, None)
    return len(forgotten)


def _last_read() -> sa.ColumnElement[datetime]:
    return sa.func.coalesce(CalendarFeed.last_used_at, CalendarFeed.created_at, type_=CalendarFeed.created_at.type)


def choice_of(feed: CalendarFeed) -> Choice:
    """Return what a feed shows, as it was chosen."""
    return Choice(
        feed.site, feed.scope == "cfa", feed.cfa_id is None, feed.detail, feed.shows_due, feed.shows_free,
        feed.shows_closures, feed.shows_cancelled,
    )  # fmt: skip


def _write(feed: CalendarFeed, cfa: Cfa, choice: Choice) -> None:
    everywhere = choice.everywhere and not choice.site and not choice.whole_cfa
    values = {
        "scope": "site" if choice.site else "cfa" if choice.whole_cfa else "adviser",
        "site_id": choice.site.id if choice.site else None,
        "cfa_id": None if everywhere else cfa.id,
        "timezone": choice.site.timezone if choice.site else home_zone(cfa),
    }
    options = ("detail", "shows_due", "shows_free", "shows_closures", "shows_cancelled")
    for name, value in {**values, **{option: getattr(choice, option) for option in options}}.items():
        setattr(feed, name, value)


def _facts(feed: CalendarFeed) -> dict[str, Any]:
    """Return what the journal tells of a feed's choice."""
    options = ("due", "free", "closures", "cancelled")
    return {
        "scope": feed.scope, "detail": feed.detail, "site": feed.site_id, "everywhere": feed.cfa_id is None,
        **{name: getattr(feed, f"shows_{name}") for name in options},
    }  # fmt: skip


def _new_secret() -> str:
    return secrets.token_urlsafe(24)  # 192 bits


def _record(action: str, feed: CalendarFeed, user: User | None, data: dict[str, Any] | None = None) -> None:
    cfa = db.session.get(Cfa, feed.cfa_id) if feed.cfa_id else None
    audit.record(action, user=user, cfa=cfa, object_type="calendar_feed", object_id=feed.public_id, data=data)


# -- loaders ----------------------------------------------------------------------------------------------------------


def of_person(user: User, cfa: Cfa) -> Sequence[CalendarFeed]:
    """Return the open feeds of a person in a CFA, oldest first, and those of all their CFAs."""
    return db.session.scalars(
        sa.select(CalendarFeed)
        .options(joinedload(CalendarFeed.site))
        .where(
            CalendarFeed.user_id == user.id, CalendarFeed.revoked_at.is_(None),
            sa.or_(CalendarFeed.cfa_id == cfa.id, CalendarFeed.cfa_id.is_(None)),
        )
        .order_by(CalendarFeed.id)
    ).all()  # fmt: skip


def get_of_person(user: User, cfa: Cfa, public_id: str) -> CalendarFeed:
    """Return an open feed of this person in this CFA, or raise NotFound: a colleague's does not exist here."""
    for feed in of_person(user, cfa):
        if feed.public_id == public_id:
            return feed
    raise NotFound("Ce calendrier n’existe pas, ou a été retiré.")
