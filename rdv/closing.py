"""Close and open again: the acts on closures. What a closure covers is read in `rdv.closures`.

A closure shuts the open coming slots it covers, booked ones too: nobody new comes in, and a seat given back meanwhile
is not offered again. Meetings already booked are left as they are, to be decided on one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from rdv import audit, booking, closures, rules, waitlist
from rdv.closures import Draft
from rdv.db import db, one_at_a_time
from rdv.errors import NotAllowed, RdvError
from rdv.models import Booking, CandidateRequest, Cfa, Closure, Membership, Slot, User

LONGEST = timedelta(days=366)
FARTHEST = timedelta(days=730)  # a date typed beyond is a mistake


class WrongClosure(RdvError):
    """A closure that cannot be kept as typed; `field` is the form's."""

    status = 400

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check(draft: Draft, today: date) -> None:
    """Raise WrongClosure unless the days make sense."""
    if draft.last_day < draft.first_day:
        raise WrongClosure("last_day", "Le dernier jour vient après le premier. Vérifiez les deux dates.")
    if draft.last_day < today:
        raise WrongClosure("last_day", "Ces jours sont passés. Indiquez une date à venir, par exemple celle de demain.")
    if draft.last_day - draft.first_day >= LONGEST:
        raise WrongClosure("last_day", "Une fermeture dure un an au plus. Vérifiez l’année.")
    if draft.first_day > today + FARTHEST:
        raise WrongClosure("first_day", "Cette date est dans plus de deux ans. Vérifiez l’année.")
    if (draft.starts is None) != (draft.ends is None):
        missing = "starts" if draft.starts is None else "ends"
        raise WrongClosure(missing, "Indiquez les deux heures, par exemple de 14:00 à 17:00, ou aucune.")
    if draft.starts is not None and draft.ends is not None:
        if draft.first_day != draft.last_day:
            raise WrongClosure(
                "starts", "Des heures valent pour un seul jour. Videz-les, ou indiquez deux fois le même jour."
            )
        if draft.ends <= draft.starts:
            raise WrongClosure("ends", "La fin vient après le début, par exemple 17:00.")


def permit(membership: Membership, whose: int | None) -> None:
    """Raise NotAllowed unless somebody may close: managers everything, an adviser their own absences.

    `whose`: the person who is absent; None for a closure of the CFA or a site.
    """
    if membership.role != "manager" and whose != membership.user_id:
        raise NotAllowed("Seuls les responsables ferment le centre ou un lieu. Vous pouvez noter vos propres absences.")


def create(cfa: Cfa, draft: Draft, now: datetime, *, by: User) -> tuple[Closure, int]:
    """Record a closure and shut the coming slots it covers; return it with how many. Meetings wait to be decided on.

    A public booking at the same instant takes the slot's row before us, and is then among the meetings to decide on,
    or after us, and is refused. A publication at the same instant is over, and shut, or waits and meets the closure.
    """
    one_at_a_time(closures.turns(cfa.id))
    made = Closure(cfa_id=cfa.id, created_by_id=by.id)
    _write(made, draft)
    db.session.add(made)
    db.session.flush()
    shut = _shut(made, closures.coming_slots(cfa.id, made, now), now)
    _record("closure.created", made, cfa, by, shut=shut)
    return made, shut


def change(closure: Closure, draft: Draft, now: datetime, *, by: User) -> tuple[int, int]:
    """Change a closure; return how many slots it newly shuts and how many open again.

    Slots it covered before and still covers stay as they are: one that staff opened again on purpose is not shut twice.
    Meetings kept in spite of it stay kept.
    """
    # As who publishes: the adviser, then the turn of the closures.
    rules.lock_advisers(User.id.in_(sa.select(Slot.adviser_id).where(Slot.closure_id == closure.id)))
    one_at_a_time(closures.turns(closure.cfa_id))
    before = {slot.id for slot in closures.coming_slots(closure.cfa_id, closure, now)}
    _write(closure, draft)
    db.session.flush()
    covered = closures.coming_slots(closure.cfa_id, closure, now)
    shut = _shut(closure, [slot for slot in covered if slot.id not in before], now)
    opened = _open_again(closure, now, except_for={slot.id for slot in covered})
    _record("closure.changed", closure, closure.cfa, by, shut=shut, opened=opened)
    return shut, opened


def end(closure: Closure, today: date, now: datetime, *, by: User) -> int:
    """End a closure: from today on nothing is shut by it; return how many slots open again.

    One that began on an earlier day keeps those days, for the record; one that begins later, or today, is deleted.
    `today` is the present day where the CFA is.
    """
    cfa = closure.cfa
    opened = _open_again(closure, now, except_for=set())
    _record("closure.ended", closure, cfa, by, opened=opened)
    if closure.first_day < today <= closure.last_day:
        closure.last_day = today - timedelta(days=1)
    elif closure.last_day >= today:
        db.session.delete(closure)
        db.session.flush()
    return opened


def keep(closure: Closure, kept: Iterable[Booking], now: datetime, *, by: User) -> int:
    """Decide that meetings take place in spite of a closure; return how many."""
    ids = sorted(one.id for one in kept)
    done = db.session.connection().execute(
        sa.update(Booking)
        .where(Booking.id.in_(ids), Booking.status == "booked")
        .values(kept_closure_id=closure.id, updated_at=now)
    )
    db.session.expire_all()
    _record("closure.meetings_kept", closure, closure.cfa, by, kept=done.rowcount)
    return done.rowcount


def call_off(
    closure: Closure, cancelled: Iterable[Booking], now: datetime, *, message: str | None, by: User
) -> list[CandidateRequest]:
    """Cancel meetings because of a closure, telling each person; return those who must be called: no message reaches them.

    Raises WrongTransition when one of them was decided on meanwhile: nothing is done then.
    """
    # Slots in ascending id, as everywhere that several are written; what their advisers' days need comes before.
    ordered = sorted(cancelled, key=lambda one: (one.slot_id, one.id))
    rules.before_seat(one.slot for one in ordered)
    _lock(sorted({one.slot_id for one in ordered}))
    for one in ordered:
        booking.cancel(one, "staff", now, reason=message, user=by)
    _record("closure.meetings_cancelled", closure, closure.cfa, by, cancelled=len(ordered))
    return [one.request for one in ordered if one.request.status != "closed"]  # « à appeler » now


def _write(closure: Closure, draft: Draft) -> None:
    closure.first_day, closure.last_day = draft.first_day, draft.last_day
    closure.starts, closure.ends = draft.starts, draft.ends
    closure.label = draft.label
    closure.site_id, closure.user_id = draft.site_id, draft.user_id


def _lock(ids: Sequence[int]) -> None:
    # In ascending id, as moves write them: an UPDATE of many rows locks them in any order.
    db.session.connection().execute(
        sa.select(Slot.id).where(Slot.id.in_(ids)).order_by(Slot.id).with_for_update()
    ).all()


def _shut(closure: Closure, covered: Sequence[Slot], now: datetime) -> int:
    """Close the open ones among these slots, in the closure's name; those shut by hand stay so."""
    ids = sorted(slot.id for slot in covered if slot.status == "open")
    if not ids:
        return 0
    _lock(ids)
    done = db.session.connection().execute(
        sa.update(Slot)
        .where(Slot.id.in_(ids), Slot.status == "open")
        .values(status="closed", closure_id=closure.id, version=Slot.version + 1, updated_at=now)
    )
    db.session.expire_all()
    return done.rowcount


def _open_again(closure: Closure, now: datetime, except_for: set[int]) -> int:
    """Open the slots that a closure shut and that have not begun; one that another closure covers stays shut by that one.

    Who waits for a seat of theirs is offered it.
    """
    mine = sa.select(Slot.id).where(Slot.closure_id == closure.id, Slot.status == "closed", Slot.starts_at > now)
    ids = sorted(set(db.session.scalars(mine)) - except_for)
    if not ids:
        return 0
    # What is offered to who waits changes the days of these advisers.
    rules.before_seat(db.session.scalars(sa.select(Slot).where(Slot.id.in_(ids))))
    _lock(ids)
    found = list(db.session.scalars(sa.select(Slot).where(Slot.id.in_(ids)).order_by(Slot.id)))
    others = _other_closures(closure, found)
    opened = 0
    for slot in found:
        other = others[slot.id]
        done = db.session.connection().execute(
            sa.update(Slot)
            .where(Slot.id == slot.id, Slot.status == "closed", Slot.closure_id == closure.id)
            .values(
                status="closed" if other else "open", closure_id=other.id if other else None,
                version=Slot.version + 1, updated_at=now,
            )
        )  # fmt: skip
        db.session.refresh(slot)
        if done.rowcount == 1 and other is None:
            opened += 1
            waitlist.slot_changed(slot, now)
    return opened


def _other_closures(ended: Closure, slots: Sequence[Slot]) -> dict[int, Closure | None]:
    """Return the other closure that covers each slot, by slot id; one query for each adviser and site."""
    found: dict[int, Closure | None] = {}
    for slot in slots:
        if slot.id in found:
            continue
        alike = [one for one in slots if (one.site_id, one.adviser_id) == (slot.site_id, slot.adviser_id)]
        covers = closures.covering(slot.cfa_id, slot.site, slot.adviser_id, alike, without=ended)
        found.update(zip((one.id for one in alike), covers, strict=True))
    return found


def _record(action: str, closure: Closure, cfa: Cfa, by: User, **facts: int) -> None:
    audit.record(
        action, user=by, cfa=cfa, object_type="closure", object_id=closure.public_id,
        data={"days": [closure.first_day.isoformat(), closure.last_day.isoformat()], **facts},
    )  # fmt: skip
