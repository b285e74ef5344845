"""Calls of one instant, from several processes: one act a key, and never more bookings than seats."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from rdv.db import db
from rdv.models import ApiAnswer, Booking, CandidateRequest, Slot
from tests import make
from tests.support import databases, forks

PROCESSES = 6

pytestmark = pytest.mark.concurrent


def call(
    number: int, url: str, folder: str, secret: str, path: str, body: Any, one_key: bool, barrier, answers
) -> None:
    try:
        app = forks.application(databases.settings(url, Path(folder)))
        with app.app_context():
            headers = {
                "Authorization": f"Bearer {secret}", "Idempotency-Key": "la-meme-cle" if one_key else f"une-cle-{number}",
            }  # fmt: skip
            if not one_key:
                body = {**body, "candidate": {**body["candidate"], "first_name": f"Zoé{'é' * number}"}}
            client = app.test_client()
            barrier.wait(timeout=60)
            answer = client.post(path, json=body, headers=headers)
            answers.put((answer.status_code, answer.data))
            db.session.remove()
            db.engine.dispose()
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def race(url: str, folder: Path, secret: str, path: str, body: Any, one_key: bool) -> list[tuple[int, bytes]]:
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    running = [
        context.Process(target=call, args=(number, url, str(folder), secret, path, body, one_key, barrier, answers))
        for number in range(PROCESSES)
    ]
    for process in running:
        process.start()
    told = []
    for _ in running:
        answer = answers.get(timeout=90)
        if isinstance(answer, BaseException):
            raise answer
        told.append(answer)
    for process in running:
        process.join(timeout=30)
        assert process.exitcode == 0
    db.session.rollback()
    return told


@pytest.fixture
def bodies(app):
    cfa = make.cfa()
    site = make.site(cfa)
    training = make.training(cfa, site)
    slot = make.slot(make.adviser(cfa, site), site, capacity=3)
    person = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33639980001"}
    both = {"training": {"id": training.public_id}, "candidate": person, "consent": True}
    return {
        "/api/v1/bookings": {**both, "slot": slot.public_id},
        "/api/v1/requests": {**both, "mode": "callback"},
    }


@pytest.mark.parametrize("path", ["/api/v1/bookings", "/api/v1/requests"])
def test_one_key_acts_once_and_all_get_its_answer(app, database_url, instance_dir, bodies, path):
    secret = make.api_key("carif_oref").secret
    told = race(database_url, instance_dir, secret, path, bodies[path], True)
    assert {status for status, _ in told} == {201}, told
    assert len({data for _, data in told}) == 1
    for table in (CandidateRequest, ApiAnswer):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 1


def test_never_more_bookings_than_seats(app, database_url, instance_dir, bodies):
    secret = make.api_key("carif_oref").secret
    told = race(database_url, instance_dir, secret, "/api/v1/bookings", bodies["/api/v1/bookings"], False)
    assert Counter(status for status, _ in told) == {201: 3, 409: 3}, told
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Booking)) == 3
    assert db.session.scalar(sa.select(Slot.seats_taken)) == 3
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ApiAnswer)) == 3
