"""The demonstration: everything it shows works, and it keeps ahead of the date."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from rdv import demo
from rdv.db import db
from rdv.demo import people
from rdv.demo.facts import facts
from rdv.models import CandidateRequest, Cfa, OutgoingMail, Slot, User


def counted(model) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model))


@pytest.fixture
def seeded(app, freeze):
    time = freeze("2026-11-23T15:00Z")
    demo.prepare()
    return time


def test_it_shows_requests_in_every_state_and_slots_of_every_kind(seeded):
    states = {(row.mode, row.status) for row in db.session.scalars(sa.select(CandidateRequest))}
    assert {status for _mode, status in states} == {"new", "in_progress", "waiting_candidate", "closed"}
    assert {mode for mode, _status in states} == {"callback", "message", "slot"}
    slots = list(db.session.scalars(sa.select(Slot)))
    assert {slot.place for slot in slots} == {"on_site", "phone", "video"}
    assert any(slot.is_group for slot in slots)
    assert {slot.site.timezone for slot in slots} == {"Europe/Paris", "Indian/Reunion"}


def test_every_name_address_and_number_is_invented(seeded):
    for cfa in db.session.scalars(sa.select(Cfa)):
        assert "démonstration" in cfa.shown_name
    addresses = [*db.session.scalars(sa.select(User.email)), *db.session.scalars(sa.select(OutgoingMail.to_email))]
    assert all(address.endswith(".example") for address in addresses)
    phones = [phone for phone in db.session.scalars(sa.select(CandidateRequest.phone)) if phone]
    assert all(phone.startswith(("+3319900", "+3326191")) for phone in phones)


def test_starting_again_adds_nothing_and_days_later_fills_the_coming_weeks(seeded):
    before = counted(Slot), counted(CandidateRequest), counted(User)
    demo.prepare()
    assert (counted(Slot), counted(CandidateRequest), counted(User)) == before
    seeded.tick(days=7)
    assert demo.top_up() > 0
    assert demo.top_up() == 0
    assert db.session.scalar(sa.select(sa.func.max(Slot.starts_at))) > seeded.now + demo.timedelta(days=18)


def test_each_fact_leads_somewhere(seeded, client):
    told = facts()
    for name in ("training_url", "cfa_url", "slot_url", "group_slot_url", "personal_url", "answer_url", "feed_url"):
        path = urlsplit(told[name]).path
        assert client.get(path).status_code == 200, name
    assert facts()["feed_url"] != told["feed_url"]
    for role in ("adviser", "manager", "admin"):
        assert told[role]["password"] == people.PASSWORD


def test_it_is_refused_outside_the_demonstration(app):
    for command in ("seed-demo", "demo-facts"):
        refused = app.test_cli_runner().invoke(args=[command])
        assert refused.exit_code == 1
        assert "réservée à la démonstration" in refused.stderr
