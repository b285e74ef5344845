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


def bounds(closure: Closure, zone: str) -> tuple[datetime, datetime]:
    """Return the instants between which a closure holds in a zone; an hour that clocks repeat is shut both times."""
    if closure.starts is None or closure.ends is None:
        return clock.day_bounds(closure.first_day, zone)[0], clock.day_bounds(closure.last_day, zone)[1]
    return _instant(closure.first_day, closure.starts, zone), _instant(
        closure.first_day, closure.ends.replace(fold=1), zone
    )


def _instant(day: date, at: time, zone: str) -> datetime:
    # clock.from_wall refuses an hour that clocks skip; a closure that begins there begins with the next one.
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def overlaps(closure: Closure, one: Timed, zone: str) -> bool:
    """Say whether a closure touches something that lasts, if only by a minute."""
    begins, ends = bounds(closure, zone)
    return one.starts_at < ends and one.ends_at > begins


def covering(cfa_id: int, site: Site, adviser_id: int | None, spans: Sequence[Timed]) -> list[Closure | None]:
    """Return for each span the closure that touches it, in the wall time of the site, or None; in one query.

    Closures of the CFA come before those of the site, and those before the adviser's absences in this CFA
    (`adviser_id=None`: absences left out).
    """
    if not spans:
        return []
    # A day more on each side costs nothing and spares thinking about zones.
    first = min(span.starts_at for span in spans).date() - timedelta(days=1)
    last = max(span.ends_at for span in spans).date() + timedelta(days=1)
    known = db.session.scalars(
        sa.select(Closure)
        .where(
            Closure.cfa_id == cfa_id,
            Closure.last_day >= first,
            Closure.first_day <= last,
            sa.or_(Closure.site_id.is_(None), Closure.site_id == site.id),
            sa.or_(Closure.user_id.is_(None), Closure.user_id == adviser_id)
            if adviser_id
            else Closure.user_id.is_(None),
        )
        .order_by(Closure.first_day, Closure.id)
    ).all()
    widest_first = sorted(known, key=lambda one: (one.user_id is not None, one.site_id is not None))
    return [next((one for one in widest_first if overlaps(one, span, site.timezone)), None) for span in spans]
