"""A request loses everything of its person and stays a figure: who asks for it, and what is kept no longer (design.md §6).

`scrubbing` knows which columns say something of somebody, `retention` how long they are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from rdv import audit, booking, inbox, waitlist, webhooks
from rdv.db import db
from rdv.erasure import scrubbing
from rdv.erasure.retention import due as due
from rdv.erasure.retention import forget_words as forget_words
from rdv.erasure.retention import is_due
from rdv.errors import EditedMeanwhile, RequestErased, WrongTransition
from rdv.models import Booking, CandidateRequest, RequestEvent, User

ASKED, KEPT_LONG_ENOUGH = "asked", "retention"  # why, as the thread and the journal keep it


def erase(
    request: CandidateRequest, actor: str, now: datetime, *, user: User | None = None, as_asker: bool = False
) -> int:
    """Erase the person of a request and of those it was passed on as, because they asked for it; return how many were.

    A coming meeting is cancelled and its adviser told, a place on a list is left, the platform is told, the journal keeps
    that it was done. Erased already: nothing happens. Raises EditedMeanwhile when somebody acts on it at this instant.
    """
    return sum(_erase(each, actor, ASKED, now, user, as_asker) for each in chain(request))


def keep_no_longer(request_id: int, now: datetime) -> None:
    """Erase the person of a request whose time is over, unless something happened meanwhile; harmless if run twice."""
    found = chain(db.session.get_one(CandidateRequest, request_id))
    if all(is_due(each, now) for each in found):
        for each in found:
            _erase(each, "system", KEPT_LONG_ENOUGH, now)


def was_asked(request: CandidateRequest) -> bool:
    """Say of an erased request whether its person asked for it, rather than its time being over."""
    query = sa.select(RequestEvent).where(RequestEvent.request_id == request.id, RequestEvent.kind == "erased")
    event = db.session.scalar(query.limit(1))
    return event is not None and event.data.get("why") == ASKED


def chain(request: CandidateRequest) -> Sequence[CandidateRequest]:
    """Return a request with all those that it continues and that continue it in other centres: one person, one story."""
    first = request
    while first.redirected_from is not None:
        first = first.redirected_from
    found, last = [first], [first.id]
    while last:
        following = sa.select(CandidateRequest).where(CandidateRequest.redirected_from_id.in_(last))
        further = db.session.scalars(following.order_by(CandidateRequest.id)).all()
        found += further
        last = [each.id for each in further]
    return found


def _erase(
    request: CandidateRequest, actor: str, why: str, now: datetime, user: User | None = None, as_asker: bool = False
) -> bool:
    """The slots first, then the request, as everybody who writes both."""
    if request.erased_at is not None:
        return False
    coming = _coming(request, now)
    if coming is not None:
        booking.cancel(coming, "candidate", now, tell=False, as_asker=as_asker)
    try:
        waitlist.leave(request, now, as_asker)
    except WrongTransition:
        raise EditedMeanwhile from None
    try:
        inbox.take(request)
    except RequestErased:
        return False
    if why == KEPT_LONG_ENOUGH and not is_due(request, now):  # they wrote while we waited for the row
        return False
    if request.booking is not None:
        db.session.refresh(request.booking)
    if _coming(request, now) is not None:  # booked while we waited for the row
        raise EditedMeanwhile
    inbox.record(request, "erased", actor, now, data={"why": why})
    if why == ASKED:
        audit.record("request.erased", user=user, cfa=request.cfa, object_type="request", object_id=request.public_id)
    webhooks.erased(request, now)
    scrubbing.scrub(request, now)
    return True


def _coming(request: CandidateRequest, now: datetime) -> Booking | None:
    held = request.booking
    return held if held is not None and held.status == "booked" and held.slot.starts_at > now else None
