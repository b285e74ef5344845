"""Many processes, each with its own engine, post the booking form at once: the database alone decides.

Guarantee 1 of the design: no seat sold twice, none lost, one confirmation each.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv.db import db
from rdv.models import Booking, CandidateRequest, OutgoingMail, RequestEvent, Slot
from tests import make
from tests.support import databases, forks

PROCESSES = 8
EACH = 3  # people per process
TOKEN = re.compile(r'name="form_token"[^>]*value="([^"]+)"')
WORDS = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel")

pytestmark = pytest.mark.concurrent


def clients(number: int, url: str, folder: str, paths: list[str], same_person: bool, barrier, answers) -> None:
    """One process: fetch the forms, wait for the others, post; a failure is told rather than waited for."""
    try:
        post_forms(number, url, folder, paths, same_person, barrier, answers)
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def post_forms(number: int, url: str, folder: str, paths: list[str], same_person: bool, barrier, answers) -> None:
    app = forks.application(databases.settings(url, Path(folder)))
    client = app.test_client()
    posts = []
    for path in paths:
        page = client.get(path).get_data(as_text=True)
        token = TOKEN.search(page)
        assert token, page[:500]
        for step in range(1 if same_person else EACH):
            name = "Répétée" if same_person else f"{WORDS[number]} {WORDS[step]}"
            email = "zoe@courriel.example" if same_person else f"zoe.{number}.{step}@courriel.example"
            if step:
                token = TOKEN.search(client.get(path).get_data(as_text=True))
                assert token
            fields = {
                "form_token": token[1],
                "first_name": "Zoé",
                "last_name": name,
                "email": email,
                "asker": "candidate",
            }
            posts.append((path, fields))
    barrier.wait(timeout=60)
    for path, fields in posts:
        answers.put((path, client.post(path, data=fields).status_code))


def race(url: str, folder: Path, paths: list[str], same_person: bool = False) -> Counter[tuple[str, int]]:
    """Let the processes run, and return how often each path answered each status."""
    db.session.rollback()  # what this test reads afterwards must not be of before
    # Forked from a process that has imported the application but has no engine yet: each makes its own.
    context = forks.context()
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=clients, args=(number, url, str(folder), paths, same_person, barrier, answers))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    expected = PROCESSES * len(paths) * (1 if same_person else EACH)
    seen: Counter[tuple[str, int]] = Counter()
    for _ in range(expected):
        answer = answers.get(timeout=90)
        if isinstance(answer, BaseException):
            raise answer
        seen[answer] += 1
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode == 0
    return seen


def rows_of(slot: Slot) -> dict[str, int]:
    def count(model, join) -> int:
        return db.session.scalar(
            sa.select(sa.func.count()).select_from(model).join(*join).where(Booking.slot_id == slot.id)
        )

    return {
        "bookings": count(Booking, (Slot, Booking.slot_id == Slot.id)),
        "requests": count(CandidateRequest, (Booking, Booking.request_id == CandidateRequest.id)),
        "events": count(RequestEvent, (Booking, Booking.request_id == RequestEvent.request_id)),
        "confirmations": db.session.scalar(
            sa.select(sa.func.count())
            .select_from(OutgoingMail)
            .join(Booking, OutgoingMail.booking_id == Booking.id)
            .where(Booking.slot_id == slot.id, OutgoingMail.kind == "booking_confirmed")
        ),
        "seats": slot.seats_taken,
    }


def test_eight_processes_fill_each_slot_exactly(app, database_url, instance_dir):
    cfa = make.cfa()
    site, adviser = make.site(cfa), make.adviser(cfa)
    one = make.slot(adviser, site, starts_at="2030-01-07T09:00")
    seven = make.slot(adviser, site, starts_at="2030-01-07T10:00", capacity=7)
    paths = {f"/rendez-vous/{one.public_id}": (one, 1), f"/rendez-vous/{seven.public_id}": (seven, 7)}
    seen = race(database_url, instance_dir, list(paths))
    for path, (slot, places) in paths.items():
        db.session.refresh(slot)
        assert rows_of(slot) == dict.fromkeys(("bookings", "requests", "events", "confirmations", "seats"), places)
        assert seen[path, 303] == places
        assert seen[path, 409] == PROCESSES * EACH - places
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 8


def test_the_same_person_from_eight_windows_holds_one_seat(app, database_url, instance_dir):
    cfa = make.cfa()
    slot = make.slot(make.adviser(cfa), make.site(cfa), starts_at="2030-01-07T10:00", capacity=7)
    seen = race(database_url, instance_dir, [f"/rendez-vous/{slot.public_id}"], same_person=True)
    db.session.refresh(slot)
    assert rows_of(slot) == dict.fromkeys(("bookings", "requests", "events", "confirmations", "seats"), 1)
    assert sum(number for (_path, status), number in seen.items() if status == 303) == 1
