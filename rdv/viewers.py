"""Who of the staff has a request open: two people on one request see each other. Telemetry: losing it loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from rdv.db import db, is_sqlite, note
from rdv.models import CandidateRequest, RequestViewer, User

THERE = timedelta(minutes=1)  # an open page tells each twenty seconds
WRITING = timedelta(minutes=1)


@dataclass(frozen=True)
class Viewer:
    """A colleague on the same request."""

    name: str
    writing: bool


def seen(request: CandidateRequest, user: User, now: datetime, writing: bool = False) -> None:
    """Note that somebody has this request open, and whether they are writing; outside any transaction."""
    _note(request, user, {"seen_at": now, **({"writing_at": now} if writing else {})})


def opened(request: CandidateRequest, user: User, now: datetime) -> None:
    """Note that somebody has just opened this request: nothing is being written on a page that is new."""
    _note(request, user, {"seen_at": now, "writing_at": None})


def others(request: CandidateRequest, user: User, now: datetime) -> list[Viewer]:
    """Return who else has had this request open within the last minute, by name."""
    found = db.session.scalars(
        sa.select(RequestViewer)
        .options(joinedload(RequestViewer.user))
        .where(
            RequestViewer.request_id == request.id, RequestViewer.user_id != user.id,
            RequestViewer.seen_at > now - THERE,
        )
    )  # fmt: skip
    named = [Viewer(each.user.shown_name, bool(each.writing_at and each.writing_at > now - WRITING)) for each in found]
    return sorted(named, key=lambda viewer: viewer.name)


def _note(request: CandidateRequest, user: User, values: dict[str, datetime | None]) -> None:
    insert = (sqlite.insert if is_sqlite() else postgresql.insert)(RequestViewer)
    statement = insert.values(request_id=request.id, user_id=user.id, **values)
    note(statement.on_conflict_do_update(index_elements=["request_id", "user_id"], set_=values))


def purge(now: datetime) -> None:
    """Forget who looked at what days ago."""
    db.session.execute(sa.delete(RequestViewer).where(RequestViewer.seen_at < now - timedelta(days=1)))
