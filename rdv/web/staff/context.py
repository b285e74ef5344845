"""Who is signed in, and for which CFA they act: read again from the database at each request.

Views use `current_cfa()`, `current_role()`, `require_manager()` and `current_person()`; templates have `current_user`,
`current_cfa` and `current_user_cfas`.
"""

from __future__ import annotations

import hmac

import sqlalchemy as sa
from flask import g, session
from flask_login import AnonymousUserMixin, current_user
from sqlalchemy.orm import contains_eager

from rdv import clock
from rdv.db import db
from rdv.errors import NotAllowed, NotFound
from rdv.models import Cfa, Membership, User

_CHOSEN = "cfa"  # in the session: public identifier of the CFA chosen
LONGEST_SESSION = 12 * 3600  # seconds after signing in, whatever is done meanwhile


def load_user(session_id: str) -> User | None:
    """Return who a session belongs to; none once it is too old, its token has changed, or the account is closed."""
    if clock.now().timestamp() - session.get("signed_in_at", 0) > LONGEST_SESSION:
        return None
    public_id, _, token = session_id.partition(":")
    person = db.session.scalar(sa.select(User).where(User.public_id == public_id, User.active))
    if person is None or not hmac.compare_digest(person.session_token.encode(), token.encode()):
        return None
    return person


def load_person() -> User | None:
    """Return who has signed in, once per request."""
    return current_person() if current_user.is_authenticated else None


def load_memberships(person: User) -> None:
    """Read the CFAs a person works for now, and the one chosen in this session (the only one needs no choice)."""
    found = db.session.scalars(
        sa.select(Membership)
        .join(Membership.cfa)
        .where(Membership.user_id == person.id, Membership.ended_at.is_(None), Cfa.closed_at.is_(None))
        .order_by(Cfa.name, Cfa.id)
        .options(contains_eager(Membership.cfa))
    ).all()
    g.staff_memberships = list(found)
    chosen = [each for each in found if each.cfa.public_id == session.get(_CHOSEN) or len(found) == 1]
    g.staff_membership = chosen[0] if chosen else None


def get_cfa(public_id: str) -> Cfa:
    """Return one of the CFAs the signed-in person works for; raise NotFound."""
    for cfa in current_user_cfas():
        if cfa.public_id == public_id:
            return cfa
    raise NotFound


def remember_cfa(cfa: Cfa) -> None:
    """Act for this CFA in the rest of the session."""
    session[_CHOSEN] = cfa.public_id


def has_cfa() -> bool:
    """Say whether this session acts for a CFA."""
    return g.get("staff_membership") is not None


def current_person() -> User:
    """Return the signed-in person as a row (`current_user` is a proxy, which a relationship refuses)."""
    person: User = current_user._get_current_object()
    return person


def current_membership() -> Membership:
    """Return the membership this session acts under."""
    membership: Membership | None = g.get("staff_membership")
    if membership is None:
        raise RuntimeError("no CFA in this request: the endpoint is outside the staff's guard")
    return membership


def current_cfa() -> Cfa:
    """Return the CFA this session acts for."""
    return current_membership().cfa


def current_role() -> str:
    """Return « adviser » or « manager »: the role in the current CFA."""
    return current_membership().role


def current_user_cfas() -> list[Cfa]:
    """Return every CFA the signed-in person works for, by name."""
    return [membership.cfa for membership in g.get("staff_memberships", [])]


def require_manager() -> None:
    """Raise NotAllowed unless the person manages the current CFA."""
    if current_role() != "manager":
        raise NotAllowed


def for_templates() -> dict[str, object]:
    """Return the names of the staff layout, from what this request has already loaded."""
    membership = g.get("staff_membership")
    return {
        "current_user": g.get("_login_user") or AnonymousUserMixin(),
        "current_cfa": membership.cfa if membership else None,
        "current_role": membership.role if membership else None,
        "current_user_cfas": current_user_cfas(),
    }
