"""Slots in words: events of the agenda, meetings of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from rdv import clock, french, seats
from rdv.models import Booking, Slot
from rdv.slots import PLACE_LABELS


@dataclass(frozen=True)
class Event:
    """An event of `components/agenda.html`."""

    time_label: str
    title: str
    state: str
    state_label: str
    href: str | None


@dataclass(frozen=True)
class Meeting:
    """A meeting as a line of `components/inbox.html`: somebody to see, where, and the number to call."""

    href: str
    name: str
    mode: str
    mode_label: str
    training_label: str | None
    age_label: str
    due_label: str | None
    due_state: str | None
    phone_href: str | None
    owner_label: str | None = None
    last_label: str | None = None
    is_new: bool = False
    dated: bool = False


def hours(slot: Slot, named: bool = True) -> str:
    """« 14 h – 14 h 20 » in the zone of the site, named when it is not Paris unless the page says it once."""
    zone = slot.site.timezone
    start, end = clock.to_zone(slot.starts_at, zone), clock.to_zone(slot.ends_at, zone)
    return f"{french.clock_time(start)} – {french.clock_time(end)}{french.zone_suffix(zone) if named else ''}"


def state(slot: Slot, now: datetime) -> tuple[str, str]:
    """Return the state of a slot for its colour, and in words."""
    if slot.status == "cancelled":
        return "cancelled", "Annulé"
    # Seats, not people: guests may take some, and an offer to the waiting list holds one.
    filled = f"{french.plural(slot.seats_taken, 'place prise', 'places prises')} sur {slot.capacity + slot.extra_seats}"
    if slot.seats_taken >= slot.capacity:
        return ("full", f"Complet, {filled}") if slot.is_group else ("booked", "Réservé")
    if slot.seats_taken:
        return ("closed", f"Fermé, {filled}") if slot.status == "closed" else ("booked", filled)
    if slot.ends_at <= now:
        return "closed", "Passé, sans inscrit"
    if slot.status == "closed":
        return "closed", "Fermé"
    words = f"Libre, {french.plural(slot.capacity, 'place')}" if slot.is_group else "Libre"
    if slot.opens_at is not None and now < slot.opens_at < slot.starts_at:
        words += f", en ligne dès {french.short_day(clock.to_zone(slot.opens_at, slot.site.timezone).date())}"
    elif slot.starts_at > now and not seats.is_bookable(slot, now):
        words += ", pas en ligne"
    return "free", words if slot.listed else f"{words}, par lien"


def event(slot: Slot, booked: Sequence[Booking], now: datetime, named: bool, adviser: bool) -> Event:
    """Return a slot as an event: who comes when one person does, else the kind of meeting."""
    colour, words = state(slot, now)
    title = slot.shown_title
    if not slot.is_group and booked:
        title = booked[0].request.person_name
    if adviser:
        words = f"{words} · {slot.adviser.shown_name}"
    return Event(hours(slot, named), title, colour, words, url_for("staff.slot", public_id=slot.public_id))


def where(slot: Slot) -> str:
    """« Sur place, salle 12 » or « Par téléphone », with the name of the site for a meeting on site."""
    if slot.place != "on_site":
        return PLACE_LABELS[slot.place]
    return ", ".join(part for part in (PLACE_LABELS["on_site"], slot.place_detail, slot.site.shown_name) if part)


def meeting(slot: Slot, booked: Sequence[Booking], now: datetime, dated: bool = False) -> Meeting:
    """Return a booked slot as a line of the day."""
    one = booked[0].request if len(booked) == 1 and not slot.is_group else None
    phone = one.phone if one and slot.ends_at > now else None
    when = hours(slot)
    if dated:
        day = french.short_day(clock.to_zone(slot.starts_at, slot.site.timezone).date())
        when = f"{day.capitalize()}, {when}"
    running = slot.starts_at <= now < slot.ends_at
    over = slot.ends_at <= now
    return Meeting(
        href=url_for("staff.slot", public_id=slot.public_id),
        name=one.person_name if one else slot.shown_title,
        mode={"phone": "callback"}.get(slot.place, "slot"),
        mode_label=when,
        training_label=one.training.shown_title if one and one.training else None,
        age_label=where(slot),
        due_label="En cours" if running else "Passé" if over else None,
        due_state="today" if running else "done" if over else None,
        phone_href=f"tel:{phone}" if phone else None,
        owner_label=state(slot, now)[1] if slot.is_group else None,
        dated=dated,
    )
