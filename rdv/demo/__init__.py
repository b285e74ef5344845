"""The demonstration of `make run`: invented centres, people and requests, built by the functions the product runs.

Three centres: one in Belfort and Montbéliard, one in La Réunion, one without any account.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from rdv import clock, stats
from rdv.catalogue.intake import import_file
from rdv.catalogue.report import ImportReport
from rdv.db import db, transaction
from rdv.demo import agenda, closed, day, history, people, platforms, requests, staff
from rdv.models import CandidateRequest, Cfa, User

CATALOGUE = Path(__file__).with_name("catalogue.json")


def prepare() -> list[str]:
    """Fill an empty database, top up the coming slots of a filled one, and return the lines that tell the accounts."""
    if not db.session.scalar(sa.select(User.id).where(User.email == people.ADVISER.email)):
        seed()
    else:
        top_up()
    accounts = (
        ("Conseillère", people.ADVISER), ("Responsable", people.MANAGER),
        ("Conseillère à La Réunion", people.OVERSEAS), ("Équipe du service (/admin)", people.ADMIN),
    )  # fmt: skip
    width = max(len(label) for label, _person in accounts)
    return [f"  {label:<{width}}  {person.email}  {people.PASSWORD}" for label, person in accounts]


def seed() -> None:
    """Write the whole demonstration, each part in a transaction of its own."""
    import_file(CATALOGUE, transaction, ImportReport(lambda *_: None))
    with transaction():
        cfas = centres()
        cfas[people.DEUX_RIVES].disability_contact = "Lou Démonstration, 01 99 00 10 15"
        staff.hire(cfas)
        staff.decide(cfas[people.DEUX_RIVES], clock.now())
        platforms.answer(cfas, clock.now())
    top_up()
    with transaction():
        day.fill(centres(), staff.users(), clock.now())
    with transaction():
        closed.plan(centres(), staff.users(), clock.now())
    with transaction():
        history.fill(centres(), staff.users(), clock.now())
    for table, medians in list(stats.changes(clock.now())):
        with transaction():
            stats.write(table, medians)
    with transaction():
        requests.ask(centres(), staff.users(), clock.now())


def top_up() -> int:
    """Publish what is missing of the coming three weeks, and return how many slots."""
    with transaction():
        return agenda.publish_habits(staff.users(), centres(), clock.now())


def centres() -> dict[str, Cfa]:
    """Return the centres of the demonstration by SIRET."""
    sirets = (people.DEUX_RIVES, people.RAVINE, people.VERGER)
    return {cfa.siret: cfa for cfa in db.session.scalars(sa.select(Cfa).where(Cfa.siret.in_(sirets)))}


def waiting_without_account(now: datetime) -> CandidateRequest | None:
    """Return the youngest open request of the centre that has no account, whose answer link still works."""
    return db.session.scalar(
        sa.select(CandidateRequest)
        .join(Cfa, Cfa.id == CandidateRequest.cfa_id)
        .where(Cfa.siret == people.VERGER, CandidateRequest.created_at > now - timedelta(days=60))
        .order_by(CandidateRequest.id.desc())
        .limit(1)
    )
