"""Slots under review, in words: what each becomes, what it would meet, who is booked and what may be decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rdv import agenda, changes, clock, french
from rdv.changes import Decision, Line, Person
from rdv.models import Booking, Slot
from rdv.web.staff import slot_lines

Choice = tuple[str, str]
MOST_TARGETS = 20


@dataclass(frozen=True)
class PersonLine:
    """Somebody booked; no choices when they simply follow their slot."""

    key: str
    name: str
    notes: list[str]
    choices: list[Choice]
    chosen: str | None
    error: str | None = None


@dataclass(frozen=True)
class SlotLine:
    """A slot to decide on."""

    key: str
    title: str
    becomes: str | None
    notes: list[str]
    choices: list[Choice]
    chosen: str | None
    people: list[PersonLine] = field(default_factory=list)
    error: str | None = None


def when(slot: Slot) -> str:
    """« Mardi 1er décembre 2026, 14 h – 14 h 30 »."""
    day = french.day(clock.to_zone(slot.starts_at, slot.site.timezone), year=True).capitalize()
    return f"{day}, {slot_lines.hours(slot)}"


def slot_line(
    line: Line, decision: Decision | None, now: datetime, refusal: changes.Undecided | None, reached: Collection[int]
) -> SlotLine:
    """Return a slot of a review; `decision`: what was posted of it, `reached`: slots that nobody can move to."""
    slot = line.slot
    error = None
    if refusal and refusal.slot == slot.public_id and refusal.person is None:
        error = refusal.message if decision else "Choisissez l’une de ces réponses."
    count = len(line.people)
    told = f", et prévenir {_people(count)}" if count and line.concerned else ""
    choices = (
        [] if line.impossible else [("apply", ("Modifier malgré tout" if line.has_conflict else "Modifier") + told)]
    )
    choices.append(("keep", "Laisser ce créneau comme il est"))
    choices.append(("cancel", "Annuler ce créneau" + (f", et prévenir {_people(count)}" if count else "")))
    return SlotLine(
        key=slot.public_id,
        title=f"{when(slot)} – {slot.shown_title}",
        becomes=_becomes(line),
        notes=_notes(line),
        choices=choices,
        chosen=decision.act if decision else None,
        people=[_person_line(line, person, decision, now, refusal, reached) for person in line.people],
        error=error,
    )


def _people(count: int) -> str:
    return "la personne inscrite" if count == 1 else f"les {count} personnes inscrites"


def _becomes(line: Line) -> str | None:
    slot, span = line.slot, line.span
    if span is None or (span.starts_at, span.ends_at) == (slot.starts_at, slot.ends_at):
        return None
    zone = line.zone
    start, end = clock.to_zone(span.starts_at, zone), clock.to_zone(span.ends_at, zone)
    return f"{french.day(start)}, {french.clock_time(start)} – {french.clock_time(end)}{french.zone_suffix(zone)}"


def conflicts(line: Line) -> list[str]:
    """Say what speaks against a slot at its new time, or with its new adviser."""
    slot = line.slot
    notes = [changes.IMPOSSIBLE[line.impossible]] if line.impossible else []
    notes += [
        f"Chevauche {slot_lines.hours(met)} à {met.site.shown_name}." if met.cfa_id == slot.cfa_id
        else "Chevauche un créneau dans un autre centre."
        for met in line.overlaps
    ]  # fmt: skip
    if line.closure is not None:
        notes.append(f"Pendant une fermeture ou une absence{_labelled(line.closure.label)}.")
    if line.holiday:
        notes.append("Jour férié.")
    return notes


def _notes(line: Line) -> list[str]:
    notes = conflicts(line)
    if line.missing:
        notes.append(
            f"{french.plural(line.missing, 'place')} de trop\u00a0: {line.slot.seats_taken} prises pour {line.room}."
        )
    if line.held:
        held = french.plural(line.held, "place est proposée", "places sont proposées")
        notes.append(f"{held} à des personnes qui n’ont pas encore répondu\u00a0; leur page montrera ce qui change.")
    return notes


def _labelled(label: str | None) -> str:
    return f"\u00a0: {label}" if label else ""


def person_notes(booking: Booking) -> list[str]:
    """Say of somebody booked what the staff must know: who comes along, how to reach them, what they announced."""
    request = booking.request
    notes = []
    if booking.guests:
        notes.append("accompagné de " + french.plural(booking.guests, "personne"))
    if booking.walk_in:
        notes.append("venu sans rendez-vous")
    if booking.presence_at is not None:
        notes.append("a confirmé sa venue")
    if booking.late_minutes:
        notes.append(f"en retard de {french.duration(booking.late_minutes)}")
    if not request.email:
        notes.append("sans adresse électronique")
    return notes


def _person_line(
    line: Line, person: Person, decision: Decision | None, now: datetime, refusal: changes.Undecided | None,
    reached: Collection[int],
) -> PersonLine:  # fmt: skip
    one = person.booking
    choices: list[Choice] = []
    if line.people_to_decide:
        if not person.trouble:
            choices.append((changes.STAY, "Garde sa place"))
        else:
            choices.append(("", "Choisir…"))
        choices.append((changes.CANCEL, "Rendez-vous annulé"))
        choices += [(target.public_id, f"Déplacer\u00a0: {_target(target)}") for target in _targets(one, now, reached)]
    trouble = {
        "same_hour": "a déjà un rendez-vous à la nouvelle heure",
        "contact": "n’a pas donné de quoi être joint ainsi",
    }.get(person.trouble or "")
    error = refusal.message if refusal and refusal.person == one.public_id else None
    return PersonLine(
        key=one.public_id,
        name=one.request.person_name,
        notes=[*person_notes(one), *([trouble] if trouble else [])],
        choices=choices,
        chosen=decision.people.get(one.public_id) if decision else None,
        error=error,
    )


def _targets(booking: Booking, now: datetime, reached: Collection[int]) -> list[Slot]:
    found = [slot for slot in agenda.move_targets(booking, now, MOST_TARGETS * 2) if slot.id not in reached]
    return found[:MOST_TARGETS]


def _target(slot: Slot) -> str:
    day = french.short_day(clock.to_zone(slot.starts_at, slot.site.timezone))
    return f"{day}, {slot_lines.hours(slot)}, {slot.adviser.shown_name}"


def decisions(posted: Mapping[str, str], lines: list[Line], others: str | None) -> dict[str, Decision]:
    """Read what was decided of each slot and person; `others`: what becomes of the slots left without an answer."""
    found = {}
    for line in lines:
        act = posted.get(f"slot-{line.slot.public_id}") or others
        people = {
            person.booking.public_id: choice
            for person in line.people
            if (choice := posted.get(f"person-{person.booking.public_id}"))
        }
        if act:
            found[line.slot.public_id] = Decision(act, people)
    return found
