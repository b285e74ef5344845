"""Every kind of text message: what it says in 160 characters, and when it is no longer worth sending.

Nothing typed by a stranger is repeated; the rest stands behind the short link.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rdv import asker, clock, french, inbox, ladder, links
from rdv.db import db
from rdv.mails import meeting
from rdv.models import CandidateRequest, OutgoingSms, SeatHold, Slot
from rdv.sms import words


@dataclass(frozen=True)
class Kind:
    """How a kind of text message is written, and whether it still makes sense at the moment it would leave."""

    text: Callable[[OutgoingSms], str]
    still_due: Callable[[OutgoingSms, datetime], bool]
    call_instead: bool = False  # when it cannot be delivered, somebody must call


def _zone(slot: Slot) -> str:
    return french.zone_suffix(slot.site.timezone)


def _when(slot: Slot) -> str:
    return words.moment(slot.starts_at, slot.site.timezone)


def _page(row: OutgoingSms) -> str:
    return links.short(row.request, row.to_phone)


def confirmed(row: OutgoingSms) -> str:
    """A seat is booked: when, with whom, the reference to say on the phone."""
    slot, page = meeting.of(row).slot, _page(row)
    return words.fitted(
        lambda name, zone: (
            f"RDV confirmé {_when(slot)}{zone}{name}. Réf. {row.request.reference}. Détails ou annulation : {page}"
        ),
        slot.cfa.shown_name, _zone(slot),
    )  # fmt: skip


def moved(row: OutgoingSms) -> str:
    """The new hour."""
    slot, page = meeting.of(row).slot, _page(row)
    return words.fitted(
        lambda name, zone: f"RDV déplacé : {_when(slot)}{zone}{name}. Détails ou annulation : {page}",
        slot.cfa.shown_name, _zone(slot),
    )  # fmt: skip


def changed(row: OutgoingSms) -> str:
    """The same meeting at another place, or another hour."""
    slot, page = meeting.of(row).slot, _page(row)
    return words.fitted(
        lambda name, zone: f"RDV modifié : {_when(slot)}{zone}{name}. Nouveaux détails ou annulation : {page}",
        slot.cfa.shown_name, _zone(slot),
    )  # fmt: skip


def cancelled(row: OutgoingSms) -> str:
    """The meeting will not take place."""
    slot, page = meeting.of(row).slot, _page(row)
    return words.fitted(
        lambda name, zone: f"RDV annulé : {_when(slot)}{zone}{name}. En savoir plus, autre date : {page}",
        slot.cfa.shown_name, _zone(slot),
    )  # fmt: skip


def reminder_day(row: OutgoingSms) -> str:
    """« Vous venez ? »: the page of the link takes yes, no, and another date."""
    slot, page = meeting.of(row).slot, _page(row)
    soon = french.soon(slot.starts_at, clock.now(), slot.site.timezone)
    when = f"{soon} à {words.hour(slot.starts_at, slot.site.timezone)}" if soon else _when(slot)
    return words.fitted(
        lambda name, zone: f"RDV {when}{zone}{name}. Vous venez ? Dites oui, non ou autre date : {page}",
        slot.cfa.shown_name, _zone(slot),
    )  # fmt: skip


def seat_offered(row: OutgoingSms) -> str:
    """A seat is held for somebody who waits, until an hour."""
    hold, page = _hold(row), _page(row)
    if hold is None:
        raise LookupError("the offered seat is gone")
    slot = hold.slot
    return words.fitted(
        lambda name, zone: (
            f"Place libre {_when(slot)}{zone}{name}. Réponse avant {words.moment(hold.until, slot.site.timezone)} : {page}"
        ),
        slot.cfa.shown_name, _zone(slot),
    )  # fmt: skip


def centre_unreached(row: OutgoingSms) -> str:
    """The centre's address is dead: call, or read what was done."""
    request, page = row.request, _page(row)
    phone = french.phone((request.site.phone if request.site else None) or request.cfa.phone).replace(french.NBSP, " ")
    call = f" Appelez le {phone}." if phone else ""
    return words.fitted(
        lambda name, _zone: f"Demande non arrivée{name}.{call} Réf. {request.reference} : {page}",
        request.cfa.shown_name, "",
    )  # fmt: skip


def call_missed(row: OutgoingSms) -> str:
    """The centre called and reached nobody: the page takes a date, or other hours."""
    request, page = row.request, _page(row)
    return words.fitted(
        lambda name, _zone: f"Appel manqué{name}. Prendre une date ou dire quand vous rappeler : {page}",
        request.cfa.shown_name, "",
    )  # fmt: skip


def closed(row: OutgoingSms) -> str:
    """The centre ended the request without an answer."""
    request, page = row.request, _page(row)
    return words.fitted(
        lambda name, _zone: f"Demande {request.reference} terminée{name}. Pourquoi, et que faire : {page}",
        request.cfa.shown_name, "",
    )  # fmt: skip


def unanswered(row: OutgoingSms) -> str:
    """Nobody answered their request in time, or called in vain: the page says what they may do now."""
    request, page = row.request, _page(row)
    so_far = "appels sans réponse" if ladder.calls(request) else "pas encore de réponse"
    return words.fitted(
        lambda name, _zone: f"Demande {request.reference} : {so_far}{name}. Ce que vous pouvez faire : {page}",
        request.cfa.shown_name, "",
    )  # fmt: skip


def personal_link(row: OutgoingSms) -> str:
    """The page of a request, asked for again."""
    request, page = row.request, _page(row)
    return words.fitted(
        lambda name, _zone: f"Votre demande{name}, réf. {request.reference}. Votre page : {page}",
        request.cfa.shown_name, "",
    )  # fmt: skip


def _hold(row: OutgoingSms) -> SeatHold | None:
    return db.session.scalar(sa.select(SeatHold).where(SeatHold.public_id == row.data.get("hold")))


def _theirs(row: OutgoingSms) -> bool:
    """The number is still one of the request's: nobody else reads of it, were it corrected or erased in between."""
    request: CandidateRequest = row.request
    return row.to_phone in asker.contacts(request)


def _coming(row: OutgoingSms, now: datetime) -> bool:
    booking = meeting.of(row)
    begun = booking.status != "booked" or booking.slot.starts_at <= now
    return _theirs(row) and not begun and not meeting.moved_since(row)


def _cancelled(row: OutgoingSms, _now: datetime) -> bool:
    return _theirs(row) and not meeting.of(row).is_live


def _same_hour(row: OutgoingSms, now: datetime) -> bool:
    return _theirs(row) and meeting.still_at(row, now)


def _held(row: OutgoingSms, now: datetime) -> bool:
    hold = _hold(row)
    return _theirs(row) and hold is not None and hold.status == "live" and hold.until > now


def _still_waits(row: OutgoingSms, _now: datetime) -> bool:
    return _theirs(row) and row.request.status in ("new", "in_progress")


def _unanswered(row: OutgoingSms, _now: datetime) -> bool:
    request: CandidateRequest = row.request
    return _theirs(row) and request.status in inbox.TO_TREAT and request.rung >= ladder.TOLD


def _missed(row: OutgoingSms, _now: datetime) -> bool:
    """Nothing was said since: the request still waits for that next call."""
    request: CandidateRequest = row.request
    return _theirs(row) and request.status == "in_progress" and request.attempts > 0


def _closed(row: OutgoingSms, _now: datetime) -> bool:
    return _theirs(row) and row.request.status == "closed" and row.request.outcome == row.data.get("outcome")


KINDS = {
    "confirmed": Kind(confirmed, _coming),
    "moved": Kind(moved, _coming, call_instead=True),
    "changed": Kind(changed, _coming, call_instead=True),
    "cancelled": Kind(cancelled, _cancelled, call_instead=True),
    "reminder_day": Kind(reminder_day, _same_hour),
    "seat_offered": Kind(seat_offered, _held),
    "personal_link": Kind(personal_link, lambda row, _now: _theirs(row)),
    "centre_unreached": Kind(centre_unreached, _still_waits),
    "unanswered": Kind(unanswered, _unanswered),
    "call_missed": Kind(call_missed, _missed),
    "closed": Kind(closed, _closed),
}
