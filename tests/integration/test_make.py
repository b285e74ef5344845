"""The builders make rows that the schema accepts and that stay usable."""

import sqlalchemy as sa

from rdv import identifiers
from rdv.db import db, transaction
from rdv.models import Slot, SlotTraining
from tests import make


def test_everything_can_be_made_with_defaults(app):
    cfa = make.cfa()
    site = make.site(cfa)
    training = make.training(cfa, site)
    adviser = make.adviser(cfa, site)
    manager = make.manager(cfa)
    slot = make.slot(adviser, site, capacity=3, trainings=[training])
    booking = make.booking(slot)
    assert identifiers.is_siret(cfa.siret)
    assert training.sites == [site]
    assert [membership.role for membership in manager.memberships] == ["manager"]
    assert adviser.memberships[0].sites == [site]
    assert slot.seats_taken == 1
    assert booking.request.status == "closed"
    assert slot.trainings == [training]
    assert make.platform().code == "lba"
    assert make.service_member().is_service_team
    assert make.candidate_request(cfa).events[0].kind == "created"


def test_wall_time_is_that_of_the_site(app):
    cfa = make.cfa()
    site = make.site(cfa, timezone="Indian/Reunion", territory="RE")
    slot = make.slot(make.adviser(cfa), site, starts_at="2026-12-01T14:00")
    assert slot.starts_at.isoformat() == "2026-12-01T10:00:00+00:00"


def test_a_builder_joins_the_open_transaction(app):
    cfa = make.cfa()
    site, adviser = make.site(cfa), make.adviser(cfa)
    try:
        with transaction():
            make.slot(adviser, site, trainings=[make.training(cfa, site)])
            raise KeyError
    except KeyError:
        pass
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Slot)) == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SlotTraining)) == 0
