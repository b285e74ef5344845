"""Requests on the CFA's side: the state table, what counts as an answer, pages without a gap."""

from __future__ import annotations

import sys
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import EditedMeanwhile, ModeClosed, NotFound, RdvError, WrongTransition
from rdv.models import CandidateRequest, Closure, OutgoingMail
from tests import make


@pytest.fixture
def cfa(app, freeze):
    freeze("2026-11-24T08:00Z")
    return make.cfa()


@pytest.fixture
def adviser(cfa):
    return make.adviser(cfa)


def ask(cfa, mode="message", number=1, **changes):
    values = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33199000001"}
    with transaction():
        return inbox.open_request(
            mode, cfa, Candidate(**{**values, **changes}), Submission(f"{number:024d}", "d"), clock.now()
        )


def act(function, *arguments, **options):
    with transaction():
        return function(*arguments, clock.now(), **options)


def mails():
    return db.session.scalars(sa.select(OutgoingMail.kind).order_by(OutgoingMail.id)).all()


def kinds(request):
    return [event.kind for event in request.events]


# -- arrival ----------------------------------------------------------------------------------------------------------


def test_a_request_arrives_new_with_its_due_date_and_tells_both_sides(cfa):
    site = make.site(cfa, email=None)
    request = ask(cfa)
    assert (request.status, request.site_id, request.recipient_email) == ("new", site.id, cfa.email)
    assert clock.to_zone(request.due_at, "Europe/Paris").strftime("%d %H:%M") == "26 17:00"
    assert mails() == ["request_received", "cfa_new_request"]


def test_without_any_address_the_managers_are_told(cfa):
    with transaction():
        cfa.email = None
    make.manager(cfa)
    request = ask(cfa, email=None)
    assert request.recipient_email is None
    assert mails() == ["cfa_new_request"]


def test_a_closed_mode_takes_nothing(cfa):
    with transaction():
        cfa.callback_open = False
    with pytest.raises(ModeClosed):
        ask(cfa, mode="callback")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 0


# -- what is an answer ------------------------------------------------------------------------------------------------


def test_a_written_answer_is_mailed_counts_once_and_makes_it_the_candidates_turn(cfa, adviser, freeze):
    request = ask(cfa)
    act(inbox.answer, request, "Oui, il reste des places.", "staff", user=adviser)
    first = request.first_answered_at
    assert (request.status, request.owner_id) == ("waiting_candidate", adviser.id)
    freeze("2026-11-25T08:00Z")
    act(inbox.answer, request, "Venez mercredi.", "staff", user=adviser)
    assert request.first_answered_at == first
    assert mails().count("request_answered") == 2
    assert [event.text for event in request.events if event.kind == "answer"] == [
        "Oui, il reste des places.",
        "Venez mercredi.",
    ]


def test_a_person_without_address_cannot_be_answered_in_writing(cfa, adviser):
    request = ask(cfa, email=None)
    with pytest.raises(RdvError, match="appelez"):
        act(inbox.answer, request, "Bonjour", "staff", user=adviser)
    assert request.status == "new"


@pytest.mark.parametrize(
    ("result", "status", "answered"),
    [
        ("reached", "waiting_candidate", True),
        ("voicemail", "in_progress", False),
        ("no_answer", "in_progress", False),
        ("wrong_number", "in_progress", False),
    ],
)
def test_only_a_conversation_is_an_answer(cfa, adviser, result, status, answered):
    request = ask(cfa, mode="callback")
    due = request.due_at
    act(inbox.log_call, request, result, "staff", user=adviser, text="Rappeler le soir")
    assert (request.status, request.first_answered_at is not None, request.due_at) == (status, answered, due)
    # Who was not reached is offered slots, and called again.
    told = [] if answered else ["call_missed"]
    assert mails() == ["request_received", "cfa_new_request", *told]
    assert (request.attempts, request.next_attempt_at is not None) == ((0, False) if answered else (1, True))
    assert inbox.rebuild(request) == inbox.state.of(request)


def test_a_note_changes_nothing_but_the_thread(cfa, adviser):
    request = ask(cfa)
    act(inbox.note, request, "Voir avec la direction", user=adviser)
    assert (request.status, request.first_answered_at, request.owner_id) == ("new", None, None)
    assert [(event.kind, event.internal) for event in request.events] == [("created", False), ("note", True)]


def test_closing_reopening_and_the_acts_that_a_closed_request_refuses(cfa, adviser, freeze):
    request = ask(cfa)
    act(inbox.close, request, "not_for_us", "staff", user=adviser)
    assert (request.status, request.outcome, request.first_answered_at) == ("closed", "not_for_us", None)
    with pytest.raises(WrongTransition):
        act(inbox.close, request, "answered", "staff", user=adviser)
    with pytest.raises(WrongTransition):
        act(inbox.log_call, request, "reached", "staff", user=adviser)
    freeze("2026-12-01T08:00Z")
    act(inbox.reopen, request, "staff", user=adviser)
    assert (request.status, request.outcome) == ("in_progress", None)
    assert clock.to_zone(request.due_at, "Europe/Paris").strftime("%d %H:%M") == "03 17:00"
    assert kinds(request) == ["created", "closed", "reopened"]


def test_an_outcome_that_staff_may_not_choose_is_refused(cfa, adviser):
    request = ask(cfa)
    with pytest.raises(RdvError):
        act(inbox.close, request, "cancelled_by_candidate", "staff", user=adviser)
    assert request.status == "new"


def test_a_request_is_given_to_colleagues_only(cfa, adviser):
    request = ask(cfa)
    act(inbox.assign, request, adviser, user=adviser)
    assert request.owner_id == adviser.id
    with pytest.raises(NotFound):
        act(inbox.assign, request, make.adviser(make.cfa()), user=adviser)
    act(inbox.assign, request, None, user=adviser)
    assert request.owner_id is None


def test_who_acts_on_an_old_page_is_told_and_nothing_is_written(cfa, adviser):
    request = ask(cfa)
    seen = request.version
    act(inbox.answer, request, "Première réponse", "staff", user=adviser, version=seen)
    for refused in (
        lambda now: inbox.answer(request, "Seconde", "staff", now, user=adviser, version=seen),
        lambda now: inbox.log_call(request, "reached", "staff", now, user=adviser, version=seen),
        lambda now: inbox.close(request, "answered", "staff", now, user=adviser, version=seen),
    ):
        with pytest.raises(EditedMeanwhile), transaction():
            refused(clock.now())
    assert kinds(request) == ["created", "answer"]
    assert mails().count("request_answered") == 1


# -- the promise ------------------------------------------------------------------------------------------------------


def test_an_assignment_or_a_note_never_restarts_the_promise_and_a_new_setting_changes_no_date_given(
    cfa, adviser, freeze
):
    make.site(cfa)
    request = ask(cfa)
    promised, answer_by = request.due_at, "26 17:00"
    assert clock.to_zone(promised, "Europe/Paris").strftime("%d %H:%M") == answer_by
    freeze("2026-11-25T10:00Z")
    act(inbox.assign, request, adviser, user=adviser)
    act(inbox.note, request, "Voir avec la direction", user=adviser)
    act(inbox.add_candidate_note, request, "J’ajoute une question.")
    act(inbox.log_call, request, "voicemail", "staff", user=adviser)
    act(inbox.assign, request, None, user=adviser)
    assert request.due_at == promised
    with transaction():
        cfa.answer_days = 4
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2026, 11, 26), last_day=date(2026, 12, 6)))
    act(inbox.note, request, "Toujours rien", user=adviser)
    assert request.due_at == promised == inbox.rebuild(request).due_at
    # Who asks now reads the new ones: four working days after the closure.
    assert clock.to_zone(ask(cfa, number=2).due_at, "Europe/Paris").strftime("%d %H:%M") == "10 17:00"


def test_four_working_days_are_the_longest_promise(cfa):
    with pytest.raises(sa.exc.IntegrityError), transaction():
        cfa.answer_days = 5
    db.session.rollback()
    with transaction():
        cfa.answer_days = 4
    assert clock.to_zone(ask(cfa).due_at, "Europe/Paris").strftime("%d %H:%M") == "30 17:00"


def test_rebuild_requests_tells_what_differs_from_the_thread_and_puts_it_right_when_told(app, cfa, adviser):
    sound, wrong = ask(cfa), ask(cfa, number=2)
    act(inbox.answer, wrong, "Oui.", "staff", user=adviser)
    due = wrong.due_at
    with transaction():
        wrong.status, wrong.due_at, wrong.first_answered_at = "new", due + timedelta(days=1), None
        wrong.follow_up_at = None
    run = app.test_cli_runner()
    seen = run.invoke(args=["rebuild-requests"])
    assert seen.exit_code == 1
    assert f"à corriger\u00a0: demande {wrong.public_id}, new au lieu de waiting_candidate" in seen.output
    assert "2\u00a0demandes lues, 1\u00a0à corriger." in seen.output
    assert sound.public_id not in seen.output
    db.session.expire_all()
    assert wrong.status == "new", "dry by default"
    done = run.invoke(args=["rebuild-requests", "--ecrire"])
    assert (done.exit_code, f"corrigée\u00a0: demande {wrong.public_id}" in done.output) == (0, True)
    db.session.expire_all()
    assert (wrong.status, wrong.due_at, wrong.first_answered_at) == ("waiting_candidate", due, clock.now())
    assert wrong.follow_up_at is not None, "the ladder looks again"
    again = run.invoke(args=["rebuild-requests"])
    assert (again.exit_code, again.output) == (0, "2\u00a0demandes lues, rien à corriger.\n")


# -- the list ---------------------------------------------------------------------------------------------------------


def pages(cfa, wanted, size):
    """Walk the list to its end, then back to its beginning: the same pages, met the other way round."""
    walked, cursor = [], None
    while True:
        page = inbox.page(cfa.id, wanted, clock.now(), cursor, size=size)
        walked.append(page.rows)
        if page.following is None:
            break
        cursor = page.following
    back = page.previous
    for rows in reversed(walked[:-1]):
        before = inbox.page(cfa.id, wanted, clock.now(), before=back, size=size)
        assert before.rows == rows
        back = before.previous
    assert back is None or len(walked) == 1
    return [row for rows in walked for row in rows], len(walked)


def test_pages_follow_the_due_dates_forward_and_back_without_gap_or_repeat(cfa):
    now = clock.now()
    for number in range(11):
        # Several share a due date, some have none.
        due = None if number % 5 == 4 else now + timedelta(hours=number // 3)
        make.candidate_request(cfa, due_at=due, created_at=now - timedelta(minutes=number % 4))
    make.candidate_request(make.cfa())
    found, walked = pages(cfa, inbox.Filter(status="todo"), 3)
    assert walked == 4
    assert len({request.id for request in found}) == len(found) == 11
    dated = [request.due_at for request in found if request.due_at]
    assert dated == sorted(dated)
    assert [request.due_at for request in found[-2:]] == [None, None]
    # Nothing but what waits stands by its due date: all of them are the newest first.
    everything, _ = pages(cfa, inbox.Filter(), 3)
    assert [request.created_at for request in everything] == sorted(
        (request.created_at for request in found), reverse=True
    )
    assert {request.id for request in everything} == {request.id for request in found}


def test_a_page_begins_where_the_last_one_ended_whatever_happened_to_that_request(cfa, adviser):
    now = clock.now()
    made = [make.candidate_request(cfa, due_at=now + timedelta(hours=(number + 1) // 2)) for number in range(6)]
    first = inbox.page(cfa.id, inbox.Filter(status="todo"), now, size=2)
    act(inbox.close, made[1], "answered", "staff", user=adviser)
    assert inbox.page(cfa.id, inbox.Filter(status="todo"), now, first.following, size=2).rows == made[2:4]
    with transaction() as session:
        session.delete(made[1])  # erased
    second = inbox.page(cfa.id, inbox.Filter(status="todo"), now, first.following, size=2)
    assert second.rows == made[2:4]
    # Back where fewer than a page is left, the first page is a whole one.
    again = inbox.page(cfa.id, inbox.Filter(status="todo"), now, before=second.previous, size=2)
    assert (again.rows, again.previous) == ([made[0], made[2]], None)


def test_those_who_can_be_called_now_come_first_by_their_windows_in_the_zone_of_their_place(cfa, freeze):
    reunion = make.site(cfa, timezone="Indian/Reunion", territory="974")
    lille = make.site(cfa)

    def ask_for(hours, *windows, **columns):
        due = clock.now() + timedelta(hours=hours)
        return make.candidate_request(cfa, callback_windows=list(windows), due_at=due, **columns)

    # Nine o’clock in Paris, noon in La Réunion.
    noon_there = ask_for(5, "midi", site_id=reunion.id)
    morning_there = ask_for(1, "matin", site_id=reunion.id)
    morning = ask_for(6, "soir", "matin", site_id=lille.id)
    no_place = ask_for(7, "matin")
    evening, none = ask_for(2, "soir", site_id=lille.id), ask_for(3, site_id=lille.id)
    message = ask_for(4, "matin", mode="message")
    wanted = inbox.Filter(status="todo", reachable_first=True)
    found, _ = pages(cfa, wanted, 2)
    assert found == [noon_there, morning, no_place, morning_there, evening, none, message]
    assert inbox.page(cfa.id, inbox.Filter(reachable=True), clock.now()).rows == [noon_there, morning, no_place]
    for request in found:
        in_sql = inbox.count(cfa.id, inbox.Filter(reachable=True, site_id=request.site_id), clock.now())
        assert bool(in_sql) or not inbox.calling.reachable_now(request, clock.now())
    # The next page keeps the order that was decided when the first was read, though windows have changed since.
    page = inbox.page(cfa.id, wanted, clock.now(), size=3)
    freeze("2026-11-24T16:30Z")
    rest = inbox.page(cfa.id, wanted, clock.now(), page.following, size=9).rows
    assert rest == [morning_there, evening, none, message]
    assert inbox.page(cfa.id, inbox.Filter(reachable=True), clock.now()).rows == [evening, morning]
    for shut in ("2026-11-28T08:30Z", "2026-12-25T08:30Z", "2026-11-24T02:00Z"):  # a Saturday, Christmas, the night
        freeze(shut)
        assert inbox.page(cfa.id, inbox.Filter(reachable=True), clock.now()).rows == [], shut
    freeze("2026-12-18T08:30Z")
    assert noon_there in inbox.page(cfa.id, inbox.Filter(reachable=True), clock.now()).rows
    freeze("2027-12-20T08:30Z")  # a Monday, and a public holiday there alone
    assert noon_there not in inbox.page(cfa.id, inbox.Filter(reachable=True), clock.now()).rows
    assert morning in inbox.page(cfa.id, inbox.Filter(reachable=True), clock.now()).rows


def test_filters(cfa, adviser):
    now = clock.now()
    site = make.site(cfa)
    late = make.candidate_request(cfa, due_at=now - timedelta(hours=1), site_id=site.id)
    mine = make.candidate_request(cfa, mode="message", status="in_progress", owner_id=adviser.id)
    make.candidate_request(cfa, status="waiting_candidate", due_at=now - timedelta(days=2))
    closed = make.candidate_request(cfa, status="closed", outcome="answered", search_text="ines moreau 0612345678")

    def found(**wanted):
        return inbox.page(cfa.id, inbox.Filter(**wanted), now)[0]

    assert found(status="todo") == [late, mine]
    assert found(late=True) == [late]
    assert found(site_id=site.id) == [late]
    assert found(mode="message") == [mine]
    assert found(owner_id=adviser.id) == [mine]
    assert late in found(owner_id=0)
    assert mine not in found(owner_id=0)
    assert found(status="closed") == [closed]
    assert found(text="INÈS") == found(text="moreau ines") == [closed]
    assert found(text="%") == found(text="- .") == []
    with transaction():
        late.next_attempt_at, late.callback_windows = now + timedelta(hours=2), ["matin"]
        mine.reasons, mine.training_id = ["frais", "autre"], make.training(cfa).id
        mine.platform_id, mine.due_at, mine.created_at = (
            make.platform().id,
            now + timedelta(hours=3),
            now - timedelta(days=9),
        )
    tonight = now + timedelta(hours=14)
    assert found(planned=True) == found(call_until=tonight) == found(reachable=True) == [late]
    assert found(call_until=now + timedelta(hours=1)) == []
    assert found(due_until=tonight) == found(reason="frais") == found(training_id=mine.training_id) == [mine]
    assert found(reason="rais") == found(late=True, due_until=tonight) == []
    assert found(platform_id=mine.platform_id) == found(received_until=now - timedelta(days=8)) == [mine]
    assert mine not in found(platform_id=0)
    assert mine not in found(received_from=now - timedelta(days=8))
    other = make.site(cfa)
    assert late in found(team_site_ids=(site.id,))
    assert late not in found(team_site_ids=(other.id,))
    assert mine in found(team_site_ids=(other.id,)), "a request of no place is everybody's"
    counted = inbox.counters(cfa.id, now, until=tonight)
    assert (counted.due_today, counted.calls, counted.reachable) == (1, 1, 1)
    assert inbox.count(cfa.id, inbox.Filter(status="todo"), now) == 2
    assert inbox.counters(cfa.id, now) == inbox.Counters(todo=2, late=1, waiting=1, unowned=1)
    # What is nobody's is counted beside what is mine.
    assert inbox.counters(cfa.id, now, adviser.id) == inbox.Counters(todo=1, late=0, waiting=0, unowned=1)
    assert inbox.counters(make.cfa().id, now) == inbox.Counters(0, 0, 0, 0)


def test_a_number_stops_at_999_and_says_so(cfa, monkeypatch):
    monkeypatch.setattr(sys.modules["rdv.inbox.counts"], "MOST", 2)
    for _ in range(4):
        make.candidate_request(cfa)
    counted = inbox.counters(cfa.id, clock.now())
    assert (counted.todo, inbox.in_words(counted.todo)) == (3, "2+")
    assert inbox.in_words(2) == "2"
    assert inbox.in_words(100, inbox.Filter(reachable=True)) == "99+"


def test_a_phone_is_found_as_it_is_spoken_or_written(cfa):
    request = ask(cfa, phone="+33612345678")
    with transaction():
        request.reference = "222-W26-KSG"  # phone keypads read letters as digits
        request.search_text = "zoe lambert zoe courriel example 33612345678 222 w26 ksg"
    spoken = ("06 12 34 56 78", "+33612345678", "0612345678", "06 12 34", "222-W26-KSG", "222 w26 ksg", "222W26KSG")
    for typed in spoken:
        assert inbox.page(cfa.id, inbox.Filter(text=typed), clock.now())[0] == [request], typed


def test_the_same_person_is_recognised_by_address_or_phone_in_this_cfa_alone(cfa):
    first = ask(cfa)
    by_phone = ask(cfa, number=2, email="autre@courriel.example")
    by_email = ask(cfa, number=3, phone=None)
    ask(cfa, number=4, email="autre2@courriel.example", phone="+33199000002")
    ask(make.cfa(), number=5)
    assert inbox.same_person(first) == [by_email, by_phone]


def test_another_cfas_request_does_not_exist(cfa):
    with pytest.raises(NotFound):
        inbox.get_for_cfa(make.cfa().id, ask(cfa).public_id)
