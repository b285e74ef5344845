"""A request goes on elsewhere, once: to another place, or with the person's agreement to another centre."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, integrity, redirecting
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import EditedMeanwhile, ModeClosed, NotFound, RdvError, WrongTransition
from rdv.mails import KINDS
from rdv.models import CandidateRequest, OutgoingMail, RequestEvent, User
from rdv.redirecting import Target
from tests import make
from tests.support import databases, forks


@pytest.fixture
def cfa(app, freeze):
    freeze("2026-11-24T08:00Z")
    return make.cfa(name="CFA d’ici", email="ici@cfa-tilleuls.example")


@pytest.fixture
def other(cfa):
    found = make.cfa(name="CFA de là-bas", email="la-bas@cfa-tilleuls.example", answer_days=1)
    make.site(found, name="Atelier", city="Douai", email=None)
    return found


def ask(cfa, mode="callback", number=1, **changes):
    values = {
        "first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33199000001",
        "asker": "parent", "asker_first_name": "Marie", "asker_email": "marie@courriel.example",
        "reasons": ["place"], "text": "Reste-t-il des places ?",
    }  # fmt: skip
    training = changes.pop("training", None)
    with transaction():
        return inbox.open_request(
            mode, cfa, Candidate(**{**values, **changes}), Submission(f"{number:024d}", "d"), clock.now(),
            training=training, callback_windows=["soir"] if mode == "callback" else None,
        )  # fmt: skip


def act(function, *arguments, **options):
    with transaction():
        return function(*arguments, clock.now(), **options)


def told(kind):
    rows = db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind).order_by(OutgoingMail.id))
    return [(row.to_email, row.request_id) for row in rows]


def kinds(request):
    return [event.kind for event in request.events]


# -- within the centre ------------------------------------------------------------------------------------------------


def test_another_place_receives_and_the_date_does_not_move(cfa):
    first = make.site(cfa, name="Nord", email="nord@cfa-tilleuls.example")
    second = make.site(cfa, name="Sud", email="sud@cfa-tilleuls.example")
    here, everywhere = make.adviser(cfa, first), make.adviser(cfa)
    request = ask(cfa)
    due, was = request.due_at, request.version
    act(inbox.log_call, request, "no_answer", "staff", user=here)
    act(redirecting.redirect, request, Target(cfa, second), "staff", user=here, text="Plutôt vous, je crois.")
    assert (request.site, request.owner_id, request.due_at) == (second, None, due)
    assert (request.status, request.recipient_email) == ("in_progress", "sud@cfa-tilleuls.example")
    assert [to for to, _ in told("cfa_new_request")] == ["nord@cfa-tilleuls.example", "sud@cfa-tilleuls.example"]
    event = request.events[-1]
    assert (event.kind, event.data["site"], event.text) == ("redirected", second.public_id, "Plutôt vous, je crois.")
    assert event.internal  # what is said between colleagues
    act(redirecting.redirect, request, Target(cfa, second), "staff", user=here)  # there already
    assert kinds(request).count("redirected") == 1
    with transaction():
        request.owner_id = everywhere.id
    act(redirecting.redirect, request, Target(cfa, first), "staff", user=everywhere)
    assert request.owner_id == everywhere.id
    assert [to for to, _ in told("cfa_new_request")].count("nord@cfa-tilleuls.example") == 2
    assert told("request_redirected") == []
    assert inbox.rebuild(request) == inbox.state.of(request)
    with pytest.raises(EditedMeanwhile):
        act(redirecting.redirect, request, Target(cfa, second), "staff", user=here, version=was)


def test_a_place_of_another_centre_a_closed_one_and_a_finished_request_are_refused(cfa, other):
    make.site(cfa)
    gone = make.site(cfa, closed_at=clock.now())
    request = ask(cfa)
    for target in (Target(cfa, other.sites[0]), Target(cfa, gone)):
        with pytest.raises(RdvError, match="ne reçoit plus"):
            act(redirecting.redirect, request, target, "staff", user=make.adviser(cfa))
    for words in ({"cfa": cfa.public_id, "site": other.sites[0].public_id}, {"cfa": "inconnu"}, {}):
        with pytest.raises(NotFound):
            redirecting.find(words)
    act(inbox.close, request, "answered", "staff")
    with pytest.raises(WrongTransition, match="Rouvrez-la"):
        act(redirecting.redirect, request, Target(cfa, make.site(cfa)), "staff")
    assert kinds(request) == ["created", "closed"]


# -- to another centre ------------------------------------------------------------------------------------------------


def test_another_centre_receives_its_own_request_and_the_person_is_told(cfa, other):
    adviser = make.adviser(cfa)
    training = make.training(other, other.sites[0])
    request = ask(cfa, platform_id=make.platform("lba").id)
    act(inbox.log_call, request, "reached", "staff", user=adviser)
    words = "Très motivée, il ne nous reste pas de place."
    made = act(
        redirecting.redirect, request, Target(other, training=training), "staff", user=adviser, text=words, agreed=True
    )
    assert made.cfa == other
    assert (made.site, made.training, made.redirected_from) == (other.sites[0], training, request)
    same = (
        "first_name", "last_name", "email", "phone", "asker", "asker_first_name", "asker_email", "reasons", "text", "mode",
        "callback_windows", "platform_id", "person_key", "name_key",
    )  # fmt: skip
    assert {name: getattr(made, name) for name in same} == {name: getattr(request, name) for name in same}
    assert made.reference in made.search_text.upper().replace(" ", "-")
    assert request.reference.lower().replace("-", " ") not in made.search_text
    assert (request.status, request.outcome) == ("closed", "redirected")
    assert (made.status, made.owner_id, made.recipient_email) == ("new", None, "la-bas@cfa-tilleuls.example")
    assert clock.to_zone(made.due_at, "Europe/Paris").strftime("%d %H:%M") == "25 17:00"  # its own promise
    assert made.due_at != request.due_at
    assert [(event.kind, event.text, event.internal) for event in made.events] == [
        ("created", None, False), ("redirected", words, True)
    ]  # fmt: skip
    assert request.events[-1].data["to"] == made.public_id
    people = ["zoe@courriel.example", "marie@courriel.example"]
    assert told("request_redirected") == [(to, made.id) for to in people]
    assert told("cfa_new_request")[-1] == ("la-bas@cfa-tilleuls.example", made.id)
    assert all(inbox.rebuild(each) == inbox.state.of(each) for each in (request, made))
    # Twice: the same; elsewhere: refused, and so is sending it back.
    assert act(redirecting.redirect, request, Target(other), "staff", user=adviser, agreed=True) is made
    third = make.cfa()
    with pytest.raises(redirecting.AlreadyRedirected, match="CFA de là-bas"):
        act(redirecting.redirect, request, Target(third), "staff", user=adviser, agreed=True)
    with pytest.raises(RdvError, match="ne peut pas y retourner"):
        act(redirecting.redirect, made, Target(cfa), "candidate")
    # Reopened here, it is not passed on a second time while the first centre has it; afterwards it is.
    act(inbox.reopen, request, "staff", user=adviser)
    act(inbox.log_call, request, "reached", "staff", user=adviser)
    with pytest.raises(redirecting.AlreadyRedirected, match="CFA de là-bas suit déjà"):
        act(redirecting.redirect, request, Target(third), "staff", user=adviser, agreed=True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 2
    act(inbox.close, made, "not_for_us", "staff")
    again = act(redirecting.redirect, request, Target(third), "staff", user=adviser, agreed=True)
    assert (again.cfa, redirecting.continued(request)) == (third, again)
    assert redirecting.followed(request, "zoe@courriel.example") == again  # the person's link leads to the last one
    report = integrity.check(clock.now())
    assert report.sound, report.summary


def test_nobody_is_passed_on_without_an_agreement_that_the_thread_can_hold(cfa, other):
    adviser = make.adviser(cfa)
    request = ask(cfa)

    def refused(agreed):
        with pytest.raises(redirecting.AgreementMissing):
            act(redirecting.redirect, request, Target(other), "staff", user=adviser, agreed=agreed)

    refused(True)  # nobody has spoken with them
    act(inbox.log_call, request, "voicemail", "staff", user=adviser)
    refused(True)
    act(inbox.log_call, request, "reached", "staff", user=adviser)
    refused(False)  # spoken with, and not asked
    event = request.events[-1]
    act(inbox.undo, request, event.id, user=adviser)
    refused(True)  # that call was a slip
    act(inbox.add_candidate_note, request, "D’accord pour l’autre centre.")
    assert act(redirecting.redirect, request, Target(other), "staff", user=adviser, agreed=True).cfa == other


def test_the_way_of_contact_is_one_that_is_open_there_and_reaches_them(cfa, other):
    with transaction():
        other.callback_open = False
    assert act(redirecting.redirect, ask(cfa), Target(other), "candidate").mode == "message"
    alone = ask(cfa, number=2, email=None, asker_email=None, asker="candidate", asker_first_name=None)
    with pytest.raises(ModeClosed, match="Choisissez un autre centre"):
        act(redirecting.redirect, alone, Target(other), "candidate")
    assert (alone.status, kinds(alone)) == ("new", ["created"])


def test_who_has_a_meeting_here_keeps_it(cfa, other):
    booked = make.booking(make.slot(make.adviser(cfa), make.site(cfa)))
    with transaction():
        booked.request.status, booked.request.outcome = "in_progress", None
    with pytest.raises(WrongTransition, match="Annulez-le"):
        act(redirecting.redirect, booked.request, Target(other), "candidate")


# -- asked ------------------------------------------------------------------------------------------------------------


def test_the_person_is_asked_and_says_yes(cfa, other):
    adviser = make.adviser(cfa)
    request = ask(cfa)
    state = inbox.state.of(request)
    first = act(redirecting.ask, request, Target(other), "staff", user=adviser, text="Motivée")
    assert inbox.state.of(request) == state  # asking is no answer
    assert [to for to, _ in told("redirect_asked")] == ["zoe@courriel.example", "marie@courriel.example"]
    third = make.cfa()
    second = act(redirecting.ask, request, Target(third), "staff", user=adviser)
    with pytest.raises(WrongTransition, match="plus d’actualité"):
        act(redirecting.accept, request, first)
    assert redirecting.pending(request).target.cfa == third
    made = act(redirecting.accept, request, second, as_asker=True)
    assert made.cfa == third
    assert act(redirecting.accept, request, second) is made
    assert redirecting.pending(request) is None
    assert (request.events[-1].actor, request.events[-1].data["agreed"]) == ("candidate", "asked")


def test_a_no_is_told_to_who_asked_and_undoes_what_was_said_before(cfa, other):
    adviser = make.adviser(cfa)
    request = ask(cfa)
    act(inbox.log_call, request, "reached", "staff", user=adviser)
    question = act(redirecting.ask, request, Target(other), "staff", user=adviser)
    for _ in range(2):
        act(redirecting.refuse, request, question)
    assert kinds(request).count("candidate_note") == 1
    assert told("redirect_refused") == [(adviser.email, request.id)]
    assert request.status == "in_progress"  # it waits for an answer again
    assert redirecting.pending(request) is None
    with pytest.raises(redirecting.AgreementMissing):
        act(redirecting.redirect, request, Target(other), "staff", user=adviser, agreed=True)
    # Who asked has left: the address that received the request is told.
    question = act(redirecting.ask, request, Target(other), "staff", user=adviser)
    with transaction():
        adviser.active = False
    act(redirecting.refuse, request, question)
    assert told("redirect_refused")[-1][0] == "ici@cfa-tilleuls.example"
    mute = ask(cfa, number=2, email=None, asker_email=None)
    with pytest.raises(RdvError, match="appelez-la"):
        act(redirecting.ask, mute, Target(other), "staff")


@pytest.mark.sqlite_only  # what is asked of rows already read, when their mail leaves
def test_no_mail_about_a_request_leaves_for_who_is_no_longer_concerned(cfa, other):
    adviser = make.adviser(cfa)
    request = ask(cfa)
    act(inbox.assign, request, adviser, user=adviser)
    act(inbox.log_call, request, "no_answer", "staff", user=adviser)
    question = act(redirecting.ask, request, Target(other), "staff", user=adviser)
    act(redirecting.refuse, request, question)
    with transaction():
        inbox.reply(request, "Encore une question.", "form-1", clock.now())
    rows = [
        row
        for row in db.session.scalars(sa.select(OutgoingMail))
        if row.kind in ("call_missed", "redirect_refused", "candidate_replied") and row.to_email != request.asker_email
    ]

    def due():
        return {row.kind for row in rows if KINDS[row.kind].still_due(row, clock.now())}

    assert due() == {"call_missed", "redirect_refused", "candidate_replied"}
    with transaction():
        request.email = "corrigee@courriel.example"
        adviser.memberships[0].ended_at = clock.now()
    assert due() == set()


def test_a_question_about_a_centre_that_has_shut_is_no_longer_asked(cfa, other):
    request = ask(cfa)
    question = act(redirecting.ask, request, Target(other), "staff")
    with transaction():
        other.closed_at = clock.now()
    assert redirecting.pending(request) is None
    with pytest.raises(WrongTransition):
        act(redirecting.accept, request, question)


# -- at the same instant ----------------------------------------------------------------------------------------------


def _adviser(url, folder, request_id, cfa_id, user_id, barrier, answers):
    try:
        app = forks.application(databases.settings(url, Path(folder)))
        with app.app_context():
            request, user = db.session.get(CandidateRequest, request_id), db.session.get(User, user_id)
            target = Target(db.session.get(type(request.cfa), cfa_id))
            barrier.wait(timeout=60)
            try:
                with transaction():
                    made = redirecting.redirect(request, target, "staff", clock.now(), user=user, agreed=True)
                    answers.put(made.cfa_id)
            except redirecting.AlreadyRedirected:
                answers.put("already")
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


@pytest.mark.concurrent
def test_two_advisers_at_the_same_instant_make_one(app, database_url, instance_dir):
    cfa, third = make.cfa(), make.cfa()
    targets = [make.cfa(), third, third]
    people = [make.adviser(cfa) for _ in targets]
    request = ask(cfa)
    act(inbox.log_call, request, "reached", "staff", user=people[0])
    ids = [(target.id, person.id) for target, person in zip(targets, people, strict=True)]
    request_id = request.id
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(len(ids)), context.Queue()
    run = [
        context.Process(target=_adviser, args=(database_url, str(instance_dir), request_id, *pair, barrier, answers))
        for pair in ids
    ]
    for process in run:
        process.start()
    said = [answers.get(timeout=90) for _ in run]
    for process in run:
        process.join(timeout=30)
    db.session.rollback()
    made = db.session.scalars(sa.select(CandidateRequest).filter_by(redirected_from_id=request_id)).all()
    assert len(made) == 1
    assert set(said) <= {made[0].cfa_id, "already"}, said
    count = sa.select(sa.func.count()).select_from(RequestEvent).filter_by(request_id=request_id, kind="redirected")
    assert db.session.scalar(count) == 1
