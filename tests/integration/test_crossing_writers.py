"""Two acts on the same rows at the same moment: seats stay true, and nobody waits in a ring (design.md §5.1).

On SQLite the second act waits for its turn; on PostgreSQL it waits for a row, and reads again what it locked.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv import booking, booking_for, changes, clock, inbox, seats, slots, waitlist
from rdv.candidate import Candidate, Submission
from rdv.changes import Change, Decision
from rdv.db import db, transaction
from rdv.errors import AlreadyBooked, WrongTransition
from rdv.models import Booking, CandidateRequest, MeetingType, Slot, User
from tests import make
from tests.support.processes import wait_until


def counted() -> list[tuple[int, int]]:
    """Return, for each slot, its count and the seats really held."""
    held = sa.select(sa.func.count()).where(Booking.slot_id == Slot.id, Booking.status != "cancelled")
    db.session.rollback()
    found = db.session.execute(sa.select(Slot.seats_taken, held.scalar_subquery()).order_by(Slot.id))
    return [(taken, live) for taken, live in found]


def in_thread(app: Flask, act: Callable[[], object], told: list[object]) -> threading.Thread:
    """Run an act as another request would: its own context and session; keep what it returns or raises."""

    def run() -> None:
        with app.app_context():
            try:
                told.append(act())
            except Exception as error:  # told to the test
                told.append(error)
            finally:
                db.session.remove()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def somebody_waits_for_a_row() -> bool:
    """Say whether a session of this PostgreSQL database waits for a lock."""
    with db.engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )
        return bool(found.scalar())


@pytest.fixture
def agenda(app):
    cfa = make.cfa()
    site = make.site(cfa)
    adviser, kind = make.adviser(cfa), make.meeting_type(cfa)
    return [make.slot(adviser, site, kind, capacity=3, starts_at=f"2099-01-{day:02d}T14:00") for day in range(5, 25)]


def test_a_cancellation_that_meets_a_move_forgets_no_seat(app, agenda, engine_name):
    origin, target = agenda[0], agenda[-1]
    make.booking(origin)  # somebody else: the count of the origin stays above zero
    mine, target_id = make.booking(origin).id, target.id
    moved, told = threading.Event(), []

    def move() -> None:
        with transaction() as session:
            booking.move(session.get_one(Booking, mine), session.get_one(Slot, target_id), "staff", clock.now())
            session.flush()
            moved.set()
            if engine_name == "postgresql":
                wait_until(somebody_waits_for_a_row, "the cancellation should wait for the slot")

    def cancel() -> None:
        moved.wait(30)
        with transaction() as session:
            booking.cancel(session.get_one(Booking, mine), "candidate", clock.now())

    for thread in [in_thread(app, act, told) for act in (move, cancel)]:
        thread.join(60)
    refused = [one for one in told if one is not None]
    assert all(isinstance(one, WrongTransition) for one in refused), refused
    assert all(taken == live for taken, live in counted()), counted()
    # Refused, the candidate tries again and is heard.
    if refused:
        with transaction() as session:
            booking.cancel(session.get_one(Booking, mine), "candidate", clock.now())
    assert db.session.get_one(Booking, mine).status == "cancelled"
    assert [taken for taken, _ in counted()] == [1] + [0] * (len(agenda) - 1)


@pytest.mark.parametrize("seating", ["moved", "seated"])
def test_who_is_seated_while_the_slot_changes_its_hour_has_the_new_one(app, agenda, engine_name, freeze, seating):
    freeze("2026-11-24T08:00Z")
    origin = agenda[0]
    held, by = make.booking(origin), origin.adviser
    target = make.slot(by, origin.site, origin.meeting_type, starts_at="2026-12-01T14:00", capacity=3)
    asked = make.candidate_request(origin.cfa)
    held_id, asked_id, target_id, by_id = held.id, asked.id, target.id, by.id
    changed, told = threading.Event(), []

    def change() -> None:
        slot = db.session.get_one(Slot, target_id)
        seen = changes.seen_of([slot], None)
        with transaction() as session:
            decided = {slot.public_id: Decision("apply")}
            changes.apply(slot, "one", Change(minutes=5), decided, seen, clock.now(), session.get_one(User, by_id))
            session.flush()
            changed.set()
            if engine_name == "postgresql":
                wait_until(somebody_waits_for_a_row, "who is seated should wait for the slot")

    def seat() -> None:
        changed.wait(30)
        with transaction() as session:
            slot, now = session.get_one(Slot, target_id), clock.now()
            if seating == "moved":
                booking.move(session.get_one(Booking, held_id), slot, "staff", now)
            else:
                seats.take_as_staff(slot.id, now)
                booking.seat_person(session.get_one(CandidateRequest, asked_id), slot, now, "staff")

    for thread in [in_thread(app, act, told) for act in (change, seat)]:
        thread.join(60)
    assert [one for one in told if isinstance(one, Exception)] == []
    db.session.rollback()
    seated = db.session.scalars(sa.select(Booking).where(Booking.slot_id == target_id)).one()
    assert seated.starts_at == seated.slot.starts_at


def test_a_cancellation_that_meets_an_answer_leaves_one_state(app, agenda, engine_name):
    """The answer takes up a request that the cancellation has read as closed: state and outcome stay one."""
    held = make.booking(agenda[0])
    mine, request_id = held.id, held.request_id
    answered, told = threading.Event(), []

    def answer() -> None:
        with transaction() as session:
            inbox.answer(
                session.get_one(CandidateRequest, request_id), "Apportez votre bulletin.", "staff", clock.now()
            )
            session.flush()
            answered.set()
            if engine_name == "postgresql":
                wait_until(somebody_waits_for_a_row, "the cancellation should wait for the request")

    def cancel() -> None:
        answered.wait(30)
        with transaction() as session:
            booking.cancel(session.get_one(Booking, mine), "candidate", clock.now())

    for thread in [in_thread(app, act, told) for act in (answer, cancel)]:
        thread.join(60)
    assert told == [None, None]
    db.session.rollback()
    request = db.session.get_one(CandidateRequest, request_id)
    assert (request.status, request.outcome) == ("closed", "cancelled_by_candidate")


def test_two_tabs_of_one_person_take_one_seat(app, agenda, engine_name):
    """The second tab waits for the first, finds the slot full, and must not fall back on a colleague's equal slot."""
    one = make.slot(agenda[0].adviser, agenda[0].site, agenda[0].meeting_type, starts_at="2099-02-01T14:00")
    make.slot(make.adviser(one.cfa), one.site, one.meeting_type, starts_at="2099-02-01T14:00")
    slot_id, taken, told = one.id, threading.Event(), []

    def tab(number: int) -> None:
        with transaction() as session:
            zoe = Candidate("Zoé", "Lambert", "zoe@courriel.example", None)
            booking.book(session.get_one(Slot, slot_id), zoe, Submission(f"tab {number}", "d"), clock.now())
            if number == 1:
                taken.set()
                if engine_name == "postgresql":
                    wait_until(somebody_waits_for_a_row, "the second tab should wait for the slot")

    def second() -> None:
        taken.wait(30)
        tab(2)

    for thread in [in_thread(app, act, told) for act in (lambda: tab(1), second)]:
        thread.join(60)
    assert [type(one) for one in told if one is not None] == [AlreadyBooked]
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Booking)) == 1


def rows_met_the_other_way(ids: list[int]) -> tuple[int, int]:
    """Return two slots, in ascending id, that a plain UPDATE of many rows would lock in the other order."""
    with db.engine.connect() as connection:
        met = connection.execute(sa.text("SELECT id FROM slot ORDER BY ctid")).scalars().all()
    return next((low, high) for high, low in itertools.combinations(met, 2) if low < high and {low, high} <= set(ids))


def test_renaming_a_kind_of_meeting_never_waits_in_a_ring_with_a_move(app, agenda, engine_name):
    kind, ids = agenda[0].meeting_type_id, [slot.id for slot in agenda]
    if engine_name == "postgresql":  # rows written again must not fill the holes that earlier rows left
        db.session.rollback()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM FULL slot"))
    for again in ids[:3] + ids[-3:]:  # written again, they stand elsewhere in the table
        with transaction() as session:
            session.get_one(Slot, again).starts_at += timedelta(minutes=1)
    low, high = rows_met_the_other_way(ids) if engine_name == "postgresql" else (ids[0], ids[-1])
    begun, told = threading.Event(), []

    def two_seats_as_a_move_takes_them() -> None:
        with transaction():
            seats.take(low, clock.now())
            begun.set()
            if engine_name == "postgresql":
                wait_until(somebody_waits_for_a_row, "the renaming should wait for the first slot")
            seats.take(high, clock.now())

    def rename() -> None:
        begun.wait(30)
        with transaction() as session:
            slots.rename_meeting_type(session.get_one(MeetingType, kind), "Visite de l’atelier", clock.now())

    for thread in [in_thread(app, act, told) for act in (two_seats_as_a_move_takes_them, rename)]:
        thread.join(60)
    assert told == [None, None]


def test_a_seat_offered_to_somebody_who_is_booked_elsewhere_waits_in_no_ring(app, agenda, engine_name, monkeypatch):
    session, elsewhere, told = agenda[0], agenda[-1], []
    seated = [make.booking(session) for _ in range(3)]
    with transaction():
        zoe = Candidate("Zoé", "Lambert", "zoe@courriel.example", None)
        waits = waitlist.join(session, zoe, Submission("s" * 24, "d"), clock.now()).id
    leaves, elsewhere_id, user_id = seated[0].id, elsewhere.id, elsewhere.adviser_id
    offered, booked = threading.Event(), threading.Event()
    hold, booking_made = seats.hold, waitlist.booking_made

    def hold_slowly(*arguments):
        made = hold(*arguments)
        offered.set()
        booked.wait(2 if engine_name == "postgresql" else 0)
        return made

    def tell_the_list_late(*arguments):
        booked.set()
        deadline = clock.monotonic() + 2
        while engine_name == "postgresql" and not somebody_waits_for_a_row() and clock.monotonic() < deadline:
            pass
        booking_made(*arguments)

    monkeypatch.setattr(seats, "hold", hold_slowly)
    monkeypatch.setattr(waitlist, "booking_made", tell_the_list_late)

    def leave() -> None:
        with transaction() as db_session:
            booking.cancel(db_session.get_one(Booking, leaves), "candidate", clock.now())

    def book() -> None:
        offered.wait(30)
        with transaction() as db_session:
            request, user = db_session.get_one(CandidateRequest, waits), db_session.get_one(User, user_id)
            booking_for.book(db_session.get_one(Slot, elsewhere_id), request, clock.now(), user)

    for thread in [in_thread(app, act, told) for act in (leave, book)]:
        thread.join(60)
    assert told == [None, None]
