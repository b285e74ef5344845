"""Processes that meet on one request: two answers at once, undoing against the worker, a kept seat taken as it lapses."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, jobs, proposals, seats, taking
from rdv.db import db, transaction
from rdv.delivery import deliver_due
from rdv.models import Booking, CandidateRequest, OutgoingMail, RequestEvent, SeatHold, Slot, User
from tests import make
from tests.support.races import race
from tests.support.seats import wrong_counts

ROUNDS = 5
NOW = "2026-11-23T09:00Z"

pytestmark = pytest.mark.concurrent


def answer(request_id: int, user_id: int, slot_id: int, version: int) -> None:
    found, slot = db.session.get_one(CandidateRequest, request_id), db.session.get_one(Slot, slot_id)
    user = db.session.get_one(User, user_id)
    with transaction():
        proposals.answer(found, "Bonjour.", clock.now(), user=user, version=version, proposed=[slot])


def undo(request_id: int, event_id: int, user_id: int) -> None:
    found, user = db.session.get_one(CandidateRequest, request_id), db.session.get_one(User, user_id)
    with transaction():
        proposals.undo(found, event_id, clock.now(), user)


def deliver(_: int) -> None:
    deliver_due()


def end_offers(_: int) -> None:
    jobs.end_offers(clock.now())


def take(request_id: int, slot_id: int) -> None:
    found, slot = db.session.get_one(CandidateRequest, request_id), db.session.get_one(Slot, slot_id)
    with transaction():
        taking.take(found, slot, clock.now())


def reply(request_id: int, form: str) -> None:
    found = db.session.get_one(CandidateRequest, request_id)
    with transaction():
        inbox.reply(found, "Merci.", form, clock.now())


ACTS = {act.__name__: act for act in (answer, undo, deliver, end_offers, take, reply)}
_hours = itertools.count()


@pytest.fixture
def house(app, freeze, database_url, instance_dir):
    time = freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa)
    kind = make.meeting_type(cfa)
    advisers = [make.adviser(cfa), make.adviser(cfa)]

    def slot():
        starts = time() + timedelta(days=10, hours=next(_hours))
        return make.slot(advisers[0], site, kind, starts_at=starts)

    yield SimpleNamespace(
        time=time, advisers=advisers, slot=slot,
        request=lambda: make.candidate_request(cfa, mode="message", site_id=site.id),
        run=lambda *processes: race(__name__, database_url, instance_dir, *processes),
    )  # fmt: skip
    assert wrong_counts() == []


def count(model, *conditions):
    db.session.expire_all()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions))


def test_of_two_answers_at_once_one_leaves_and_the_other_keeps_its_words(house):
    made = [(house.request(), house.slot(), house.slot()) for _ in range(ROUNDS)]
    rounds = house.run(*[
        [
            (NOW, "answer", (found.id, house.advisers[who].id, pair[who].id, found.version)) for found, *pair in made
        ]
        for who in (0, 1)
    ])  # fmt: skip
    for seen, (found, first, second) in zip(rounds, made, strict=True):
        assert seen == {("answer", "done"): 1, ("answer", "EditedMeanwhile"): 1}
        assert first.seats_taken + second.seats_taken == 1
        assert count(OutgoingMail, OutgoingMail.request_id == found.id) == 1


def test_an_answer_is_undone_or_sent_never_both(house):
    """The worker's clock is past the twenty seconds while the author's is not yet."""
    steps = []
    for _ in range(ROUNDS):
        found, slot, user = house.request(), house.slot(), house.advisers[0]
        answer(found.id, user.id, slot.id, found.version)
        event = db.session.scalar(sa.select(sa.func.max(RequestEvent.id)))
        steps.append((found, slot, event))
    a_little = (house.time() + timedelta(seconds=19)).isoformat()
    after = (house.time() + timedelta(seconds=21)).isoformat()
    rounds = house.run(
        [(a_little, "undo", (found.id, event, house.advisers[0].id)) for found, _slot, event in steps],
        [(after, "deliver", (0,)) for _ in steps],
    )
    for seen, (found, slot, event) in zip(rounds, steps, strict=True):
        undone = seen["undo", "done"]
        statuses = db.session.scalars(sa.select(OutgoingMail.status).where(OutgoingMail.event_id == event)).all()
        assert statuses == (["dropped"] if undone else ["sent"])
        assert (found.status, slot.seats_taken) == (("new", 0) if undone else ("waiting_candidate", 1))


def test_a_kept_seat_taken_as_it_lapses_is_one_booking(house):
    made = []
    for _ in range(ROUNDS):
        house.time.tick(minutes=1)
        found, slot = house.request(), house.slot()
        with transaction():
            seats.hold(slot.id, found.id, "proposal", house.time() + timedelta(hours=1), house.time())
        made.append((found, slot, house.time() + timedelta(hours=1), house.request()))
    a_second = timedelta(seconds=1)
    rounds = house.run(
        [((until - a_second).isoformat(), "take", (found.id, slot.id)) for found, slot, until, _ in made],
        [(until.isoformat(), "end_offers", (0,)) for _found, _slot, until, _ in made],
        [(until.isoformat(), "take", (other.id, slot.id)) for _found, slot, until, other in made],
    )
    for seen, (_found, slot, _until, _other) in zip(rounds, made, strict=True):
        assert seen["end_offers", "done"] == 1
        assert seen["take", "done"] == 1 == slot.seats_taken
        assert count(Booking, Booking.slot_id == slot.id) == 1
    assert count(SeatHold, SeatHold.status == "live") == 0


def test_two_taps_make_one_booking_and_two_clicks_one_note(house):
    made = [(house.request(), house.slot(), house.slot(), house.request()) for _ in range(ROUNDS)]
    same = [(NOW, "take", (found.id, first.id)) for found, first, _second, _other in made]
    another = [(NOW, "take", (found.id, second.id)) for found, _first, second, _other in made]
    twice = [(NOW, "reply", (other.id, "form")) for *_, other in made]
    rounds = house.run(same, same, another, twice, twice)
    for seen, (found, first, second, other) in zip(rounds, made, strict=True):
        assert seen["take", "done"] == 1
        assert first.seats_taken + second.seats_taken == 1 == count(Booking, Booking.request_id == found.id)
        assert seen["reply", "done"] == 2
        assert count(RequestEvent, RequestEvent.request_id == other.id, RequestEvent.kind == "candidate_note") == 1
