"""Processes say at the same instant, by the links of their mails, what was done of one request: one is kept, nothing is lost."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import links
from rdv.db import db, transaction
from rdv.models import CandidateRequest, FirstAnswer, OutgoingMail, RequestEvent
from tests import make
from tests.integration.test_concurrent_moves import race

pytestmark = pytest.mark.concurrent
ROUNDS = 4


def act(request, word, to=None, text=""):
    address = links.answer(request, to).removeprefix("http://localhost")
    fields = {"action": "outcome", "outcome": word, "version": str(request.version), "text": text}
    return address, fields


def count(model, **conditions):
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).filter_by(**conditions))


def test_two_advisers_and_the_address_answer_one_request_at_once(app, database_url, instance_dir):
    cfa = make.cfa()
    people = [make.adviser(cfa), make.adviser(cfa)]
    asked = [
        make.candidate_request(cfa, mode="callback", recipient_email=cfa.email, phone="+33199000001")
        for _ in range(ROUNDS)
    ]
    said = [
        [act(request, "joint", people[0].email) for request in asked],
        [act(request, "pas-de-reponse", people[1].email) for request in asked],
        [act(request, "pas-pour-nous") for request in asked],
    ]
    seen = race(database_url, instance_dir, said)
    assert seen == {303: ROUNDS, 409: 2 * ROUNDS}
    acts = sa.select(RequestEvent.request_id, sa.func.count()).where(RequestEvent.actor == "cfa_link")
    assert sorted(dict(db.session.execute(acts.group_by(RequestEvent.request_id)).all()).values()) == [1] * ROUNDS
    kept = dict(
        db.session.execute(
            sa.select(RequestEvent.request_id, RequestEvent.kind).where(RequestEvent.actor == "cfa_link")
        ).all()
    )
    for request in db.session.scalars(sa.select(CandidateRequest)):
        assert (request.status == "closed") == (kept[request.id] == "closed")
        assert request.version == 2  # one act


def test_a_double_click_on_one_button_writes_once(app, database_url, instance_dir):
    cfa = make.cfa()
    person = make.adviser(cfa)
    asked = [
        make.candidate_request(cfa, mode="callback", recipient_email=cfa.email, phone="+33199000001")
        for _ in range(ROUNDS)
    ]
    with transaction():
        for request in asked:
            request.email = "zoe@courriel.example"
    clicks = [act(request, "pas-de-reponse", person.email, "Sonne dans le vide") for request in asked]
    assert race(database_url, instance_dir, [clicks, clicks]) == {303: 2 * ROUNDS}
    assert count(RequestEvent, kind="call") == ROUNDS
    assert count(OutgoingMail, kind="call_missed") == ROUNDS
    assert count(FirstAnswer) == 0
