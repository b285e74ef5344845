"""What mails say of a booked meeting, the same for both sides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import clock, french, ical, invitations, links, reminder_windows, rules, slots
from rdv.contact_resolution import recipient_for
from rdv.db import db
from rdv.mails.message import Invitation, Link, named
from rdv.mails.people import phone_ending
from rdv.models import Booking, OutgoingMail, OutgoingSms, RequestEvent, Site, Slot, User

Message = OutgoingMail | OutgoingSms


def of(row: Message) -> Booking:
    """Return the booking that a message is about."""
    return named(row.booking)


def invitation(booking: Booking) -> Invitation:
    """Return what puts a booking in the calendar of its people, moves it there, or takes it out."""
    return Invitation(ical.of_booking(booking), invitations.organizer(booking.slot.cfa))


def start(slot: Slot) -> str:
    """« mardi 1er décembre à 14 h 30 (heure de La Réunion) »."""
    return french.moment(slot.starts_at, slot.site.timezone)


def when(slot: Slot) -> str:
    """« mardi 1er décembre 2026, de 14 h à 14 h 30 (heure de La Réunion) »."""
    zone = slot.site.timezone
    hours = french.time_range(slot.starts_at, slot.ends_at, zone)
    return f"{french.day(clock.to_zone(slot.starts_at, zone), year=True)}, {hours}"


def was(slot: Slot, starts_at: datetime) -> str:
    """Say when a meeting was to be: the hours of its slot, or the moment alone when the slot has another hour since."""
    return when(slot) if slot.starts_at == starts_at else french.moment(starts_at, slot.site.timezone, year=True)


def former_when(row: OutgoingMail) -> str | None:
    """Say when a meeting was before its move; None when its slot is gone. The slot may have another hour since."""
    data = row.event.data if row.event else {}
    public_id = data.get("from")
    slot = db.session.scalar(sa.select(Slot).where(Slot.public_id == public_id)) if public_id else None
    if slot is None:
        return None
    return was(slot, datetime.fromisoformat(data["at"])) if "at" in data else when(slot)


def other_dates(booking: Booking, limit: int = 3) -> tuple[Link, ...]:
    """Return the free slots nearest to one that is cancelled, as links that lead to their booking page."""
    found = []
    for free in slots.near(booking.slot, clock.now(), limit, booking.request.training, rules.OWN_PAGE):
        site = db.session.get_one(Site, free.site_id)
        label = f"{french.moment(free.starts_at, site.timezone)}, {slots.PLACE_LABELS[free.place].lower()}"
        found.append((label[:1].upper() + label[1:], links.slot(free)))
    return tuple(found)


def moved_since(row: Message) -> bool:
    """Say whether the booking moved, or was cancelled and taken up again, after what this message tells.

    Another message then says where it stands.
    """
    query = sa.select(RequestEvent.id).where(
        RequestEvent.request_id == row.request_id, RequestEvent.kind.in_(("moved", "slot_changed", "cancelled"))
    )
    if row.event_id is not None:
        query = query.where(RequestEvent.id > row.event_id)
    return db.session.scalar(query.limit(1)) is not None


def place(
    slot: Slot, candidate_phone: str | None, for_candidate: bool, called: str | None = None
) -> tuple[tuple[str, str | None], ...]:
    """Return the facts that say where: an address, who calls whom, or the video link.

    `called`: who is called when it is not the reader, so that neither of two people reads the other's number.
    """
    if slot.place == "on_site":
        address = ", ".join(part for part in (slot.site.shown_name, slot.site.shown_address) if part)
        return (("Lieu", address), ("Salle", slot.place_detail))
    if slot.place == "phone":
        if not for_candidate:
            return (("Par téléphone", "vous appelez la personne ; son numéro est dans sa demande"),)
        if called:
            return (("Par téléphone", f"{slot.adviser.shown_name} appelle {called}"),)
        ending = phone_ending(candidate_phone)
        number = f"au numéro qui se termine par {ending}" if ending else "au numéro que vous avez donné"
        return (("Par téléphone", f"{slot.adviser.shown_name} vous appelle {number}"),)
    if video_link(slot):
        return (("En visioconférence", "par le lien donné dans ce message"),)
    return (("En visioconférence", slot.place_detail or "le centre envoie le lien avant le rendez-vous"),)


def works_there(user: User | None, slot: Slot) -> bool:
    """Say whether a person still works for the CFA of a slot: who left reads nothing more of its candidates."""
    return (
        user is not None
        and user.active
        and any(each.cfa_id == slot.cfa_id and each.ended_at is None for each in user.memberships)
    )


def reply_to(slot: Slot) -> str | None:
    """Return who reads a candidate's reply: the adviser, or the centre once the adviser has left."""
    return (
        slot.adviser.email
        if works_there(slot.adviser, slot)
        else recipient_for(db.session(), None, slot.site, slot.cfa).email
    )


def video_link(slot: Slot) -> str | None:
    """Return the address of the video room, when the adviser gave one."""
    return ical.video(slot.place, slot.place_detail) or None


def still_at(row: Message, now: datetime) -> bool:
    """Say whether the meeting of a reminder is still to come, at the hour that was known when it was queued."""
    booking = of(row)
    slot = booking.slot
    return (
        booking.status == "booked"
        and slot.status != "cancelled"
        and slot.starts_at > now
        and slot.starts_at.isoformat() == row.data["starts_at"]
    )


def is_soon(slot: Slot) -> bool:
    """Say whether a message about this hour, written now, is also its reminder."""
    return reminder_windows.last_minute(slot.starts_at, slot.site.timezone, clock.now())


def start_soon(slot: Slot) -> str:
    """The same as `start`, « demain, » or « aujourd’hui, » before it when it is so."""
    soon = french.soon(slot.starts_at, clock.now(), slot.site.timezone)
    return f"{soon}, {start(slot)}" if soon else start(slot)
