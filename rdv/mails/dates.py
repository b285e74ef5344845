"""Free slots that a mail offers: links that book for somebody anew, or take one for a request that exists already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rdv import clock, french, links, rules, slots, suitable
from rdv.db import db
from rdv.mails.message import Link
from rdv.models import CandidateRequest, Site
from rdv.slots import FreeSlot

OFFERED = 3  # slots in a mail


def to_book(request: CandidateRequest) -> tuple[Link, ...]:
    """Return the next free slots as links that lead to their booking page."""
    now = clock.now()
    training = request.training
    own = rules.OWN_PAGE  # the links of a mail name no platform
    free = (
        slots.free_for_training(training, now, OFFERED, platform=own)
        if training
        else slots.free_for_cfa(request.cfa, now, OFFERED, platform=own)
    )
    return tuple((label(slot), links.slot(slot)) for slot in free)


def to_take(request: CandidateRequest, to: str, free: Iterable[FreeSlot] | None = None) -> tuple[Link, ...]:
    """Return the next free slots (or these) as links of this reader's own page, where one button takes them for this request."""
    found = suitable.free(request, clock.now())[:OFFERED] if free is None else free
    return tuple((label(slot), links.take_slot(request, slot, to)) for slot in found)


def label(slot: FreeSlot) -> str:
    """« Mardi 1er décembre à 14 h, sur place »."""
    site = db.session.get_one(Site, slot.site_id)
    return words(slot.starts_at, site.timezone, slot.place)


def words(starts_at: datetime, zone: str, place: str) -> str:
    """Return the same of an hour and a place."""
    text = f"{french.moment(starts_at, zone)}, {slots.PLACE_LABELS[place].lower()}"
    return text[0].upper() + text[1:]
