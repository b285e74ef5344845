"""Addresses that refuse our mails for good: nothing is sent there any more, until the service team lifts one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from rdv import audit
from rdv.db import db, insert_once
from rdv.models import CandidateRequest, Cfa, DeadAddress, Membership, Site, Training, User

# Every address where a centre receives requests (rdv.contact_resolution): the column, its centre, and whether it still counts.
_RECEIVING: tuple[tuple[Any, Any, sa.ColumnElement[bool]], ...] = tuple(
    (email, cfa_id, level.closed_at.is_(None))
    for level, cfa_id in ((Cfa, Cfa.id), (Site, Site.cfa_id), (Training, Training.cfa_id))
    for email in (level.chosen_email, level.email)
)


def among(emails: Iterable[str | None], session: Session | None = None) -> set[str]:
    """Return which of these addresses are dead, in lower case; one index read."""
    wanted = {email.lower() for email in emails if email}
    if not wanted:
        return set()
    query = sa.select(DeadAddress.email).where(DeadAddress.email.in_(wanted))
    return set((session or db.session()).scalars(query))


def is_dead(email: str | None) -> bool:
    """Say whether nothing is sent to this address any more."""
    return bool(among([email]))


def living(users: Iterable[User]) -> list[User]:
    """Return those of these people whose address takes our mails."""
    people = list(users)
    dead = among(user.email for user in people)
    return [user for user in people if user.email.lower() not in dead]


def of(column: sa.ColumnElement[str | None] | sa.orm.InstrumentedAttribute[str | None]) -> sa.ColumnElement[bool]:
    """Return the condition that the address of a column is dead."""
    return sa.exists().where(DeadAddress.email == sa.func.lower(column))


def declare(email: str, reason: str, mail_id: int | None, now: datetime) -> bool:
    """Hold an address dead from now on; False when it was already."""
    row = {"email": email.lower(), "reason": reason, "mail_id": mail_id, "since": now, "created_at": now}
    return insert_once(DeadAddress, [row], "email") == 1


def lift(dead: DeadAddress, by: User) -> None:
    """Send to an address again, at the word of the service team; the journal tells which centres use it, not the address."""
    centres = centres_of([dead.email]).get(dead.email, [])
    audit.record(
        "dead_address.lifted", user=by, cfa=centres[0] if len(centres) == 1 else None, object_type="dead_address",
        object_id=dead.public_id, data={"why": dead.reason, "centres": [cfa.siret for cfa in centres]},
    )  # fmt: skip
    db.session.execute(
        sa.update(CandidateRequest)
        .where(CandidateRequest.email == dead.email, CandidateRequest.email_state == "dead")
        .values(email_state=None)
    )
    db.session.delete(dead)


def centres_of(emails: Iterable[str]) -> dict[str, list[Cfa]]:
    """Return the centres that use each of these addresses: theirs, that of a place, of a training, or of a colleague."""
    wanted = [email.lower() for email in emails]
    uses = sa.union(
        *(
            sa.select(email.label("email"), cfa_id.label("cfa_id")).where(email.in_(wanted), is_open)
            for email, cfa_id, is_open in _RECEIVING
        ),
        sa.select(User.email, Membership.cfa_id)
        .join(Membership, Membership.user_id == User.id)
        .where(User.email.in_(wanted), Membership.ended_at.is_(None)),
    ).subquery()
    found: dict[str, list[Cfa]] = {}
    query = sa.select(uses.c.email, Cfa).join(Cfa, Cfa.id == uses.c.cfa_id).order_by(Cfa.name, Cfa.id)
    for email, cfa in db.session.execute(query):
        found.setdefault(email, []).append(cfa)
    return found


def used_by_centres() -> sa.Select[int]:
    """Return the query that counts the dead addresses at which centres receive their requests."""
    return (
        sa.select(sa.func.count())
        .select_from(DeadAddress)
        .where(
            sa.or_(
                *(
                    DeadAddress.email.in_(sa.select(email).where(is_open, email.is_not(None)))
                    for email, _, is_open in _RECEIVING
                )
            )
        )
    )
