"""Accounts of the staff: signing in, first and forgotten passwords.

Passwords arrive hashed (`rdv.passwords.hash_new`): hashing takes a tenth of a second, which no write lock should wait.
Links of mails are single use: `_spend` raises `link_version`, which kills every other link of that person.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from rdv import audit, clock, links, memberships, passwords, throttle
from rdv.db import db
from rdv.errors import LinkInvalid, SignInRefused, TooManyAttempts, TooManyRequests, WrongPassword
from rdv.models import User
from rdv.outbox import enqueue
from rdv.settings import settings
from rdv.throttle import Limit
from rdv.tokens import check_link, read_link

LINK_SECONDS = {"invitation": links.INVITATION_LINK_SECONDS, "reset": links.RESET_LINK_SECONDS}


def find(email: str) -> User | None:
    """Return the account of a normalised address, closed or not."""
    return db.session.scalar(sa.select(User).where(User.email == email))


# Signing in


def authenticate(email: str, password: str, network: str) -> User:
    """Return the person this address and password belong to; call it outside `transaction()`.

    Unknown address, invitation not accepted, closed account and wrong password read the same and take as long: raises
    SignInRefused. Failures are counted for the account and for the network (its prefix); raises TooManyAttempts.
    """
    limits = _sign_in_limits(email, network)
    _check(limits)
    user = find(email)
    known = user is not None and user.active
    kept = user.password_hash if user is not None and known else None
    if not passwords.matches(password, kept) or user is None:
        _count(limits)
        raise SignInRefused
    return user


def confirm_password(email: str, password: str, network: str) -> None:
    """Check the password of somebody already known, with the limits of a sign-in.

    Raises WrongPassword, TooManyAttempts. Call it outside `transaction()`.
    """
    try:
        authenticate(email, password, network)
    except SignInRefused:
        raise WrongPassword from None


def signed_in(user: User) -> None:
    """Note when a person signed in."""
    user.last_sign_in_at = clock.now()


def end_sessions(user: User) -> None:
    """End every session of a person, on every device."""
    user.session_token = secrets.token_hex(16)


def sign_out_everywhere(user: User) -> None:
    """End every session of a person, at their request."""
    end_sessions(user)
    audit.record("user.signed_out_everywhere", user=user, object_type="user", object_id=user.public_id)


def _sign_in_limits(email: str, network: str) -> list[Limit]:
    config = settings()
    return [
        Limit("sign_in.account", email, config.limit_sign_in_per_account),
        Limit("sign_in.address", network, config.limit_sign_in_per_address),
    ]


def _check(limits: list[Limit]) -> None:
    try:
        for limit in limits:
            throttle.check(limit)
    except TooManyRequests:
        raise TooManyAttempts from None


def _count(limits: list[Limit]) -> None:
    try:
        throttle.count(limits)
    except TooManyRequests:
        raise TooManyAttempts from None


# Links of mails


def user_of_link(purpose: str, token: str) -> User:
    """Return whose invitation or reset link this is; raise LinkInvalid: wrong, too old, used, or account closed."""
    link = read_link(purpose, token, LINK_SECONDS[purpose])
    user = db.session.scalar(sa.select(User).where(User.public_id == link.object_id, User.active))
    if user is None:
        raise LinkInvalid
    check_link(link, user.email, user.link_version)
    return user


def _spend(user: User) -> None:
    """Kill every link of a person; raise LinkInvalid when somebody has just used one."""
    spent = db.session.execute(
        sa.update(User)
        .where(User.id == user.id, User.link_version == user.link_version)
        .values(link_version=User.link_version + 1)
        .execution_options(synchronize_session=False)
    )
    if spent.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkInvalid
    db.session.refresh(user, ["link_version"])


# Passwords


def service_team() -> Sequence[User]:
    """Return the members of the service team, in the order of their accounts."""
    query = sa.select(User).where(User.is_service_team.is_(True), User.active.is_(True))
    return db.session.scalars(query.order_by(User.id)).all()


def create(email: str, first_name: str = "", last_name: str = "", is_service_team: bool = False) -> User:
    """Return a new account without password: its owner chooses one by an invitation link."""
    user = User(email=email, first_name=first_name, last_name=last_name, is_service_team=is_service_team)
    db.session.add(user)
    db.session.flush()
    return user


def accept_invitation(user: User, first_name: str, last_name: str, password_hash: str) -> None:
    """Give an invited person their names and first password; a CFA whose first manager this is becomes active."""
    _spend(user)
    user.first_name, user.last_name = first_name, last_name
    _set_password(user, password_hash)
    memberships.activate_managed(user)
    audit.record("user.invitation_accepted", user=user, object_type="user", object_id=user.public_id)


def request_reset(email: str, network: str) -> None:
    """Count a request for a new password; raise TooManyAttempts. Call it outside `transaction()`, known or not."""
    config = settings()
    _count(
        [
            Limit("reset.account", email, config.limit_sign_in_per_account),
            Limit("reset.address", network, config.limit_sign_in_per_address),
        ]
    )


def send_reset(email: str) -> None:
    """Mail a link to choose a new password, when this address has an open account; say nothing either way."""
    user = find(email)
    if user is None or not user.active:
        return
    now = clock.now()
    key = f"password_reset:{user.public_id}:{user.link_version}:{now:%Y%m%d%H%M}"  # one a minute at most
    valid_until = now + timedelta(seconds=links.RESET_LINK_SECONDS)
    enqueue("password_reset", user.email, key, user_id=user.id, not_after=valid_until)


def reset_password(user: User, password_hash: str) -> None:
    """Set the password chosen by a reset link, which dies with every session."""
    _spend(user)
    _set_password(user, password_hash)
    memberships.activate_managed(user)
    _tell_password_changed(user)


def change_password(user: User, password_hash: str) -> None:
    """Set the password chosen by a signed-in person; every session ends, their links die."""
    _spend(user)
    _set_password(user, password_hash)
    _tell_password_changed(user)


def _set_password(user: User, password_hash: str) -> None:
    user.password_hash = password_hash
    end_sessions(user)


def _tell_password_changed(user: User) -> None:
    audit.record("user.password_changed", user=user, object_type="user", object_id=user.public_id)
    enqueue("password_changed", user.email, f"password_changed:{user.public_id}:{user.link_version}", user_id=user.id)


def update_profile(user: User, first_name: str, last_name: str, phone: str | None) -> None:
    """Change how colleagues and candidates see and reach a person (phone in E.164)."""
    user.first_name, user.last_name, user.phone = first_name, last_name, phone
