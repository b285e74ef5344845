"""What closures cover, as instants of a site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from rdv import clock
from rdv.db import db
from rdv.models import Closure, Site


class Timed(Protocol):
    """Anything that lasts: a slot, a span to publish. UTC instants."""

    @property
    def starts_at(self) -> datetime: ...

    @property
    def ends_at(self) -> datetime: ...


class Days(Protocol):
    """The wall days of a closure, and its hours when it lasts part of one day."""

    @property
    def first_day(self) -> date: ...

    @property
    def last_day(self) -> date: ...

    @property
    def starts(self) -> time | None: ...

    @property
    def ends(self) -> time | None: ...


def turns(cfa_id: int) -> str:
    """Return the subject on which closures and publications of a CFA take turns (`db.one_at_a_time`)."""
    return f"closures:{cfa_id}"


def bounds(closure: Days, zone: str) -> tuple[datetime, datetime]:
    """Return the instants between which a closure holds in a zone; an hour that clocks repeat is shut both times."""
    if closure.starts is None or closure.ends is None:
        return clock.day_bounds(closure.first_day, zone)[0], clock.day_bounds(closure.last_day, zone)[1]
    return (
        _instant(closure.first_day, closure.starts, zone),
        _instant(closure.first_day, closure.ends.replace(fold=1), zone),
    )


def _instant(day: date, at: time, zone: str) -> datetime:
    # clock.from_wall refuses an hour that clocks skip; a closure that begins there begins with the next one.
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def overlaps(closure: Days, one: Timed, zone: str) -> bool:
    """Say whether a closure touches something that lasts, if only by a minute."""
    begins, ends = bounds(closure, zone)
    return one.starts_at < ends and one.ends_at > begins


def covering(
    cfa_id: int, site: Site, adviser_id: int | None, spans: Sequence[Timed], *, without: Closure | None = None
) -> list[Closure | None]:
    """Return for each span the closure that touches it, in the wall time of the site, or None; in one query.

    Closures of the CFA come before those of the site, and those before the adviser's absences in this CFA
    (`adviser_id=None`: absences left out). `without`: a closure that is about to end.
    """
    if not spans:
        return []
    # A day more on each side costs nothing and spares thinking about zones.
    first = min(span.starts_at for span in spans).date() - timedelta(days=1)
    last = max(span.ends_at for span in spans).date() + timedelta(days=1)
    whose = Closure.user_id.is_(None)
    known = db.session.scalars(
        sa.select(Closure)
        .where(
            Closure.cfa_id == cfa_id,
            Closure.last_day >= first,
            Closure.first_day <= last,
            sa.or_(Closure.site_id.is_(None), Closure.site_id == site.id),
            whose if adviser_id is None else sa.or_(whose, Closure.user_id == adviser_id),
        )
        .order_by(Closure.first_day, Closure.id)
    ).all()
    known = [one for one in known if one is not without]
    widest_first = sorted(known, key=lambda one: (one.user_id is not None, one.site_id is not None))
    return [next((one for one in widest_first if overlaps(one, span, site.timezone)), None) for span in spans]


def of_place(cfa_id: int, site_id: int | None, from_day: date) -> list[Closure]:
    """Return the closures of a CFA, and of one of its sites if given, that end on a day or later; absences left out."""
    return list(
        db.session.scalars(
            sa.select(Closure)
            .where(
                Closure.cfa_id == cfa_id,
                Closure.last_day >= from_day,
                Closure.user_id.is_(None),
                sa.or_(Closure.site_id.is_(None), Closure.site_id == site_id),
            )
            .order_by(Closure.first_day, Closure.id)
        )
    )


def absent(cfa_id: int, user_id: int, day: date) -> bool:
    """Say whether a person is away from a CFA the whole of a day, by an absence of theirs."""
    query = sa.select(Closure.id).where(
        Closure.user_id == user_id, Closure.cfa_id == cfa_id, Closure.starts.is_(None), Closure.first_day <= day,
        Closure.last_day >= day,
    )  # fmt: skip
    return db.session.scalar(query.limit(1)) is not None
