"""Changes of published slots under processes: who booked meanwhile is never moved unseen, seats stay true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import booking, changes, clock
from rdv.candidate import Candidate, Submission
from rdv.changes import Change, Decision
from rdv.db import db, transaction
from rdv.errors import EditedMeanwhile, RdvError
from rdv.models import Booking, RequestEvent, Slot, SlotSeries, User
from tests import make
from tests.support import databases, forks

PROCESSES = 6
TRIES = 12

pytestmark = pytest.mark.concurrent


def soon() -> date:
    """Return a day that real clocks, those of the processes, have before them."""
    return (clock.now() + timedelta(days=30)).date()


def run(act: Callable[..., str], url: str, folder: str, number: int, ids: dict, barrier, answers) -> None:
    """One process: its own engine; waits for the others, acts, tells what came of it."""
    try:
        app = forks.application(databases.settings(url, Path(folder)))
        with app.app_context():
            barrier.wait(timeout=60)
            answers.put(act(number, ids))
    except BaseException as error:
        barrier.abort()
        answers.put(f"failed: {error!r}"[:2000])
        raise


def race(act: Callable[..., str], url: str, folder: Path, ids: dict, processes: int = PROCESSES) -> Counter[str]:
    """Let the processes act together and return what each answered, how often."""
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(processes), context.Queue()
    all_of_them = [
        context.Process(target=run, args=(act, url, str(folder), number, ids, barrier, answers))
        for number in range(processes)
    ]
    for process in all_of_them:
        process.start()
    told = Counter(answers.get(timeout=120) for _ in all_of_them)
    for process in all_of_them:
        process.join(timeout=30)
    db.session.rollback()
    assert not [each for each in told if each.startswith("failed")], told
    return told


def counts_are_true() -> bool:
    held = sa.select(sa.func.coalesce(sa.func.sum(Booking.seats), 0)).where(
        Booking.slot_id == Slot.id, Booking.status != "cancelled"
    )
    rows = db.session.execute(sa.select(Slot.seats_taken, Slot.capacity, Slot.extra_seats, held.scalar_subquery()))
    return all(taken == really <= capacity + extra for taken, capacity, extra, really in rows)


def hours_are_true() -> bool:
    """Say whether each live booking repeats the hour of its slot."""
    wrong = sa.select(Booking.id).join(Slot).where(Booking.status == "booked", Booking.starts_at != Slot.starts_at)
    return db.session.scalars(wrong).first() is None


@pytest.fixture
def house(app):
    cfa = make.cfa()
    return cfa, make.site(cfa), make.adviser(cfa), make.meeting_type(cfa)


# -- two advisers, one series ----------------------------------------------------------------------------------------


def edit_series(number: int, ids: dict) -> str:
    slot = db.session.get_one(Slot, ids["slot"])
    try:
        with transaction() as session:
            by = session.get_one(User, ids["adviser"])
            wanted = Change(minutes=15 * (number + 1))
            changes.apply(slot, "all", wanted, {}, ids["seen"], clock.now(), by)
    except EditedMeanwhile:
        return "again"
    return "done"


def test_advisers_who_edit_one_series_take_turns(house, database_url, instance_dir):
    cfa, site, adviser, kind = house
    rule = make.saved(
        SlotSeries(
            cfa_id=cfa.id, site_id=site.id, adviser_id=adviser.id, meeting_type_id=kind.id, weekdays=[0], count=10,
            first_day=soon(), ranges=[["14:00", "14:30"]], duration_minutes=30, place="on_site",
        )
    )  # fmt: skip
    days = [soon() + timedelta(weeks=week) for week in range(10)]
    slots = [make.slot(adviser, site, kind, f"{day}T14:00", series_id=rule.id) for day in days]
    reached = changes.reached(slots[0], "all", clock.now())
    ids = {"slot": slots[0].id, "adviser": adviser.id, "seen": changes.seen_of(reached, rule)}
    told = race(edit_series, database_url, instance_dir, ids)
    assert told == {"done": 1, "again": PROCESSES - 1}
    walls = {
        clock.to_zone(slot.starts_at, site.timezone).strftime("%H:%M")
        for slot in db.session.scalars(sa.select(Slot).where(Slot.series_id == rule.id))
    }
    assert len(walls) == 1
    assert walls != {"14:00"}


# -- fewer places while people book ----------------------------------------------------------------------------------


def lower_or_book(number: int, ids: dict) -> str:
    slot = db.session.get_one(Slot, ids["slot"])
    if number >= 2:
        return book_some(slot, number)
    wanted = Change(values={"capacity": 4 + number})
    for _ in range(TRIES):
        db.session.rollback()
        line = changes.review(wanted, [slot], clock.now()).lines[0]
        # The first ones keep their seat, the others lose it: nobody else than those just seen.
        lost = {person.booking.public_id: "cancel" for person in line.people[4:]}
        decided = {slot.public_id: Decision("apply", lost)}
        seen = changes.seen_of([slot], None)
        try:
            with transaction() as session:
                changes.apply(slot, "one", wanted, decided, seen, clock.now(), session.get_one(User, ids["adviser"]))
        except RdvError:
            continue
        return "lowered"
    return "gave up"


def book_some(slot: Slot, number: int) -> str:
    for step in range(4):
        who = Candidate(
            "Zoé", f"Lambert {'abcdefgh'[number]}{'abcdefgh'[step]}", f"z{number}.{step}@courriel.example", None
        )
        try:
            with transaction():
                booking.book(slot, who, Submission(f"{number}.{step}", "d"), clock.now())
        except RdvError:
            continue
    return "booked"


def test_places_taken_back_while_people_book_are_never_sold_twice(house, database_url, instance_dir):
    _cfa, site, adviser, kind = house
    slot = make.slot(adviser, site, kind, f"{soon()}T14:00", capacity=12)
    for _ in range(6):
        make.booking(slot)
    race(lower_or_book, database_url, instance_dir, {"slot": slot.id, "adviser": adviser.id})
    slot = db.session.get_one(Slot, slot.id)
    assert counts_are_true()
    assert slot.extra_seats == 0
    assert slot.seats_taken <= slot.capacity


# -- a move against a new hour ---------------------------------------------------------------------------------------


def move_about(number: int, ids: dict) -> str:
    done = 0
    for step in range(TRIES):
        mine = db.session.get_one(Booking, ids["bookings"][number // 2])
        target = db.session.get_one(Slot, ids["slots"][(number + step) % len(ids["slots"])])
        try:
            with transaction():
                booking.move(mine, target, "staff", clock.now())
        except RdvError:
            continue
        done += 1
    return "moved" if done else "never moved"


def retime(number: int, ids: dict) -> str:
    """Review and apply until it is done once: those who move slots' people send the review back."""
    for step in range(40 * TRIES):
        db.session.rollback()
        slot = db.session.get_one(Slot, ids["slots"][(number + step) % len(ids["slots"])])
        seen, decided = changes.seen_of([slot], None), {slot.public_id: Decision("apply")}
        try:
            with transaction() as session:
                by = session.get_one(User, ids["adviser"])
                changes.apply(slot, "one", Change(minutes=5), decided, seen, clock.now(), by)
        except RdvError:
            continue
        return "retimed"
    return "never retimed"


def move_or_retime(number: int, ids: dict) -> str:
    return move_about(number, ids) if number % 2 else retime(number, ids)


def test_moves_and_new_hours_leave_each_booking_at_the_hour_of_its_slot(house, database_url, instance_dir):
    _cfa, site, adviser, kind = house
    slots = [make.slot(adviser, site, kind, f"{soon() + timedelta(days=day)}T14:00", capacity=5) for day in range(3)]
    mine = [make.booking(slots[0]) for _ in range(3)]
    ids = {"slots": [slot.id for slot in slots], "bookings": [one.id for one in mine], "adviser": adviser.id}
    told = race(move_or_retime, database_url, instance_dir, ids)
    assert told == {"moved": 3, "retimed": 3}
    assert counts_are_true()
    assert hours_are_true()
    # Each change of hour was told to those who were there, with the hour it had.
    events = db.session.scalars(sa.select(RequestEvent).where(RequestEvent.kind == "slot_changed")).all()
    assert all(event.data["former"]["starts_at"] for event in events)
