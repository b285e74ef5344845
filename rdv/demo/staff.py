"""The staff of the demonstration."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import accounts, clock, memberships, passwords, replies, rules
from rdv.db import db
from rdv.demo.people import MANAGER, PASSWORD, STAFF
from rdv.models import Cfa, User

SAID: dict[str, str | None] = {  # of the centre, in its saved replies
    "fees": "La formation est gratuite : elle est prise en charge par l’opérateur de compétences de l’entreprise.",
    "rhythm": "Une semaine au centre, deux semaines en entreprise.",
    "open_days": "Chaque premier mercredi du mois, de 14 h à 17 h.",
}


def hire(cfas: dict[str, Cfa]) -> None:
    """Invite the staff and accept for them: each centre that has a manager becomes active."""
    for person in STAFF:
        user = accounts.create(person.email, person.first_name, person.last_name, person.service_team)
        for siret, role in person.memberships:
            memberships.invite(cfas[siret], person.email, person.first_name, person.last_name, role)
        accounts.accept_invitation(user, person.first_name, person.last_name, passwords.hash_new(PASSWORD))


def decide(cfa: Cfa, now: datetime) -> None:
    """Give a centre a rule that hides nothing of the demonstration (an hour's notice, sixty days ahead), and its replies."""
    manager = users()[MANAGER.email]
    rules.save(cfa, rules.Draft(notice_minutes=60, horizon_days=60), 0, now, by=manager)
    replies.begin(cfa, clock.to_zone(now, clock.PARIS).date(), manager)
    replies.set_values(cfa, SAID, manager)


def users() -> dict[str, User]:
    """Return the staff by address."""
    emails = [person.email for person in STAFF]
    return {user.email: user for user in db.session.scalars(sa.select(User).where(User.email.in_(emails)))}
