"""Slots proposed in an answer: one to three, kept for a day if the staff wish, or the person's free choice.

Locks: the slots first, in ascending id, then the request. A seat that nobody took is given back by the worker
(`waitlist.lapse`) and passed on; an answer that replaces this one, its undoing or the end of the request let it go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from rdv import french, inbox, rules, seats, suitable, taking, waitlist
from rdv.db import db
from rdv.errors import RdvError, SlotUnavailable
from rdv.models import CandidateRequest, RequestEvent, SeatHold, Slot, User
from rdv.slots import FreeSlot

MOST = 3
KEPT_FOR = timedelta(hours=24)
SHOWN = 9  # slots that the composer lists


def choices(request: CandidateRequest, now: datetime) -> list[FreeSlot]:
    """Return the next slots that an answer may propose, those already kept for this person too; none to who has a meeting."""
    if not taking.may_take(request, now):
        return []
    kept = [suitable.as_free(held.slot) for held in _live(request) if held.slot.starts_at > now]
    known = {slot.public_id for slot in kept}
    found = [*kept, *(slot for slot in suitable.free(request, now, SHOWN) if slot.public_id not in known)]
    return sorted(found, key=lambda slot: (slot.starts_at, slot.public_id))


def find(request: CandidateRequest, public_ids: Sequence[str]) -> list[Slot]:
    """Return these slots, soonest first; raises RdvError beyond MOST, SlotUnavailable for one that is none of this request's."""
    if len(public_ids) > MOST:
        raise RdvError(f"Proposez {MOST} créneaux au plus.")
    found = db.session.scalars(
        sa.select(Slot)
        .where(Slot.public_id.in_(public_ids), Slot.cfa_id == request.cfa_id)
        .order_by(Slot.starts_at, Slot.id)
    ).all()
    if len(found) != len(set(public_ids)) or not all(suitable.concerns(request, slot) for slot in found):
        raise SlotUnavailable(
            "Un créneau proposé n’existe plus. Choisissez-en d’autres\u00a0: votre texte est conservé."
        )
    return list(found)


def written(proposed: Sequence[Slot], free_choice: bool) -> str | None:
    """Return what {créneaux} stands for in an answer: one line a slot; None when nothing is proposed."""
    lines = [f"– {french.moment(slot.starts_at, slot.site.timezone)}" for slot in proposed]
    if free_choice:
        lines.append(
            "– ou une autre date, à choisir sur votre page" if lines else "la date de votre choix, sur votre page"
        )
    return "\n".join(lines) or None


def answer(
    request: CandidateRequest,
    text: str,
    now: datetime,
    *,
    user: User,
    version: int | None,
    proposed: Sequence[Slot] = (),
    keep: bool = True,
    free_choice: bool = False,
) -> RequestEvent:
    """Answer in writing with slots to take, kept for KEPT_FOR (never past their start) if `keep`; may be undone for a moment.

    Raises SlotUnavailable (one is no longer free: nothing is sent), and what `inbox.answer` does.
    """
    if proposed and not taking.may_take(request, now):
        raise RdvError(
            "Cette personne a déjà un rendez-vous, ou sa demande est terminée\u00a0: ne proposez pas de créneau."
        )
    former = _live(request)
    _lock([*proposed, *(held.slot for held in former)])
    data = _told(proposed, keep, free_choice, now)
    event = inbox.answer(request, text, "staff", now, user=user, version=version, data=data, undoable=True)
    _give_back(former, now)
    if keep:
        for slot in proposed:
            if seats.hold(slot.id, request.id, "proposal", _until(slot, now), now) is None:
                raise SlotUnavailable(_gone(slot))
            rules.day_changed(slot.adviser_id, slot, now)
    elif any(not taking.free_for(request, slot, now) for slot in proposed):
        raise SlotUnavailable(_gone(next(slot for slot in proposed if not taking.free_for(request, slot, now))))
    _pass_on(former, now, but={slot.id for slot in proposed if keep})
    return event


def undo(request: CandidateRequest, event_id: int, now: datetime, user: User) -> RequestEvent:
    """Take back one's last act (see `inbox.undo`): an answer gives back the seats that it kept, the others keep those they ended."""
    held = _live(request)
    _lock([each.slot for each in held])
    taken_back = inbox.undo(request, event_id, now, user)
    undone = db.session.get_one(RequestEvent, event_id)
    if undone.kind == "answer":
        _give_back(held, now)
        _pass_on(held, now)
        return taken_back
    for each in held:  # nobody has it yet: the worker gives it back under the lock that we hold
        if each.until == undone.at:
            seats.keep_on(each, _until(each.slot, each.created_at), now)
    return taken_back


def of_event(event: RequestEvent) -> list[Slot]:
    """Return the slots that an answer proposed, soonest first."""
    wanted = event.data.get("slots", ()) if event.kind == "answer" else ()
    if not wanted:
        return []
    return list(db.session.scalars(sa.select(Slot).where(Slot.public_id.in_(wanted)).order_by(Slot.starts_at, Slot.id)))


def leaves_choice(event: RequestEvent) -> bool:
    """Say whether an answer let the person choose among all the dates."""
    return bool(event.data.get("free_choice"))


def _told(proposed: Sequence[Slot], keep: bool, free_choice: bool, now: datetime) -> dict[str, object]:
    data: dict[str, object] = {}
    if proposed:
        data["slots"] = [slot.public_id for slot in proposed]
        if keep:
            data["kept"] = min(_until(slot, now) for slot in proposed).isoformat()
    if free_choice:
        data["free_choice"] = True
    return data


def _until(slot: Slot, now: datetime) -> datetime:
    return min(now + KEPT_FOR, slot.starts_at)


def _gone(slot: Slot) -> str:
    when = french.moment(slot.starts_at, slot.site.timezone)
    return f"Le créneau du {when} n’est plus libre\u00a0: rien n’est parti. Choisissez-en un autre, votre texte est conservé."


def _live(request: CandidateRequest) -> list[SeatHold]:
    return list(
        db.session.scalars(
            sa.select(SeatHold)
            .where(SeatHold.request_id == request.id, SeatHold.kind == "proposal", SeatHold.status == "live")
            .order_by(SeatHold.slot_id)
        )
    )


def _lock(wanted: Sequence[Slot]) -> None:
    if wanted:
        rules.before_seat(wanted)
        ids = {slot.id for slot in wanted}
        db.session.execute(sa.select(Slot.id).where(Slot.id.in_(ids)).order_by(Slot.id).with_for_update()).all()


def _give_back(held: Sequence[SeatHold], now: datetime) -> None:
    for each in held:
        if seats.release(each, now):
            rules.day_changed(each.slot.adviser_id, each.slot, now)


def _pass_on(held: Sequence[SeatHold], now: datetime, but: set[int] | None = None) -> None:
    for each in held:
        if each.slot_id not in (but or set()):
            waitlist.seat_freed(each.slot, now)
