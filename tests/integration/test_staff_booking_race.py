"""The staff book while the public does, from many processes: the last seat goes once, and is added to on purpose alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import booking, booking_for, clock
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import RdvError
from rdv.models import AuditEntry, Booking, CandidateRequest, Slot, User
from tests import make
from tests.support import databases, forks

PROCESSES = 6

pytestmark = pytest.mark.concurrent


def act(number: int, url: str, folder: str, ids: dict[str, int], barrier, answers) -> None:
    """One process: even ones are the public, odd ones an adviser; `same` makes them all one form of the staff."""
    try:
        with forks.application(databases.settings(url, Path(folder))).app_context():
            db.session.get_one(Slot, ids["slot"])
            barrier.wait(timeout=60)
            answers.put(book(number, ids))
            db.session.remove()
            db.engine.dispose()
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def book(number: int, ids: dict[str, int]) -> str:
    """Book as one or the other, and return what came of it."""
    staff = bool(ids["same"] or number % 2)
    mine = 0 if ids["same"] else number
    person = Candidate("Zoé", f"Démonstration {mine}", f"zoe{mine}@courriel.example", None)
    form, now = Submission(f"{mine:024d}", "d"), clock.now()
    try:
        with transaction() as session:
            slot = session.get_one(Slot, ids["slot"])
            if not staff:
                booking.book(slot, person, form, now)
                return "public"
            user = session.get_one(User, ids["user"])
            accepted = ["full"] if ids["ticked"] else []
            made = booking_for.book_new(slot, person, form, now, user, accepted=accepted)
            return f"staff {made.id}" if ids["same"] else "staff"
    except RdvError as refusal:
        return type(refusal).__name__


def race(url: str, folder: Path, **ids: int) -> Counter[str]:
    """Let the processes run, and return how many of each answer came."""
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=act, args=(number, url, str(folder), ids, barrier, answers))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    seen: Counter[str] = Counter()
    for _ in processes:
        answer = answers.get(timeout=90)
        if isinstance(answer, BaseException):
            raise answer
        seen[answer] += 1
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode == 0
    db.session.rollback()
    return seen


@pytest.fixture
def last_seat(app):
    cfa = make.cfa()
    adviser = make.adviser(cfa)
    return make.slot(adviser, make.site(cfa), starts_at="2030-01-07T09:00")


def held(slot: Slot) -> tuple[int, int, int]:
    """Return seats taken, live bookings, and seats added."""
    db.session.refresh(slot)
    live = sa.select(sa.func.count()).where(Booking.slot_id == slot.id, Booking.status != "cancelled")
    return slot.seats_taken, db.session.scalar(live) or 0, slot.extra_seats


def test_the_last_seat_goes_once_when_nobody_ticked(last_seat, database_url, instance_dir):
    seen = race(database_url, instance_dir, slot=last_seat.id, user=last_seat.adviser_id, ticked=0, same=0)
    assert seen["public"] + seen["staff"] == 1
    assert held(last_seat) == (1, 1, 0)
    assert set(seen) <= {"public", "staff", "SlotUnavailable", "Unread"}


def test_seats_are_added_for_the_staff_alone_and_each_is_told(last_seat, database_url, instance_dir):
    seen = race(database_url, instance_dir, slot=last_seat.id, user=last_seat.adviser_id, ticked=1, same=0)
    assert seen["staff"] == PROCESSES // 2
    assert seen["public"] <= 1
    everybody = seen["staff"] + seen["public"]
    assert held(last_seat) == (everybody, everybody, everybody - 1)
    told = db.session.scalars(sa.select(AuditEntry.data).where(AuditEntry.action == "slot.overbooked")).all()
    assert sum(data["seats"] for data in told) == everybody - 1


@pytest.mark.parametrize("ticked", [0, 1])
def test_one_form_in_many_tabs_is_one_meeting(last_seat, database_url, instance_dir, ticked):
    seen = race(database_url, instance_dir, slot=last_seat.id, user=last_seat.adviser_id, ticked=ticked, same=1)
    assert len(seen) == 1  # each tab is shown the same meeting
    assert held(last_seat) == (1, 1, 0)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 1
