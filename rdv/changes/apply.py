"""Carrying out a change that was reviewed: one transaction, nobody moved without having been seen.

Locks are taken in the order of the whole house: advisers, the series, slots in ascending id, then bookings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import audit, booking, inbox, notices, rules, seats, slots, thread, waitlist
from rdv.changes import news
from rdv.changes.change import Change, reached
from rdv.changes.review import CANCEL, STAY, Decision, Line, Review, review, seen_of
from rdv.db import db, violated
from rdv.errors import EditedMeanwhile, RdvError, WrongTransition
from rdv.models import Booking, CandidateRequest, Slot, SlotSeries, SlotTraining, User

CHANGED_MEANWHILE = (
    "Quelque chose a changé pendant que vous relisiez\u00a0: une réservation, une annulation, ou un collègue. "
    "Voici où en sont les créneaux\u00a0; vos choix sont conservés."
)


class Undecided(RdvError):
    """A slot was left without a decision, or with one that cannot be; `slot` is its public id, `person` that of a booking."""

    status = 400

    def __init__(self, message: str, slot: str, person: str | None = None) -> None:
        super().__init__(message)
        self.slot = slot
        self.person = person


@dataclass
class Outcome:
    """What was done, counted for whoever asked."""

    changed: list[Slot] = field(default_factory=list)
    kept: list[Slot] = field(default_factory=list)
    cancelled: list[Slot] = field(default_factory=list)
    told: int = 0  # people booked who are told, by mail or by a call to make


def apply(
    chosen: Slot,
    scope: str,
    change: Change,
    decisions: Mapping[str, Decision],
    seen: str,
    now: datetime,
    by: User,
    *,
    edited: bool = False,
    message: str | None = None,
) -> Outcome:
    """Change a slot, or those of its series, as decided by the public id of each slot.

    Raises EditedMeanwhile (something changed since `seen` was read: review again), Undecided, WrongTransition (begun).
    """
    wide = scope != "one" and chosen.series_id is not None
    targets = [key for decision in decisions.values() for key in decision.people.values() if key not in (STAY, CANCEL)]
    lock(reached(chosen, scope, now, edited), change.values.get("adviser_id"), chosen.series if wide else None, targets)
    found = reached(chosen, scope, now, edited)
    if not found:
        raise WrongTransition("Ce créneau est passé ou annulé\u00a0: il ne peut plus être modifié.")
    series = chosen.series if wide else None
    check_seen(found, series, seen)
    if series is not None:
        series.version += 1
    reviewed = review(change, found, now, series)
    advisers = news.Advisers(by, now)
    done = carry_out(reviewed, decisions, now, by, advisers, message)
    advisers.send()
    for slot in done.kept if wide else done.changed:
        slot.edited_alone = slot.edited_alone or slot.series_id is not None
    audit.record(
        "slots.changed", user=by, cfa=chosen.cfa, object_type="slot", object_id=chosen.public_id,
        data={"scope": scope, "count": len(done.changed), "fields": _named(change), "told": done.told},
    )  # fmt: skip
    return done


def lock(
    found: Sequence[Slot], new_adviser_id: int | None, series: SlotSeries | None, targets: Iterable[str] = ()
) -> None:
    """Take the rows of advisers, then the series, then the slots and those their people move to (public ids)."""
    connection = db.session.connection()
    others = db.session.scalars(sa.select(Slot).where(Slot.public_id.in_(list(targets)))).all()
    written = {slot.id: slot for slot in (*found, *others)}
    advisers = {slot.adviser_id for slot in written.values()} | ({new_adviser_id} if new_adviser_id else set())
    of_them = User.id.in_(advisers)
    connection.execute(sa.select(User.id).where(of_them).order_by(User.id).with_for_update(key_share=True)).all()
    connection.execute(sa.update(User).where(of_them).values(agenda_version=User.agenda_version + 1))
    if series is not None:
        db.session.refresh(series, with_for_update={"key_share": True, "of": SlotSeries})
    rules.before_seat(written.values())
    rows = sa.select(Slot).where(Slot.id.in_(written)).order_by(Slot.id).with_for_update(key_share=True)
    db.session.scalars(rows, execution_options={"populate_existing": True}).all()


def check_seen(found: Sequence[Slot], series: SlotSeries | None, seen: str) -> None:
    """Raise EditedMeanwhile unless the slots, now locked, are as they were when they were reviewed."""
    if seen_of(found, series) != seen:
        raise EditedMeanwhile(CHANGED_MEANWHILE)


def carry_out(
    reviewed: Review,
    decisions: Mapping[str, Decision],
    now: datetime,
    by: User,
    advisers: news.Advisers,
    message: str | None = None,
) -> Outcome:
    """Do what was decided of each slot, whose rows are locked; raises Undecided before anything is written.

    `advisers` gathers what the caller sends at the end.
    """
    for line in reviewed.lines:
        _check(line, decisions.get(line.slot.public_id))
    done, freed = Outcome(), list[Slot]()
    former_advisers = {line.slot.adviser_id for line in reviewed.lines}
    # A person may hold two slots of a series: the one that leaves an hour goes before the one that takes it.
    change = reviewed.change
    later_first = (change.days, change.minutes) > (0, 0) if change.days else change.minutes > 0
    for line in reversed(reviewed.lines) if later_first else reviewed.lines:
        decision = decisions.get(line.slot.public_id) if line.to_decide else None
        decision = decision or Decision("apply")
        slot = line.slot
        if decision.act == "keep":
            done.kept.append(slot)
        elif decision.act == "cancel":
            advisers.cancelled(slot)
            done.told += slots.cancel(slot, now, by, message)
            done.cancelled.append(slot)
        else:
            done.told += _change(line, change, decision, now, by, message, advisers, freed)
            done.changed.append(slot)
    if done.changed and (change.retimes or {"adviser_id", "meeting_type_id"} & set(change.values)):
        rules.stamp(done.changed, now)
        rules.recount(done.changed[0].cfa_id, former_advisers, now)
    for slot in freed:
        waitlist.seat_freed(slot, now)
    return done


def _check(line: Line, decision: Decision | None) -> None:
    if not line.to_decide:
        return
    key = line.slot.public_id
    if decision is None or decision.act not in ("keep", "apply", "cancel"):
        raise Undecided("Décidez ce que devient chaque créneau qui a des inscrits ou qui gêne.", key)
    if decision.act != "apply":
        return
    if line.impossible:
        raise Undecided("Ce créneau ne peut pas avoir lieu à cette heure. Laissez-le, ou annulez-le.", key)
    for person in line.people:
        if person.trouble and decision.of(person.booking) == STAY:
            raise Undecided(
                "Cette personne ne peut pas suivre ce changement. Déplacez-la, ou annulez son rendez-vous.",
                key, person.booking.public_id,
            )  # fmt: skip
    missing = line.still_missing(decision)
    if missing:
        raise Undecided(
            f"Il reste {missing} place{'s' if missing > 1 else ''} de trop. Déplacez ou annulez d’autres personnes, "
            "ou laissez ce créneau.", key,
        )  # fmt: skip


def _change(
    line: Line,
    change: Change,
    decision: Decision,
    now: datetime,
    by: User,
    message: str | None,
    told: news.Advisers,
    freed: list[Slot],
) -> int:
    """Change one slot and tell those who follow it; return how many people were told of anything.

    `freed` gathers the slots that have more free seats: they are offered once the slots are what they become.
    """
    slot, former, before = line.slot, news.former_facts(line.slot), line.slot.adviser
    capacity = change.values.get("capacity")
    raised = capacity is not None and capacity > slot.capacity
    if capacity is not None:
        seats.set_capacity(slot.id, capacity, now)
    left = _dismiss(line, decision, now, by, message)
    if capacity is not None:
        seats.set_capacity(slot.id, capacity, now, exact=line.room is not None)
    _write(line, change, now)
    db.session.refresh(slot)
    people = 0
    # Not `line.people`: somebody may have come from another slot of this same change.
    if change.shows and slot.seats_taken:
        people = _follow(slot, change, former, now, by, message)
    if before.id != slot.adviser_id:
        told.given(slot, before)
    elif change.concerns_people or left:
        told.changed(slot)
    if raised or left:
        freed.append(slot)
    return left + people


def _dismiss(line: Line, decision: Decision, now: datetime, by: User, message: str | None) -> int:
    """Cancel or move the people who do not follow their slot; return how many."""
    left = 0
    for person in line.people:
        choice = decision.of(person.booking)
        if choice == STAY:
            continue
        left += 1
        if choice == CANCEL:
            booking.cancel(person.booking, "staff", now, reason=message, user=by, offer_seat=False, tell_staff=False)
        else:
            target = slots.get_for_cfa(line.slot.cfa_id, choice)
            booking.move(person.booking, target, "staff", now, user=by, message=message, offer_seat=False)
    return left


def _write(line: Line, change: Change, now: datetime) -> None:
    slot = line.slot
    span = line.span or slots.Span(slot.starts_at, slot.ends_at)
    columns = {name: value for name, value in change.values.items() if name != "capacity"}
    columns |= {"starts_at": span.starts_at, "ends_at": span.ends_at}
    connection = db.session.connection()
    connection.execute(
        sa.update(Slot).where(Slot.id == slot.id).values(version=Slot.version + 1, updated_at=now, **columns)
    )
    if slot.training_scope == "chosen" and span.starts_at != slot.starts_at:
        connection.execute(
            sa.update(SlotTraining).where(SlotTraining.slot_id == slot.id).values(starts_at=span.starts_at)
        )
    if "training_scope" in change.values:
        _serve(slot.id, change, span.starts_at)


def _serve(slot_id: int, change: Change, starts_at: datetime) -> None:
    connection = db.session.connection()
    connection.execute(sa.delete(SlotTraining).where(SlotTraining.slot_id == slot_id))
    rows = [{"training_id": each, "slot_id": slot_id, "starts_at": starts_at} for each in change.trainings or ()]
    if rows:
        connection.execute(sa.insert(SlotTraining), rows)


def _follow(
    slot: Slot, change: Change, former: dict[str, str | None], now: datetime, by: User, message: str | None
) -> int:
    """Take the people booked along with their slot; return how many are told."""
    columns = {"sequence": Booking.sequence + 1, "updated_at": now}
    if former["starts_at"] != slot.starts_at.isoformat():
        columns |= {"starts_at": slot.starts_at, "presence_at": None, "late_minutes": None}
    try:
        db.session.connection().execute(
            sa.update(Booking).where(Booking.slot_id == slot.id, Booking.status != "cancelled").values(**columns)
        )
    except IntegrityError as error:
        if violated(error, "uq_booking_cfa_id_starts_at_person_key"):  # booked elsewhere at that hour just now
            raise EditedMeanwhile(CHANGED_MEANWHILE) from None
        raise
    followers = db.session.scalars(
        sa.select(Booking).where(Booking.slot_id == slot.id, Booking.status == "booked").order_by(Booking.id),
        execution_options={"populate_existing": True},
    ).all()
    if not change.concerns_people:
        return 0
    for one in followers:
        request = one.request
        db.session.refresh(request, with_for_update={"of": CandidateRequest})
        request.site_id, request.owner_id = slot.site_id, slot.adviser_id
        data = {"slot": slot.public_id, "former": former}
        event = thread.add(request, "slot_changed", "staff", now, user=by, text=message, data=data)
        if not notices.to_candidate("booking_changed", one, event):
            inbox.wake_as_call(request, now)
    return len(followers)


def _named(change: Change) -> list[str]:
    names = sorted(change.values)
    if change.shifts or change.duration is not None:
        names.append("hours")
    return names
