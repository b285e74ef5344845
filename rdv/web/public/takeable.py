"""Slots that a personal page lets its person take for the request they already made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import url_for

from rdv import french, inbox, proposals, suitable, taking
from rdv.models import CandidateRequest, RequestEvent
from rdv.web.public.reading import Reading
from rdv.web.public.shown import ShownSlot, slots_of
from rdv.web.public.standing import zone_of

FIRST = 3  # dates on the personal page


@dataclass(frozen=True)
class Takeable:
    """The block of `public/_takeable.html`."""

    proposed: list[ShownSlot]  # by the centre, in its last answer, and still to take
    kept_until: str | None
    gone: bool  # some were proposed, none can be taken any more
    free: list[ShownSlot]  # the next ones, when none is proposed


def takeable_of(reading: Reading, now: datetime) -> Takeable | None:
    """Return what a request's person may book now; None when nothing is to book."""
    found = reading.request
    if not taking.may_take(found, now) or found.booking is not None:
        return None
    answer = _last_answer(found, now)
    offered = proposals.of_event(answer) if answer is not None else []
    live = [slot for slot in offered if taking.free_for(found, slot, now)]
    kept = [held.until for slot in live if (held := taking.kept(found, slot, now)) is not None]
    until = french.moment(min(kept), zone_of(found)) if kept and len(kept) == len(live) else None
    free = [] if live else suitable.free(found, now, FIRST)
    shown = slots_of([suitable.as_free(slot) for slot in live] or free, None).slots
    links = take_links(reading, shown)
    return Takeable(links if live else [], until, bool(offered) and not live, [] if live else links)


def _last_answer(found: CandidateRequest, now: datetime) -> RequestEvent | None:
    return next((event for event in reversed(inbox.settled(found, now)) if event.kind == "answer"), None)


def take_links(reading: Reading, shown: Sequence[ShownSlot]) -> list[ShownSlot]:
    """Return slots as links to the page where one button takes them for this request."""
    return [
        replace(slot, href=url_for("public.take_slot", token=reading.token, public_id=slot.public_id)) for slot in shown
    ]
