"""What of the inbox is shown: filters, keyset pages, counters, and the same person's other requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.contacts import fold, normalise_phone
from rdv.db import db
from rdv.identifiers import normalise_reference
from rdv.inbox.state import TO_TREAT
from rdv.models import Booking, CandidateRequest, RequestEvent


@dataclass(frozen=True)
class Filter:
    """What of the inbox is shown; None means any."""

    status: str | None = None  # a status, or « todo »: everything that still waits for the CFA
    mode: str | None = None
    site_id: int | None = None
    owner_id: int | None = None  # 0: nobody
    late: bool = False
    text: str = ""


PAGE = 30
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cursor:
    """Where a page of the inbox ends: its last request, named as in addresses."""

    due_at: datetime
    public_id: str


def page(
    cfa_id: int, wanted: Filter, now: datetime, after: Cursor | None = None, size: int = PAGE
) -> tuple[list[CandidateRequest], Cursor | None]:
    """Return one keyset page of the inbox, oldest due first, and where the next one begins (None at the end).

    Requests with no due date (booked alone) come after the dated ones, by order of arrival.
    """
    due = sa.func.coalesce(CandidateRequest.due_at, sa.literal(_FAR, CandidateRequest.due_at.type))
    query = (
        sa.select(CandidateRequest)
        .options(
            joinedload(CandidateRequest.training), joinedload(CandidateRequest.site), joinedload(CandidateRequest.owner),
            joinedload(CandidateRequest.booking).joinedload(Booking.slot),
        )
        .where(CandidateRequest.cfa_id == cfa_id, *_conditions(wanted, now))
        .order_by(due, CandidateRequest.id)
        .limit(size + 1)
    )  # fmt: skip
    if after is not None:
        last_id = (
            sa.select(CandidateRequest.id)
            .where(CandidateRequest.public_id == after.public_id, CandidateRequest.cfa_id == cfa_id)
            .scalar_subquery()
        )
        query = query.where(sa.or_(due > after.due_at, sa.and_(due == after.due_at, CandidateRequest.id > last_id)))
    found = list(db.session.scalars(query))
    if len(found) <= size:
        return found, None
    last = found[size - 1]
    return found[:size], Cursor(last.due_at or _FAR, last.public_id)


@dataclass(frozen=True)
class Counters:
    """How many requests of a CFA stand where."""

    todo: int
    late: int
    waiting: int
    unowned: int  # to treat, and nobody's


def counters(cfa_id: int, now: datetime, owner_id: int | None = None) -> Counters:
    """Count the requests of a CFA, or those of one person, in one query."""
    to_treat = CandidateRequest.status.in_(TO_TREAT)

    def how_many(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0)), 0)

    query = sa.select(
        how_many(to_treat),
        how_many(to_treat, CandidateRequest.due_at < now),
        how_many(CandidateRequest.status == "waiting_candidate"),
        how_many(to_treat, CandidateRequest.owner_id.is_(None)),
    ).where(CandidateRequest.cfa_id == cfa_id, CandidateRequest.status != "closed")
    if owner_id is not None:
        query = query.where(CandidateRequest.owner_id == owner_id)
    return Counters(*db.session.execute(query).one())


def same_person(request: CandidateRequest, limit: int = 10) -> list[CandidateRequest]:
    """Return the other requests of this CFA with the same e-mail or phone, newest first."""
    return with_contact(request.cfa_id, request.email, request.phone, but=request.id, limit=limit)


def with_contact(
    cfa_id: int, email: str | None, phone: str | None, but: int | None = None, limit: int = 10
) -> list[CandidateRequest]:
    """Return the requests of a CFA with this e-mail or this phone, newest first."""
    contacts = [
        column == value for column, value in ((CandidateRequest.email, email), (CandidateRequest.phone, phone)) if value
    ]
    if not contacts:
        return []
    return list(
        db.session.scalars(
            sa.select(CandidateRequest)
            .options(
                joinedload(CandidateRequest.training),
                joinedload(CandidateRequest.site),
                joinedload(CandidateRequest.owner),
                joinedload(CandidateRequest.booking).joinedload(Booking.slot),
            )
            .where(CandidateRequest.cfa_id == cfa_id, CandidateRequest.id != (but or 0), sa.or_(*contacts))
            .order_by(CandidateRequest.id.desc())
            .limit(limit)
        )
    )


def last_words(request_ids: Iterable[int]) -> dict[int, RequestEvent]:
    """Return what the CFA last said or noted of each of these requests: an answer, a call, a note."""
    spoken = ("answer", "call", "note")
    latest = (
        sa.select(sa.func.max(RequestEvent.id))
        .where(
            RequestEvent.request_id.in_(list(request_ids)), RequestEvent.kind.in_(spoken), RequestEvent.text.is_not(None)
        )
        .group_by(RequestEvent.request_id)
    )  # fmt: skip
    return {
        event.request_id: event
        for event in db.session.scalars(sa.select(RequestEvent).where(RequestEvent.id.in_(latest)))
    }


def count(cfa_id: int, wanted: Filter, now: datetime) -> int:
    """Return how many requests a filter matches."""
    return db.session.scalar(
        sa.select(sa.func.count()).select_from(CandidateRequest).where(CandidateRequest.cfa_id == cfa_id, *_conditions(wanted, now))
    ) or 0  # fmt: skip


def _conditions(wanted: Filter, now: datetime) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.status == "todo":
        conditions.append(CandidateRequest.status.in_(TO_TREAT))
    elif wanted.status:
        conditions.append(CandidateRequest.status == wanted.status)
    if wanted.mode:
        conditions.append(CandidateRequest.mode == wanted.mode)
    if wanted.site_id:
        conditions.append(CandidateRequest.site_id == wanted.site_id)
    if wanted.owner_id is not None:
        conditions.append(
            CandidateRequest.owner_id.is_(None)
            if wanted.owner_id == 0
            else CandidateRequest.owner_id == wanted.owner_id
        )
    if wanted.late:
        conditions += [CandidateRequest.due_at < now, CandidateRequest.status.in_(TO_TREAT)]
    if wanted.text:
        readings = [
            sa.and_(*(CandidateRequest.search_text.contains(word, autoescape=True) for word in words))
            for words in _readings(wanted.text)
        ]
        conditions.append(sa.or_(sa.false(), *readings))
    return conditions


def _readings(text: str) -> list[list[str]]:
    """Return what a search may mean: words, a reference without its dashes, a phone or its beginning."""
    readings = [fold(text).split(), fold(normalise_reference(text)).split()]
    digits = "".join(ch for ch in text if ch.isdigit()).lstrip("0")
    if not any(ch.isalpha() for ch in text):  # « 222-W26-KSG » would read as a phone with letters
        readings.append([(normalise_phone(text) or digits).lstrip("+")])
    return [words for words in readings if any(words)]
