"""When it is not the CFA's turn: a silent candidate, and « avez-vous été contacté ? » where we have the CFA's word alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rdv import inbox
from rdv.inbox import calling
from rdv.ladder import contact, history, times
from rdv.models import CandidateRequest, RequestEvent

QUIET = timedelta(days=21)  # without a word, an answered request closes by itself
SILENT = "Trois semaines sans nouvelle\u00a0: la demande se termine d’elle-même. Un nouveau message la rouvre."


def look(request: CandidateRequest, events: Sequence[RequestEvent], now: datetime) -> datetime | None:
    """Close what nobody spoke of for three weeks, ask what has to be asked; return when to look again, if ever."""
    coming = []
    if request.status == "waiting_candidate":
        ends = history.last_word(request, events) + QUIET
        if ends <= now:  # whoever is still to be asked by then is asked no more: it is too long ago
            inbox.record(request, "closed", "system", now, text=SILENT, data={"outcome": "answered", "why": "silent"})
            return None
        coming.append(ends)
    ask_at = contact.ask_at(request, events)
    if ask_at is not None:
        zone = calling.zone_of(request)
        ask_at = times.awake(zone, max(ask_at, now))
        if ask_at <= now:
            ask_at = None if contact.ask(request, now) else times.tomorrow(zone, now)
        if ask_at is not None:
            coming.append(ask_at)
    return min(coming, default=None)
