"""Slots as the buttons of a page show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from flask import url_for

from rdv import clock, directory, french
from rdv.models import Slot, Training
from rdv.slots import FreeSlot
from rdv.web.public.origin import carried

FEW = 5  # seats from which a candidate should hurry; said earlier, it would only press them
ANY = "0000"  # in the place of an identifier, which never holds a zero
PLACES = {"on_site": "Sur place", "phone": "Par téléphone", "video": "Par visioconférence"}


@dataclass(frozen=True)
class ShownSlot:
    """What components/slots.html reads."""

    public_id: str
    day_label: str
    time_label: str
    duration_label: str
    place_label: str
    seats_label: str | None
    href: str
    title: str | None = None
    full: bool = False


@dataclass(frozen=True)
class ShownDay:
    """The slots of one local day."""

    day_label: str
    slots: list[ShownSlot]


@dataclass(frozen=True)
class Shown:
    """Slots in order, and the zone to name once above them: « heure de La Réunion », None when it goes without saying."""

    slots: list[ShownSlot]
    zone: str | None


def slots_of(free: Sequence[FreeSlot], training: Training | None) -> Shown:
    """Return the slots as buttons that lead to their booking page, for this training; each in its site's zone."""
    sites = directory.sites_by_id(slot.site_id for slot in free)
    zones = {site.timezone for site in sites.values()}
    query = carried() | ({"formation": training.public_id} if training else {})
    address = url_for("public.slot", public_id=ANY, **query)  # once: fifty of them cost a tenth of the page
    shown = []
    for slot in free:
        site = sites[slot.site_id]
        local = clock.to_zone(slot.starts_at, site.timezone)
        place = PLACES[slot.place]
        if slot.place == "on_site" and len(sites) > 1 and site.city:
            place = f"{place}, {site.city}"
        shown.append(
            ShownSlot(
                public_id=slot.public_id,
                day_label=french.day(local),
                time_label=french.clock_time(local) + (french.zone_suffix(site.timezone) if len(zones) > 1 else ""),
                duration_label=french.duration(int((slot.ends_at - slot.starts_at).total_seconds() // 60)),
                place_label=place,
                seats_label=seats_label(slot),
                href=address.replace(ANY, slot.public_id, 1),
                title=slot.title,
                full=slot.full,
            )
        )
    named_once = french.zone_suffix(zones.pop()).strip(" ()") if len(zones) == 1 else ""
    return Shown(shown, named_once or None)


def seats_label(slot: FreeSlot | Slot) -> str | None:
    """« En groupe », « En groupe, plus que 3 places » or « Complet – liste d’attente »; None for an individual slot."""
    if not slot.is_group:
        return None
    if slot.seats_left == 0:
        return "Complet – liste d’attente"
    few = few_left(slot)
    return f"En groupe, {few[:1].lower()}{few[1:]}" if few else "En groupe"


def few_left(slot: FreeSlot | Slot) -> str | None:
    """« Plus que 3 places » when few are left of more; else nothing: a number that says no hurry is no use."""
    left = slot.seats_left
    if not 0 < left <= min(FEW, slot.capacity - 1):
        return None
    return "Plus qu’une place" if left == 1 else f"Plus que {french.plural(left, 'place')}"


def days_of(slots: Sequence[ShownSlot]) -> list[ShownDay]:
    """Group slots, already in order, by day."""
    return [ShownDay(label, list(same)) for label, same in groupby(slots, key=lambda slot: slot.day_label)]
