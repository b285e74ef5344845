"""The staff of the demonstration."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import passwords
from rdv.db import db
from rdv.demo.people import PASSWORD, STAFF
from rdv.models import Cfa, Membership, User


def hire(cfas: dict[str, Cfa], now: datetime) -> None:
    """Open the accounts, and the space of each centre that has a member."""
    for person in STAFF:
        user = User(
            email=person.email, first_name=person.first_name, last_name=person.last_name,
            is_service_team=person.service_team, password_hash=passwords.hash_new(PASSWORD),
        )  # fmt: skip
        db.session.add(user)
        for siret, role in person.memberships:
            user.memberships.append(Membership(cfa=cfas[siret], role=role))
            cfas[siret].activated_at = cfas[siret].activated_at or now
    db.session.flush()


def users() -> dict[str, User]:
    """Return the staff by address."""
    emails = [person.email for person in STAFF]
    return {user.email: user for user in db.session.scalars(sa.select(User).where(User.email.in_(emails)))}
