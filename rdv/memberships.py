"""Who works for which CFA, in which role: inviting, changing, ending.

A membership is ended, never deleted. A CFA always keeps a manager who can sign in.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager, selectinload

from rdv import audit, clock
from rdv.db import db, violated
from rdv.errors import AccountClosed, AlreadyMember, LastManager, NotFound
from rdv.models import CalendarFeed, Cfa, Membership, Site, Slot, User
from rdv.outbox import enqueue


def team(cfa: Cfa) -> list[Membership]:
    """Return the people who work for a CFA now, managers first, then by name, with their sites."""
    return list(
        db.session.scalars(
            sa.select(Membership)
            .join(Membership.user)
            .where(Membership.cfa_id == cfa.id, Membership.ended_at.is_(None), User.active)
            .order_by(Membership.role.desc(), User.last_name, User.first_name, User.id)
            .options(contains_eager(Membership.user), selectinload(Membership.sites))
        )
    )


def get_for_cfa(cfa: Cfa, user_public_id: str) -> Membership:
    """Return the membership of somebody who works for this CFA now; raise NotFound."""
    found = db.session.scalar(
        sa.select(Membership)
        .join(Membership.user)
        .where(Membership.cfa_id == cfa.id, Membership.ended_at.is_(None), User.public_id == user_public_id)
        .options(contains_eager(Membership.user))
    )
    if found is None:
        raise NotFound
    return found


def open_sites(cfa: Cfa) -> list[Site]:
    """Return the teaching places of a CFA that are not closed."""
    return list(
        db.session.scalars(sa.select(Site).where(Site.cfa_id == cfa.id, Site.closed_at.is_(None)).order_by(Site.id))
    )


def invite(
    cfa: Cfa, email: str, first_name: str, last_name: str, role: str, sites: Sequence[Site] = (), by: User | None = None
) -> Membership:
    """Give a person a role in a CFA and mail them; a person without account receives a link to open it.

    Their names are theirs once they have an account: those given here serve only a new one. Raises AlreadyMember,
    AccountClosed.
    """
    try:
        user = _account(email, first_name, last_name)
        membership = _opened(user, cfa, role, sites)
    except IntegrityError as error:  # two managers invited the same person together
        if violated(error, "uq_user_account_email", "uq_membership_user_id_cfa_id"):
            raise AlreadyMember from None
        raise
    _record("membership.invited", membership, by, role=role)
    send_invitation(membership)
    if user.password_hash:
        activate_managed(user)
    return membership


def send_invitation(membership: Membership) -> None:
    """Mail an invitation, once a minute at most."""
    key = f"invitation:{membership.id}:{clock.now():%Y%m%d%H%M}"
    user = membership.user
    enqueue("invitation", user.email, key, user_id=user.id, cfa_id=membership.cfa_id)


def resend_invitation(membership: Membership, by: User) -> None:
    """Mail an invitation again, to somebody who has not accepted it."""
    if membership.user.password_hash:
        raise AlreadyMember("Cette personne a déjà ouvert son compte.")
    _record("membership.invited_again", membership, by)
    send_invitation(membership)


def join_as_manager(user: User, cfa: Cfa) -> Membership:
    """Make a person manager of a CFA, whatever they were there before."""
    membership = _row(user, cfa) or Membership(user_id=user.id, cfa_id=cfa.id)
    membership.role, membership.ended_at = "manager", None
    membership.sites = []
    db.session.add(membership)
    db.session.flush()
    return membership


def activate_managed(user: User) -> None:
    """Mark as active the CFAs without account that a person manages: they have just become able to sign in."""
    db.session.execute(
        sa.update(Cfa)
        .where(
            Cfa.activated_at.is_(None),
            Cfa.id.in_(
                sa.select(Membership.cfa_id).where(
                    Membership.user_id == user.id, Membership.role == "manager", Membership.ended_at.is_(None)
                )
            ),
        )
        .values(activated_at=clock.now(), link_version=Cfa.link_version + 1)
    )


def change_role(membership: Membership, role: str, sites: Sequence[Site], by: User) -> None:
    """Change what a person does in a CFA and where (no site: everywhere); raise LastManager."""
    if role != "manager":
        _keep_a_manager(membership)
    before = membership.role
    membership.role = role
    membership.sites = list(sites)
    _record("membership.changed", membership, by, before=before, after=role, sites=len(sites))


def choose_notices(membership: Membership, notices: str, by: User) -> bool:
    """Choose how a member hears of requests (models.user.NOTICES); return whether that changed."""
    before = membership.notices
    if before == notices:
        return False
    membership.notices = notices
    _record("membership.notices_changed", membership, by, before=before, after=notices)
    return True


def end(membership: Membership, by: User) -> int:
    """Withdraw a person's access to a CFA and to its calendars, and return how many of their slots were shut.

    Their coming slots take no new booking, which nobody would be told of; those booked keep their seat, for a
    colleague to take over. Raises LastManager.
    """
    _keep_a_manager(membership)
    now = clock.now()
    membership.ended_at = now
    shut = db.session.connection().execute(
        sa.update(Slot)
        .where(
            Slot.adviser_id == membership.user_id, Slot.cfa_id == membership.cfa_id, Slot.status == "open",
            Slot.starts_at > now,
        )
        .values(status="closed", version=Slot.version + 1, updated_at=now)
    )  # fmt: skip
    db.session.execute(
        sa.update(CalendarFeed)
        .where(
            CalendarFeed.user_id == membership.user_id,
            CalendarFeed.cfa_id == membership.cfa_id,
            CalendarFeed.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    _record("membership.ended", membership, by, count=shut.rowcount)
    return shut.rowcount


def _account(email: str, first_name: str, last_name: str) -> User:
    """Return the account of an address, new when there is none; raise AccountClosed."""
    user = db.session.scalar(sa.select(User).where(User.email == email))
    if user is None:
        user = User(email=email, first_name=first_name, last_name=last_name)
        db.session.add(user)
        db.session.flush()
    if not user.active:
        raise AccountClosed
    return user


def _row(user: User, cfa: Cfa) -> Membership | None:
    return db.session.scalar(sa.select(Membership).filter_by(user_id=user.id, cfa_id=cfa.id))


def _opened(user: User, cfa: Cfa, role: str, sites: Sequence[Site]) -> Membership:
    """Return a live membership, a former one being opened again; raise AlreadyMember."""
    membership = _row(user, cfa)
    if membership is None:
        membership = Membership(user_id=user.id, cfa_id=cfa.id)
        db.session.add(membership)
    elif membership.ended_at is None:
        raise AlreadyMember
    membership.role, membership.ended_at = role, None
    membership.sites = list(sites)
    db.session.flush()
    return membership


def _keep_a_manager(membership: Membership) -> None:
    """Raise LastManager unless another manager of the CFA can sign in."""
    if membership.role != "manager":
        return
    # Two managers who withdraw each other take turns on PostgreSQL; SQLite has one writer.
    db.session.execute(sa.select(Cfa.id).where(Cfa.id == membership.cfa_id).with_for_update())
    other = db.session.scalar(
        sa.select(Membership.id)
        .join(Membership.user)
        .where(
            Membership.cfa_id == membership.cfa_id,
            Membership.id != membership.id,
            Membership.role == "manager",
            Membership.ended_at.is_(None),
            User.active,
            User.password_hash.is_not(None),
        )
        .limit(1)
    )
    if other is None:
        raise LastManager


def _record(action: str, membership: Membership, by: User | None, **data: object) -> None:
    db.session.flush()
    audit.record(
        action, user=by, cfa=membership.cfa, object_type="user", object_id=membership.user.public_id, data=data
    )
