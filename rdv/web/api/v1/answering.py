"""Answers in JSON: instants with their offset, an ETag on what is read, nothing kept by shared caches of what a key reads."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from flask import Response, request

from rdv import clock
from rdv.models import Slot
from rdv.slots import FreeSlot


def instant(value: datetime | None, zone: str = clock.PARIS) -> str | None:
    """Return an instant in ISO 8601 with the offset of a zone, to the second."""
    return clock.to_zone(value, zone).isoformat(timespec="seconds") if value is not None else None


def when(slot: Slot | FreeSlot, zone: str) -> dict[str, str | None]:
    """Return when a slot begins and ends, in the zone of its place."""
    return {"starts_at": instant(slot.starts_at, zone), "ends_at": instant(slot.ends_at, zone), "time_zone": zone}


def encoded(data: Any) -> bytes:
    """Return JSON as every answer to platforms writes it: compact, in UTF-8, half a character as its escape."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def read(data: Any, max_age: int, *, public: bool = False) -> Response:
    """Return what a GET reads, or 304 when the caller has it; `max_age` in seconds."""
    body = encoded(data)
    response = Response(body, mimetype="application/json")
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = f"{'public' if public else 'private'}, max-age={max_age}"
    if not public:
        response.vary.add("Authorization")
    response.make_conditional(request)
    return response


def done(data: Any, status: int = 200) -> Response:
    """Return what a POST did."""
    response = Response(encoded(data), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
