"""One person posts from several processes at the same instant: one request, the others its notes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, inbox
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import RequestReplayed
from rdv.models import CandidateRequest, Cfa, OutgoingMail, RequestEvent, Training
from tests import make
from tests.support import databases, forks

PROCESSES = 6

pytestmark = pytest.mark.concurrent


def ask(number: int, url: str, folder: str, training_id: int, one_form: bool, barrier, answers) -> None:
    try:
        with forks.application(databases.settings(url, Path(folder))).app_context():
            db.session.get_one(Training, training_id)
            barrier.wait(timeout=60)
            answers.put(asked(number, training_id, one_form))
            db.session.remove()
            db.engine.dispose()
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def asked(number: int, training_id: int, one_form: bool) -> str:
    """Ask once, and return what came of it."""
    person = Candidate("Zoé", "Lambert", "zoe@courriel.example", None, text=f"Message {number}")
    form = Submission("one" if one_form else f"{number:024d}", "d")
    try:
        with transaction() as session:
            training = session.get_one(Training, training_id)
            cfa = session.get_one(Cfa, training.cfa_id)
            made = inbox.open_or_add("message", cfa, person, form, clock.now(), training=training)
            return "noted" if made is None else "made"
    except RequestReplayed:
        return "replayed"


@pytest.mark.parametrize(("one_form", "others"), [(False, "noted"), (True, "replayed")], ids=["forms", "one form"])
def test_posts_of_one_instant_make_one_request(app, database_url, instance_dir, one_form, others):
    training_id = make.training(make.cfa()).id
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(
            target=ask, args=(number, database_url, str(instance_dir), training_id, one_form, barrier, answers)
        )
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    seen = [answers.get(timeout=90) for _ in processes]
    for process in processes:
        process.join(timeout=30)
    assert sorted(map(str, seen)) == ["made"] + [others] * (PROCESSES - 1)
    db.session.rollback()
    words = db.session.scalars(sa.select(RequestEvent.text).where(RequestEvent.kind == "candidate_note")).all()
    assert len(words) == (0 if one_form else PROCESSES - 1)
    words += db.session.scalars(sa.select(CandidateRequest.text)).all()  # of the only request
    assert one_form or sorted(words) == [f"Message {number}" for number in range(PROCESSES)]  # nothing typed is lost
    assert db.session.scalar(sa.select(sa.func.count(CandidateRequest.id))) == 1
    links = sa.select(sa.func.count(OutgoingMail.id)).where(OutgoingMail.kind == "personal_link")
    assert db.session.scalar(links) == (0 if one_form else 1)
