"""A centre closes while candidates book: each is refused, or is among the people to decide on; processes, both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv.db import db
from rdv.models import Booking, Cfa, Closure, Slot, User
from tests import make
from tests.support import databases, forks

CANDIDATES = 4  # processes
SLOTS = 12
TOKEN = re.compile(r'name="form_token"[^>]*value="([^"]+)"')

pytestmark = pytest.mark.concurrent


def told(work, barrier, answers, *arguments) -> None:
    """One process: a failure is told rather than waited for."""
    try:
        answers.put(work(barrier, *arguments))
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def candidate(barrier, number: int, url: str, folder: str, paths: list[str]) -> tuple[str, list[int]]:
    """Book each slot in turn, as fast as it can."""
    app = forks.application(databases.settings(url, Path(folder)))
    client = app.test_client()
    ready = []
    for step, path in enumerate(paths):
        token = TOKEN.search(client.get(path).get_data(as_text=True))
        fields = {"form_token": token[1], "first_name": "Zoé", "last_name": f"Essai {'abcdefghijklmnop'[number * 4 + step % 4]}{'abc'[step // 4]}", "email": f"zoe.{number}.{step}@courriel.example", "asker": "candidate"}  # fmt: skip
        ready.append((path, fields))
    barrier.wait(timeout=60)
    return "booked", [client.post(path, data=fields).status_code for path, fields in ready]


def centre(barrier, url: str, folder: str, after: int) -> tuple[str, list[str]]:
    """Close the centre once some are booked, and say who is to be decided on at that very moment."""
    from rdv import clock, closing, closures
    from rdv.closures import Draft
    from rdv.db import transaction

    app = forks.application(databases.settings(url, Path(folder)))
    with app.app_context():
        cfa, by = db.session.scalars(sa.select(Cfa)).one(), db.session.scalars(sa.select(User)).first()
        day = db.session.scalar(sa.select(sa.func.min(Slot.starts_at))).date()
        barrier.wait(timeout=60)
        count = sa.select(sa.func.count()).select_from(Booking)
        while db.session.scalar(count) < after:
            db.session.rollback()
        with transaction():
            made, _ = closing.create(cfa, Draft(day, day + timedelta(days=1)), clock.now(), by=by)
        return "closed", sorted(one.public_id for one in closures.to_decide(made, clock.now()))


def test_a_booking_at_the_instant_of_a_closure_is_refused_or_to_be_decided_on(app, database_url, instance_dir):
    cfa = make.cfa()
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    paths = []
    for number in range(SLOTS):
        at = f"{day}T{8 + number // 2:02}:{number % 2 * 30:02}"
        paths.append(f"/rendez-vous/{make.slot(adviser, site, starts_at=at, capacity=CANDIDATES).public_id}")
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(CANDIDATES + 1), context.Queue()
    processes = [
        context.Process(target=told, args=(candidate, barrier, answers, number, database_url, str(instance_dir), paths))
        for number in range(CANDIDATES)
    ] + [context.Process(target=told, args=(centre, barrier, answers, database_url, str(instance_dir), 8))]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in processes]
    assert not [error for error in found if isinstance(error, BaseException)]
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode == 0
    statuses = [status for kind, each in found if kind == "booked" for status in each]
    (to_decide,) = [each for kind, each in found if kind == "closed"]
    assert set(statuses) <= {303, 409}
    live = sorted(db.session.scalars(sa.select(Booking.public_id).where(Booking.status == "booked")))
    assert live == to_decide, "nobody came in after the centre closed, nobody was lost"
    assert len(live) == statuses.count(303) >= 8
    assert statuses.count(409) > 0
    assert set(db.session.scalars(sa.select(Slot.status))) == {"closed"}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Closure)) == 1
