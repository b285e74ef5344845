"""From events of requests to deliveries, losing none.

Every event is born « not relayed » by the default of its column, whoever writes it, and its own transaction makes it
visible so: whatever order transactions end in, the partial index finds it. The same transaction adds the deliveries
and marks the event, so that a kill repeats nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock, inbox
from rdv.db import db, insert_once, one_at_a_time, transaction
from rdv.identifiers import new_public_id
from rdv.models import Booking, CandidateRequest, RequestEvent, Slot, WebhookDelivery, WebhookEndpoint
from rdv.tokens import keyed_hash
from rdv.webhooks import content

log = logging.getLogger(__name__)

BATCH = 200  # events in a transaction
ROUNDS = 10  # batches in one look
# Until then an answer may be taken back; ten seconds more, because the clock of an undo is read before it waits for a row.
SETTLED = inbox.UNDO + timedelta(seconds=10)
_MAY_BE_UNDONE = ("answer", "answered_elsewhere", "call", "closed")
_ANSWERS = ("answered", "meeting_set")  # closing so says that the person had an answer


def relay(now: datetime) -> int:
    """Turn the events that nobody was told of into deliveries, and return how many events were looked at.

    Harmless in any number of processes. An event that cannot be told is logged, looked at again, and stops no other.
    """
    seen, failed = 0, 0
    for _ in range(ROUNDS):
        ids = db.session.scalars(_waiting(now, failed)).all()
        if not ids:
            break
        try:
            _relay(ids, now)
        except Exception:
            log.exception("events not relayed together")
            failed += sum(not _alone(event_id, now) for event_id in ids)
        seen += len(ids)
    db.session.rollback()
    return seen


def erased(request: CandidateRequest, now: datetime) -> None:
    """Tell the platform of a request that its person is being erased; call this in that transaction, under the request's lock.

    What happened before and was not told yet is told first, naming nobody. Deliveries that name the person lose their
    content at once; those not sent yet are not sent.
    """
    db.session.flush()
    one_at_a_time("webhooks.relay")  # before the rows of events, as who relays
    untold = sa.select(RequestEvent.id).where(RequestEvent.request_id == request.id, sa.not_(RequestEvent.relayed))
    _tell(db.session.scalars(untold).all(), now, nameless=True)
    of_request = WebhookDelivery.request_public_id == request.public_id
    dropped = sa.case((WebhookDelivery.state == "pending", "dropped"), else_=WebhookDelivery.state)
    db.session.execute(
        sa.update(WebhookDelivery)
        .where(of_request, WebhookDelivery.has_contacts)
        .values(body=None, has_contacts=False, state=dropped)
    )
    if request.platform_id is None:
        return
    # Who was given the person's details must be told, whatever was chosen.
    told = [
        endpoint
        for endpoint in _endpoints([request.platform_id])
        if "erased" in endpoint.events or endpoint.platform.gets_contacts
    ]
    event_id = _event_id("erased", request.public_id)
    said = {"id": request.public_id, "reference": request.reference}
    _add(
        _row(
            endpoint, event_id, "erased", request, content.write(event_id, "erased", now, endpoint.platform, said), now
        )
        for endpoint in told
    )


def _waiting(now: datetime, failed: int) -> sa.Select[Any]:
    """Return the query of what waits beyond those that failed just now, in the order of the partial index alone.

    By id, SQLite would rather walk the whole table, whose order that is.
    """
    settled = sa.or_(RequestEvent.kind.not_in(_MAY_BE_UNDONE), RequestEvent.at <= now - SETTLED)
    waiting = sa.select(RequestEvent.id).where(sa.not_(RequestEvent.relayed), settled)
    return waiting.order_by(RequestEvent.at, RequestEvent.id).limit(BATCH).offset(failed)


def _alone(event_id: int, now: datetime) -> bool:
    try:
        _relay([event_id], now)
    except Exception:
        log.exception("event not relayed", extra={"facts": {"event": event_id}})
        return False
    return True


def _relay(ids: Sequence[int], now: datetime) -> None:
    with transaction():
        one_at_a_time("webhooks.relay")  # two processes would lock the same events in different orders
        _tell(ids, now)


def _tell(ids: Sequence[int], now: datetime, *, nameless: bool = False) -> None:
    """Turn those of these events that nobody was told of into deliveries; `nameless`: even to who is given contacts."""
    taken = db.session.scalars(
        sa.update(RequestEvent)
        .where(RequestEvent.id.in_(ids), sa.not_(RequestEvent.relayed))
        .values(relayed=True)
        .returning(RequestEvent.id),
        execution_options={"synchronize_session": False},
    ).all()
    endpoints: dict[int, list[WebhookEndpoint]] = {}
    for endpoint in _endpoints(_platforms(taken)):
        endpoints.setdefault(endpoint.platform_id, []).append(endpoint)
    if not endpoints:
        return
    events = db.session.execute(
        sa.select(RequestEvent, CandidateRequest)
        .join(CandidateRequest, CandidateRequest.id == RequestEvent.request_id)
        .options(
            joinedload(CandidateRequest.cfa),
            joinedload(CandidateRequest.site),
            joinedload(CandidateRequest.training),
        )
        .where(RequestEvent.id.in_(taken), CandidateRequest.platform_id.in_(endpoints))
        .order_by(RequestEvent.at, RequestEvent.id),
        execution_options={"populate_existing": True},
    )
    for event, request in events:
        _add(_rows(event, request, endpoints.get(request.platform_id or 0, []), now, nameless))


def _platforms(event_ids: Sequence[int]) -> Sequence[int]:
    query = (
        sa.select(CandidateRequest.platform_id)
        .join(RequestEvent, RequestEvent.request_id == CandidateRequest.id)
        .where(RequestEvent.id.in_(event_ids), CandidateRequest.platform_id.is_not(None))
        .distinct()
    )
    return [found for found in db.session.scalars(query) if found is not None]


def _endpoints(platform_ids: Sequence[int]) -> list[WebhookEndpoint]:
    """Return every address of these platforms: what happens while one is paused or dead waits for it."""
    query = (
        sa.select(WebhookEndpoint)
        .options(joinedload(WebhookEndpoint.platform))
        .where(WebhookEndpoint.platform_id.in_(platform_ids))
        .order_by(WebhookEndpoint.id)
    )
    return list(db.session.scalars(query, execution_options={"populate_existing": True}))


def _rows(
    event: RequestEvent, request: CandidateRequest, endpoints: list[WebhookEndpoint], now: datetime, nameless: bool
) -> Iterable[dict[str, Any]]:
    told = list(_told(event, request))
    if not told:
        return
    slot = _slot(event, request)
    said = content.of_request(request, slot, now)
    for kind, more in told:
        event_id = _event_id(kind, str(event.id))
        for endpoint in endpoints:
            if kind not in endpoint.events:
                continue
            entitled = endpoint.platform.gets_contacts and not nameless
            named = {content.CONTACTS: content.contacts(request)} if entitled else {}
            body = content.write(event_id, kind, event.at, endpoint.platform, {**said, **more}, **named)
            yield _row(endpoint, event_id, kind, request, body, now, entitled)


def _told(event: RequestEvent, request: CandidateRequest) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield what platforms are told of an event: the kind, and what it adds to the request."""
    data = event.data or {}
    match event.kind:
        case "created":
            yield "created", {}
        case "booked":
            if not _earlier(event):  # booked by the candidate alone: the request begins with its meeting
                yield "created", {}
            elif event.actor in ("staff", "cfa_link"):  # what was asked got an answer: a meeting
                yield "answered", {}
            yield "booked", {}
        case "waitlisted":
            if not _earlier(event):
                yield "created", {}
        case "answer" | "answered_elsewhere":
            if not _undone(event):
                yield "answered", {}
        case "call":
            if data.get("result") == "reached" and not _undone(event):
                yield "answered", {}
        case "closed":
            if data.get("outcome") in _ANSWERS and not _undone(event):
                yield "answered", {}
        case "moved":
            yield "moved", {"slot_before": data.get("at") and content.instant(datetime.fromisoformat(data["at"]))}
        case "slot_changed":
            before = (data.get("former") or {}).get("starts_at")
            slot = _slot(event, request)
            if before is not None and slot is not None and datetime.fromisoformat(before) != slot.starts_at:
                yield "moved", {"slot_before": content.instant(datetime.fromisoformat(before))}
        case "cancelled":
            yield "cancelled", {"cancelled_by": _side(event)}
        case "attendance":
            came = data.get("outcome") == "attended"
            # That somebody did not come is told to nobody; only that what was told of them was a mistake.
            if came or _attended_before(event):
                yield "attended", {"attended": came}


def _side(event: RequestEvent) -> str:
    return "candidate" if event.actor == "candidate" else "system" if event.actor == "system" else "cfa"


def _earlier(event: RequestEvent) -> bool:
    query = sa.select(RequestEvent.id).where(
        RequestEvent.request_id == event.request_id,
        RequestEvent.id < event.id,
        RequestEvent.kind.in_(("created", "booked", "waitlisted")),
    )
    return db.session.scalar(query.limit(1)) is not None


def _undone(event: RequestEvent) -> bool:
    query = sa.select(RequestEvent).where(RequestEvent.request_id == event.request_id, RequestEvent.kind == "undone")
    return any(each.data.get("event") == event.id for each in db.session.scalars(query))


def _attended_before(event: RequestEvent) -> bool:
    query = (
        sa.select(RequestEvent)
        .where(
            RequestEvent.request_id == event.request_id, RequestEvent.id < event.id, RequestEvent.kind == "attendance"
        )
        .order_by(RequestEvent.id.desc())
        .limit(1)
    )
    last = db.session.scalar(query)
    return last is not None and last.data.get("outcome") == "attended"


def _slot(event: RequestEvent, request: CandidateRequest) -> Slot | None:
    """Return the slot that an event tells of, else that of the request's meeting."""
    query = sa.select(Slot).options(joinedload(Slot.site))
    public_id = (event.data or {}).get("slot")
    if public_id is not None:
        query = query.where(Slot.public_id == public_id)
    else:
        query = query.join(Booking, Booking.slot_id == Slot.id).where(Booking.request_id == request.id)
    return db.session.scalar(query, execution_options={"populate_existing": True})


def _event_id(kind: str, source: str) -> str:
    return keyed_hash("webhook-event", f"{kind}\n{source}")[:24]


def _row(
    endpoint: WebhookEndpoint, event_id: str, kind: str, request: CandidateRequest, body: bytes, now: datetime,
    has_contacts: bool = False,
) -> dict[str, Any]:  # fmt: skip
    return {
        "public_id": new_public_id(),
        "endpoint_id": endpoint.id,
        "event_id": event_id,
        "kind": kind,
        "request_public_id": request.public_id,
        "has_contacts": has_contacts,
        "body": body,
        "state": "pending",
        "attempts": 0,
        "next_attempt_at": now,
        "created_at": clock.now(),
    }


def _add(rows: Iterable[dict[str, Any]]) -> None:
    found = list(rows)
    if found:
        insert_once(WebhookDelivery, found, "endpoint_id", "event_id")
