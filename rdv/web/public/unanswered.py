"""What the personal page offers once nobody answered in time: the CFA's own dates, and other centres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from rdv import inbox, ladder, nearby, suitable, taking
from rdv.web.public.reading import Reading
from rdv.web.public.shown import ShownSlot, slots_of
from rdv.web.public.takeable import take_links

OFFERED = 3


@dataclass(frozen=True)
class ShownPlace:
    """Another place that teaches the same."""

    name: str
    where: str
    what: str
    href: str


@dataclass(frozen=True)
class Unanswered:
    """The block of `_unanswered.html`."""

    own: Sequence[ShownSlot]
    places: Sequence[ShownPlace]


def unanswered(reading: Reading, now: datetime) -> Unanswered | None:
    """Return what to show to who was told that nobody answered, None as long as nothing has to be said."""
    found = reading.request
    seen = inbox.settled_state(found, now)  # an answer that may still be taken back does not exist yet
    if seen.status not in inbox.TO_TREAT or seen.rung < ladder.TOLD:
        return None
    own = slots_of(suitable.free(found, now)[:OFFERED], None).slots if taking.may_take(found, now) else []
    return Unanswered(
        take_links(reading, own),
        [shown(each, reading.token) for each in nearby.places(found, now)],
    )


def shown(place: nearby.Place, token: str) -> ShownPlace:
    """Return a place in words, with the page where the request may be sent there."""
    city = f"{place.site.city}, " if place.site.city else ""
    return ShownPlace(
        place.cfa.shown_name, f"{city}à {place.shown_km}", place.offers,
        url_for("public.elsewhere", token=token, public_id=place.training.public_id),
    )  # fmt: skip
