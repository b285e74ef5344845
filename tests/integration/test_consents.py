"""What opens where, at frozen dates: notices, silence, refusals, follow-up, seasons, reminders."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import bookable, clock, consents, jobs
from rdv.consents import NotPossible
from rdv.db import db, transaction
from rdv.models import AuditEntry, OutgoingMail, PlatformConsent, PlatformQuestion
from tests import make

OPT_OUT = {"lba", "jeune_1_solution", "onisep"}


@pytest.fixture
def cfa(app, freeze, change_settings):
    """A centre never asked, whose one training every platform knows and lists; campaigns on, 12 January 2027."""
    freeze("2027-01-12T02:00Z")
    change_settings(platform_campaigns=True)
    cfa = make.cfa(email="direction@cfa-tilleuls.example")
    make.training(
        cfa, make.site(cfa, email="site@cfa-tilleuls.example"), parcoursup_id="9001", onisep_id="AF.9001",
        parcoursup_visible=True, affelnet_visible=True,
    )  # fmt: skip
    return cfa


def night():
    """Do what the clock does at night, twice: the second time changes nothing."""
    for _ in range(2):
        now = clock.now()
        jobs.open_platforms(now)
        jobs.invite_to_platforms(now)


def states():
    """Return the state of each platform, those never asked left out."""
    rows = db.session.scalars(sa.select(PlatformConsent).order_by(PlatformConsent.id))
    return {row.platform.code: row.state for row in rows}


def open_on(cfa):
    """Return the codes of the platforms where the centre's training is bookable."""
    return {
        code
        for code in (*OPT_OUT, "parcoursup", "affelnet")
        if db.session.scalars(bookable.ids(make.platform(code), clock.now())).all()
    }


def mails(*kinds):
    """Return (kind, address) of every mail written, in order."""
    rows = db.session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))
    return [(row.kind, row.to_email) for row in rows if not kinds or row.kind.startswith(kinds)]


def of(cfa, code):
    return db.session.scalar(
        sa.select(PlatformConsent).where(
            PlatformConsent.cfa_id == cfa.id, PlatformConsent.platform_id == make.platform(code).id
        )
    )


def by_link(act, *about):
    with transaction():
        act(consents.together(about[0]), "link", clock.now())


def test_silence_opens_the_opt_out_platforms_after_fifteen_days(cfa, freeze):
    night()
    assert mails("optout") == [("optout_invited", "direction@cfa-tilleuls.example")]  # one for the three
    assert {code for code, state in states().items() if state == "invited"} >= OPT_OUT
    assert open_on(cfa) == set()
    frozen = freeze("2027-01-27T01:59Z")
    night()
    assert open_on(cfa) == set()
    frozen.to("2027-01-27T02:00Z")
    night()
    assert open_on(cfa) == OPT_OUT
    assert {of(cfa, code).decided_by for code in OPT_OUT} == {"silence"}
    assert mails("optout")[1:] == [
        ("optout_active", "direction@cfa-tilleuls.example"),
        ("optout_active_contact", "site@cfa-tilleuls.example"),
    ]


def test_a_refusal_before_its_day_stops_silence_for_good(cfa, freeze):
    night()
    by_link(consents.refuse, of(cfa, "lba"))
    for day in ("2027-01-28", "2027-11-21", "2028-01-20"):
        freeze(f"{day}T02:00Z")
        night()
        assert not open_on(cfa) & OPT_OUT
        assert {states()[code] for code in OPT_OUT} == {"refused"}
    assert [kind for kind, _ in mails("optout")] == ["optout_invited", "optout_refused"]  # never invited again


def test_a_refusal_after_activation_keeps_what_was_accepted_elsewhere(cfa, freeze):
    night()
    by_link(consents.accept, of(cfa, "parcoursup"))
    freeze("2027-01-27T02:00Z")
    night()
    assert open_on(cfa) == OPT_OUT | {"parcoursup"}
    by_link(consents.refuse, of(cfa, "lba"))
    night()
    assert open_on(cfa) == {"parcoursup"}


def test_a_question_does_not_stop_the_clock(cfa, freeze):
    night()
    with transaction():
        consents.ask(of(cfa, "lba"), "Est-ce gratuit ?", "direction@cfa-tilleuls.example", clock.now())
    assert [kind for kind, _ in mails("platform_question")] == ["platform_question"]
    freeze("2027-01-27T02:00Z")
    night()
    assert open_on(cfa) == OPT_OUT


def test_nobody_is_opened_without_having_been_told(cfa, freeze):
    with make.writing():
        cfa.email = None
        for training in db.session.scalars(sa.select(make.Training)):
            training.email = None
    night()
    freeze("2027-03-01T02:00Z")
    night()
    assert open_on(cfa) == set()
    assert mails() == []


def test_a_new_centre_is_told_the_night_that_follows(cfa, freeze):
    night()
    freeze("2027-02-01T02:00Z")
    other = make.cfa(email="nouveau@cfa.example")
    make.cfa(email="sans-formation@cfa.example")
    make.training(other, make.site(other))
    night()
    assert [to for kind, to in mails("optout_invited")] == ["direction@cfa-tilleuls.example", "nouveau@cfa.example"]


@pytest.mark.parametrize(
    ("code", "before", "first", "last", "after"),
    [
        ("parcoursup", "2027-01-01", "2027-01-02", "2027-08-31", "2027-09-01"),
        ("affelnet", "2027-01-14", "2027-01-15", "2027-08-31", "2027-09-01"),
    ],
)
def test_premium_platforms_invite_in_their_campaign_only(cfa, freeze, code, before, first, last, after):
    for day, invited in ((before, False), (after, False), (last, True), (first, True)):
        freeze(f"{day}T02:00Z")
        with transaction() as session:
            session.execute(sa.delete(PlatformConsent))
        jobs.invite_to_platforms(clock.now())
        assert (code in states()) is invited, day


def test_a_training_that_the_platform_does_not_list_invites_nobody(cfa):
    with make.writing():
        for training in db.session.scalars(sa.select(make.Training)):
            training.parcoursup_visible = False
    night()
    assert "parcoursup" not in states()


def test_one_follow_up_after_ten_days_then_silence_is_a_no(cfa, freeze):
    night()
    frozen = freeze("2027-01-22T01:59Z")
    night()
    assert mails("premium_followed_up") == []
    frozen.to("2027-01-22T02:00Z")
    night()
    assert mails("premium_followed_up") == [("premium_followed_up", "direction@cfa-tilleuls.example")]
    frozen.to("2027-03-22T02:00Z")
    night()
    assert [kind for kind, _ in mails("premium_followed_up")] == ["premium_followed_up"] * 2  # Affelnet's own
    assert not open_on(cfa) & {"parcoursup", "affelnet"}


def test_who_answered_is_not_followed_up(cfa, freeze):
    night()
    by_link(consents.refuse, of(cfa, "parcoursup"))
    freeze("2027-01-23T02:00Z")
    night()
    assert mails("premium_followed_up") == []


def test_a_yes_opens_at_once_and_covers_what_comes(cfa):
    night()
    by_link(consents.accept, of(cfa, "parcoursup"))
    assert open_on(cfa) == {"parcoursup"}
    later = make.training(cfa, make.site(cfa), parcoursup_id="9002", parcoursup_visible=True)
    assert bookable.on(later, make.platform("parcoursup"), clock.now())
    assert mails("premium_active") == [
        ("premium_active", "direction@cfa-tilleuls.example"),
        ("premium_active_contact", "site@cfa-tilleuls.example"),
    ]
    with pytest.raises(NotPossible):
        by_link(consents.accept, of(cfa, "parcoursup"))
    with pytest.raises(NotPossible):
        by_link(consents.refuse, of(cfa, "parcoursup"))  # a yes is taken back by signing in


def test_a_refused_invitation_is_not_accepted_by_the_same_link(cfa):
    night()
    by_link(consents.refuse, of(cfa, "parcoursup"))
    with pytest.raises(NotPossible):
        by_link(consents.accept, of(cfa, "parcoursup"))
    with transaction():
        consents.accept([of(cfa, "parcoursup")], "manager", clock.now(), make.manager(cfa))
    assert open_on(cfa) == {"parcoursup"}


def test_on_20_november_all_but_those_who_said_yes_are_asked_anew(cfa, freeze):
    freeze("2027-01-16T02:00Z")
    night()
    by_link(consents.accept, of(cfa, "affelnet"))
    by_link(consents.refuse, of(cfa, "parcoursup"))
    freeze("2027-11-19T22:59Z")
    night()
    assert states()["parcoursup"] == "refused"
    freeze("2027-11-19T23:00Z")  # midnight in Paris
    night()
    assert "parcoursup" not in states()
    assert states()["affelnet"] == "active"
    assert {states()[code] for code in OPT_OUT} == {"active"}  # theirs never start anew
    assert "platform.season_reset" in set(db.session.scalars(sa.select(AuditEntry.action)))
    freeze("2028-01-02T02:00Z")
    night()
    assert states()["parcoursup"] == "invited"
    freeze("2028-01-12T02:00Z")
    night()
    assert len(mails("premium_followed_up")) == 1  # the season has its own follow-up


def test_a_reset_missed_by_a_stopped_worker_is_done_when_it_comes_back(cfa, freeze):
    night()
    freeze("2027-12-10T02:00Z")
    jobs.open_platforms(clock.now())
    assert "parcoursup" not in states()


def test_once_a_year_each_address_is_reminded_once(cfa, freeze):
    night()
    by_link(consents.accept, of(cfa, "parcoursup"))
    twin = make.cfa(email="direction@cfa-tilleuls.example")  # the same address
    make.training(twin, make.site(twin, email=None), parcoursup_id="9003", parcoursup_visible=True)
    bare = make.cfa(email="sans@cfa.example")
    make.training(bare, make.site(bare))
    with transaction():
        for each in (twin, bare):
            consents.turn_on(each, make.platform("parcoursup"), "manager", clock.now())
    freeze("2028-01-07T22:59Z")
    night()
    assert mails("premium_reminder") == []
    freeze("2028-01-08T02:00Z")
    night()
    freeze("2028-01-09T02:00Z")
    night()
    assert sorted(to for _, to in mails("premium_reminder")) == [
        "direction@cfa-tilleuls.example", "site@cfa-tilleuls.example",
    ]  # fmt: skip
    freeze("2029-01-08T02:00Z")
    night()
    assert len(mails("premium_reminder")) == 4


def test_the_database_decides_when_the_clock_and_a_centre_act_together(cfa, freeze):
    """What a job read may have changed since: its UPDATE looks again."""
    night()
    with transaction():
        consents.activate(cfa.id, clock.now())  # too early
    assert open_on(cfa) == set()
    freeze("2027-01-27T02:00Z")
    read = consents.to_activate(clock.now())
    assert read == [cfa.id]
    by_link(consents.refuse, of(cfa, "lba"))
    with transaction():
        consents.activate(cfa.id, clock.now())
    assert {states()[code] for code in OPT_OUT} == {"refused"}
    late = of(cfa, "parcoursup")
    by_link(consents.accept, late)
    with transaction():
        consents.follow_up(late.id, clock.now())
    assert mails("premium_followed_up") == []
    assert late.followed_up_at is None


def test_a_question_is_forgotten_after_a_year(cfa, freeze):
    night()
    with transaction():
        consents.ask(of(cfa, "lba"), "Est-ce gratuit ?", "direction@cfa-tilleuls.example", clock.now())
    for day, kept in (("2028-01-12", 1), ("2028-01-13", 0)):
        freeze(f"{day}T02:00Z")
        jobs.purge(clock.now())
        assert db.session.scalar(sa.select(sa.func.count()).select_from(PlatformQuestion)) == kept


def test_a_deployment_may_keep_campaigns_silent(cfa, change_settings):
    change_settings(platform_campaigns=False)
    night()
    assert mails() == []
    assert states() == {}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("www.mon-cfa.fr", "www.mon-cfa.fr"),
        ("https://www.Mon-CFA.fr/formations?x=1", "www.mon-cfa.fr"),
        ("écoles.example.", "xn--coles-9ra.example"),
        ("mon-cfa.fr:8080", "mon-cfa.fr"),
    ],
)
def test_the_name_of_a_site_is_written_as_browsers_send_it(typed, expected):
    assert consents.host(typed) == expected


@pytest.mark.parametrize(
    "typed", ["", "localhost", "192.168.0.1", "mon cfa.fr", "-a.fr", "a..fr", "x.local", "[::1]", "https://"]
)
def test_what_is_no_public_site_is_refused(typed):
    with pytest.raises(consents.WrongHost):
        consents.host(typed)
