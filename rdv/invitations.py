"""Invitations to put a meeting in one's own calendar, that follow it when it moves and when it is cancelled.

To candidates: a part of the mails that tell of it anyway. To the members of the staff who asked for them: mails of their
own, written by comparing what they were sent with what their calendar would show, so that nothing that changes a meeting
has to know of them, and nothing is lost when the worker stops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv import ical, outbox
from rdv import meetings as shown
from rdv.db import db
from rdv.models import Booking, CandidateRequest, Cfa, Membership, SentInvitation, Slot, User
from rdv.settings import settings

NAME = "RDV Apprentissage"
NEVER_SENT = -1  # sequence of what was known when they asked
KIND = "adviser_invitation"


def organizer(cfa: Cfa | None = None) -> ical.Organizer:
    """Return who invites: the address our mails come from, in the name of a CFA. It never changes, nor is a person's."""
    return ical.Organizer(settings().mail_from, f"{cfa.shown_name} via {NAME}" if cfa else NAME)


# -- who wants them ---------------------------------------------------------------------------------------------------


def want(user: User, wanted: bool, now: datetime) -> None:
    """Send a member of the staff an invitation for each meeting made or changed from now on, or none any more."""
    if wanted == (user.invitations_since is not None):
        return
    db.session.execute(sa.delete(SentInvitation).where(SentInvitation.user_id == user.id))
    user.invitations_since = now if wanted else None
    if wanted:
        for meeting in coming(user, now).values():
            db.session.add(_row(user, meeting, NEVER_SENT))


def wanted_by() -> Sequence[int]:
    """Return the ids of the people who want invitations."""
    query = sa.select(User.id).where(User.invitations_since.is_not(None), User.active).order_by(User.id)
    return db.session.scalars(query).all()


# -- what they are sent -----------------------------------------------------------------------------------------------


def coming(user: User, now: datetime) -> dict[str, ical.Meeting]:
    """Return the meetings of a person that are not over, by UID: as their feed shows them, with initials alone."""
    cfas = (
        sa.select(Membership.cfa_id)
        .join(Cfa, Cfa.id == Membership.cfa_id)
        .where(Membership.user_id == user.id, Membership.ended_at.is_(None), Cfa.closed_at.is_(None))
    )
    where = [Slot.adviser_id == user.id, Slot.cfa_id.in_(cfas), Slot.ends_at > now]
    # Who has booked with themself is invited as the candidate they are.
    own = set(
        db.session.scalars(
            sa.select(Booking.uid)
            .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
            .join(Slot, Slot.id == Booking.slot_id)
            .where(*where, sa.or_(CandidateRequest.email == user.email, CandidateRequest.asker_email == user.email))
        )
    )
    found = shown.meetings(where, shown.Shown(full=False, named=False))
    return {meeting.uid: meeting for meeting in found if meeting.uid not in own}


def invite(user_id: int, now: datetime) -> None:
    """Write the invitations that a person lacks: what is new, what has another hour or place, what is no longer theirs.

    The number of people who come to a session is no reason for a mail.
    """
    user = db.session.get_one(User, user_id)
    if user.email.lower() == settings().mail_from.lower():
        return  # nobody invites themself
    query = sa.select(SentInvitation).where(SentInvitation.user_id == user.id).with_for_update()
    sent = {row.uid: row for row in db.session.scalars(query)}
    current = coming(user, now)
    for uid, meeting in current.items():
        row = sent.get(uid)
        if row is not None and row.digest == _digest(meeting):
            continue
        sequence = meeting.sequence if row is None else max(meeting.sequence, row.sequence + 1)
        if row is None:
            db.session.add(_row(user, meeting, sequence))
        else:
            row.sequence, row.digest = sequence, _digest(meeting)
            row.starts_at, row.ends_at = meeting.starts_at, meeting.ends_at
        _send(user, "REQUEST", uid, sequence, meeting.starts_at, meeting.ends_at)
    for uid, row in sent.items():
        if uid in current:
            continue
        if row.ends_at > now and row.sequence > NEVER_SENT:
            _send(user, "CANCEL", uid, max(row.sequence + 1, _sequence_now(uid)), row.starts_at, row.ends_at)
        db.session.delete(row)


def _send(user: User, method: str, uid: str, sequence: int, starts_at: datetime, ends_at: datetime) -> None:
    data = {
        "method": method, "uid": uid, "sequence": sequence, "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
    }  # fmt: skip
    outbox.enqueue(
        KIND, user.email, f"{KIND}:{user.public_id}:{uid[:40]}:{sequence}:{method}", user_id=user.id, data=data,
        not_after=ends_at,
    )  # fmt: skip


def last_sent(user: User, uid: str) -> int | None:
    """Return the sequence of the last invitation written to a person for an event; None: none, or it was taken back."""
    query = sa.select(SentInvitation.sequence).where(SentInvitation.user_id == user.id, SentInvitation.uid == uid)
    return db.session.scalar(query)


def _sequence_now(uid: str) -> int:
    """A meeting that passed to somebody else went on counting."""
    return db.session.scalar(sa.select(Booking.sequence).where(Booking.uid == uid)) or 0


def _row(user: User, meeting: ical.Meeting, sequence: int) -> SentInvitation:
    values: dict[str, Any] = {"uid": meeting.uid, "sequence": sequence, "digest": _digest(meeting)}
    return SentInvitation(user_id=user.id, starts_at=meeting.starts_at, ends_at=meeting.ends_at, **values)


def _digest(meeting: ical.Meeting) -> str:
    said = (meeting.starts_at, meeting.ends_at, meeting.location, meeting.video)
    return hashlib.blake2b("\n".join(map(str, said)).encode(), digest_size=16).hexdigest()
