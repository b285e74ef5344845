"""Who hears of a change of published slots: what things were before, and one mail for each adviser whatever the count."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from rdv import outbox
from rdv.db import db
from rdv.models import Membership, Slot, User


def former_facts(slot: Slot) -> dict[str, str | None]:
    """Return what a slot was, for the thread and the mails: instants in ISO 8601, public ids, its own room or link."""
    return {
        "starts_at": slot.starts_at.isoformat(),
        "ends_at": slot.ends_at.isoformat(),
        "adviser": slot.adviser.public_id,
        "site": slot.site.public_id,
        "place": slot.place,
        "detail": slot.place_detail,
        "meeting_type": slot.meeting_type.public_id,
    }


@dataclass
class _Told:
    """What one adviser hears, in public ids of slots."""

    person: User
    changed: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)  # now somebody else's
    received: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    requests: int = 0  # open requests received
    other: str | None = None  # whom they went to, or came from


class Advisers:
    """Gathers what each adviser must hear; `send` writes one mail each, none to whoever did it or who has left."""

    def __init__(self, by: User, now: datetime) -> None:
        self._by, self._now = by, now
        self._told: dict[int, _Told] = {}
        self._about: Slot | None = None

    def _of(self, person: User, slot: Slot | None = None) -> _Told:
        self._about = self._about or slot
        return self._told.setdefault(person.id, _Told(person))

    def changed(self, slot: Slot) -> None:
        """The slot of an adviser is no longer what it was."""
        self._of(slot.adviser, slot).changed.append(slot.public_id)

    def cancelled(self, slot: Slot) -> None:
        """The slot of an adviser is cancelled."""
        self._of(slot.adviser, slot).cancelled.append(slot.public_id)

    def given(self, slot: Slot, former: User) -> None:
        """A slot passed from one adviser to the one it names now."""
        from_, to = self._of(former, slot), self._of(slot.adviser, slot)
        from_.given.append(slot.public_id)
        to.received.append(slot.public_id)
        from_.other, to.other = to.person.public_id, from_.person.public_id

    def requests(self, former: User, to: User, count: int) -> None:
        """Open requests passed from one person to another."""
        told = self._of(to)
        told.requests, told.other = count, former.public_id

    def send(self, cfa_id: int | None = None) -> None:
        """Tell each of them once, in the transaction of the change."""
        cfa_id = self._about.cfa_id if self._about else cfa_id
        working = set(
            db.session.scalars(
                sa.select(Membership.user_id).where(
                    Membership.cfa_id == cfa_id, Membership.user_id.in_(self._told), Membership.ended_at.is_(None)
                )
            )
        )
        for user_id, told in self._told.items():
            if user_id == self._by.id or user_id not in working:
                continue
            data = {
                "by": self._by.public_id, "other": told.other, "changed": told.changed, "given": told.given,
                "received": told.received, "cancelled": told.cancelled, "requests": told.requests,
            }  # fmt: skip
            key = f"adviser_slots_changed:{told.person.public_id}:{self._now.timestamp():.6f}"
            outbox.enqueue("adviser_slots_changed", told.person.email, key, user_id=user_id, cfa_id=cfa_id, data=data)
