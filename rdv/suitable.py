"""Free slots that suit a request: of its training and place, by the rules of where it came from, able to reach its person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from rdv import booking, rules, slots
from rdv.models import CandidateRequest, Slot, Training
from rdv.slots import FreeSlot

AROUND = timedelta(hours=12)  # how near in time a slot stands in for another


def free(request: CandidateRequest, now: datetime, limit: int = 60, *, since: datetime | None = None) -> list[FreeSlot]:
    """Return the free slots that the person of a request may take, soonest first; `since`: only what starts after."""
    training, platform = training_of(request), platform_of(request)
    found = (
        slots.free_for_training(training, now, limit, since=since, platform=platform)
        if training
        else slots.free_for_cfa(request.cfa, now, limit, since=since, platform=platform)
    )
    return [slot for slot in found if reaches(request, slot.place)]


def nearest(free_slots: Iterable[FreeSlot], wanted: Slot, limit: int = 3) -> list[FreeSlot]:
    """Return those nearest in time to a slot that is gone, soonest first."""
    others = [slot for slot in free_slots if slot.public_id != wanted.public_id]
    closest = sorted(others, key=lambda slot: abs(slot.starts_at - wanted.starts_at))[:limit]
    return sorted(closest, key=lambda slot: slot.starts_at)


def near(request: CandidateRequest, wanted: Slot, now: datetime, limit: int = 3) -> list[FreeSlot]:
    """Return the free slots nearest in time to one that is gone, however far ahead it is; else the next ones."""
    found: list[FreeSlot] = []
    for since in (max(now, wanted.starts_at - AROUND), now):
        found = nearest(free(request, now, since=since), wanted, limit)
        if len(found) >= limit:
            break
    return found


def concerns(request: CandidateRequest, wanted: Slot) -> bool:
    """Say whether a slot, free or gone, is one that this request may ask for: never that of another CFA or training."""
    training = training_of(request)
    mine = slots.serves(wanted, training) if training else wanted.cfa_id == request.cfa_id
    return mine and reaches(request, wanted.place)


def same(slot: Slot, other: Slot | FreeSlot) -> bool:
    """Say whether two slots are one for a candidate: same hour, place and kind."""
    return all(
        getattr(slot, name) == getattr(other, name) for name in ("starts_at", "site_id", "meeting_type_id", "place")
    )


def as_free(slot: Slot) -> FreeSlot:
    """Return a slot as its person sees it: one kept for them has a seat, were it full for everybody else."""
    return FreeSlot(
        slot.public_id, slot.site_id, slot.cfa_id, slot.meeting_type_id, slot.place, slot.starts_at, slot.ends_at,
        slot.capacity, max(slot.seats_left, 1), slot.title,
    )  # fmt: skip


def training_of(request: CandidateRequest) -> Training | None:
    """Return the training that a request is about: its own, else the one of the slot it holds."""
    held = request.booking
    return request.training or (next(iter(held.slot.trainings), None) if held is not None else None)


def platform_of(request: CandidateRequest) -> str:
    """Return the code by which the CFA's rules know where a request came from."""
    return request.platform.code if request.platform else rules.OWN_PAGE


def reaches(request: CandidateRequest, place: str) -> bool:
    """Say whether a meeting of this kind can reach the person: a phone for a call, an address for a video."""
    try:
        booking.check_contact(place, request)
    except booking.ContactMissing:
        return False
    return True
