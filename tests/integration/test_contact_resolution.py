"""Which address receives a request: each step of the rule, and none."""

from __future__ import annotations

from flask import Flask

from rdv import clock
from rdv.contact_resolution import ResolvedAddress, Rule, explain, recipient_for
from rdv.db import db
from rdv.models import DeadAddress
from tests import make


def test_the_nearest_address_is_taken(app: Flask) -> None:
    cfa = make.cfa(email="direction@cfa.example")
    site = make.site(cfa, email="site@cfa.example")
    training = make.training(cfa, site, email="formation@cfa.example")
    session = db.session()

    assert recipient_for(session, training, site, cfa) == ResolvedAddress("formation@cfa.example", Rule.TRAINING)
    assert recipient_for(session, None, site, cfa) == ResolvedAddress("site@cfa.example", Rule.SITE)
    assert recipient_for(session, None, None, cfa) == ResolvedAddress("direction@cfa.example", Rule.CFA)


def test_what_people_chose_comes_before_what_the_catalogue_gives_the_nearest_first(app: Flask) -> None:
    cfa = make.cfa(email="direction@cfa.example", chosen_email="accueil@cfa.example")
    site = make.site(cfa, email="site@cfa.example", chosen_email="secretariat@cfa.example")
    training = make.training(cfa, site, email="formation@cfa.example", chosen_email="coiffure@cfa.example")
    session = db.session()

    for expected in (
        ResolvedAddress("coiffure@cfa.example", Rule.CHOSEN_TRAINING),
        ResolvedAddress("secretariat@cfa.example", Rule.CHOSEN_SITE),
        ResolvedAddress("accueil@cfa.example", Rule.CHOSEN_CFA),
        ResolvedAddress("formation@cfa.example", Rule.TRAINING),
    ):
        assert recipient_for(session, training, None, cfa) == expected, "its only place is known without being named"
        make.saved(DeadAddress(email=expected.email, reason="hard_bounce", since=clock.now()))
    states = [(step.rule, step.state) for step in explain(session, training, site, cfa)][:5]
    assert states[:4] == [(rule, "dead") for rule in list(Rule)[:4]]
    assert states[4] == (Rule.SITE, "taken")


def test_an_empty_address_gives_way_to_the_next(app: Flask) -> None:
    cfa = make.cfa(email="direction@cfa.example")
    site = make.site(cfa, email="")
    training = make.training(cfa, site, email=None)

    assert recipient_for(db.session(), training, site, cfa).rule == Rule.CFA


def test_a_training_of_one_place_knows_its_place(app: Flask) -> None:
    cfa = make.cfa(email="direction@cfa.example")
    first, second = make.site(cfa, email="un@cfa.example"), make.site(cfa, email="deux@cfa.example")
    alone = make.training(cfa, first, email=None)
    both = make.training(cfa, first, second, email=None)

    assert recipient_for(db.session(), alone, None, cfa) == ResolvedAddress("un@cfa.example", Rule.SITE)
    assert recipient_for(db.session(), both, None, cfa).rule == Rule.CFA


def test_last_comes_the_most_frequent_address_of_the_open_trainings(app: Flask) -> None:
    cfa, other = make.cfa(email=None), make.cfa(email=None)
    for email in ("rare@cfa.example", "souvent@cfa.example", "souvent@cfa.example"):
        make.training(cfa, email=email)
    for _ in range(3):
        make.training(cfa, email="fermee@cfa.example", closed_at=clock.now())
        make.training(other, email="ailleurs@cfa.example")

    assert recipient_for(db.session(), None, None, cfa) == ResolvedAddress("souvent@cfa.example", Rule.MOST_FREQUENT)


def test_between_equals_the_oldest_training_decides(app: Flask) -> None:
    cfa = make.cfa(email=None)
    make.training(cfa, email="z@cfa.example")
    make.training(cfa, email="a@cfa.example")

    assert recipient_for(db.session(), None, None, cfa).email == "z@cfa.example"


def test_no_address_at_all_is_said(app: Flask) -> None:
    cfa = make.cfa(email=None)
    training = make.training(cfa, make.site(cfa, email=None), email=None)

    assert recipient_for(db.session(), training, None, cfa) == ResolvedAddress(None, Rule.NONE)


def test_every_step_is_explained_and_the_one_that_is_taken_is_that_of_the_rule(app: Flask) -> None:
    cfa = make.cfa(email="direction@cfa.example")
    site = make.site(cfa, email=None)
    training = make.training(cfa, site, email="Morte@cfa.example")
    make.saved(DeadAddress(email="morte@cfa.example", reason="hard_bounce", since=clock.now()))
    steps = explain(db.session(), training, site, cfa)
    assert [(step.rule, step.email, step.state) for step in steps] == [
        (Rule.TRAINING, "Morte@cfa.example", "dead"), (Rule.SITE, None, "missing"),
        (Rule.CFA, "direction@cfa.example", "taken"), (Rule.MOST_FREQUENT, None, "missing"),
    ]  # fmt: skip
    near = make.training(cfa, site, email="formation@cfa.example")
    states = {step.rule: step.state for step in explain(db.session(), near, site, cfa)}
    assert states[Rule.TRAINING] == "taken"
    assert states[Rule.CFA] == "spare"
