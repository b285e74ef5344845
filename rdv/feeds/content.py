"""What a feed shows: meetings, then what was asked for beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock, ical, links
from rdv import meetings as shown
from rdv.db import db
from rdv.feeds.polling import OPEN_REQUEST, closures_of, due_of
from rdv.feeds.window import Window
from rdv.french import NBSP, clock_time
from rdv.identifiers import UID_DOMAIN
from rdv.models import CandidateRequest, Cfa, Closure, Membership, Site, Slot, User


def body(feed: Any, now: datetime) -> bytes:
    """Return the calendar of a feed that may be read (`feed`: its row, or its columns as a poll read them)."""
    window = Window.at(now, feed.timezone)
    cfas = _cfas(feed)
    of_days = [*_due(feed, cfas, window), *_closures(feed, cfas, window)]
    of_days.sort(key=lambda each: (each.first_day, each.uid))
    events = shown.events(_slots(feed, cfas, window), _shown(feed, window), now)
    return ical.joined([*events, *map(ical.event, of_days)], calendar_name(feed))


def meetings(feed: Any, now: datetime) -> list[ical.Meeting]:
    """Return the meetings a feed shows, as data, soonest first."""
    window = Window.at(now, feed.timezone)
    return shown.meetings(_slots(feed, _cfas(feed), window), _shown(feed, window))


def calendar_name(feed: Any) -> str:
    """Return the name that applications give to the calendar."""
    if feed.scope == "adviser":
        whose = db.session.get_one(User, feed.user_id).shown_name
    elif feed.scope == "site":
        whose = db.session.get_one(Site, feed.site_id).shown_name
    else:
        whose = db.session.get_one(Cfa, feed.cfa_id).shown_name
    return f"RDV Apprentissage – {whose}"


def _shown(feed: Any, window: Window) -> shown.Shown:
    """A cancellation stays visible, without anything of the person, for a while or until the day of the meeting."""
    gone = shown.Cancelled(since=window.cancelled_since, not_over_before=window.today)
    return shown.Shown(
        full=feed.detail == "full",
        named=feed.scope != "adviser",
        cancelled=gone if feed.shows_cancelled else None,
        free=feed.shows_free,
    )


def _cfas(feed: Any) -> list[int]:
    """Return the CFAs whose meetings it may show: where its person works now."""
    query = (
        sa.select(Membership.cfa_id)
        .join(Cfa, Cfa.id == Membership.cfa_id)
        .where(Membership.user_id == feed.user_id, Membership.ended_at.is_(None), Cfa.closed_at.is_(None))
    )
    return list(db.session.scalars(query if feed.cfa_id is None else query.where(Membership.cfa_id == feed.cfa_id)))


def _slots(feed: Any, cfas: list[int], window: Window) -> list[sa.ColumnElement[bool]]:
    scope = [Slot.cfa_id.in_(cfas), Slot.starts_at >= window.first, Slot.starts_at < window.last]
    if feed.scope == "adviser":
        scope.append(Slot.adviser_id == feed.user_id)
    elif feed.scope == "site":
        scope.append(Slot.site_id == feed.site_id)
    return scope


def _due(feed: Any, cfas: list[int], window: Window) -> Iterator[ical.AllDay]:
    """Requests still to answer, on the local day their answer is due."""
    if not feed.shows_due:
        return
    query = (
        sa.select(CandidateRequest)
        .options(joinedload(CandidateRequest.site))
        .where(
            CandidateRequest.cfa_id.in_(cfas), OPEN_REQUEST, CandidateRequest.due_at >= window.first,
            CandidateRequest.due_at < window.last, *due_of(feed),
        )
    )  # fmt: skip
    for request in db.session.scalars(query):
        due_at = request.due_at or window.first  # never None: the query asked for it
        zone = request.site.timezone if request.site else feed.timezone
        due = clock.to_zone(due_at, zone)
        full = feed.detail == "full"
        who = request.person_name if full else f"{request.first_name[:1]}. {request.last_name[:1]}."
        page = links.staff_request(request)
        yield ical.AllDay(
            uid=f"{request.public_id}@{UID_DOMAIN}",
            sequence=request.version,
            created_at=request.created_at,
            updated_at=request.updated_at,
            first_day=due.date(),
            last_day=due.date(),
            summary=f"À répondre avant {clock_time(due)}{NBSP}: {who} ({request.reference})",
            description=f"Demande{NBSP}: {page}",
            url=page,
        )


def _closures(feed: Any, cfas: list[int], window: Window) -> Iterator[ical.AllDay]:
    if not feed.shows_closures:
        return
    query = (
        sa.select(Closure)
        .options(joinedload(Closure.site).joinedload(Site.cfa), joinedload(Closure.user))
        .where(
            Closure.cfa_id.in_(cfas), Closure.last_day >= window.first_day, Closure.first_day <= window.last_day,
            closures_of(feed),
        )
    )  # fmt: skip
    for closure in db.session.scalars(query):
        yield ical.AllDay(
            uid=f"{closure.public_id}@{UID_DOMAIN}",
            sequence=_raises(closure.created_at, closure.updated_at),
            created_at=closure.created_at,
            updated_at=closure.updated_at,
            first_day=closure.first_day,
            last_day=closure.last_day,
            summary=_closed(closure),
            description=_hours(closure),
        )


def _closed(closure: Closure) -> str:
    if closure.user is not None:
        what = f"Absence{NBSP}: {closure.user.shown_name}"
    else:
        what = f"Fermeture{NBSP}: {closure.site.shown_name}" if closure.site else "Fermeture du centre"
    return f"{what} – {closure.label}" if closure.label else what


def _hours(closure: Closure) -> str:
    """A closure of some hours is said in words: it is the wall time of each place it touches."""
    if closure.starts is None or closure.ends is None:
        return ""
    return f"De {clock_time(closure.starts)} à {clock_time(closure.ends)}"


def _raises(created_at: datetime, updated_at: datetime) -> int:
    """A closure counts no versions: the seconds since it was made rise with each change."""
    return max(int((updated_at - created_at).total_seconds()), 0)
