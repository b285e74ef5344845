"""Handing over what somebody leaves behind: coming slots with their bookings, requests to treat, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import agenda, audit, changes, inbox, slots
from rdv.changes import Change, Decision, Review
from rdv.changes.apply import carry_out, check_seen, lock
from rdv.changes.news import Advisers
from rdv.db import db
from rdv.errors import NotFound
from rdv.models import Booking, CandidateRequest, Cfa, Membership, Slot, User

# What becomes of a slot: it stays as it is, goes to the colleague (`force`: whatever it meets there), or is cancelled.
ACTS = ("leave", "give", "force", "cancel")


@dataclass(frozen=True)
class Remaining:
    """What is at somebody's name in a CFA: coming slots, soonest first, who is booked in each, requests not closed."""

    slots: list[Slot]
    booked: dict[int, list[Booking]]
    requests: list[CandidateRequest]

    @property
    def is_empty(self) -> bool:
        return not self.slots and not self.requests

    @property
    def seen(self) -> str:
        """Stands for what was read of the slots; it differs once one of them has changed."""
        return changes.seen_of(self.slots, None)


@dataclass(frozen=True)
class Given:
    """What was done, counted for whoever asked."""

    slots: int
    cancelled: int
    told: int  # people booked who were told
    requests: int


def person_of(cfa: Cfa, public_id: str) -> Membership:
    """Return the membership of somebody who works for a CFA or has left it, or raise NotFound."""
    found = db.session.scalar(
        sa.select(Membership)
        .join(Membership.user)
        .options(joinedload(Membership.user))
        .where(Membership.cfa_id == cfa.id, User.public_id == public_id)
    )
    if found is None:
        raise NotFound
    return found


def remaining(person: User, cfa_id: int, now: datetime) -> Remaining:
    """Return what is at somebody's name in a CFA."""
    coming = list(
        db.session.scalars(
            sa.select(Slot)
            .options(joinedload(Slot.site), joinedload(Slot.meeting_type))
            .where(
                Slot.adviser_id == person.id, Slot.cfa_id == cfa_id, Slot.status != "cancelled", Slot.starts_at > now
            )
            .order_by(Slot.starts_at, Slot.id)
        )
    )
    requests = db.session.scalars(
        sa.select(CandidateRequest)
        .where(
            CandidateRequest.cfa_id == cfa_id,
            CandidateRequest.owner_id == person.id,
            CandidateRequest.status != "closed",
        )
        .order_by(CandidateRequest.due_at, CandidateRequest.id)
    )
    return Remaining(coming, agenda.bookings(coming), list(requests))


def left_behind(cfa_id: int, now: datetime) -> list[User]:
    """Return who has left a CFA and still has coming slots or open requests there."""
    has_slot = sa.exists().where(
        Slot.adviser_id == User.id, Slot.cfa_id == cfa_id, Slot.status != "cancelled", Slot.starts_at > now
    )
    has_request = sa.exists().where(
        CandidateRequest.owner_id == User.id, CandidateRequest.cfa_id == cfa_id, CandidateRequest.status != "closed"
    )
    query = (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.cfa_id == cfa_id, Membership.ended_at.is_not(None), sa.or_(has_slot, has_request))
        .order_by(User.last_name, User.first_name, User.id)
    )
    return list(db.session.scalars(query))


def review(given: Sequence[Slot], to: User, now: datetime) -> Review:
    """Return what these slots would meet in a colleague's agenda: their own slots, absences, people to tell."""
    return changes.review(Change(values={"adviser_id": to.id}), given, now)


def hand_over(
    person: User,
    to: User,
    cfa: Cfa,
    acts: Mapping[str, str],
    requests: Sequence[str],
    seen: str,
    now: datetime,
    by: User,
    *,
    reopen: bool = False,
    message: str | None = None,
) -> Given:
    """Give slots (`acts`: one of ACTS by the public id of each) and requests (public ids) to a colleague.

    Those booked are told of the new adviser, each colleague hears once. `reopen`: slots shut when the person left take
    bookings again. Raises EditedMeanwhile, Undecided (a given slot meets another), NotFound (no colleague, or the same).
    """
    if to.id == person.id or to.id not in {user.id for user in inbox.colleagues(cfa.id)}:
        raise NotFound("Cette personne ne fait pas partie de votre centre.")
    lock(remaining(person, cfa.id, now).slots, to.id, None)
    found = remaining(person, cfa.id, now)
    check_seen(found.slots, None, seen)
    chosen = [slot for slot in found.slots if acts.get(slot.public_id) in ("give", "force")]
    given = review(chosen, to, now)
    decisions = {}
    for line in given.lines:
        key = line.slot.public_id
        if line.has_conflict and acts[key] != "force":
            raise changes.Undecided("Ce créneau gêne dans l’agenda de cette personne. Décidez ce qu’il devient.", key)
        decisions[key] = Decision("apply")
    advisers = Advisers(by, now)
    cancelled = [slot for slot in found.slots if acts.get(slot.public_id) == "cancel"]
    for slot in cancelled:
        if found.booked[slot.id]:
            raise changes.Undecided("Quelqu’un y est inscrit\u00a0: confiez ce créneau, ou ouvrez-le.", slot.public_id)
        slots.cancel(slot, now, by)
        advisers.cancelled(slot)
    done = carry_out(given, decisions, now, by, advisers, message)
    for slot in done.changed if reopen else ():
        if slot.status == "closed" and slot.closure_id is None:
            slots.set_open(slot, True, now, by)
    passed = _pass_on(found.requests, requests, to, now, by)
    if passed:
        advisers.requests(person, to, passed)
    audit.record(
        "slots.handed_over", user=by, cfa=cfa, object_type="user", object_id=person.public_id,
        data={"adviser": to.public_id, "count": len(done.changed), "told": done.told, "requests": passed},
    )  # fmt: skip
    advisers.send(cfa.id)
    return Given(len(done.changed), len(cancelled), done.told, passed)


def _pass_on(
    found: Sequence[CandidateRequest], wanted: Sequence[str], to: User, now: datetime, by: User
) -> int:  # fmt: skip
    """Give requests to a colleague, as they are now: one closed meanwhile is left."""
    ids = [each.id for each in found if each.public_id in wanted]
    if not ids:
        return 0
    rows = sa.select(CandidateRequest).where(CandidateRequest.id.in_(ids), CandidateRequest.status != "closed")
    locked = rows.order_by(CandidateRequest.id).with_for_update(of=CandidateRequest)
    held = db.session.scalars(locked, execution_options={"populate_existing": True}).all()
    for each in held:
        inbox.assign(each, to, now, user=by)
    return len(held)
