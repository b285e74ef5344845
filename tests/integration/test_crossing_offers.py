"""Processes that meet on one seat: an offer that lapses, is accepted, given back or made while others book or wait.

Each process has its own engine and its own clock; the database alone decides.
"""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, jobs, offers, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import Booking, OutgoingMail, SeatHold, Slot, WaitlistEntry
from tests import make
from tests.support.races import race
from tests.support.seats import wrong_counts

ROUNDS = 6
NOW = "2026-11-23T09:00Z"

pytestmark = pytest.mark.concurrent


# -- what a process does -----------------------------------------------------------------------------------------------


def accept(hold_id: int) -> None:
    held = db.session.get_one(SeatHold, hold_id)
    with transaction():
        offers.accept(held, clock.now())


def refuse(hold_id: int) -> None:
    held = db.session.get_one(SeatHold, hold_id)
    with transaction():
        offers.refuse(held, clock.now())


def end_offers(_: int) -> None:
    jobs.end_offers(clock.now())


def sweep(_: int) -> None:
    jobs.offer_overlooked(clock.now())


def cancel(booking_id: int) -> None:
    held = db.session.get_one(Booking, booking_id)
    with transaction():
        booking.cancel(held, "candidate", clock.now())


def book(slot_id: int, name: str) -> None:
    slot = db.session.get_one(Slot, slot_id)
    with transaction():
        booking.book(slot, person(name), Submission(f"livre-{name}-{slot_id}", "x"), clock.now())


def join(slot_id: int, name: str) -> None:
    slot = db.session.get_one(Slot, slot_id)
    with transaction():
        waitlist.join(slot, person(name), Submission(f"attend-{name}-{slot_id}", "x"), clock.now())


def person(name: str) -> Candidate:
    return Candidate(name, "Martin", f"{name.lower()}@courriel.example", None)


ACTS = {act.__name__: act for act in (accept, refuse, end_offers, sweep, cancel, book, join)}


@pytest.fixture
def house(app, freeze, database_url, instance_dir):
    time = freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa)
    yield SimpleNamespace(
        time=time, cfa=cfa, site=site, adviser=make.adviser(cfa), kind=make.meeting_type(cfa),
        run=lambda *processes: race(__name__, database_url, instance_dir, *processes),
    )  # fmt: skip
    assert wrong_counts() == []


_hours = itertools.count()


def session_offered(house, *names) -> tuple[Slot, SeatHold]:
    """Return a session of two, one seat booked, the other held for the first of these people; the others wait."""
    house.time.tick(minutes=1)  # each offer lapses at a minute of its own
    starts = house.time() + timedelta(days=10, hours=next(_hours))
    slot = make.slot(house.adviser, house.site, house.kind, starts_at=starts, capacity=2)
    seated = [make.booking(slot) for _ in range(2)]
    for name in names:
        join(slot.id, name)
    cancel(seated[0].id)
    return slot, db.session.scalars(sa.select(SeatHold).filter_by(slot_id=slot.id, status="live")).one()


def entries(slot: Slot) -> list[str]:
    db.session.expire_all()
    query = sa.select(WaitlistEntry.status).where(WaitlistEntry.slot_id == slot.id).order_by(WaitlistEntry.id)
    return list(db.session.scalars(query))


def booked(slot: Slot) -> int:
    return db.session.scalar(
        sa.select(sa.func.count()).select_from(Booking).where(Booking.slot_id == slot.id, Booking.status == "booked")
    )


# -- the races ---------------------------------------------------------------------------------------------------------


def test_an_offer_that_lapses_goes_to_the_next_one_never_to_who_books_at_that_instant(house):
    made = [session_offered(house, "Lina", "Hugo") for _ in range(ROUNDS)]
    worker = [(hold.until.isoformat(), "end_offers", (0,)) for _slot, hold in made]
    rounds = house.run(worker, worker, [(hold.until.isoformat(), "book", (slot.id, "Zoé")) for slot, hold in made])
    assert all(seen["end_offers", "done"] == 2 for seen in rounds)
    for slot, _hold in made:
        assert entries(slot) == ["closed", "offered"]
        assert (booked(slot), slot.seats_taken) == (1, 2)
    ended = sa.select(sa.func.count()).select_from(OutgoingMail).where(OutgoingMail.kind == "offer_ended")
    assert db.session.scalar(ended) == ROUNDS


def test_an_offer_that_lapses_with_nobody_next_is_one_public_seat(house):
    made = [session_offered(house, "Lina") for _ in range(ROUNDS)]
    worker = [(hold.until.isoformat(), "end_offers", (0,)) for _slot, hold in made]
    rounds = house.run(
        worker,
        *[[(hold.until.isoformat(), "book", (slot.id, name)) for slot, hold in made] for name in ("Zoé", "Nora")],
    )
    for (slot, _hold), seen in zip(made, rounds, strict=True):
        assert entries(slot) == ["closed"]
        assert seen["book", "done"] <= 1
        assert (booked(slot), slot.seats_taken) == (1 + seen["book", "done"], 1 + seen["book", "done"])


def test_accepting_against_the_end_of_the_offer_has_one_winner(house):
    made = [session_offered(house, "Lina", "Hugo") for _ in range(ROUNDS)]
    a_second = timedelta(seconds=1)
    rounds = house.run(
        [((hold.until - a_second).isoformat(), "accept", (hold.id,)) for _slot, hold in made],
        [(hold.until.isoformat(), "end_offers", (0,)) for _slot, hold in made],
        [((hold.until - a_second).isoformat(), "refuse", (hold.id,)) for _slot, hold in made],
    )
    assert all(seen["end_offers", "done"] == seen["refuse", "done"] == 1 for seen in rounds)
    for slot, hold in made:
        taken = hold.status == "used"
        assert entries(slot)[0] in (("accepted",) if taken else ("left", "closed"))
        assert booked(slot) == (2 if taken else 1)
        assert slot.seats_taken == 2  # Hugo is asked otherwise


def test_two_acceptances_at_once_make_one_booking(house):
    made = [session_offered(house, "Lina") for _ in range(ROUNDS)]
    steps = [(house.time().isoformat(), "accept", (hold.id,)) for _slot, hold in made]
    rounds = house.run(steps, steps, steps)
    for (slot, _hold), seen in zip(made, rounds, strict=True):
        assert (entries(slot), booked(slot), slot.seats_taken) == (["accepted"], 2, 2)
        assert seen["accept", "done"] >= 1
    confirmed = sa.select(sa.func.count()).select_from(OutgoingMail).where(OutgoingMail.kind == "booking_confirmed")
    assert db.session.scalar(confirmed) == ROUNDS


def test_nobody_waits_beside_a_free_seat(house):
    """Joining against cancelling: whoever comes second sees the other."""
    made = []
    for _ in range(ROUNDS):
        starts = house.time() + timedelta(days=10, hours=next(_hours))
        slot = make.slot(house.adviser, house.site, house.kind, starts_at=starts, capacity=2)
        made.append((slot, [make.booking(slot) for _ in range(2)]))
    house.run(
        [(NOW, "join", (slot.id, "Lina")) for slot, _seated in made],
        [(NOW, "join", (slot.id, "Hugo")) for slot, _seated in made],
        [(NOW, "cancel", (seated[0].id,)) for _slot, seated in made],
        [(NOW, "book", (slot.id, "Zoé")) for slot, _seated in made],
    )
    for slot, _seated in made:
        assert slot.seats_taken == 2  # taken by Zoé, or held for who waits
        held = db.session.scalar(
            sa.select(sa.func.count())
            .select_from(SeatHold)
            .where(SeatHold.slot_id == slot.id, SeatHold.status == "live")
        )
        assert booked(slot) + held == 2
        assert sorted(entries(slot)).count("offered") == held


def test_a_seat_given_back_waits_for_who_is_joining(app, house):
    """The one meeting of the two above that processes seldom hit: the list is read only once the name is on it."""
    slot, hold = session_offered(house, "Hugo")
    refuse(hold.id)
    book(slot.id, "Zoé")
    slot_id = slot.id  # the threads read nothing of this session
    seat_id = db.session.scalars(sa.select(Booking.id).filter_by(slot_id=slot_id, status="booked")).first()
    joined, freed = threading.Event(), threading.Event()

    def joining() -> None:
        with app.app_context(), transaction():
            waitlist.join(
                db.session.get_one(Slot, slot_id), person("Lina"), Submission("attend-Lina", "x"), clock.now()
            )
            joined.set()
            freed.wait(timeout=1)  # never, while the slot is ours

    def cancelling() -> None:
        joined.wait(timeout=30)
        with app.app_context():
            cancel(seat_id)
        freed.set()

    threads = [threading.Thread(target=work) for work in (joining, cancelling)]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert entries(slot) == ["left", "offered"]


def test_the_same_person_joins_a_list_once(house):
    slots = [session_offered(house, "Hugo")[0] for _ in range(ROUNDS)]
    steps = [(NOW, "join", (slot.id, "Lina")) for slot in slots]
    rounds = house.run(steps, [(NOW, "join", (slot.id, "Lina")) for slot in slots], steps)
    for slot, seen in zip(slots, rounds, strict=True):
        assert (seen["join", "done"], len(entries(slot))) == (1, 2)


def test_two_seats_freed_at_once_make_one_offer_to_who_would_come_sooner(house):
    """The wish is claimed, not waited for: neither two offers the same day, nor two writers in a ring."""
    wished, freed = [], []
    for number in range(ROUNDS):
        kind = make.meeting_type(house.cfa)
        far = make.slot(house.adviser, house.site, kind, starts_at=house.time() + timedelta(days=20, hours=number))
        held = make.booking(far, person_key=f"{number:064d}")
        with transaction():
            waitlist.wish(held, clock.now())
        wished.append(held)
        near = [
            make.slot(house.adviser, house.site, kind, starts_at=house.time() + timedelta(days=day, hours=number))
            for day in (3, 4)
        ]
        freed.append([make.booking(slot) for slot in near])
    house.run(
        [(NOW, "cancel", (pair[0].id,)) for pair in freed],
        [(NOW, "cancel", (pair[1].id,)) for pair in freed],
        [(NOW, "sweep", (0,)) for _ in freed],
        [(NOW, "cancel", (held.id,)) if number % 2 else (NOW, "sweep", (0,)) for number, held in enumerate(wished)],
    )
    for number, held in enumerate(wished):
        entry = db.session.scalars(sa.select(WaitlistEntry).filter_by(booking_id=held.id)).one()
        assert entry.offers <= 1
        if number % 2:
            assert (entry.status, held.status) == ("closed", "cancelled")
        else:
            assert (entry.status, entry.offers) == ("offered", 1)
