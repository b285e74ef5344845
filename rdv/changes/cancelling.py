"""Cancelling a session, from here on, or a whole series: one act, one message to each person, other dates offered."""

from __future__ import annotations

from datetime import datetime

from rdv import audit, slots
from rdv.changes import news
from rdv.changes.apply import Outcome, check_seen, lock
from rdv.changes.change import reached
from rdv.errors import WrongTransition
from rdv.models import Slot, User


def cancel(
    chosen: Slot,
    scope: str,
    seen: str | None,
    now: datetime,
    by: User,
    *,
    edited: bool = False,
    message: str | None = None,
) -> Outcome:
    """Cancel a slot, or those of its series; everybody booked is told, and those who wait for a seat.

    `seen` is that of the review; None does not compare. Raises EditedMeanwhile, WrongTransition (over, or cancelled).
    """
    wide = scope != "one" and chosen.series_id is not None
    series = chosen.series if wide else None
    lock(reached(chosen, scope, now, edited) or [chosen], None, series)
    # A meeting that has begun can still be called off, alone.
    found = reached(chosen, scope, now, edited) if wide else [chosen]
    if not found:
        raise WrongTransition("Il n’y a plus de créneau à venir dans cette série.")
    if seen is not None:
        check_seen(found, series, seen)
    if series is not None:
        series.version += 1
    done, advisers = Outcome(), news.Advisers(by, now)
    for slot in found:
        advisers.cancelled(slot)
        done.told += slots.cancel(slot, now, by, message)
        done.cancelled.append(slot)
    if wide:
        audit.record(
            "slots.cancelled", user=by, cfa=chosen.cfa, object_type="slot", object_id=chosen.public_id,
            data={"scope": scope, "count": len(found), "told": done.told},
        )  # fmt: skip
    advisers.send()
    return done
