"""Retry-After: when who is told to wait may come back, computed here for every audience."""

from __future__ import annotations

import math
from datetime import datetime

from flask import Response

from rdv import clock
from rdv.errors import RdvError, TooManyRequests

UNKNOWN = 60  # seconds, where nothing better is known: a database that does not answer, a limit without its window
WAITING = (429, 503)


def tell(response: Response, error: RdvError | None = None) -> Response:
    """Say in whole seconds when to come back, on the answers that ask it (RFC 9110 §10.2.3); leave the others as they are."""
    if response.status_code in WAITING:
        response.headers["Retry-After"] = str(_seconds(error.until if isinstance(error, TooManyRequests) else None))
    return response


def _seconds(until: datetime | None) -> int:
    """Return the seconds until an instant, rounded up: who waits them finds another window."""
    return max(1, math.ceil((until - clock.now()).total_seconds())) if until else UNKNOWN
