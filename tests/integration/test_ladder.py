"""The ladder: each rung once, decided when it is due, for who is concerned at that instant."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, jobs, ladder
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import WrongTransition
from rdv.models import CandidateRequest, Closure, Membership, OutgoingMail, OutgoingSms, RequestEvent
from tests import make

FOLLOW_UP = next(job for job in jobs.JOBS if job.name == "follow_up")
DIGESTS = next(job for job in jobs.JOBS if job.name == "write_digests")
# What a rung does reads and writes few rows by key: the engines differ in locks, which the simulated quarter tries on both.
only_once = pytest.mark.sqlite_only
STAFF = ("follow_up_owner", "follow_up_team", "not_contacted")


class Place:
    """A CFA with one place, its people, and the clock: Tuesday 24 November 2026, 10 h in Paris."""

    def __init__(self, freeze) -> None:
        self.clock = freeze("2026-11-24T09:00Z")
        self.cfa = make.cfa(email="accueil@cfa.example")
        self.site = make.site(self.cfa, email=None, latitude=50.63, longitude=3.06)
        self.training = make.training(self.cfa, self.site, email=None)
        self.adviser = make.adviser(self.cfa, email="bob@cfa.example")
        self.manager = make.manager(self.cfa, email="alice@cfa.example")
        self.number = 0

    def ask(self, **person) -> CandidateRequest:
        self.number += 1
        values = {"email": f"zoe{self.number}@courriel.example", "phone": "+33199000001", **person}
        with transaction():
            return inbox.open_request(
                "callback", self.cfa, Candidate("Zoé", "Lambert", **values), Submission(f"{self.number:024d}", "d"),
                clock.now(), training=self.training,
            )  # fmt: skip

    def prefer(self, user, notices: str) -> None:
        with transaction() as session:
            session.execute(sa.update(Membership).where(Membership.user_id == user.id).values(notices=notices))

    def shut(self, first: str, last: str, **whose) -> None:
        make.saved(
            Closure(cfa_id=self.cfa.id, first_day=date.fromisoformat(first), last_day=date.fromisoformat(last), **whose)
        )

    def act(self, function, *arguments, **options):
        with transaction():
            return function(*arguments, clock.now(), **options)

    def at(self, text: str) -> list[tuple[str, str]]:
        """Look at that instant (wall time of Paris without offset); return what was written, to whom."""
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = clock.from_wall(instant.date(), instant.time(), clock.PARIS)
        self.clock.to(instant)
        before = db.session.scalar(sa.select(sa.func.max(OutgoingMail.id))) or 0
        jobs.follow_up(clock.now())
        query = sa.select(OutgoingMail.kind, OutgoingMail.to_email).where(OutgoingMail.id > before)
        return [tuple(row) for row in db.session.execute(query.order_by(OutgoingMail.id))]


@pytest.fixture
def place(app, freeze):
    return Place(freeze)


def rungs(request) -> list[int]:
    return [event.data["rung"] for event in request.events if event.kind == "follow_up"]


def test_each_rung_once_at_its_hour(place):
    request = place.ask()
    place.act(inbox.assign, request, place.adviser, user=place.manager)
    place.prefer(place.manager, "each")
    assert place.at("2026-11-24T10:05") == []
    assert place.at("2026-11-26T12:55") == []
    assert place.at("2026-11-26T13:00") == [("follow_up_owner", "bob@cfa.example")]
    assert place.at("2026-11-26T13:05") == [] == place.at("2026-11-26T17:05")  # due, and the place has just shut
    assert place.at("2026-11-27T09:00") == [
        ("follow_up_team", "alice@cfa.example"), ("follow_up_team", "bob@cfa.example"),
    ]  # fmt: skip
    assert place.at("2026-11-28T09:00") == [] == place.at("2026-11-30T16:55")
    assert place.at("2026-11-30T17:00") == [("follow_up_candidate", "zoe1@courriel.example")]
    assert place.at("2026-12-07T17:30") == [] == place.at("2026-12-14T18:00")
    assert (rungs(request), request.rung, request.status) == ([1, 2, 3], 3, "new")
    assert request.follow_up_at is not None
    assert inbox.rebuild(request) == inbox.state.of(request)


def test_a_worker_that_was_down_skips_what_is_no_longer_true_and_a_second_run_adds_nothing(place):
    request = place.ask()
    place.prefer(place.manager, "each")
    version = request.version
    told = place.at("2026-12-03T10:00")
    assert told == [("follow_up_team", "alice@cfa.example"), ("follow_up_candidate", "zoe1@courriel.example")]
    assert rungs(request) == [2, 3]
    with transaction() as session:  # killed before it wrote when to look again: looks at once, and finds it done
        session.execute(sa.update(CandidateRequest).values(follow_up_at=clock.now()))
    assert place.at("2026-12-03T10:05") == []
    assert request.version == version, "a page that somebody is answering on is not out of date"


def test_a_failed_request_stops_no_other(place, monkeypatch, caplog):
    first, second = place.ask(), place.ask()
    look = ladder.look

    def broken(request_id, now):
        look(request_id, now)
        if request_id == first.id:
            raise RuntimeError("killed between two requests")

    monkeypatch.setattr(ladder, "look", broken)
    place.clock.to("2026-11-26T12:00Z")
    with pytest.raises(jobs.Found):
        jobs.follow_up(clock.now())
    assert (rungs(first), rungs(second)) == ([], [1])
    monkeypatch.setattr(ladder, "look", look)
    assert place.at("2026-11-26T13:05") == [("follow_up_owner", "accueil@cfa.example")]
    assert rungs(second) == [1]


@only_once
def test_closures_holidays_and_hours_that_change_meanwhile_push_everything(place):
    place.clock.to("2026-12-16T09:00Z")  # due on Friday 18, in what becomes a closure
    request = place.ask()
    assert place.at("2026-12-16T10:05") == []
    place.shut("2026-12-17", "2027-01-03")
    assert place.at("2026-12-17T10:10") == []
    assert rungs(request) == []
    assert place.at("2026-12-18T17:30") == [] == place.at("2026-12-24T10:00")
    place.prefer(place.manager, "each")
    assert place.at("2027-01-04T08:55") == []
    assert place.at("2027-01-04T09:00") == [("follow_up_team", "alice@cfa.example")]
    assert place.at("2027-01-05T16:55") == []
    assert place.at("2027-01-05T17:00") == [("follow_up_candidate", "zoe1@courriel.example")]


@only_once
def test_a_closure_that_ends_early_is_seen_the_next_morning(place):
    place.shut("2026-11-25", "2026-12-04")
    request = place.ask()
    assert clock.to_zone(request.due_at, clock.PARIS).date() == date(2026, 12, 8)
    place.at("2026-11-24T10:05")
    with transaction() as session:
        session.execute(sa.delete(Closure))
        request.due_at = datetime.fromisoformat("2026-11-26T16:00+00:00")
    assert request.follow_up_at <= clock.now() + timedelta(days=1)


@only_once
def test_a_place_overseas_has_its_own_hours(place):
    with transaction():
        place.site.timezone, place.site.territory = "Indian/Reunion", "RE"
    place.clock.to("2027-12-16T06:00Z")  # Thursday, 10 h there; Monday 20 December is a holiday there alone
    place.ask()
    assert place.at("2027-12-20T12:55+04:00") == []
    place.prefer(place.manager, "each")
    assert place.at("2027-12-21T12:55+04:00") == []  # due that day at 17 h
    assert place.at("2027-12-21T13:00+04:00")[0][0] == "follow_up_owner"
    assert place.at("2027-12-22T09:00+04:00") == [("follow_up_team", "alice@cfa.example")]


@only_once
def test_who_is_told_is_read_when_it_is_due(place):
    owned, left, away, free = (place.ask() for _ in range(4))
    gone = make.adviser(place.cfa, email="parti@cfa.example")
    off = make.adviser(place.cfa, email="conges@cfa.example")
    for request, owner in ((owned, place.adviser), (left, gone), (away, off)):
        place.act(inbox.assign, request, owner, user=place.manager)
    with transaction() as session:
        session.execute(
            sa.update(Membership).where(Membership.user_id == gone.id).values(ended_at=clock.now(), notices="each")
        )
    place.shut("2026-11-26", "2026-11-27", user_id=off.id)
    elsewhere = make.site(place.cfa)
    far = make.adviser(place.cfa, elsewhere, email="ailleurs@cfa.example")
    each = make.adviser(place.cfa, email="chaque@cfa.example")
    late = make.adviser(place.cfa, email="rappels@cfa.example")
    for user, notices in ((far, "each"), (each, "each"), (late, "late"), (place.manager, "digest")):
        place.prefer(user, notices)
    told = place.at("2026-11-26T13:00")
    assert told.count(("follow_up_owner", "bob@cfa.example")) == 1
    both = [("follow_up_owner", "accueil@cfa.example"), ("follow_up_owner", "chaque@cfa.example")]
    assert sorted(told) == sorted([("follow_up_owner", "bob@cfa.example"), *both * 3])
    told = place.at("2026-11-27T09:00")
    assert sorted(told) == sorted(
        [("follow_up_team", "bob@cfa.example"), *[("follow_up_team", "chaque@cfa.example")] * 4]
    )
    assert free.rung == 2


@only_once
def test_a_centre_without_account_is_told_at_its_address(place):
    with transaction() as session:
        session.execute(sa.update(Membership).values(ended_at=clock.now()))
        place.cfa.activated_at = None
    place.ask()
    assert place.at("2026-11-26T13:00") == [("follow_up_owner", "accueil@cfa.example")]
    assert place.at("2026-11-27T09:00") == [("follow_up_team", "accueil@cfa.example")]


@only_once
def test_answers_end_it_and_notes_or_assignments_restart_nothing(place):
    answered, noted = place.ask(), place.ask()
    place.at("2026-11-26T13:00")
    place.clock.to("2026-11-27T07:59Z")
    place.act(inbox.answer, answered, "Oui, venez.", "staff", user=place.adviser)
    place.act(inbox.note, noted, "Dossier demandé", user=place.adviser)
    place.act(inbox.assign, noted, place.adviser, user=place.manager)
    assert place.at("2026-11-27T09:00") == [("follow_up_team", "bob@cfa.example")]
    assert (rungs(answered), rungs(noted)) == ([1], [1, 2])
    place.clock.to("2026-11-28T09:00Z")
    place.act(inbox.add_candidate_note, noted, "Vous êtes là ?")
    assert (noted.rung, place.at("2026-11-30T17:00")) == (2, [("follow_up_candidate", noted.email)])


@only_once
def test_a_call_that_was_agreed_or_planned_is_left_in_peace(place):
    agreed, missed = place.ask(), place.ask()
    place.prefer(place.manager, "each")
    later = datetime.fromisoformat("2026-12-08T14:00+01:00")
    place.act(inbox.log_call, agreed, "call_later", "staff", user=place.adviser, next_at=later)
    place.clock.to("2026-11-26T11:30Z")
    place.act(
        inbox.log_call, missed, "voicemail", "staff", user=place.adviser,
        next_at=datetime.fromisoformat("2026-11-27T15:00+01:00"),
    )  # fmt: skip
    assert place.at("2026-11-26T13:00") == [] == place.at("2026-11-27T15:55")
    assert [to for _, to in place.at("2026-11-27T16:00")] == ["alice@cfa.example", "bob@cfa.example"]
    assert place.at("2026-11-30T17:00") == [("follow_up_candidate", missed.email)]
    assert place.at("2026-12-08T14:55") == []
    assert place.at("2026-12-08T15:00") == [("follow_up_owner", "bob@cfa.example")]
    # What was agreed is a promise of its own: the fourth day after the request is long over, and nothing is told at once.
    assert place.at("2026-12-08T17:00") == []
    assert rungs(agreed) == [1]
    assert [kind for kind, _ in place.at("2026-12-10T17:00") if kind == "follow_up_candidate"] == [
        "follow_up_candidate"
    ]


@only_once
def test_a_call_after_an_answer_is_another_promise_and_so_is_one_agreed_once_the_candidate_was_told(place):
    answered, told = place.ask(), place.ask()
    place.act(inbox.answer, answered, "Oui, venez.", "staff", user=place.adviser)
    place.at("2026-11-27T09:00")
    assert [kind for kind, _ in place.at("2026-11-30T17:00")] == ["follow_up_candidate"]
    # The adviser calls who has read their answer, to hear more: nobody was let down, the follow-ups begin anew.
    place.clock.to("2026-12-02T09:00Z")
    place.act(inbox.log_call, answered, "no_answer", "staff", user=place.adviser)
    later = datetime.fromisoformat("2026-12-08T14:00+01:00")
    place.act(inbox.log_call, told, "call_later", "staff", user=place.adviser, next_at=later)
    assert (answered.status, answered.rung, told.rung) == ("in_progress", 0, 0)
    assert answered.due_at == datetime.fromisoformat("2026-12-04T17:00+01:00")
    assert place.at("2026-12-02T10:05") == []
    assert place.at("2026-12-04T13:00") == [("follow_up_owner", "bob@cfa.example")]
    assert ("follow_up_owner", "bob@cfa.example") in place.at("2026-12-08T15:00")
    assert ("follow_up_candidate", told.email) in place.at("2026-12-10T17:00")
    for request in (answered, told):
        assert inbox.rebuild(request) == inbox.state.of(request)


@only_once
def test_the_candidate_of_a_long_promise_is_told_at_its_end_and_the_team_the_next_morning(place):
    with transaction():
        place.cfa.answer_days = 4
    place.prefer(place.manager, "each")
    request = place.ask()
    place.at("2026-11-30T13:00")
    assert place.at("2026-11-30T17:00") == [
        ("follow_up_candidate", request.email), ("follow_up_team", "alice@cfa.example"),
    ]  # fmt: skip
    row = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.kind == "follow_up_team")).one()
    assert clock.to_zone(row.not_before, clock.PARIS).strftime("%d %H:%M") == "01 09:00"


@only_once
def test_who_gave_no_address_is_told_by_text_or_the_thread_says_that_nobody_could(place):
    mobile, landline = place.ask(email=None, phone="+33639980001"), place.ask(email=None)
    place.at("2026-11-26T13:00")
    assert [kind for kind, _ in place.at("2026-12-01T17:00")] == []
    assert [row.kind for row in db.session.scalars(sa.select(OutgoingSms)) if row.kind == "unanswered"] == [
        "unanswered"
    ]
    last = [request.events[-1].data for request in (mobile, landline)]
    assert last == [{"rung": 3}, {"rung": 3, "unreachable": True}]


# -- a quiet request, and the candidate's word ------------------------------------------------------------------------


@only_once
def test_an_answered_request_closes_by_itself_and_a_note_reopens_it(place):
    request = place.ask()
    place.act(inbox.answer, request, "Oui, venez.", "staff", user=place.adviser)
    place.at("2026-12-01T10:00")
    place.act(inbox.note, request, "Relancer ?", user=place.adviser)  # no word to the candidate
    assert (place.at("2026-12-15T09:55"), request.status) == ([], "waiting_candidate")
    assert (place.at("2026-12-15T10:00"), request.status, request.outcome) == ([], "closed", "answered")
    assert (request.follow_up_at, request.events[-1].internal) == (None, False)
    place.act(inbox.add_candidate_note, request, "Finalement, oui.")
    assert (request.status, request.rung, request.follow_up_at) == ("in_progress", 0, clock.now())


@only_once
@pytest.mark.parametrize("claim", ["reached", "elsewhere", "closed"])
def test_the_cfas_word_alone_is_checked_once_five_days_later(place, claim):
    request = place.ask()
    if claim == "reached":
        place.act(inbox.log_call, request, "reached", "staff", user=place.adviser)
    elif claim == "elsewhere":
        place.act(inbox.answered_elsewhere, request, "cfa_link")
    else:
        place.act(inbox.close, request, "answered", "staff", user=place.adviser)
    assert place.at("2026-11-29T09:55") == []
    assert place.at("2026-11-29T10:00") == [("contact_check", request.email)]
    assert place.at("2026-12-10T10:00") == []
    # No: it is the CFA's turn again, with a new promise; saying it twice changes nothing.
    assert place.act(ladder.say, request, False) is not None
    due = request.due_at
    assert (request.status, request.rung, due > clock.now()) == ("in_progress", 0, True)
    assert place.act(ladder.say, request, False) is None
    assert request.due_at == due
    told = db.session.scalars(sa.select(OutgoingMail.to_email).where(OutgoingMail.kind == "not_contacted")).all()
    assert told in (["bob@cfa.example"], ["accueil@cfa.example"])
    # Yes, in the end: over. And no again: taken back.
    place.act(ladder.say, request, True)
    assert (request.status, request.outcome) == ("closed", "answered")
    assert place.act(ladder.say, request, True) is None
    place.clock.tick(days=1)
    place.act(ladder.say, request, False)
    assert (request.status, request.rung, request.due_at > due) == ("in_progress", 0, True)
    assert inbox.rebuild(request) == inbox.state.of(request)
    # Reached after all: not asked a second time.
    place.act(inbox.log_call, request, "reached", "staff", user=place.adviser)
    assert [kind for kind, _ in place.at("2026-12-20T10:00")] == []


@only_once
def test_a_written_answer_needs_no_check_and_the_word_counts_no_more(place):
    request = place.ask()
    assert place.act(ladder.say, request, False) is None, "the CFA still has time"
    place.act(inbox.answer, request, "Oui, venez.", "staff", user=place.adviser)
    assert place.at("2026-12-05T10:00") == []
    with pytest.raises(WrongTransition):
        place.act(ladder.say, request, False)
    assert request.status == "waiting_candidate"


@only_once
def test_no_after_the_truth_was_told_is_another_promise(place):
    request = place.ask()
    place.prefer(place.manager, "each")
    place.at("2026-11-30T17:00")
    assert request.rung == 3
    event = place.act(ladder.say, request, False)
    assert (request.rung, clock.to_zone(request.due_at, clock.PARIS).strftime("%d %H:%M")) == (0, "02 17:00")
    assert event.data["contacted"] is False
    assert {kind for kind, _ in place.at("2026-12-02T13:00")} == {"follow_up_owner"}
    assert [kind for kind, _ in place.at("2026-12-03T09:00")] == ["follow_up_team"]
    assert [kind for kind, _ in place.at("2026-12-04T17:00")] == ["follow_up_candidate"]


# -- how many mails, and the digest -----------------------------------------------------------------------------------


def digests(place, text: str) -> list[str]:
    instant = datetime.fromisoformat(text)
    place.clock.to(clock.from_wall(instant.date(), instant.time(), clock.PARIS))
    before = db.session.scalar(sa.select(sa.func.max(OutgoingMail.id))) or 0
    jobs.write_digests(clock.now())
    query = sa.select(OutgoingMail).where(OutgoingMail.id > before).order_by(OutgoingMail.to_email)
    rows = list(db.session.scalars(query))
    assert {row.kind for row in rows} <= {"digest"}
    return [row.to_email for row in rows]


def test_the_digest_leaves_on_working_mornings_for_who_prefers_it(place):
    place.prefer(place.manager, "each")
    assert digests(place, "2026-11-24T08:30") == [], "nothing waits"
    place.clock.to("2026-11-24T09:00Z")
    place.ask()
    assert digests(place, "2026-11-25T08:25") == []
    assert digests(place, "2026-11-25T08:30") == ["bob@cfa.example"]
    assert digests(place, "2026-11-25T09:00") == [], "once a day"
    assert digests(place, "2026-11-25T12:30") == []
    assert digests(place, "2026-11-28T08:30") == [] == digests(place, "2026-11-29T08:30"), "no one is there"
    place.shut("2026-11-30", "2026-11-30")
    assert digests(place, "2026-11-30T08:30") == []
    assert digests(place, "2026-12-01T11:30") == ["bob@cfa.example"]
    member = db.session.scalars(sa.select(Membership).where(Membership.user_id == place.adviser.id)).one()
    found = ladder.digest.of_member(member, clock.now())
    assert [len(part) for part in (found.late, found.today, found.calls, found.new)] == [1, 0, 0, 0]


@only_once
def test_the_days_most_holds_mails_back_for_the_digest_and_the_last_says_so(place, change_settings):
    change_settings(staff_mails_most_per_day=3)
    with transaction() as session:
        session.execute(sa.update(Membership).values(ended_at=clock.now()))
    for _ in range(5):
        place.ask()
    rows = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.kind == "cfa_new_request")).all()
    assert [row.data for row in rows] == [{}, {}, {"last": True}]
    assert digests(place, "2026-11-25T08:30") == ["accueil@cfa.example"]
    found = ladder.digest.of_address(place.cfa, "accueil@cfa.example", clock.now())
    assert len(found.new) == 5
    assert digests(place, "2026-11-26T08:30") == [], "nothing was held back the day before"


@only_once
def test_a_candidate_gets_few_mails_a_day_that_they_did_not_ask_for_and_the_rest_the_next(place, change_settings):
    change_settings(candidate_mails_most_per_day=2)
    asked = [place.ask(email="zoe@courriel.example") for _ in range(3)]
    told = [kind for kind, _ in place.at("2026-12-01T17:00") if kind == "follow_up_candidate"]
    assert (len(told), [request.rung for request in asked]) == (2, [3, 3, 0])
    place.act(inbox.answer, asked[0], "Oui, venez.", "staff", user=place.adviser)  # answers always leave
    assert place.at("2026-12-01T19:00") == []
    assert place.at("2026-12-02T08:00")[0] == ("follow_up_candidate", "zoe@courriel.example")


@only_once
def test_who_asks_for_many_has_few_mails_and_each_young_person_has_theirs(place, change_settings):
    change_settings(candidate_mails_most_per_day=2)
    helper = {"asker": "helper", "asker_first_name": "Ali", "asker_email": "ali@mission-locale.example"}
    asked = [place.ask(email=f"jeune{number}@courriel.example", **helper) for number in range(4)]
    told = [to for kind, to in place.at("2026-12-01T17:00") if kind == "follow_up_candidate"]
    assert [request.rung for request in asked] == [3] * 4
    assert sorted(to for to in told if to.startswith("jeune")) == [
        f"jeune{number}@courriel.example" for number in range(4)
    ]
    assert told.count("ali@mission-locale.example") == 2


def test_what_is_looked_at_is_read_by_its_index(place):
    request = place.ask()
    assert ladder.to_look(clock.now()) == [request.id]
    assert ladder.to_look(clock.now() - timedelta(minutes=1)) == []
    place.act(inbox.close, request, "no_follow_up", "staff", user=place.adviser)
    assert place.at("2026-11-24T10:05") == []
    assert request.follow_up_at is None
    assert db.session.scalar(sa.select(sa.func.count()).select_from(RequestEvent)) == 2
