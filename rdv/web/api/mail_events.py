"""What relays tell of our mails: the contract of docs/mail-events.md."""

from __future__ import annotations

import json
import logging
from collections import Counter
from datetime import datetime
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from rdv import clock, delivery_events, signature
from rdv.db import transaction
from rdv.delivery_events import Event
from rdv.errors import NotFound, RdvError
from rdv.settings import settings
from rdv.web.api.blueprint import bp
from rdv.web.forms import count_failed_secret

log = logging.getLogger(__name__)

MOST_EVENTS = 500
LONGEST_ID = 140  # characters of the relay's own identifier of an event
LONGEST_LINE = 998  # RFC 5322 §2.1.1
COUNTS = ("recorded", "known", "unmatched", "ignored", "malformed")


class Unreadable(RdvError):
    """A signed body that is no batch of events."""

    message = 'Corps JSON attendu : {"events": [{"id", "kind", "message_id", "at"}]}, en UTF-8.'
    status = 400


class TooMany(RdvError):
    message = f"{MOST_EVENTS} événements au plus par appel : envoyez les suivants dans un autre."
    status = 413


class NotAll(RdvError):
    """Some events could not be kept: the relay sends the batch again, those kept are known."""

    message = (
        "Une partie des événements n’a pas pu être enregistrée : renvoyez le même lot, rien ne sera compté deux fois."
    )
    status = 503


@bp.post("/api/courriels/evenements")
def mail_events() -> ResponseReturnValue:
    """Keep a batch of events, each in a transaction of its own: one that fails loses no other."""
    config = settings()
    secrets = [secret for secret in (config.mail_events_secret, config.mail_events_old_secret) if secret]
    if not secrets:
        raise NotFound
    body = request.get_data(cache=False)
    try:
        signature.check(
            secrets, request.headers.get("X-RDV-Timestamp"), request.headers.get("X-RDV-Signature"), body, clock.now()
        )
    except signature.BadSignature:
        count_failed_secret()
        raise
    counted: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    failed = 0
    for told in _batch(body):
        event = _event(told)
        if isinstance(event, str):
            counted[event] += 1
            continue
        try:
            with transaction():
                counted[delivery_events.record(event, clock.now())] += 1
        except Exception:
            log.exception("mail event not kept", extra={"facts": {"kind": event.kind}})
            failed += 1
    if failed:
        raise NotAll
    return jsonify(counted)


def _batch(body: bytes) -> list[Any]:
    try:
        parsed = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unreadable from None
    events = parsed.get("events") if isinstance(parsed, dict) else None
    if not isinstance(events, list):
        raise Unreadable
    if len(events) > MOST_EVENTS:
        raise TooMany
    return events


def _event(told: Any) -> Event | str:
    """Return an event as we keep it, « ignored » for a kind that we do not follow, « malformed » without what we need."""
    if not isinstance(told, dict):
        return "malformed"
    key, kind, message_id, at = (_text(told, name) for name in ("id", "kind", "message_id", "at"))
    instant = _instant(at)
    if instant is None or not kind or not _sound(key, LONGEST_ID) or not _sound(message_id, LONGEST_LINE):
        return "malformed"
    known = delivery_events.kind_of(kind)
    if known is None:
        return "ignored"
    code = _text(told, "code")
    detail = code if _sound(code, 60) and "@" not in code else None
    return Event(f"relay:{key}", known, instant, message_id, detail)


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def _sound(text: str, longest: int) -> bool:
    return len(text.strip()) > 0 and len(text) <= longest and text.isprintable()


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(clock.UTC) if found.tzinfo is not None and 2000 <= found.year < 9999 else None
    except (ValueError, OverflowError):
        return None
