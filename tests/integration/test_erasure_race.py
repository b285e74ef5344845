"""A person is erased while everybody acts on their request: nothing written at that instant survives, no seat is lost."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import booking, clock, erasure, inbox, waitlist, webhooks
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import Booking, CandidateRequest, Slot, User, WebhookDelivery
from rdv.models.webhook import WEBHOOK_TYPES
from tests import make
from tests.support.dump import columns_with
from tests.support.races import race
from tests.support.seats import seats_are_accounted_for

pytestmark = pytest.mark.concurrent
accounted = pytest.fixture(autouse=True)(seats_are_accounted_for)

NOW = "2026-11-24T08:00Z"
ROUNDS = 8


def of(request_id):
    return db.session.get_one(CandidateRequest, request_id)


def erase(request_id, *_others):
    found = of(request_id)
    with transaction():
        erasure.erase(found, "candidate", clock.now())


def note(request_id, _slot_id, user_id):
    found, user = of(request_id), db.session.get_one(User, user_id)
    with transaction():
        inbox.note(found, "Quatrebarbes aime la licorne.", clock.now(), user=user)


def write(request_id, *_others):
    found = of(request_id)
    with transaction():
        inbox.add_candidate_note(found, "Moi, licorne.", clock.now())


def move(request_id, slot_id, _user_id):
    held, slot = of(request_id).booking, db.session.get_one(Slot, slot_id)
    with transaction():
        booking.move(held, slot, "candidate", clock.now())


def wish(request_id, *_others):
    held = of(request_id).booking
    with transaction():
        waitlist.wish(held, clock.now())


def relay(*_ids):
    webhooks.relay(clock.now())


ACTS = {"erase": erase, "note": note, "write": write, "move": move, "wish": wish, "relay": relay}


def test_erased_while_everybody_acts(app, freeze, database_url, tmp_path):
    freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    with transaction():
        make.platform("lba").gets_contacts = True
        webhooks.set_active(
            webhooks.create(make.platform("lba"), "https://lba.example/rdv", WEBHOOK_TYPES, clock.now()),
            False,
            clock.now(),
        )
    rounds = []
    for number in range(ROUNDS):
        slots = [make.slot(adviser, site, starts_at=f"2026-12-{day:02d}T{8 + number:02d}:00") for day in (7, 8)]
        person = Candidate(
            "Zéphyrine", "Quatrebarbes", f"zephyrine{number}@courriel.example", None,
            platform_id=make.platform("lba").id,
        )  # fmt: skip
        with transaction():
            made = booking.book(slots[0], person, Submission(f"{number:024d}", "d"), clock.now())
        rounds.append((made.request_id, slots[1].id, adviser.id))
    acts = ("erase", "erase", "note", "write", "move", "wish", "relay")
    seen = race(__name__, database_url, tmp_path, *[[(NOW, act, ids) for ids in rounds] for act in acts])
    assert sum(each["relay", "done"] for each in seen) == ROUNDS
    for ids in rounds:  # who lost a race to somebody who acted tries again, as a person would
        erase(*ids)
    db.session.expire_all()
    assert {each.erased_at is not None for each in db.session.scalars(sa.select(CandidateRequest))} == {True}
    assert set(db.session.scalars(sa.select(Booking.status))) == {"cancelled"}
    told = db.session.scalars(sa.select(WebhookDelivery.request_public_id).filter_by(kind="erased")).all()
    assert (len(told), len(set(told))) == (ROUNDS, ROUNDS)
    found = columns_with("phyrine", "quatrebarbes", "licorne")
    assert {word: columns for word, columns in found.items() if columns} == {}
