"""Slots proposed in an answer: kept, taken, replaced, undone, lapsed; the candidate's side sees nothing that was taken back."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, inbox, integrity, jobs, proposals, seats, taking, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.delivery import deliver_due, deliver_texts
from rdv.errors import EditedMeanwhile, NotFound, RdvError, SlotUnavailable, WrongTransition
from rdv.models import Booking, FirstAnswer, OutgoingMail, OutgoingSms, SeatHold
from tests import make
from tests.support.seats import wrong_counts

LINA = Candidate("Lina", "Martin", "lina@courriel.example", None)
END_OFFERS = next(job for job in jobs.JOBS if job.name == "end_offers")


@pytest.fixture
def house(app, freeze):
    """A message to answer and three free slots, on a Monday morning in Lille."""
    time = freeze("2026-11-23T09:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    adviser, other = make.adviser(cfa), make.adviser(cfa)
    found = make.candidate_request(cfa, mode="message", site_id=site.id, email="zoe@courriel.example")
    slots = [make.slot(adviser, site, starts_at=f"2026-12-0{day}T10:00") for day in (1, 2, 3)]
    yield SimpleNamespace(
        time=time, cfa=cfa, site=site, adviser=adviser, other=other, request=found, slots=slots,
    )  # fmt: skip
    assert wrong_counts() == []
    assert [told for told in integrity.check(clock.now()).findings if found.public_id in told.told] == []


def propose(house, *slots, user=None, keep=True, text="Bonjour, choisissez.", free_choice=False):
    with transaction():
        return proposals.answer(
            house.request, text, clock.now(), user=user or house.adviser, version=house.request.version, proposed=slots,
            keep=keep, free_choice=free_choice,
        )  # fmt: skip


def holds(status="live"):
    db.session.expire_all()
    return db.session.scalars(sa.select(SeatHold).filter_by(status=status).order_by(SeatHold.id)).all()


def mails(kind="request_answered"):
    db.session.expire_all()
    return db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind).order_by(OutgoingMail.id)).all()


def test_seats_are_kept_a_day_and_never_past_the_start(house):
    soon = make.slot(house.adviser, house.site, starts_at="2026-11-23T20:00")
    propose(house, soon, house.slots[0])
    assert [(held.slot_id, held.until) for held in holds()] == [
        (soon.id, soon.starts_at) if held.slot_id == soon.id else (house.slots[0].id, clock.now() + timedelta(days=1))
        for held in holds()
    ]
    assert (soon.seats_taken, house.slots[0].seats_taken) == (1, 1)
    house.time.tick(days=1)
    assert jobs.run(END_OFFERS)
    assert (holds(), soon.seats_taken, house.slots[0].seats_taken) == ([], 0, 0)


def test_a_lapsed_seat_goes_to_who_waits_for_it(house):
    session = make.slot(house.adviser, house.site, starts_at="2026-12-05T10:00", capacity=2)
    make.booking(session)
    propose(house, session)
    with transaction():
        waitlist.join(session, LINA, Submission("attend", "x"), clock.now())
    house.time.tick(days=1)
    jobs.run(END_OFFERS)
    assert [(held.kind, held.slot_id) for held in holds()] == [("waitlist", session.id)]


def test_one_that_is_no_longer_free_sends_nothing(house):
    make.booking(house.slots[1])
    for keep in (True, False):
        with pytest.raises(SlotUnavailable, match="plus libre"):
            propose(house, *house.slots[:2], keep=keep)
    assert (holds(), mails(), house.request.status, house.slots[0].seats_taken) == ([], [], "new", 0)


def test_another_answer_replaces_what_was_proposed_even_the_same_slot(house):
    propose(house, house.slots[0], house.slots[1])
    house.time.tick(minutes=1)
    propose(house, house.slots[1], house.slots[2], user=house.other)
    assert [held.slot_id for held in holds()] == [house.slots[1].id, house.slots[2].id]
    assert [slot.seats_taken for slot in house.slots] == [0, 1, 1]
    house.time.tick(minutes=1)
    with transaction():
        inbox.close(house.request, "no_follow_up", "staff", clock.now(), user=house.adviser)
    jobs.run(END_OFFERS)
    assert [slot.seats_taken for slot in house.slots] == [0, 0, 0]


def test_what_is_taken_back_leaves_no_trace_outside(house):
    event = propose(house, house.slots[0], free_choice=True)
    request, now = house.request, clock.now()
    assert request.status == "waiting_candidate"
    # Until its twenty seconds are over, the candidate's side sees none of it.
    assert inbox.settled_state(request, now).status == "new"
    assert event.id not in [each.id for each in inbox.settled(request, now)]
    house.time.tick(seconds=5)
    deliver_due()
    assert [mail.status for mail in mails()] == ["pending"]
    with transaction():
        proposals.undo(request, event.id, clock.now(), house.adviser)
    assert (request.status, request.first_answered_at, house.slots[0].seats_taken) == ("new", None, 0)
    assert (holds(), db.session.scalar(sa.select(sa.func.count()).select_from(FirstAnswer))) == ([], 0)
    house.time.tick(minutes=5)
    deliver_due()
    assert [mail.status for mail in mails()] == ["dropped"]
    assert event.id not in [each.id for each in inbox.settled(request, clock.now())]
    propose(house, house.slots[0])  # the same again
    house.time.tick(seconds=21)
    assert inbox.settled_state(request, clock.now()).status == "waiting_candidate"
    deliver_due()
    assert [mail.status for mail in mails()] == ["dropped", "sent"]


@pytest.mark.sqlite_only  # which hold is written; the locks of an undo are tried above
def test_taking_back_another_act_leaves_what_was_proposed_before(house):
    propose(house, house.slots[0], house.slots[1])
    kept = [held.until for held in holds()]
    for act in (
        lambda now: inbox.log_call(house.request, "no_answer", "staff", now, user=house.adviser),
        lambda now: inbox.close(house.request, "no_follow_up", "staff", now, user=house.adviser),
    ):
        house.time.tick(minutes=5)
        with transaction():
            event = act(clock.now())
        house.time.tick(seconds=10)
        with transaction():
            proposals.undo(house.request, event.id, clock.now(), house.adviser)
        assert [held.until for held in holds()] == kept
        assert [slot.seats_taken for slot in house.slots] == [1, 1, 0]


@pytest.mark.sqlite_only  # rows of the outbox, as the mails above
def test_who_reads_no_mail_is_told_by_text_of_a_missed_call_and_of_an_end_unless_it_is_taken_back(house):
    called = make.candidate_request(house.cfa, site_id=house.site.id, email=None, phone="+33639980001")

    def texts():
        db.session.expire_all()
        found = db.session.scalars(sa.select(OutgoingSms).filter_by(request_id=called.id).order_by(OutgoingSms.id))
        return [(text.kind, text.status) for text in found]

    for undone in (True, False):
        with transaction():
            event = inbox.log_call(called, "no_answer", "staff", clock.now(), user=house.adviser)
        house.time.tick(seconds=10)
        deliver_texts()
        if undone:
            with transaction():
                proposals.undo(called, event.id, clock.now(), house.adviser)
        house.time.tick(seconds=11)
        deliver_texts()
    assert texts() == [("call_missed", "dropped"), ("call_missed", "sent")]
    with transaction():
        inbox.close(called, "not_for_us", "staff", clock.now(), user=house.adviser)
    house.time.tick(seconds=21)
    deliver_texts()
    assert texts()[2:] == [("closed", "sent")]


@pytest.mark.sqlite_only  # how SQLite reads it; PostgreSQL reads a table of few rows whole
def test_taking_back_reads_the_messages_of_one_request_alone(house):
    seen = []

    def see(_connection, _cursor, statement, parameters, _context, _many):
        if "outgoing_" in statement and "event_id =" in statement:
            seen.append((statement, parameters))

    event = propose(house)
    sa.event.listen(db.engine, "before_cursor_execute", see)
    with transaction():
        proposals.undo(house.request, event.id, clock.now(), house.adviser)
    sa.event.remove(db.engine, "before_cursor_execute", see)
    raw = db.session.connection().connection.dbapi_connection
    plans = [str(raw.cursor().execute("EXPLAIN QUERY PLAN " + text, values).fetchall()) for text, values in seen]
    assert len(plans) >= 2
    assert all("_request_id (request_id=?)" in plan for plan in plans), plans


def test_nobody_takes_back_what_is_not_theirs_not_last_or_too_late(house):
    event = propose(house, house.slots[0])
    with pytest.raises(WrongTransition), transaction():
        proposals.undo(house.request, event.id, clock.now(), house.other)
    with transaction():
        inbox.reply(house.request, "Merci !", "form-1", clock.now())
    with pytest.raises(WrongTransition), transaction():
        proposals.undo(house.request, event.id, clock.now(), house.adviser)
    house.time.tick(minutes=1)
    later = propose(house, house.slots[1])
    house.time.tick(seconds=20)
    with pytest.raises(WrongTransition), transaction():
        proposals.undo(house.request, later.id, clock.now(), house.adviser)
    assert [held.slot_id for held in holds()] == [house.slots[1].id]


def test_the_second_of_two_answers_is_refused_whole(house):
    version = house.request.version
    propose(house, house.slots[0])
    with pytest.raises(EditedMeanwhile), transaction():
        proposals.answer(
            house.request, "Moi aussi.", clock.now(), user=house.other, version=version, proposed=[house.slots[1]]
        )
    assert [held.slot_id for held in holds()] == [house.slots[0].id]
    assert len(mails()) == 1


def test_who_has_a_meeting_is_proposed_nothing(house):
    with transaction():
        taking.take(house.request, house.slots[0], clock.now())
    with pytest.raises(RdvError, match="déjà un rendez-vous"):
        propose(house, house.slots[1])
    assert proposals.choices(house.request, clock.now()) == []
    propose(house)  # words alone still leave


def test_a_slot_of_another_centre_is_never_theirs(house):
    other = make.cfa()
    elsewhere = make.slot(make.adviser(other), make.site(other))
    with pytest.raises(NotFound), transaction():
        taking.take(house.request, elsewhere, clock.now())
    with pytest.raises(SlotUnavailable):
        proposals.find(house.request, [elsewhere.public_id])
    assert elsewhere.seats_taken == 0


def test_a_meeting_set_by_the_staff_lets_the_proposals_go(house):
    propose(house, *house.slots[:2])
    with transaction():
        seats.take_as_staff(house.slots[2].id, clock.now())
        booking.seat_person(house.request, house.slots[2], clock.now(), "staff", user=house.adviser)
    jobs.run(END_OFFERS)
    assert [slot.seats_taken for slot in house.slots] == [0, 0, 1]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Booking)) == 1


def test_a_note_wakes_the_request_once_and_tells_who_follows_it(house):
    propose(house)
    house.time.tick(days=1)
    for _ in range(2):  # a double click
        with transaction():
            inbox.reply(house.request, "Et le samedi ?", "form-1", clock.now())
    assert [event.kind for event in house.request.events] == ["created", "answer", "candidate_note"]
    assert house.request.status == "in_progress"
    assert house.request.due_at > clock.now()
    assert [(mail.to_email, mail.user_id) for mail in mails("candidate_replied")] == [
        (house.adviser.email, house.adviser.id)
    ]
    assert "samedi" not in str(mails("candidate_replied")[0].data)


def test_other_hours_plan_the_next_call_and_tell_the_address_when_nobody_follows(house):
    called = make.candidate_request(house.cfa, site_id=house.site.id, phone="+33199005678")
    with transaction():
        inbox.log_call(called, "voicemail", "cfa_link", clock.now())
    before = called.next_attempt_at
    for _ in range(2):
        with transaction():
            inbox.new_windows(called, ["soir", "apres-midi"], "form-2", clock.now(), as_asker=True)
    assert called.callback_windows == ["soir", "apres-midi"]
    assert called.next_attempt_at == datetime.fromisoformat("2026-11-23T13:00+00:00") != before
    assert [event.kind for event in called.events][-2:] == ["call", "windows"]
    assert [mail.to_email for mail in mails("candidate_replied")] == [called.recipient_email]
