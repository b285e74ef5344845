"""What is bookable on which platform: for one training and for all at once, the same answer."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import bookable, clock, directory
from rdv.db import db
from rdv.models import BookingRule, CfaDomain, PlatformConsent, PlatformSite, Training
from tests import make

CASES = 90


def consent(cfa, code, state="active", **columns):
    """Return what this centre answered about one platform."""
    return make.saved(PlatformConsent(cfa_id=cfa.id, platform_id=make.platform(code).id, state=state, **columns))


def on(training, code):
    """Ask both ways, which must agree."""
    platform = make.platform(code)
    one = bookable.on(training, platform, clock.now())
    listed = set(db.session.scalars(bookable.ids(platform, clock.now())))
    assert (training.id in listed) is one, code
    return one


def unmet(training, code):
    """Return the codes of the rules that are not met."""
    return [rule.code for rule in bookable.rules(training, make.platform(code), clock.now()) if not rule.met]


@pytest.fixture
def training(app):
    """A training that every platform knows and lists, in a centre that nobody asked yet."""
    cfa = make.cfa()
    return make.training(
        cfa, make.site(cfa), parcoursup_id="9001", onisep_id="AF.9001", parcoursup_visible=True, affelnet_visible=True
    )


# The truth table of the former service (reference/predecessor.md §7.3): who said what, where the training stands.
TABLE = [
    ({}, {}, {"carif_oref"}),
    ({"lba": "invited"}, {}, {"carif_oref"}),
    ({"lba": "refused"}, {}, {"carif_oref"}),
    ({"lba": "active", "jeune_1_solution": "active"}, {}, {"carif_oref", "lba", "jeune_1_solution"}),
    ({"onisep": "active"}, {}, {"carif_oref", "onisep"}),
    ({"onisep": "active"}, {"onisep_id": None}, {"carif_oref"}),
    ({"onisep": "active"}, {"onisep_id": ""}, {"carif_oref"}),
    ({"parcoursup": "active"}, {}, {"carif_oref", "parcoursup"}),
    ({"parcoursup": "invited"}, {}, {"carif_oref"}),
    ({"parcoursup": "refused"}, {}, {"carif_oref"}),
    ({"parcoursup": "active"}, {"parcoursup_visible": False}, {"carif_oref"}),
    ({"parcoursup": "active"}, {"parcoursup_id": None}, {"carif_oref"}),
    ({"affelnet": "active"}, {}, {"carif_oref", "affelnet"}),
    ({"affelnet": "active"}, {"affelnet_visible": False}, {"carif_oref"}),
    ({"parcoursup": "active", "affelnet": "active"}, {"affelnet_visible": False}, {"carif_oref", "parcoursup"}),
    ({"lba": "refused", "parcoursup": "active"}, {}, {"carif_oref", "parcoursup"}),
    ({"carif_oref": "refused"}, {}, set()),
    ({"lba": "active"}, {"published": False}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("said", "columns", "expected"), TABLE)
def test_what_opens_where(training, said, columns, expected):
    cfa = training.cfa
    with make.writing():
        for name, value in columns.items():
            setattr(training, name, value)
    for code, state in said.items():
        consent(cfa, code, state)
    assert {platform.code for platform in directory.platforms() if on(training, platform.code)} == expected


def test_the_centres_own_site_asks_for_a_yes_and_a_domain(training):
    assert unmet(training, "cfa") == ["consent", "domain"]
    consent(training.cfa, "cfa")
    assert not on(training, "cfa")
    assert unmet(training, "cfa") == ["domain"]
    make.saved(CfaDomain(cfa_id=training.cfa_id, host="www.cfa-tilleuls.example"))
    assert on(training, "cfa")


def test_a_platform_that_is_off_shows_nothing(training):
    consent(training.cfa, "lba")
    assert on(training, "lba")
    with make.writing():
        make.platform("lba").active = False
    assert not on(training, "lba")
    assert unmet(training, "lba") == ["platform"]


def test_a_closed_centre_or_training_is_bookable_nowhere(training):
    with make.writing():
        training.cfa.closed_at = clock.now()
    assert not on(training, "carif_oref")
    assert "centre" in unmet(training, "carif_oref")
    with make.writing():
        training.cfa.closed_at = None
        training.closed_at = clock.now()
    assert not on(training, "carif_oref")
    assert unmet(training, "carif_oref") == ["training"]


def test_without_callback_nor_message_a_free_slot_is_needed_that_this_platform_may_book(training):
    cfa, site = training.cfa, training.sites[0]
    with make.writing():
        cfa.callback_open = cfa.message_open = False
    assert unmet(training, "carif_oref") == ["contact"]
    assert not on(training, "carif_oref")
    make.slot(make.adviser(cfa, site), site)
    assert on(training, "carif_oref")
    make.saved(BookingRule(cfa_id=cfa.id, platforms=["lba", "cfa"]))
    assert not on(training, "carif_oref")
    make.saved(BookingRule(cfa_id=cfa.id, site_id=site.id, platforms=["carif_oref"]))
    assert on(training, "carif_oref")


@pytest.mark.parametrize("code", ["lba", "parcoursup", "carif_oref"])
def test_a_place_may_hide_itself_and_one_place_shown_is_enough(training, code):
    cfa, first = training.cfa, training.sites[0]
    consent(cfa, code)
    second = make.site(cfa)
    with make.writing():
        training.sites.append(second)
    platform_id = make.platform(code).id
    make.saved(PlatformSite(site_id=first.id, platform_id=platform_id, shown=False))
    assert on(training, code)
    make.saved(PlatformSite(site_id=second.id, platform_id=platform_id, shown=False))
    assert not on(training, code)
    assert unmet(training, code) == ["site"]


@pytest.mark.parametrize("code", ["lba", "parcoursup"])
def test_no_place_is_shown_where_the_centre_refused(training, code):
    consent(training.cfa, code, "refused")
    make.saved(PlatformSite(site_id=training.sites[0].id, platform_id=make.platform(code).id, shown=True))
    assert not on(training, code)


def test_where_nothing_is_asked_a_place_may_stand_out_of_a_hidden_centre(training):
    consent(training.cfa, "carif_oref", "refused")
    assert not on(training, "carif_oref")
    make.saved(PlatformSite(site_id=training.sites[0].id, platform_id=make.platform("carif_oref").id, shown=True))
    assert on(training, "carif_oref")


def test_every_rule_says_what_to_do(training):
    consent(training.cfa, "lba", "invited", activates_at=clock.now() + timedelta(days=15))
    for platform in directory.platforms():
        for rule in bookable.rules(training, platform, clock.now()):
            assert rule.sentence.endswith(".")
            assert "{" not in rule.sentence
    said = {rule.code: rule for rule in bookable.rules(training, make.platform("lba"), clock.now())}
    assert "sauf refus" in said["consent"].sentence
    assert not said["consent"].met


def some_house(pick: random.Random) -> None:
    """Write a centre drawn at random, with all that a rule reads."""
    often, rarely = (lambda: pick.random() < 0.85), (lambda: pick.random() < 0.15)
    maybe = lambda: pick.choice([True, False, None, None])  # noqa: E731
    now = clock.now()
    cfa = make.cfa(
        callback_open=pick.random() < 0.3, message_open=pick.random() < 0.3, closed_at=now if rarely() else None
    )
    sites = [
        make.site(cfa, closed_at=now if rarely() else None, callback_open=maybe(), message_open=False)
        for _ in range(pick.randint(1, 3))
    ]
    columns = {
        "parcoursup_visible": often(), "affelnet_visible": often(), "published": often(),
        "parcoursup_id": pick.choice(["77", "", None]), "onisep_id": pick.choice(["AF.1", None]),
        "callback_open": maybe(), "message_open": pick.choice([False, None]), "closed_at": now if rarely() else None,
    }  # fmt: skip
    training = make.training(cfa, *pick.sample(sites, pick.randint(0, len(sites))), **columns)
    kind = make.meeting_type(cfa)
    if pick.random() < 0.6:
        adviser = make.adviser(cfa, *sites)
        make.slot(
            adviser, pick.choice(sites), kind, training_scope=(scope := pick.choice(["cfa", "site", "chosen"])),
            trainings=[training] if scope == "chosen" and often() else [], listed=often(), day_full=rarely(),
            seats_taken=int(rarely()), status="closed" if rarely() else "open",
            starts_at=now + timedelta(days=-1 if rarely() else 5),
        )  # fmt: skip
    codes = ["lba", "jeune_1_solution", "parcoursup", "cfa", "carif_oref", "onisep", "affelnet"]
    for scope in ({}, {"site_id": sites[0].id}, {"meeting_type_id": kind.id}):
        if pick.random() < 0.3:
            allowed = None if rarely() else pick.sample(codes, pick.randint(0, 5))
            make.saved(BookingRule(cfa_id=cfa.id, platforms=allowed, **scope))
    for code in codes:
        state = pick.choice(["active", "active", "active", "invited", "refused", None])
        if state:
            consent(cfa, code, state)
        for site in sites:
            if pick.random() < 0.3:
                make.saved(PlatformSite(site_id=site.id, platform_id=make.platform(code).id, shown=often()))
    if pick.random() < 0.6:
        make.saved(CfaDomain(cfa_id=cfa.id, host=f"cfa{cfa.id}.example"))


@pytest.mark.parametrize("seed", [6, 2026])
def test_one_by_one_or_all_at_once_the_answer_is_the_same(app, seed):
    pick = random.Random(seed)
    with make.writing():
        for _ in range(CASES):
            some_house(pick)
    now = clock.now()
    trainings = db.session.scalars(sa.select(Training)).all()
    met, not_met = set(), set()
    for platform in directory.platforms():
        expected = {training.id for training in trainings if bookable.on(training, platform, now)}
        assert set(db.session.scalars(bookable.ids(platform, now))) == expected, platform.code
        assert 0 < len(expected) < len(trainings), platform.code
        for training in trainings:
            for rule in bookable.rules(training, platform, now):
                (met if rule.met else not_met).add(rule.code)
    everything = {"centre", "training", "contact", "consent", "known", "listed", "domain", "site"}
    assert met == everything | {"platform"}
    assert not_met == everything
