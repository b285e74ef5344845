"""Processes, each with its own engine, move and cancel the same meetings at once through the candidates' pages.

Whatever the order, seats are those of the live bookings, nobody loses the meeting they had, nobody holds two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from rdv import links
from rdv.db import db
from rdv.models import Booking, OutgoingMail, RequestEvent, Slot
from tests import make
from tests.support import databases, forks

pytestmark = pytest.mark.concurrent

TOKEN = re.compile(r'name="form_token"[^>]*value="([^"]+)"')
ROUNDS = 6
Act = tuple[str, dict[str, str]]  # a page, and what is posted with its form


def person(url: str, folder: str, acts: Sequence[Act], barrier: Any, answers: Any) -> None:
    """One process: open each page, then post one act a round, all processes together."""
    try:
        client = forks.application(databases.settings(url, Path(folder))).test_client()
        forms = []
        for path, fields in acts:
            token = TOKEN.search(client.get(path).get_data(as_text=True))
            assert token, path
            forms.append((path, {**fields, "form_token": token[1]}))
        for path, fields in forms:
            barrier.wait(timeout=60)
            answers.put(client.post(path, data=fields).status_code)
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def race(url: str, folder: Path, people: Sequence[Sequence[Act]]) -> Counter[int]:
    """Let one process a person run, and return how often each status was answered."""
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(len(people)), context.Queue()
    processes = [context.Process(target=person, args=(url, str(folder), acts, barrier, answers)) for acts in people]
    for process in processes:
        process.start()
    seen: Counter[int] = Counter()
    for _ in range(sum(map(len, people))):
        answer = answers.get(timeout=90)
        if isinstance(answer, BaseException):
            raise answer
        seen[answer] += 1
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode == 0
    db.session.rollback()
    return seen


def seats_are_true() -> bool:
    held = sa.select(sa.func.coalesce(sa.func.sum(Booking.seats), 0)).where(
        Booking.slot_id == Slot.id, Booking.status != "cancelled"
    )
    return all(taken == live for taken, live in db.session.execute(sa.select(Slot.seats_taken, held.scalar_subquery())))


def path(booking: Booking, tail: str) -> str:
    return f"/suivi/{links.personal_token(booking.request)}{tail}"


def move(booking: Booking, target: Slot) -> Act:
    return path(booking, "/deplacer"), {"creneau": target.public_id, "actuel": booking.slot.public_id}


def events(kind: str) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(RequestEvent).where(RequestEvent.kind == kind)) or 0


@pytest.fixture
def agenda(app):
    """Return a function that makes slots of one adviser, an hour apart."""
    cfa = make.cfa()
    site, adviser, kind = make.site(cfa), make.adviser(cfa), make.meeting_type(cfa)
    hours = iter(f"2030-01-{7 + day:02d}T{hour:02d}:00" for day in range(20) for hour in range(8, 19))
    return lambda **columns: make.slot(adviser, site, kind, starts_at=next(hours), **columns)


def test_a_move_against_a_cancellation(app, database_url, instance_dir, agenda):
    held = [make.booking(agenda()) for _ in range(ROUNDS)]
    targets = [agenda() for _ in range(ROUNDS)]
    moves = [move(booking, target) for booking, target in zip(held, targets, strict=True)]
    cancels = [(path(booking, "/annuler"), {"choice": "company"}) for booking in held]
    seen = race(database_url, instance_dir, [moves, cancels])
    assert set(seen) <= {303, 409}
    assert seats_are_true()
    for booking, target in zip(held, targets, strict=True):
        assert booking.status == "cancelled" or booking.slot_id == target.id, "one of both was heard"
    assert events("cancelled") == sum(booking.status == "cancelled" for booking in held)
    assert events("moved") + events("cancelled") == sum(booking.sequence for booking in held)


def test_two_crossing_moves(app, database_url, instance_dir, agenda):
    """Each leaves for the slot of the other: the rows are taken in one order, so that nobody waits in a ring."""
    here, there = [agenda(capacity=2) for _ in range(ROUNDS)], [agenda(capacity=2) for _ in range(ROUNDS)]
    mine, theirs = [make.booking(slot) for slot in here], [make.booking(slot) for slot in there]
    seen = race(
        database_url,
        instance_dir,
        [
            [move(booking, slot) for booking, slot in zip(mine, there, strict=True)],
            [move(booking, slot) for booking, slot in zip(theirs, here, strict=True)],
        ],
    )
    assert seen == {303: 2 * ROUNDS}
    assert [booking.slot_id for booking in mine] == [slot.id for slot in there]
    assert [booking.slot_id for booking in theirs] == [slot.id for slot in here]
    assert seats_are_true()


def test_one_meeting_moved_from_two_windows_goes_to_one_place(app, database_url, instance_dir, agenda):
    held = [make.booking(agenda()) for _ in range(ROUNDS)]
    left, right = [agenda() for _ in range(ROUNDS)], [agenda() for _ in range(ROUNDS)]
    pairs = [[move(booking, slot) for booking, slot in zip(held, slots, strict=True)] for slots in (left, right)]
    seen = race(database_url, instance_dir, pairs)
    assert seen == {303: ROUNDS, 409: ROUNDS}
    assert [booking.sequence for booking in held] == [1] * ROUNDS
    assert all(booking.slot_id in (one.id, two.id) for booking, one, two in zip(held, left, right, strict=True))
    assert sum(slot.seats_taken for slot in (*left, *right)) == events("moved") == ROUNDS
    assert seats_are_true()


def test_a_double_click_moves_once(app, database_url, instance_dir, agenda):
    held, targets = [make.booking(agenda()) for _ in range(ROUNDS)], [agenda() for _ in range(ROUNDS)]
    clicks = [move(booking, target) for booking, target in zip(held, targets, strict=True)]
    assert race(database_url, instance_dir, [clicks, clicks]) == {303: 2 * ROUNDS}  # both are shown that it is done
    assert [(booking.slot_id, booking.sequence) for booking in held] == [(target.id, 1) for target in targets]
    assert events("moved") == ROUNDS
    kinds = Counter(db.session.scalars(sa.select(OutgoingMail.kind)))
    assert kinds == {"booking_moved": ROUNDS, "adviser_booking_moved": ROUNDS}


def test_the_last_seats_of_a_target(app, database_url, instance_dir, agenda):
    """Six people want two seats: two go, the four others keep what they had."""
    held = [make.booking(agenda()) for _ in range(6)]
    origins = [booking.slot_id for booking in held]
    target = agenda(capacity=2)
    seen = race(database_url, instance_dir, [[move(booking, target)] for booking in held])
    assert seen == {303: 2, 409: 4}
    assert target.seats_taken == 2
    stayed = [booking for booking, origin in zip(held, origins, strict=True) if booking.slot_id == origin]
    assert [(booking.status, booking.sequence) for booking in stayed] == [("booked", 0)] * 4
    assert seats_are_true()
