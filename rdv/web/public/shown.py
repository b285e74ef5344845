"""Slots as the buttons of a page show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from flask import url_for

from rdv import clock, directory, french
from rdv.models import Training
from rdv.slots import FreeSlot
from rdv.web.public.origin import carried

PLACES = {"on_site": "Sur place", "phone": "Par téléphone", "video": "Par visioconférence"}


@dataclass(frozen=True)
class ShownSlot:
    """What components/slots.html reads."""

    day_label: str
    time_label: str
    duration_label: str
    place_label: str
    seats_label: str | None
    href: str


@dataclass(frozen=True)
class ShownDay:
    """The slots of one local day."""

    day_label: str
    slots: list[ShownSlot]


def slots_of(free: Sequence[FreeSlot], training: Training | None) -> list[ShownSlot]:
    """Return the slots as buttons that lead to their booking page, for this training; each in its site's zone."""
    sites = directory.sites_by_id(slot.site_id for slot in free)
    named = zone_note(free) is None
    query = carried() | ({"formation": training.public_id} if training else {})
    shown = []
    for slot in free:
        site = sites[slot.site_id]
        local = clock.to_zone(slot.starts_at, site.timezone)
        place = PLACES[slot.place]
        if slot.place == "on_site" and len(sites) > 1 and site.city:
            place = f"{place}, {site.city}"
        shown.append(
            ShownSlot(
                day_label=french.day(local),
                time_label=french.clock_time(local) + (french.zone_suffix(site.timezone) if named else ""),
                duration_label=french.duration(int((slot.ends_at - slot.starts_at).total_seconds() // 60)),
                place_label=place,
                seats_label=f"En groupe, {french.plural(slot.seats_left, 'place')}" if slot.is_group else None,
                href=url_for("public.slot", public_id=slot.public_id, **query),
            )
        )
    return shown


def days_of(shown: Sequence[ShownSlot]) -> list[ShownDay]:
    """Group slots, already in order, by day."""
    return [ShownDay(label, list(slots)) for label, slots in groupby(shown, key=lambda slot: slot.day_label)]


def zone_note(free: Sequence[FreeSlot]) -> str | None:
    """Return « heure de La Réunion » when all these slots share a zone that is not Paris; said once above them.

    None otherwise: then each button names its own zone, if it must.
    """
    zones = {site.timezone for site in directory.sites_by_id(slot.site_id for slot in free).values()}
    if len(zones) != 1 or zones == {clock.PARIS}:
        return None
    return french.zone_suffix(zones.pop()).strip(" ()")
