"""Many processes book one adviser's day, or one person's meetings, at once: the rules of the centre hold exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from rdv import booking, clock, rules
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import AlreadyBooked, SlotUnavailable
from rdv.models import Booking, BookingRule, Cfa, Slot, User
from tests import make
from tests.support import databases, forks

PROCESSES = 6
EACH = 4

pytestmark = pytest.mark.concurrent


def clients(number: int, url: str, folder: str, act: Callable[[int, int], str], barrier: Any, answers: Any) -> None:
    """One process: wait for the others, then act; a failure is told rather than waited for."""
    try:
        app = forks.application(databases.settings(url, Path(folder)))
        with app.app_context():
            barrier.wait(timeout=60)
            for step in range(EACH):
                answers.put(act(number, step))
                db.session.rollback()
    except BaseException as error:
        barrier.abort()
        answers.put(f"{type(error).__name__}: {error}")
        raise


def race(url: str, folder: Path, act: Callable[[int, int], str]) -> Counter[str]:
    """Let the processes run, and count what they were answered."""
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=clients, args=(number, url, str(folder), act, barrier, answers))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    seen = Counter(answers.get(timeout=120) for _ in range(PROCESSES * EACH))
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    db.session.rollback()
    return seen


def book(slot: Slot, person: str, form: str) -> str:
    candidate = Candidate("Zoé", person, f"{person.lower()}@courriel.example", None)
    try:
        with transaction():
            booking.book(slot, candidate, Submission(form.ljust(24, "x"), "d"), clock.now())
    except (SlotUnavailable, AlreadyBooked, rules.TooManyBookings) as refusal:
        return type(refusal).__name__
    return "booked"


def slots_in_order(number: int, step: int) -> Slot:
    """Each process walks the slots from another one."""
    found = db.session.scalars(sa.select(Slot).order_by(Slot.id)).all()
    return found[(number * EACH + step) % len(found)]


def somebody_else_each_time(number: int, step: int) -> str:
    return book(slots_in_order(number, step), f"Lambert {'ABCDEF'[number]}{'ABCD'[step]}", f"{number}-{step}")


def the_same_person(number: int, step: int) -> str:
    return book(slots_in_order(number, step), "Lambert", f"{number}-{step}")


def now_and_then_cancelling(number: int, step: int) -> str:
    """Book, and cancel one's own booking every other time."""
    slot = slots_in_order(number, step)
    answer = somebody_else_each_time(number, step)
    if answer == "booked" and step % 2:
        name = f"Lambert {'ABCDEF'[number]}{'ABCD'[step]}"
        with transaction():
            person = Candidate("Zoé", name, f"{name.lower()}@courriel.example", None)
            held = booking.live_booking_of(slot, person)
            if held is not None:
                booking.cancel(db.session.get_one(Booking, held), "candidate", clock.now())
    return answer


def change_the_rule(number: int, step: int) -> str:
    """The first process changes the rule while the others book."""
    if number:
        return somebody_else_each_time(number, step)
    cfa = db.session.scalars(sa.select(Cfa)).one()
    by = db.session.scalars(sa.select(User).order_by(User.id)).first()
    assert by is not None
    with transaction():
        version = db.session.scalars(sa.select(BookingRule.version)).one()
        rules.save(cfa, rules.Draft(most_a_day=3, notice_minutes=60 * (step + 1)), version, clock.now(), by=by)
    return "saved"


def agenda(**decided: Any) -> None:
    """Publish a day of ten slots, from late to early so that ids and hours disagree, under a rule."""
    cfa = make.cfa()
    site, manager, adviser = make.site(cfa), make.manager(cfa), make.adviser(cfa)
    for hour in (18, 17, 16, 15, 14, 12, 11, 10, 9, 8):
        make.slot(adviser, site, starts_at=f"2030-01-07T{hour:02d}:00")
    with transaction():
        rules.save(cfa, rules.Draft(**decided), 0, clock.now(), by=manager)


def meetings() -> int:
    return db.session.scalar(sa.select(sa.func.count()).where(Slot.seats_taken > 0)) or 0


def days_full() -> int:
    return db.session.scalar(sa.select(sa.func.count()).where(Slot.day_full.is_(True))) or 0


def test_a_day_takes_exactly_its_number_of_meetings(app, database_url, instance_dir):
    agenda(most_a_day=3)
    seen = race(database_url, instance_dir, somebody_else_each_time)
    assert seen == {"booked": 3, "SlotUnavailable": PROCESSES * EACH - 3}
    assert (meetings(), days_full()) == (3, 7)


def test_a_day_stays_true_while_some_cancel(app, database_url, instance_dir):
    agenda(most_a_day=3)
    seen = race(database_url, instance_dir, now_and_then_cancelling)
    assert set(seen) <= {"booked", "SlotUnavailable"}
    assert 1 <= meetings() <= 3
    live = db.session.scalar(sa.select(sa.func.count()).where(Booking.status == "booked"))
    assert live == meetings()
    assert days_full() == (7 if meetings() == 3 else 0)


def test_a_rule_that_changes_while_people_book_leaves_every_slot_under_the_last_one(app, database_url, instance_dir):
    agenda(most_a_day=3)
    seen = race(database_url, instance_dir, change_the_rule)
    assert (seen["saved"], seen["booked"], meetings()) == (EACH, 3, 3)
    notice = {(slot.starts_at - slot.closes_at).total_seconds() for slot in db.session.scalars(sa.select(Slot)) if slot.closes_at}  # fmt: skip
    assert notice == {EACH * 3600.0}


def test_one_person_from_many_windows_holds_exactly_what_is_allowed(app, database_url, instance_dir):
    agenda(most_a_person=2)
    seen = race(database_url, instance_dir, the_same_person)
    assert seen["booked"] == 2
    assert meetings() == 2
    assert set(seen) <= {"booked", "TooManyBookings", "AlreadyBooked", "SlotUnavailable"}
