"""A day in words: its meetings, who comes, and what is known of each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from rdv import attendance, booking_for, clock, french, inbox
from rdv.candidate import ASKERS, REASONS
from rdv.models import Booking, CandidateRequest, RequestEvent, Slot
from rdv.web.staff import slot_lines

LONGEST_WORDS = 160  # of the last answer, on a phone


@dataclass(frozen=True)
class Attendee:
    """Somebody who holds a seat; `outcome` is a key of attendance.OUTCOMES, None while nobody said."""

    anchor: str
    name: str
    href: str
    mark_url: str
    outcome: str | None
    outcome_label: str | None
    marks: list[tuple[str, str]]  # words and kind of badge
    phone_href: str | None
    phone_label: str | None
    asker_label: str | None
    training: str | None
    reasons: str | None
    said: str | None
    missed_label: str | None  # what is written to who did not come
    missed_url: str | None  # where a person decides to write


@dataclass(frozen=True)
class Meeting:
    """A slot of the day and who comes."""

    anchor: str
    time_label: str
    day_label: str
    title: str
    where: str
    video_href: str | None
    adviser: str
    href: str
    state: str  # past, now, coming, cancelled
    state_label: str
    is_group: bool
    filled: str | None
    opened: bool  # attendance may be told
    missing: int  # how many nobody told of
    people: list[Attendee]
    walk_in_url: str | None
    sheet_url: str | None

    @property
    def is_next(self) -> bool:
        """Somebody is expected, now or later."""
        return self.state in ("now", "coming") and any(each.outcome is None for each in self.people)

    @property
    def only(self) -> Attendee | None:
        """The one person of a meeting for one; None for a group, or when somebody was added."""
        return self.people[0] if len(self.people) == 1 and not self.is_group else None


STATES = {"past": "Passé", "now": "En cours", "coming": "À venir", "cancelled": "Annulé"}


def meetings(
    found: Sequence[Slot], booked: Mapping[int, Sequence[Booking]], now: datetime, *, write: bool = True
) -> list[Meeting]:
    """Return slots with their people; what was last said of each is read at once. `write`: False for paper."""
    said = inbox.last_words(one.request_id for slot in found for one in booked[slot.id])
    return [_meeting(slot, booked[slot.id], said, now, write) for slot in found]


def _meeting(
    slot: Slot, booked: Sequence[Booking], said: Mapping[int, RequestEvent], now: datetime, write: bool
) -> Meeting:
    state = _state(slot, now)
    walk_in: dict[str, Any] = {"sans-rendez-vous": 1}
    video = (slot.place_detail or "") if slot.place == "video" else ""
    return Meeting(
        anchor=f"creneau-{slot.public_id}",
        time_label=slot_lines.hours(slot),
        day_label=french.day(clock.to_zone(slot.starts_at, slot.site.timezone)).capitalize(),
        title=slot.shown_title,
        where=slot_lines.where(slot),
        video_href=video if video.startswith(("https://", "http://")) else None,
        adviser=slot.adviser.shown_name,
        href=url_for("staff.slot", public_id=slot.public_id),
        state=state,
        state_label=STATES[state],
        is_group=slot.is_group,
        filled=f"{french.plural(slot.seats_taken, 'place prise', 'places prises')} sur {slot.capacity + slot.extra_seats}"
        if slot.is_group
        else None,
        opened=attendance.opens_at(slot) <= now and state != "cancelled",
        missing=sum(one.status == attendance.UNKNOWN for one in booked) if state == "past" else 0,
        people=[_attendee(one, slot, said.get(one.request_id), now, write) for one in booked],
        walk_in_url=url_for("staff.book_for", public_id=slot.public_id, **walk_in)
        if booking_for.can_walk_in(slot, now)
        else None,
        sheet_url=url_for("staff.sign_in_sheet", public_id=slot.public_id) if slot.is_group else None,
    )


def _state(slot: Slot, now: datetime) -> str:
    if slot.status == "cancelled":
        return "cancelled"
    if slot.ends_at <= now:
        return "past"
    return "now" if slot.starts_at <= now else "coming"


def _attendee(one: Booking, slot: Slot, said: RequestEvent | None, now: datetime, write: bool) -> Attendee:
    person = one.request
    phone = person.phone or person.asker_phone
    reasons = ", ".join(REASONS[key] for key in person.reasons if key in REASONS)
    outcome = one.status if one.status in attendance.OUTCOMES else None
    missed = missed_words(one, now) if write and outcome == "no_show" else (None, None)
    return Attendee(
        anchor=f"rdv-{one.public_id}",
        name=person.person_name,
        href=url_for("staff.booking", public_id=one.public_id),
        mark_url=url_for("staff.mark_attendance", public_id=one.public_id),
        outcome=outcome,
        outcome_label=attendance.OUTCOMES[outcome] if outcome else None,
        marks=marks(one),
        phone_href=f"tel:{phone}" if phone else None,
        phone_label=french.phone(phone) or None,
        asker_label=asker_label(person),
        training=person.training.shown_title if person.training else None,
        reasons=reasons or None,
        said=_said(said, slot) if said else None,
        missed_label=missed[0],
        missed_url=missed[1],
    )


def asker_label(person: CandidateRequest) -> str | None:
    """« Demande faite par : un parent ou représentant légal, Anne Lambert », None when the candidate asked."""
    if person.asker == "candidate":
        return None
    name = " ".join(part for part in (person.asker_first_name, person.asker_last_name) if part)
    who = ASKERS[person.asker]
    return f"{who}, {name}" if name else who


def marks(one: Booking) -> list[tuple[str, str]]:
    """Return what the person told of their coming, as badges."""
    found = []
    if one.late_minutes:
        found.append((f"En retard de {french.duration(one.late_minutes)}", "warning"))
    if one.presence_at:
        found.append(("A confirmé sa venue", "success"))
    if one.walk_in:
        found.append(("Venu sans rendez-vous", "info"))
    if one.guests:
        found.append((f"Avec {french.plural(one.guests, 'accompagnant')}", "info"))
    return found


def missed_words(one: Booking, now: datetime) -> tuple[str | None, str | None]:
    """Say what is written to somebody who did not come, and where the staff may decide to write, None when they cannot."""
    if attendance.missed_is_written(one):
        words = "Un message «\u00a0On vous a manqué\u00a0» part le soir avec trois dates, sauf nouveau rendez-vous d’ici là."
        return words, None
    earlier = attendance.earlier_no_shows(one)
    if not earlier or not attendance.can_write_missed(one, now):
        return None, None
    words = f"Déjà {french.plural(earlier, 'absence')} avant celle-ci\u00a0: à vous de décider s’il faut écrire."
    return words, url_for("staff.write_missed", public_id=one.public_id)


def _said(event: RequestEvent, slot: Slot) -> str:
    text = re.sub(r"[ \t\n]+", " ", event.text or "")  # no-break spaces stay
    if len(text) > LONGEST_WORDS:
        text = text[: LONGEST_WORDS - 1].rstrip() + "…"
    day = french.short_day(clock.to_zone(event.at, slot.site.timezone).date())
    what = "Note" if event.kind != "answer" else "Réponse"
    return f"{what} du {day}\u00a0: {text}"
