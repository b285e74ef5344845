"""One person posts from several processes at the same instant: one request, the others its notes."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, inbox
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import CandidateRequest, Cfa, OutgoingMail, RequestEvent, Training
from tests import make
from tests.support import databases

PROCESSES = 6

pytestmark = pytest.mark.concurrent


def ask(number: int, url: str, folder: str, training_id: int, barrier, answers) -> None:
    try:
        with databases.create_app(databases.settings(url, Path(folder))).app_context():
            db.session.get_one(Training, training_id)
            barrier.wait(timeout=60)
            with transaction() as session:
                training = session.get_one(Training, training_id)
                made = inbox.open_or_add(
                    "message", session.get_one(Cfa, training.cfa_id),
                    Candidate("Zoé", "Lambert", "zoe@courriel.example", None, text=f"Message {number}"),
                    Submission(f"{number:024d}", "d"), clock.now(), training=training,
                )  # fmt: skip
            answers.put("noted" if made is None else "made")
            db.session.remove()
            db.engine.dispose()
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def test_posts_of_one_instant_make_one_request(app, database_url, instance_dir):
    training = make.training(make.cfa())
    training_id = training.id
    db.session.rollback()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.databases"])
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=ask, args=(number, database_url, str(instance_dir), training_id, barrier, answers))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    seen = [answers.get(timeout=90) for _ in processes]
    for process in processes:
        process.join(timeout=30)
    assert sorted(map(str, seen)) == ["made"] + ["noted"] * (PROCESSES - 1)
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count(CandidateRequest.id))) == 1
    words = db.session.scalars(sa.select(RequestEvent.text).where(RequestEvent.kind == "candidate_note")).all()
    words += db.session.scalars(sa.select(CandidateRequest.text)).all()
    assert sorted(words) == [f"Message {number}" for number in range(PROCESSES)]  # nothing typed is lost
    links = sa.select(sa.func.count(OutgoingMail.id)).where(OutgoingMail.kind == "personal_link")
    assert db.session.scalar(links) == 1
