"""What a personal page shows of waiting: a seat to accept, a place on a list, the wish for an earlier meeting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rdv import french, offers, waitlist
from rdv.models import SeatHold, Slot, WaitlistEntry
from rdv.tokens import sign_form
from rdv.web.public.reading import Reading
from rdv.web.public.shown import PLACES

# Of the form tokens: an answer is bound to one offer, the others to the request.
ANSWER, LEAVE, WISH = "offer", "leave_list", "earlier"


@dataclass(frozen=True)
class Offer:
    """A seat held for this person, and what they would give up for it."""

    public_id: str
    token: str
    when: str
    facts: list[tuple[str, str | None]]
    until: str
    earlier: bool


@dataclass(frozen=True)
class Place:
    """A place on the list of a full session."""

    token: str
    when: str
    rank: str
    facts: list[tuple[str, str | None]]


@dataclass(frozen=True)
class Waiting:
    """The blocks of `_offer.html` and `_waiting.html`; None: not shown."""

    offer: Offer | None
    place: Place | None
    wish_token: str | None  # may ask to be told of an earlier meeting
    wished_token: str | None  # has asked: may stop
    lost: Slot | None  # the session whose list they are no longer on, without a seat


def waiting_of(reading: Reading, now: datetime) -> Waiting:
    """Return what waits for an answer, and what is waited for, on a person's page."""
    found, held = reading.request, reading.request.booking
    entry, hold = waitlist.current(found.id), offers.live_of(found, now)
    listed = entry if entry is not None and entry.kind == "full" else None
    wished = entry is not None and entry.kind == "earlier"
    may_wish = entry is None and held is not None and waitlist.may_wish(held, now)
    ended = waitlist.last_of(found) if held is None and entry is None else None
    return Waiting(
        offer=_offer(reading, hold) if hold is not None else None,
        place=_place(listed) if listed is not None and hold is None else None,
        wish_token=sign_form(WISH, found.public_id) if may_wish else None,
        wished_token=sign_form(LEAVE, found.public_id) if wished else None,
        lost=ended.slot if ended is not None else None,
    )


def _offer(reading: Reading, hold: SeatHold) -> Offer:
    slot, held = hold.slot, reading.request.booking
    earlier = hold.kind == "earlier" and held is not None
    facts = [
        *facts_of(slot),
        ("Places gardées", str(hold.seats) if hold.seats > 1 else None),
        ("À la place de", french.moment(held.starts_at, slot.site.timezone) if earlier and held else None),
    ]
    until = french.moment(hold.until, slot.site.timezone)
    return Offer(hold.public_id, sign_form(ANSWER, hold.public_id), _when(slot), facts, until, earlier)


def _place(entry: WaitlistEntry) -> Place | None:
    slot = entry.slot
    if slot is None:
        return None
    rank = french.rank(waitlist.position(entry))
    return Place(sign_form(LEAVE, entry.request.public_id), _when(slot), rank, facts_of(slot))


def facts_of(slot: Slot) -> list[tuple[str, str | None]]:
    """Return what a meeting is, how long and where, as pairs for `facts`."""
    minutes = int((slot.ends_at - slot.starts_at).total_seconds() // 60)
    address = "\n".join(part for part in (slot.site.shown_name, slot.site.shown_address) if part)
    return [
        ("Quoi", slot.shown_title),
        ("Comment", f"{PLACES[slot.place]}, {french.duration(minutes)}"),
        ("Adresse", address if slot.place == "on_site" else None),
    ]


def _when(slot: Slot) -> str:
    moment = french.moment(slot.starts_at, slot.site.timezone)
    return moment[:1].upper() + moment[1:]
