"""« Plus aucun créneau »: told once to the right people, at a decent hour, and again only after slots came back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from rdv import clock, delivery, jobs, shortage
from rdv.db import db, transaction
from rdv.mails import KINDS
from rdv.models import OutgoingMail, Site, Slot
from tests import make


class House:
    def __init__(self) -> None:
        self.cfa = make.cfa()
        self.site, self.other = make.site(self.cfa), make.site(self.cfa)
        self.manager = make.manager(self.cfa)
        self.here = make.adviser(self.cfa, self.site)
        self.there = make.adviser(self.cfa, self.other)
        # Both places had slots lately; the other one still has.
        make.slot(self.here, self.site, starts_at="2026-11-20T14:00")
        self.left = make.slot(self.there, self.other, starts_at="2026-12-10T14:00")

    def mails(self) -> list[OutgoingMail]:
        db.session.rollback()
        query = sa.select(OutgoingMail).where(OutgoingMail.kind == "no_slot_left").order_by(OutgoingMail.id)
        return list(db.session.scalars(query))

    def told(self) -> set[str]:
        return {mail.to_email for mail in self.mails()}


def tell() -> int:
    with transaction():
        return shortage.tell(clock.now())


@pytest.fixture
def house(app, freeze) -> House:
    freeze("2026-11-24T08:00Z")
    return House()


def test_the_manager_and_the_advisers_of_that_place_are_told_once(house, freeze):
    assert tell() == 2
    assert house.told() == {house.manager.email, house.here.email}
    assert tell() == 0
    freeze("2026-11-26T10:00Z")
    assert tell() == 0
    assert {mail.data["sites"][0] for mail in house.mails()} == {house.site.public_id}


def test_slots_that_come_back_start_it_again(house, freeze):
    tell()
    slot = make.slot(house.here, house.site, starts_at="2026-12-01T14:00")
    freeze("2026-11-25T10:00Z")
    tell()
    assert db.session.get_one(Site, house.site.id).no_slot_told_at is None
    with transaction() as session:
        session.execute(sa.update(Slot).where(Slot.id == slot.id).values(seats_taken=1))
    freeze("2026-11-26T10:00Z")
    assert tell() == 2
    assert len(house.mails()) == 4


def test_noting_it_moves_no_calendar(house, freeze):
    before = house.site.updated_at
    freeze("2026-11-24T09:00Z")
    tell()
    db.session.expire(house.site)
    assert house.site.no_slot_told_at is not None
    assert house.site.updated_at == before


@pytest.mark.parametrize(("moment", "count"), [("2026-11-24T19:00Z", 0), ("2026-11-24T06:59Z", 0), ("2026-11-24T07:00Z", 2), ("2026-11-24T18:59Z", 2)])  # fmt: skip
def test_nobody_is_told_between_eight_in_the_evening_and_eight_in_the_morning(house, freeze, moment, count):
    freeze(moment)
    assert tell() == count


def test_the_evening_is_that_of_the_place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    island = make.site(cfa, timezone="Indian/Reunion", territory="RE")
    make.slot(make.manager(cfa), island, starts_at="2026-11-20T14:00")
    freeze("2026-11-24T16:30Z")  # 20:30 there, 17:30 in Paris
    assert tell() == 0
    freeze("2026-11-25T04:30Z")  # 8:30 there, 5:30 in Paris
    assert tell() == 1


def test_two_places_at_once_are_one_mail_a_person_and_two_in_a_day_wait(house, freeze):
    with transaction() as session:
        session.execute(sa.update(Slot).where(Slot.id == house.left.id).values(seats_taken=1))
    assert tell() == 3
    both = next(mail for mail in house.mails() if mail.to_email == house.manager.email)
    assert both.data["sites"] == [house.site.public_id, house.other.public_id]
    third = make.site(house.cfa)
    make.slot(house.manager, third, starts_at="2026-11-20T14:00")
    freeze("2026-11-24T10:00Z")
    assert tell() == 0, "the manager was told this morning"
    freeze("2026-11-25T10:00Z")
    assert tell() == 1
    assert house.mails()[-1].data["sites"] == [third.public_id]


@pytest.mark.parametrize(
    ("slot", "told"),
    [
        ({"seats_taken": 1}, True), ({"listed": False}, True), ({"status": "closed"}, True), ({"day_full": True}, True),
        ({"closes_at": "2026-11-24T07:00Z"}, True), ({"opens_at": "2026-11-30T07:00Z"}, False),
        ({"opens_at": "2026-12-02T07:00Z"}, True),  # once it has begun
        ({"opens_at": "2026-11-30T07:00Z", "closes_at": "2026-11-30T07:00Z"}, True), ({}, False),
    ],
)  # fmt: skip
def test_what_counts_as_a_slot_left(house, slot: dict[str, Any], told):
    values = {name: clock.now().fromisoformat(v) if isinstance(v, str) and name.endswith("_at") else v for name, v in slot.items()}  # fmt: skip
    make.slot(house.here, house.site, starts_at="2026-12-01T14:00", **values)
    assert bool(tell()) == told


def test_a_slot_for_every_training_of_the_centre_serves_each_place(house):
    make.slot(house.there, house.other, starts_at="2026-12-02T14:00", training_scope="cfa")
    assert tell() == 0


@pytest.mark.parametrize("which", ["no account", "closed centre", "closed place", "nothing lately"])
def test_who_does_not_use_slots_is_left_alone(house, which):
    with transaction() as session:
        if which == "no account":
            session.get_one(type(house.cfa), house.cfa.id).activated_at = None
        elif which == "closed centre":
            session.get_one(type(house.cfa), house.cfa.id).closed_at = clock.now()
        elif which == "closed place":
            session.get_one(Site, house.site.id).closed_at = clock.now()
        else:
            old = clock.now() - timedelta(days=61)
            session.execute(
                sa.update(Slot).where(Slot.site_id == house.site.id).values(starts_at=old, ends_at=old + timedelta(minutes=30))
            )  # fmt: skip
    assert tell() == 0


def test_the_mail_is_dropped_once_slots_are_back(house):
    tell()
    row = next(mail for mail in house.mails() if mail.to_email == house.here.email)
    assert KINDS["no_slot_left"].still_due(row, clock.now())
    make.slot(house.here, house.site, starts_at="2026-12-01T14:00")
    assert not KINDS["no_slot_left"].still_due(row, clock.now())


def test_the_job_tells_once_an_hour_and_the_mail_leaves(house, freeze):
    job = next(job for job in jobs.JOBS if job.name == "tell_no_slot")
    assert jobs.run(job)
    assert not jobs.run(job)
    freeze("2026-11-24T09:00Z")
    assert jobs.run(job)
    assert len(house.mails()) == 2
    delivery.deliver_due()
    assert {mail.status for mail in house.mails()} == {"sent"}
