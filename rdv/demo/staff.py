"""The staff of the demonstration."""

from __future__ import annotations

import sqlalchemy as sa

from rdv import accounts, memberships, passwords
from rdv.db import db
from rdv.demo.people import PASSWORD, STAFF
from rdv.models import Cfa, User


def hire(cfas: dict[str, Cfa]) -> None:
    """Invite the staff and accept for them: each centre that has a manager becomes active."""
    for person in STAFF:
        user = accounts.create(person.email, person.first_name, person.last_name, person.service_team)
        for siret, role in person.memberships:
            memberships.invite(cfas[siret], person.email, person.first_name, person.last_name, role)
        accounts.accept_invitation(user, person.first_name, person.last_name, passwords.hash_new(PASSWORD))


def users() -> dict[str, User]:
    """Return the staff by address."""
    emails = [person.email for person in STAFF]
    return {user.email: user for user in db.session.scalars(sa.select(User).where(User.email.in_(emails)))}
