"""A person who is erased is nowhere in the database any more, what is counted stays, and platforms are told once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import (
    attendance,
    booking,
    clock,
    dead_addresses,
    erasure,
    inbox,
    integrity,
    jobs,
    outbox,
    redirecting,
    stats,
    waitlist,
    webhooks,
)
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import RequestErased
from rdv.models import (
    AuditEntry,
    Booking,
    CandidateRequest,
    DeadAddress,
    FirstAnswer,
    JobRun,
    OutgoingMail,
    OutgoingSms,
    RenderedEvent,
    RequestEvent,
    RequestViewer,
    Slot,
    WaitlistEntry,
    WebhookDelivery,
)
from rdv.models.webhook import WEBHOOK_TYPES
from rdv.redirecting import Target
from tests import make
from tests.support.dump import columns_with
from tests.support.seats import seats_are_accounted_for
from tests.support.ticks import tick

NOW = "2026-11-23T08:00Z"  # Monday, 9 h in Paris
ERASE = next(job for job in jobs.JOBS if job.name == "erase_old")
PERSON = {
    "first_name": "Zéphyrine", "last_name": "Quatrebarbes", "email": "zephyrine.q@courriel.example",
    "phone": "+33639981234", "asker": "parent", "asker_first_name": "Hildegarde", "asker_last_name": "Quatrebarbes",
    "asker_email": "hildegarde@courriel.example", "asker_phone": "+33639985678", "reasons": ["frais"],
    "text": "Je cherche une licorne mauve.",
}  # fmt: skip
WORDS = (
    "zéphyrine", "quatrebarbes", "zephyrine.q@", "39981234", "39 98 12 34", "hildegarde", "39985678", "licorne",
    "pamplemousse", "topinambour", "rutabaga", "0639984321", "39984321",
)  # fmt: skip


accounted = pytest.fixture(autouse=True)(seats_are_accounted_for)
_numbers = iter(range(10_000))


@pytest.fixture
def house(app, freeze):
    """A centre with an adviser, meetings to come, and La bonne alternance, which is told everything, names included."""
    time = freeze(NOW)
    cfa = make.cfa(name="CFA des Tilleuls", email="accueil@cfa-tilleuls.example", sms_open=True)
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    slots = [make.slot(adviser, site, starts_at=f"2026-12-0{day}T14:00") for day in (1, 2, 3)]
    with transaction():
        make.platform("lba").gets_contacts = True
        endpoint = webhooks.create(make.platform("lba"), "https://lba.example/rdv", WEBHOOK_TYPES, clock.now())
        webhooks.set_active(endpoint, False, clock.now())  # what it is told waits, to be read
    return SimpleNamespace(time=time, cfa=cfa, site=site, adviser=adviser, slots=slots, endpoint=endpoint)


def person(**changes):
    return Candidate(**{**PERSON, "platform_id": make.platform("lba").id, **changes})


def submission():
    return Submission(f"{next(_numbers):024d}", "empreinte")


def book(house, number=0):
    with transaction():
        made = booking.book(house.slots[number], person(), submission(), clock.now())
    return db.session.get(CandidateRequest, made.request_id)


def ask(house, mode="message", cfa=None, **changes):
    with transaction():
        return inbox.open_request(
            mode, cfa or house.cfa, person(**changes), submission(), clock.now(),
            callback_windows=["soir"] if mode == "callback" else None,
        )  # fmt: skip


def erase(request, **options):
    with transaction():
        return erasure.erase(request, "candidate", clock.now(), **options)


def act(function, *arguments, **options):
    with transaction():
        return function(*arguments, clock.now(), **options)


def found_of(words=WORDS):
    return {word: columns for word, columns in columns_with(*words).items() if columns}


def told(kind):
    db.session.rollback()
    return list(db.session.scalars(sa.select(WebhookDelivery).filter_by(kind=kind).order_by(WebhookDelivery.id)))


# -- nothing of the person is left ------------------------------------------------------------------------------------


def test_nothing_of_the_person_is_left_in_any_column(app, house):
    booked = book(house)
    asked = ask(house, "callback")
    act(inbox.log_call, asked, "voicemail", "staff", user=house.adviser, text="Répondeur, topinambour.")
    act(inbox.note, asked, "Sa mère s’appelle Hildegarde.", user=house.adviser)
    act(inbox.answer, asked, "Bonjour Zéphyrine, pamplemousse.", "staff", user=house.adviser)
    again = Candidate(**{**PERSON, "phone": "+33639984321", "text": "Encore un rutabaga."})
    act(inbox.add_candidate_note, asked, again.text)
    with transaction():
        inbox.open_or_add("callback", house.cfa, again, submission(), clock.now(), callback_windows=["matin"])
    full = make.slot(house.adviser, house.site, starts_at="2026-12-09T14:00", capacity=2)
    for _ in range(2):
        make.booking(full)
    with transaction():
        waitlist.join(full, person(), submission(), clock.now(), None, 0)
        dead_addresses.declare(PERSON["email"], "hard_bounce", None, clock.now())
    for _ in range(26):  # everything that is written in a day leaves, the morning's digest included
        tick(app)
        house.time.tick(hours=1)
    with transaction():
        booking.move(
            db.session.get(Booking, booked.booking.id), house.slots[1], "staff", clock.now(), message="Rutabaga."
        )
    webhooks.relay(clock.now())
    before = found_of()
    assert set(before) >= {*WORDS} - {"39 98 12 34", "0639984321"}, "the words are somewhere before"
    everywhere = set().union(*before.values())
    assert everywhere >= {
        "candidate_request.first_name", "candidate_request.asker_email", "candidate_request.search_text",
        "request_event.text", "request_event.data", "outgoing_mail.to_email", "outgoing_mail.message_bytes",
        "outgoing_sms.to_phone", "webhook_delivery.body", "dead_address.email",
    }  # fmt: skip
    mine = db.session.scalars(sa.select(CandidateRequest).where(CandidateRequest.first_name == "Zéphyrine")).all()
    assert len(mine) == 3
    for request in mine:
        assert erase(request) == 1
    assert found_of() == {}
    for _ in range(3):  # what is still sent, rendered or repaired names nobody either
        tick(app)
        house.time.tick(hours=12)
    assert found_of() == {}
    findings = [str(each) for each in integrity.check(clock.now()).findings]
    assert [each for each in findings if any(request.public_id in each for request in mine)] == []


def test_what_ties_a_person_to_another_request_goes_too(house):
    request = book(house)
    with transaction():
        session = db.session
        session.add(OutgoingMail(**outbox.mail_row("request_answered", PERSON["email"], "s", request_id=request.id)))
        session.flush()
        session.execute(sa.update(OutgoingMail).values(subject="Bonjour", data={"nom": "Z"}))
        session.add(RequestViewer(request_id=request.id, user_id=house.adviser.id, seen_at=clock.now()))
    erase(request)
    of, held = db.session.get(CandidateRequest, request.id), db.session.scalars(sa.select(Booking)).one()
    assert (of.person_key, of.submission_id, of.submission_digest, of.name_key, held.person_key) == (
        None,
        None,
        None,
        "",
        None,
    )
    mails = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.request_id == request.id)).all()
    assert {(mail.subject, str(mail.data)) for mail in mails} == {(None, "{}")}
    assert {mail.to_email for mail in mails} == {"", house.adviser.email}
    assert db.session.scalars(sa.select(RequestViewer)).all() == []


def test_mails_that_list_several_people_lose_their_words(house):
    """The morning's digest of a colleague names who wrote yesterday; that of another centre does not."""
    request, stranger = ask(house), make.adviser(make.cfa())
    with transaction():
        for number, member in enumerate((house.adviser, stranger)):
            outbox.enqueue("digest", member.email, f"d{number}", user_id=member.id)
        db.session.execute(
            sa.update(OutgoingMail)
            .where(OutgoingMail.kind == "digest")
            .values(status="sent", message_bytes=b"Quatrebarbes")
        )
    erase(request)
    kept = dict(
        db.session.execute(sa.select(OutgoingMail.to_email, OutgoingMail.message_bytes).filter_by(kind="digest")).all()
    )
    assert kept == {house.adviser.email: None, stranger.email: b"Quatrebarbes"}


def test_a_calendar_keeps_no_rendered_event_of_a_past_meeting(house):
    request = book(house)
    with transaction():
        event = {"variant": "full", "stamp": "x", "content": b"Quatrebarbes", "rendered_at": clock.now()}
        db.session.add(RenderedEvent(booking_id=request.booking.id, **event))
    house.time.to("2026-12-05T08:00Z")
    erase(request)
    assert db.session.scalars(sa.select(RenderedEvent)).all() == []


def test_nobody_is_asked_whether_an_erased_person_came(house):
    request = book(house)
    house.time.to("2026-12-02T09:00Z")
    assert attendance.count_missing(house.cfa.id, clock.now()) == 1
    erase(request)
    assert attendance.count_missing(house.cfa.id, clock.now()) == 0
    assert attendance.recalled(house.adviser, clock.now()) == []
    with pytest.raises(RequestErased), transaction():
        attendance.mark(db.session.scalars(sa.select(Booking)).one(), "attended", clock.now(), house.adviser)
    assert db.session.scalar(sa.select(Booking.status)) == "booked"


def test_a_request_passed_on_is_erased_in_both_centres(house):
    other = make.cfa(name="CFA de là-bas", email="la-bas@cfa-tilleuls.example")
    place = make.site(other)
    asked = ask(house, "callback")
    act(inbox.log_call, asked, "reached", "staff", user=house.adviser)
    act(redirecting.redirect, asked, Target(other, place), "staff", user=house.adviser, agreed=True)
    further = redirecting.continued(asked)
    assert further is not None
    assert erase(further) == 2
    assert found_of() == {}


# -- what is counted stays --------------------------------------------------------------------------------------------


def figures():
    """Requests by platform, mode, status, outcome and day, and how long they waited: what every statistic reads."""
    db.session.rollback()
    of = CandidateRequest
    rows = db.session.execute(
        sa.select(
            of.platform_id, of.cfa_id, of.site_id, of.mode, of.status, of.outcome, of.created_at, of.first_answered_at
        )
    )
    answers = db.session.execute(sa.select(FirstAnswer.month, FirstAnswer.minutes, FirstAnswer.on_time))
    meetings = db.session.execute(sa.select(Booking.status, Booking.starts_at, Booking.seats))
    return [sorted(map(str, each)) for each in (rows, answers, meetings)]


def test_the_figures_are_the_same_after(house):
    request = ask(house)
    act(inbox.answer, request, "Bonjour", "staff", user=house.adviser)
    act(inbox.close, request, "answered", "staff", user=house.adviser)
    met = book(house)
    house.time.to("2026-12-01T14:00Z")
    with transaction():
        db.session.execute(sa.update(Booking).values(status="attended"))
    before, service = figures(), stats.service(clock.now())
    erase(request)
    erase(met)
    assert figures() == before
    assert stats.service(clock.now()) == service


# -- meetings, seats, mails -------------------------------------------------------------------------------------------


def test_a_coming_meeting_is_cancelled_and_its_adviser_told_without_a_name(app, house):
    request = book(house)
    tick(app)
    erase(request)
    held = db.session.scalars(sa.select(Booking)).one()
    assert (held.status, held.cancelled_by, db.session.get(Slot, held.slot_id).seats_taken) == (
        "cancelled",
        "candidate",
        0,
    )
    pending = db.session.scalars(sa.select(OutgoingMail).filter_by(status="pending")).all()
    assert [(mail.kind, mail.to_email) for mail in pending] == [("adviser_booking_cancelled", house.adviser.email)]
    tick(app)
    (told_mail,) = db.session.scalars(sa.select(OutgoingMail).filter_by(kind="adviser_booking_cancelled"))
    db.session.refresh(told_mail)
    assert told_mail.status == "sent"
    assert "Demande effacée".encode() in told_mail.message_bytes or b"effac" in told_mail.message_bytes


def test_what_waits_for_the_person_is_not_sent(house):
    request = book(house)
    with transaction():
        outbox.enqueue("reminder_day", PERSON["email"], "r", request_id=request.id)
    erase(request)
    waiting = sa.select(OutgoingMail.kind).where(OutgoingMail.status == "pending")
    assert db.session.scalars(waiting).all() == ["adviser_booking_cancelled"]
    assert db.session.scalars(sa.select(OutgoingSms.status).distinct()).all() in ([], ["dropped"])


def test_a_place_on_a_list_goes_to_the_next_person(house):
    full = make.slot(house.adviser, house.site, starts_at="2026-12-09T14:00", capacity=2)
    make.booking(full)
    leaving = make.booking(full)
    with transaction():
        entry = waitlist.join(full, person(), submission(), clock.now(), None, 0)
        second = waitlist.join(
            full, person(first_name="Paul", email="paul@courriel.example", phone=None, asker_email=None, asker_phone=None),
            submission(), clock.now(), None, 0,
        )  # fmt: skip
    del entry, second
    act_cancel(leaving)
    first, following = db.session.scalars(sa.select(WaitlistEntry).order_by(WaitlistEntry.id)).all()
    assert (first.status, following.status) == ("offered", "waiting")
    erase(first.request)
    db.session.expire_all()
    assert (first.status, first.person_key, following.status) == ("left", None, "offered")


def act_cancel(held):
    with transaction():
        booking.cancel(held, "staff", clock.now())


def test_nobody_acts_on_it_any_more(house):
    request = ask(house)
    erase(request)
    for function, arguments in (
        (inbox.note, ("Zéphyrine",)), (inbox.log_call, ("reached", "staff")), (inbox.reopen, ("staff",)),
        (inbox.add_candidate_note, ("Zéphyrine",)),
    ):  # fmt: skip
        with pytest.raises(RequestErased):
            act(
                function,
                request,
                *arguments,
                **({"user": house.adviser} if function is not inbox.add_candidate_note else {}),
            )
    with pytest.raises(RequestErased):
        inbox.get_for_cfa(house.cfa.id, request.public_id)
    assert inbox.rebuild(request) == inbox.state.of(request)
    assert (request.status, request.outcome) == ("closed", "no_follow_up")


def test_the_journal_keeps_that_it_was_done_and_by_whom(house):
    member = make.service_member()
    request = ask(house)
    with transaction():
        erasure.erase(request, "system", clock.now(), user=member)
    (line,) = db.session.scalars(sa.select(AuditEntry).filter_by(action="request.erased"))
    assert (line.user_id, line.object_id, line.cfa_id, line.data) == (member.id, request.public_id, house.cfa.id, {})


# -- platforms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("open_", [True, False])
def test_the_platform_is_told_once_even_switched_off_and_nothing_that_waits_names_anybody(house, open_):
    request = book(house)
    reference = request.reference
    webhooks.relay(clock.now())  # two deliveries that name the person wait
    with transaction():
        make.platform("lba").active = open_
    erase(request)
    assert erase(request) == 0
    webhooks.relay(clock.now())
    (erased,) = told("erased")
    assert erased.body is not None
    assert f'"request":{{"id":"{request.public_id}","reference":"{reference}"}}'.encode() in erased.body
    assert [(each.kind, each.state, each.body) for each in (*told("created"), *told("booked"))] == [
        ("created", "dropped", None), ("booked", "dropped", None),
    ]  # fmt: skip
    (cancelled,) = told("cancelled")  # what happened in the same act is told before, and names nobody
    assert (cancelled.has_contacts, cancelled.id < erased.id) == (False, True)
    assert b'candidate":{' not in cancelled.body


def test_a_kept_long_enough_request_is_told_too(app, house):
    book(house)
    house.time.to("2027-12-05T08:00Z")
    assert jobs.run(ERASE)
    assert len(told("erased")) == 1
    assert found_of() == {}


# -- retention --------------------------------------------------------------------------------------------------------


def erased_now(house, when):
    house.time.to(when)
    jobs.run(ERASE)
    db.session.rollback()
    return {each.public_id for each in db.session.scalars(sa.select(CandidateRequest)) if each.erased_at is not None}


def test_twelve_months_after_the_last_thing_that_happened(house):
    old, recent = ask(house), ask(house, email="autre@courriel.example")
    house.time.to("2026-12-20T08:00Z")
    act(inbox.note, recent, "Toujours là.", user=house.adviser)
    met = book_on(house, "2027-01-15T14:00")
    assert erased_now(house, "2027-11-23T07:59Z") == set()
    assert erased_now(house, "2027-11-23T14:00Z") == {old.public_id}
    assert erased_now(house, "2027-12-20T20:00Z") == {old.public_id, recent.public_id}  # not the one met in January
    assert erased_now(house, "2028-01-15T19:00Z") == {old.public_id, recent.public_id, met.public_id}
    assert db.session.scalars(sa.select(JobRun.note).where(JobRun.note.is_not(None))).all() == []


def book_on(house, starts_at):
    slot = make.slot(house.adviser, house.site, starts_at=starts_at)
    with transaction():
        made = booking.book(slot, person(email="met@courriel.example"), submission(), clock.now())
    return db.session.get(CandidateRequest, made.request_id)


def test_eighteen_months_at_most_whatever_happens_but_a_meeting_to_come(house, change_settings):
    request = ask(house)
    house.time.to("2028-05-01T08:00Z")
    act(inbox.note, request, "Encore.", user=house.adviser)
    coming = book_on(house, "2028-07-01T14:00")
    with transaction():
        db.session.execute(
            sa.update(CandidateRequest).where(CandidateRequest.id == coming.id).values(created_at=request.created_at)
        )
    assert erased_now(house, "2028-05-23T07:00Z") == set()
    assert erased_now(house, "2028-05-23T14:00Z") == {request.public_id}
    assert erased_now(house, "2028-07-01T14:30Z") == {request.public_id, coming.public_id}


def test_the_period_is_a_setting(house, change_settings):
    request = ask(house)
    change_settings(retention_months=3)
    assert erased_now(house, "2027-02-24T08:00Z") == {request.public_id}


def test_a_request_passed_on_is_kept_as_long_as_what_continues_it(house):
    other = make.cfa(name="CFA de là-bas", email="la-bas@cfa-tilleuls.example")
    asked = ask(house, "callback")
    house.time.to("2026-12-01T08:00Z")
    act(inbox.log_call, asked, "reached", "staff", user=house.adviser)
    act(redirecting.redirect, asked, Target(other, make.site(other)), "staff", user=house.adviser, agreed=True)
    further = redirecting.continued(asked)
    house.time.to("2027-03-01T08:00Z")
    act(inbox.note, further, "Note.", user=make.adviser(other))
    assert erased_now(house, "2028-02-28T08:00Z") == set()
    assert erased_now(house, "2028-03-01T14:00Z") == {asked.public_id, further.public_id}


def test_one_that_fails_stops_no_other_and_a_killed_run_goes_on(house, monkeypatch):
    first, second = ask(house), ask(house, email="autre@courriel.example")
    house.time.to("2027-11-24T08:00Z")
    real = erasure.scrubbing.scrub

    def scrub(request, now):
        if request.id == first.id:
            raise RuntimeError
        real(request, now)

    with monkeypatch.context() as broken:
        broken.setattr(erasure.scrubbing, "scrub", scrub)
        jobs.run(ERASE)
    db.session.expire_all()
    assert (first.erased_at, second.erased_at is not None, first.first_name) == (None, True, "Zéphyrine")
    assert told("erased")[0].request_public_id == second.public_id  # nothing half done of the other
    assert len(told("erased")) == 1
    house.time.tick(hours=6)
    jobs.run(ERASE)
    db.session.expire_all()
    assert first.erased_at is not None


def test_words_of_mails_go_after_a_month(app, house):
    ask(house, mode="callback")
    tick(app)
    assert db.session.scalar(sa.select(sa.func.count(OutgoingMail.message_bytes))) > 0
    house.time.tick(days=31)
    with transaction():
        erasure.forget_words(clock.now())
    rows = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.created_at < clock.now()))
    assert {row.message_bytes for row in rows if row.status != "pending"} == {None}


def test_an_address_in_error_is_kept_while_somebody_else_uses_it(house):
    request, other = ask(house), ask(house, first_name="Paul", phone=None, asker_phone=None)
    with transaction():
        dead_addresses.declare(PERSON["email"], "hard_bounce", None, clock.now())
    erase(request)
    assert db.session.scalar(sa.select(DeadAddress.email)) == PERSON["email"]
    erase(other)
    assert db.session.scalar(sa.select(DeadAddress.email)) is None


def test_facts_of_events_that_nobody_named_as_harmless_go(house):
    request = ask(house)
    with transaction():
        db.session.add(RequestEvent(
            request_id=request.id, kind="note", actor="staff", at=clock.now(), data={"surnom": "Zéphyrine", "why": "x"}
        ))  # fmt: skip
    erase(request)
    assert found_of(("zéphyrine",)) == {}
