"""A poll: who may read, and the validator of what they would read, in one statement and without rendering anything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import aliased

from rdv import clock, ical
from rdv.db import UTCDateTime, db, note, read_alone
from rdv.feeds.applications import application_of
from rdv.feeds.window import wide
from rdv.models import (
    Booking,
    CalendarFeed,
    CandidateRequest,
    Cfa,
    Closure,
    MeetingType,
    Membership,
    Site,
    Slot,
    Training,
    User,
)
from rdv.settings import settings
from rdv.tokens import hash_secret

NOTE_EVERY = timedelta(hours=1)
F = CalendarFeed
Condition = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Poll:
    """A feed that may be read now: its columns as a row, its validator, and since when that is what it shows."""

    feed: Any
    etag: str
    changed_at: datetime


def poll(secret: str, now: datetime) -> Poll | None:
    """Return the feed of a secret with its validator, or None: unknown, revoked, or its person no longer works there.

    The rights are those of this instant: who left the CFA reads nothing more.
    """
    dialect = db.engine.dialect
    found = read_alone(_as_text(dialect.name), {"secret_hash": hash_secret(secret), **_bounds(dialect, *wide(now))})
    if not found:
        return None
    (row,) = found
    etag = _etag(row, now)
    return Poll(row, etag, _changed_at(row, etag, now))


def note_poll(found: Poll, user_agent: str, now: datetime) -> None:
    """Remember who read, at most once an hour, and what they were shown when it is new; a busy database loses the note."""
    feed, values = found.feed, {}
    if feed.last_used_at is None or now - feed.last_used_at >= NOTE_EVERY:
        values = {"last_used_at": now, "last_used_by": application_of(user_agent).name}
    if feed.served_etag != found.etag:
        values |= {"served_etag": found.etag, "changed_at": found.changed_at}
    if values:
        note(sa.update(CalendarFeed).where(CalendarFeed.id == feed.id).values(values))


def _etag(row: Any, now: datetime) -> str:
    day = clock.to_zone(now, row.timezone).date()
    said = (*row[len(_TELEMETRY) :], day, ical.RENDERING_VERSION, settings().public_url)
    return hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()[:32]


def _changed_at(row: Any, etag: str, now: datetime) -> datetime:
    """Return since when the feed shows this: the instant we first served it, in whole seconds that only ever rise.

    Dates of rows would go back when the newest one is deleted, and say nothing of two changes in one second.
    """
    if row.served_etag == etag and row.changed_at is not None:
        return row.changed_at
    second = now.replace(microsecond=0)
    return second if row.changed_at is None else max(second, row.changed_at + timedelta(seconds=1))


# -- the statement ----------------------------------------------------------------------------------------------------

_TELEMETRY = (F.last_used_at, F.served_etag, F.changed_at)  # first, and no part of the validator
_FIRST, _LAST = (sa.bindparam(name, type_=UTCDateTime()) for name in ("first", "last"))
_FIRST_DAY, _LAST_DAY = (sa.bindparam(name, type_=sa.Date()) for name in ("first_day", "last_day"))
OPEN_REQUEST = CandidateRequest.status.in_(
    [sa.literal_column(f"'{status}'") for status in ("new", "in_progress", "waiting_candidate")]
)


def _constant(value: str | int) -> Any:
    """Constants stand in the statement as they are: SQLAlchemy spends more on a parameter than the database on a row."""
    return sa.literal_column(f"'{value}'" if isinstance(value, str) else str(value), sa.String())


def belongs() -> sa.Select[Any]:
    """Select the CFAs whose meetings a feed may show: where its person works now, that of the feed alone if it has one."""
    member, cfa = aliased(Membership), aliased(Cfa)
    return (
        sa.select(member.cfa_id)
        .join(cfa, cfa.id == member.cfa_id)
        .where(
            member.user_id == F.user_id, member.ended_at.is_(None), cfa.closed_at.is_(None),
            sa.or_(F.cfa_id.is_(None), member.cfa_id == F.cfa_id),
        )
        .correlate(F)
    )  # fmt: skip


@cache
def _as_text(dialect: str) -> sa.TextualSelect:
    """Return the statement written out once for this database.

    Looking up what it was compiled to, by the whole tree of its clauses, cost more than SQLite takes to answer it.
    """
    whole = _statement(dialect)
    # Names, no casts: the parameters are already as the driver takes them.
    plain = sqlite.dialect(paramstyle="named") if dialect == "sqlite" else PGDialect(paramstyle="named")
    text = sa.text(" ".join(str(whole.compile(dialect=plain)).split()))
    return text.columns(*(sa.column(each.name, each.type) for each in whole.selected_columns))


@lru_cache(maxsize=8)
def _bounds(dialect: Dialect, first: datetime, last: datetime) -> dict[str, Any]:
    """Return the parameters that say which days, as the driver takes them: they change once a day."""
    said: dict[str, Any] = {"first": first, "last": last, "first_day": first.date(), "last_day": last.date()}
    for each in (_FIRST, _LAST, _FIRST_DAY, _LAST_DAY):
        bind: Any = each.type.dialect_impl(dialect).bind_processor(dialect)
        said[each.key] = bind(said[each.key]) if bind else said[each.key]
    return said


def _statement(dialect: str) -> sa.Select[Any]:
    """One row: the feed, then texts that change with anything it shows.

    A slot's version rises with every booking, move and cancellation; counts and sums of ids see what was deleted or
    passed on; dates of places, kinds of meeting, trainings see what was renamed without anybody's telling.
    """
    columns = [
        *_TELEMETRY, F.id, F.public_id, F.user_id, F.cfa_id, F.site_id, F.scope, F.detail, F.shows_due, F.shows_free,
        F.shows_closures, F.shows_cancelled, F.timezone, F.generation, User.first_name, User.last_name,
        _told(_latest(Cfa, Cfa.id.in_(belongs()))).label("cfas"),
        _told(_latest(Site, Site.cfa_id.in_(belongs()))).label("sites"),
        _told(_latest(MeetingType, MeetingType.cfa_id.in_(belongs()))).label("kinds"),
        sa.case(*((F.scope == _constant(scope), _version(_slots(scope), dialect, full=False)) for scope in _SCOPES)).label("slots"),
        sa.case(
            *((sa.and_(_FULL, F.scope == _constant(scope)), _version(_slots(scope), dialect, full=True)) for scope in _SCOPES)
        ).label("people"),
        sa.case((F.shows_due, _due())).label("due"),
        sa.case((F.shows_closures, _closures())).label("closures"),
    ]  # fmt: skip
    return (
        sa.select(*columns)
        .join(User, User.id == F.user_id)
        .where(
            F.secret_hash == sa.bindparam("secret_hash"), F.revoked_at.is_(None), User.active,
            sa.exists(belongs()),
            sa.or_(F.site_id.is_(None), sa.exists().where(Site.id == F.site_id, Site.cfa_id == F.cfa_id).correlate(F)),
        )
    )  # fmt: skip


_SCOPES = ("adviser", "site", "cfa")
_FULL = F.detail == _constant("full")


def _slots(scope: str) -> list[Condition]:
    """The slots of a feed, in the order of an index, however its day is cut."""
    if scope == "adviser":
        mine = [Slot.adviser_id == F.user_id, Slot.cfa_id.in_(belongs())]
    else:
        mine = [Slot.cfa_id == F.cfa_id, *([Slot.site_id == F.site_id] if scope == "site" else [])]
    # An individual slot that nobody ever touched shows nothing: publishing does not disturb calendars.
    one, none = _constant(1), _constant(0)
    ever_touched = sa.or_(Slot.version > one, Slot.seats_taken > none, Slot.capacity > one, F.shows_free)
    return [*mine, Slot.starts_at >= _FIRST, Slot.starts_at < _LAST, ever_touched]


def _version(where: list[Condition], dialect: str, full: bool) -> Any:
    """What changes with the slots and their bookings; `full`: with the people, and what they ask about."""
    counted: list[Any] = [sa.func.count(Booking.id), sa.func.sum(Booking.sequence)]
    latest: list[Any] = [sa.func.max(Booking.updated_at)]
    of_slots: list[Any] = [
        sa.func.count(sa.distinct(Slot.id)), sa.func.sum(Slot.id), sa.func.sum(Slot.version),
        sa.func.max(Slot.updated_at),
    ]  # fmt: skip
    if full:
        counted, latest, of_slots = [], [sa.func.max(CandidateRequest.updated_at), sa.func.max(Training.updated_at)], []
    if dialect == "sqlite":
        return _of_slots([*of_slots, *counted, *latest], _people(sa.outerjoin(Slot, Booking, _SEATED), full), where)
    # PostgreSQL would rather read every booking there is, and throw most of them away: slot by slot, it cannot.
    one = sa.select(*(fact.label(f"fact_{number}") for number, fact in enumerate([*counted, *latest])))
    seated = one.select_from(_people(Booking, full)).where(_SEATED).correlate(Slot).lateral()
    told = [(sa.func.sum if number < len(counted) else sa.func.max)(column) for number, column in enumerate(seated.c)]
    return _of_slots([*of_slots, *told], sa.join(Slot, seated, sa.true()), where)


_SEATED = Booking.slot_id == Slot.id


def _people(bookings: Any, full: bool) -> Any:
    if not full:
        return bookings
    asked = sa.outerjoin(bookings, CandidateRequest, CandidateRequest.id == Booking.request_id)
    return asked.outerjoin(Training, Training.id == CandidateRequest.training_id)


def _of_slots(facts: list[Any], source: Any, where: list[Condition]) -> Any:
    return sa.select(_text(facts)).select_from(source).where(*where).correlate(F).scalar_subquery()


def _due() -> Any:
    facts = [
        sa.func.count(CandidateRequest.id), sa.func.sum(CandidateRequest.id), sa.func.max(CandidateRequest.updated_at),
        sa.func.max(CandidateRequest.due_at), sa.func.min(CandidateRequest.due_at),
    ]  # fmt: skip
    return (
        sa.select(_text(facts))
        .where(
            CandidateRequest.cfa_id.in_(belongs()), OPEN_REQUEST, CandidateRequest.due_at >= _FIRST,
            CandidateRequest.due_at < _LAST, *due_of(F),
        )
        .correlate(F)
        .scalar_subquery()
    )  # fmt: skip


def due_of(feed: Any) -> Iterator[Condition]:
    """The requests whose due dates a feed shows: an adviser's own and nobody's, those of a site, those of the CFA."""
    own = sa.or_(CandidateRequest.owner_id == feed.user_id, CandidateRequest.owner_id.is_(None))
    yield sa.or_(_constant("adviser") != feed.scope, own)
    yield sa.or_(_constant("site") != feed.scope, CandidateRequest.site_id == feed.site_id)


def closures_of(feed: Any) -> Condition:
    """The closures a feed shows: of the CFA, of its site, and the absences of whose meetings it shows."""
    whose = sa.or_(_constant("adviser") != feed.scope, Closure.user_id == feed.user_id)
    where = sa.or_(_constant("site") != feed.scope, Closure.site_id.is_(None), Closure.site_id == feed.site_id)
    return sa.and_(sa.or_(Closure.user_id.is_(None), whose), where)


def _closures() -> Any:
    facts = [sa.func.count(Closure.id), sa.func.sum(Closure.id), sa.func.max(Closure.updated_at)]
    return (
        sa.select(_text(facts))
        .where(
            Closure.cfa_id.in_(belongs()), Closure.last_day >= _FIRST_DAY, Closure.first_day <= _LAST_DAY,
            closures_of(F),
        )
        .correlate(F)
        .scalar_subquery()
    )  # fmt: skip


def _latest(model: Any, where: Condition) -> Any:
    return sa.select(sa.func.max(model.updated_at)).where(where).correlate(F).scalar_subquery()


def _told(value: Any) -> Any:
    return sa.cast(value, sa.String())


def _text(facts: list[Any]) -> Any:
    """Several aggregates as one text: a subquery returns one column, and all that is asked is whether it changed."""
    told: list[Any] = [sa.func.coalesce(_told(fact), _constant("")) for fact in facts]
    whole = told[0]
    for each in told[1:]:
        whole = whole + _constant("|") + each
    return whole
