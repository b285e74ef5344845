"""The list of a full session: turns, offers, answers, expiry; time advances through the worker's jobs alone."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, jobs, offers, rules, seats, slots, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import AlreadyBooked, OfferEnded, RdvError, RequestReplayed, SlotUnavailable
from rdv.models import BookingRule, CandidateRequest, OutgoingMail, RequestEvent, SeatHold, WaitlistEntry
from tests import make
from tests.support.queries import queries
from tests.support.seats import seats_are_accounted_for

NOW = "2026-11-23T09:00Z"  # a Monday, 10 h in Lille
END_OFFERS = next(job for job in jobs.JOBS if job.name == "end_offers")
OVERLOOKED = next(job for job in jobs.JOBS if job.name == "offer_overlooked")


accounted = pytest.fixture(autouse=True)(seats_are_accounted_for)


@pytest.fixture
def house(app, freeze):
    """A full session of three in ten days, in Lille."""
    time = freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    kind = make.meeting_type(cfa, title="Réunion d’information", guests_allowed=3)
    slot = make.slot(adviser, site, kind, starts_at="2026-12-03T14:00", capacity=3)
    seated = [make.booking(slot) for _ in range(3)]
    return SimpleNamespace(time=time, cfa=cfa, site=site, adviser=adviser, kind=kind, slot=slot, seated=seated)


def person(name, **columns):
    return Candidate(
        **{
            "first_name": name,
            "last_name": "Martin",
            "email": f"{name.lower()}@courriel.example",
            "phone": None,
            **columns,
        }
    )


def submission(name="x"):
    return Submission(f"{name}{next(_numbers)}", "empreinte")


_numbers = iter(range(10_000))


def join(slot, name, guests=0, **columns):
    with transaction():
        return waitlist.join(slot, person(name, **columns), submission(name), clock.now(), None, guests)


def leave_seat(booked):
    with transaction():
        booking.cancel(booked, "candidate", clock.now())


def accept(request):
    held = offers.live_of(request, clock.now())
    with transaction():
        offers.accept(held, clock.now())


def tick(time=None, **step):
    """Let time pass, then let the worker look."""
    if time is not None:
        time.tick(**step)
    assert jobs.run(END_OFFERS)


def entry_of(request):
    return db.session.scalars(sa.select(WaitlistEntry).filter_by(request_id=request.id)).one()


def status(*requests):
    db.session.expire_all()
    return [entry_of(request).status for request in requests]


def mails(kind):
    query = sa.select(OutgoingMail.to_email).where(OutgoingMail.kind == kind).order_by(OutgoingMail.id)
    return [to.split("@")[0] for to in db.session.scalars(query)]


def events(request):
    query = sa.select(RequestEvent.kind).where(RequestEvent.request_id == request.id).order_by(RequestEvent.id)
    return db.session.scalars(query).all()


# -- joining ------------------------------------------------------------------------------------------------------------


def test_who_joins_has_a_closed_request_a_turn_and_a_mail(house):
    lina, _hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    assert (lina.mode, lina.status, lina.outcome, lina.due_at) == ("slot", "closed", "waitlisted", None)
    assert (lina.site_id, lina.owner_id, lina.booking) == (house.site.id, None, None)
    assert events(lina) == ["waitlisted"]
    assert mails("waitlist_joined") == ["lina", "hugo"]
    assert [waitlist.position(entry) for entry in waitlist.of_slot(house.slot)] == [1, 2]
    assert house.slot.seats_taken == 3


def test_one_person_is_once_on_a_list_and_never_beside_their_own_seat(house):
    join(house.slot, "Lina")
    with pytest.raises(AlreadyBooked):
        join(house.slot, "Lina")
    leave_seat(house.seated[0])
    lina = db.session.scalars(sa.select(CandidateRequest).filter_by(outcome="waitlisted")).one()
    accept(lina)
    with pytest.raises(AlreadyBooked):
        join(house.slot, "Lina")
    assert waitlist.request_of(house.slot, person("Lina")).id == lina.id


def test_a_form_sent_twice_joins_once(house):
    sent = submission()
    with transaction():
        waitlist.join(house.slot, person("Lina"), sent, clock.now())
    with pytest.raises(RequestReplayed), transaction():
        waitlist.join(house.slot, person("Hugo"), sent, clock.now())
    assert len(waitlist.of_slot(house.slot)) == 1


def test_a_list_needs_an_address_that_can_be_told(house):
    with pytest.raises(RdvError, match="adresse électronique"):
        join(house.slot, "Lina", email=None, phone="+33612345678")
    told = join(
        house.slot, "Hugo", email=None, phone="+33612345678", asker="parent", asker_email="mere@courriel.example"
    )
    assert (told.asker_email, mails("waitlist_joined")) == ("mere@courriel.example", ["mere"])


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "closed"}, {"status": "cancelled"}, {"capacity": 1, "extra_seats": 2},
        {"starts_at": "2026-11-23T08:00Z", "ends_at": "2026-11-23T10:00Z"},
        {"starts_at": "2026-11-23T09:14Z", "ends_at": "2026-11-23T10:00Z"},
        {"opens_at": "2026-11-24T08:00Z"}, {"closes_at": "2026-11-22T08:00Z"},
    ],
)  # fmt: skip
def test_a_list_takes_nobody_when_the_public_could_not_book(house, columns):
    with transaction() as session:
        for name, value in columns.items():
            setattr(house.slot, name, datetime.fromisoformat(value) if name.endswith("_at") else value)
        session.flush()
    with pytest.raises(SlotUnavailable):
        join(house.slot, "Lina")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(WaitlistEntry)) == 0


def test_a_seat_that_is_free_by_then_is_offered_at_once(house):
    leave_seat(house.seated[0])
    lina = join(house.slot, "Lina")
    assert status(lina) == ["offered"]
    assert events(lina) == ["waitlisted", "offered"]


# -- turns --------------------------------------------------------------------------------------------------------------


def test_a_freed_seat_is_held_for_the_first_in_the_same_transaction(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    leave_seat(house.seated[1])
    assert status(lina, hugo) == ["offered", "waiting"]
    assert house.slot.seats_taken == 3
    assert mails("seat_offered") == ["lina"]
    assert entry_of(lina).hold.until == clock.now() + timedelta(hours=2)
    with pytest.raises(SlotUnavailable), transaction():
        booking.book(house.slot, person("Zoé"), submission(), clock.now())


def test_a_cancellation_that_fails_offers_nothing(house):
    lina = join(house.slot, "Lina")
    with pytest.raises(ZeroDivisionError), transaction():
        _ = booking.cancel(house.seated[0], "candidate", clock.now()), 1 / 0
    assert (status(lina), mails("seat_offered"), house.slot.seats_taken) == (["waiting"], [], 3)


def test_who_needs_more_seats_keeps_the_turn_while_others_are_asked(house):
    with transaction():
        house.kind.guests_counted = True
    lina, hugo = join(house.slot, "Lina", guests=2), join(house.slot, "Hugo")
    leave_seat(house.seated[0])
    assert status(lina, hugo) == ["waiting", "offered"]
    with transaction():
        offers.refuse(offers.live_of(hugo, clock.now()), clock.now())
    for booked in house.seated[1:]:
        leave_seat(booked)
    assert status(lina, hugo) == ["offered", "left"]
    accept(lina)
    assert (lina.booking.seats, lina.booking.guests, house.slot.seats_taken) == (3, 2, 3)


def test_guests_who_take_no_seat_are_told_all_the_same(house):
    lina = join(house.slot, "Lina", guests=2)
    leave_seat(house.seated[0])
    accept(lina)
    assert (lina.booking.seats, lina.booking.guests, house.slot.seats_taken) == (1, 2, 3)


@pytest.mark.parametrize("way", ["capacity", "opened", "moved"])
def test_every_way_of_freeing_a_seat_reaches_the_list(house, way):
    lina = join(house.slot, "Lina")
    other = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-04T14:00")
    with transaction():
        if way == "capacity":
            house.slot.capacity = 4
            waitlist.slot_changed(house.slot, clock.now())
        elif way == "moved":
            booking.move(house.seated[0], other, "candidate", clock.now())
        else:
            slots.set_open(house.slot, False, clock.now(), house.adviser)
    if way == "opened":
        leave_seat(house.seated[0])
        assert status(lina) == ["waiting"]
        with transaction():
            slots.set_open(house.slot, True, clock.now(), house.adviser)
    assert status(lina) == ["offered"]


def test_a_free_seat_nobody_was_told_of_is_found_by_the_worker(house):
    lina = join(house.slot, "Lina")
    with transaction():
        house.slot.capacity = 4
    assert jobs.run(OVERLOOKED)
    assert status(lina) == ["offered"]


def test_somebody_seated_meanwhile_is_passed_over(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    beside = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-03T14:00")
    with transaction():
        booking.book(beside, person("Lina"), submission(), clock.now())
    leave_seat(house.seated[0])
    assert status(lina, hugo) == ["waiting", "offered"]


# -- until when ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-24T08:00+01:00", "2026-11-24T10:00+01:00"),
        ("2026-11-24T19:59+01:00", "2026-11-24T21:59+01:00"),
        ("2026-11-24T20:00+01:00", "2026-11-25T10:00+01:00"),
        ("2026-11-24T23:59+01:00", "2026-11-25T10:00+01:00"),
        ("2026-11-25T00:10+01:00", "2026-11-25T10:00+01:00"),
        ("2026-11-25T07:59+01:00", "2026-11-25T10:00+01:00"),
        ("2026-12-03T13:00+01:00", "2026-12-03T14:00+01:00"),
        ("2026-12-03T07:00+01:00", "2026-12-03T10:00+01:00"),
        ("2026-12-03T13:45+01:00", "2026-12-03T14:00+01:00"),
    ],
)
def test_a_seat_is_held_two_hours_by_day_until_ten_by_night_never_past_the_start(house, at, until):
    lina = join(house.slot, "Lina")
    house.time.to(at)
    leave_seat(house.seated[0])
    assert entry_of(lina).hold.until == datetime.fromisoformat(until)


def test_night_is_that_of_the_place(house):
    site = make.site(house.cfa, timezone="Indian/Reunion", territory="RE")
    slot = make.slot(house.adviser, site, house.kind, starts_at="2026-12-10T14:00", capacity=2)
    seated = [make.booking(slot) for _ in range(2)]
    lina = join(slot, "Lina")
    house.time.to("2026-11-24T18:00+01:00")  # 21 h there
    leave_seat(seated[0])
    assert entry_of(lina).hold.until == datetime.fromisoformat("2026-11-25T10:00+04:00")


@pytest.mark.parametrize("at", ["2026-12-03T13:46+01:00", "2026-12-03T14:00+01:00", "2026-12-03T14:10+01:00"])
def test_nobody_is_offered_a_seat_that_they_could_not_reach(house, at):
    lina = join(house.slot, "Lina")
    house.time.to(at)
    with transaction():
        booking.cancel(house.seated[0], "staff", clock.now())
    jobs.run(OVERLOOKED)
    assert (status(lina), mails("seat_offered")) == (["waiting"], [])


# -- answers ------------------------------------------------------------------------------------------------------------


def test_accepting_books_with_the_request_s_own_reference(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    reference = lina.reference
    leave_seat(house.seated[0])
    accept(lina)
    db.session.expire_all()
    assert (lina.booking.status, lina.booking.slot_id, lina.reference) == ("booked", house.slot.id, reference)
    assert (lina.outcome, lina.owner_id) == ("meeting_set", house.adviser.id)
    assert status(lina, hugo) == ["accepted", "waiting"]
    assert events(lina) == ["waitlisted", "offered", "booked"]
    assert mails("booking_confirmed") == ["lina"]
    assert house.slot.seats_taken == 3


def test_accepting_twice_is_accepting_once(house):
    lina = join(house.slot, "Lina")
    leave_seat(house.seated[0])
    held = offers.live_of(lina, clock.now())
    for _ in range(2):
        with transaction():
            offers.accept(held, clock.now())
    assert len(mails("booking_confirmed")) == 1


def test_who_accepts_then_cancels_has_left_and_the_next_one_is_asked(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    leave_seat(house.seated[0])
    accept(lina)
    leave_seat(lina.booking)
    assert status(lina, hugo) == ["accepted", "offered"]
    leave_seat(house.seated[1])
    assert mails("seat_offered") == ["lina", "hugo"]
    again = join(house.slot, "Lina")  # the seat is free: nobody else waits
    assert status(again) == ["offered"]


@pytest.mark.parametrize("act", ["refuse", "leave"])
def test_refusing_or_leaving_gives_the_seat_to_the_next_one(house, act):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    leave_seat(house.seated[0])
    for _ in range(2):  # a second click is harmless
        held = db.session.scalars(sa.select(SeatHold).filter_by(request_id=lina.id)).one()
        with transaction():
            offers.refuse(held, clock.now()) if act == "refuse" else waitlist.leave(lina, clock.now())
    assert status(lina, hugo) == ["left", "offered"]
    assert lina.outcome == "cancelled_by_candidate"
    assert events(lina)[-1] == "left_waitlist"
    assert mails("offer_ended") == mails("waitlist_closed") == []


def test_leaving_while_waiting_keeps_the_others_in_turn(house):
    lina, hugo, nora = (join(house.slot, name) for name in ("Lina", "Hugo", "Nora"))
    with transaction():
        waitlist.leave(hugo, clock.now())
    assert [waitlist.position(entry) for entry in waitlist.of_slot(house.slot)] == [1, 2]
    leave_seat(house.seated[0])
    assert status(lina, hugo, nora) == ["offered", "left", "waiting"]


# -- the clock ----------------------------------------------------------------------------------------------------------


def test_an_unanswered_offer_goes_to_the_next_then_to_the_public(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    leave_seat(house.seated[0])
    tick(house.time, minutes=119)
    assert status(lina, hugo) == ["offered", "waiting"]
    tick(house.time, minutes=1)
    assert status(lina, hugo) == ["closed", "offered"]
    assert (lina.outcome, events(lina)[-1], mails("offer_ended")) == ("no_follow_up", "offer_ended", ["lina"])
    with pytest.raises(OfferEnded), transaction():
        offers.accept(db.session.scalars(sa.select(SeatHold).filter_by(request_id=lina.id)).one(), clock.now())
    tick(house.time, hours=2)
    assert status(lina, hugo) == ["closed", "closed"]
    assert house.slot.seats_taken == 2
    with transaction():
        booking.book(house.slot, person("Zoé"), submission(), clock.now())
    assert status(join(house.slot, "Lina")) == ["waiting"]


def test_a_late_worker_changes_nothing_for_who_is_late(house):
    """The hour decides, not the worker's look: a lapsed offer cannot be accepted even before it is ended."""
    lina = join(house.slot, "Lina")
    leave_seat(house.seated[0])
    held = offers.live_of(lina, clock.now())
    house.time.tick(hours=2)
    assert offers.live_of(lina, clock.now()) is None
    with pytest.raises(OfferEnded), transaction():
        offers.accept(held, clock.now())
    assert house.slot.seats_taken == 3  # until the worker looks


def test_the_job_run_twice_does_it_once(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    leave_seat(house.seated[0])
    house.time.tick(hours=2)
    for _ in range(2):
        jobs.end_offers(clock.now())
    assert status(lina, hugo) == ["closed", "offered"]
    assert (len(mails("offer_ended")), len(mails("seat_offered"))) == (1, 2)


def test_a_session_that_begins_closes_its_list(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    house.time.to("2026-12-03T13:30+01:00")
    leave_seat(house.seated[0])
    tick()
    assert status(lina, hugo) == ["offered", "waiting"]
    house.time.to("2026-12-03T14:00+01:00")
    for _ in range(2):
        jobs.end_offers(clock.now())
    assert status(lina, hugo) == ["closed", "closed"]
    assert mails("offer_ended") + mails("waitlist_closed") == ["lina", "hugo"]
    assert house.slot.seats_taken == 2


def test_a_cancelled_session_tells_everyone_who_waits_and_holds_nothing(house):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    leave_seat(house.seated[0])
    with transaction():
        told = slots.cancel(house.slot, clock.now(), house.adviser)
    assert told == 2
    assert status(lina, hugo) == ["closed", "closed"]
    assert mails("waitlist_closed") == ["lina", "hugo"]
    assert mails("seat_offered") == ["lina"]
    db.session.expire_all()
    assert (lina.outcome, house.slot.seats_taken) == ("cancelled_by_cfa", 0)


def test_a_proposal_that_lapses_gives_its_seat_to_the_list(house):
    """The shape of what comes: a slot held for an answer, beside the lists."""
    lina = join(house.slot, "Lina")
    asked = make.candidate_request(house.cfa)
    with transaction():
        house.slot.capacity = 4
        db.session.flush()
        seats.hold(house.slot.id, asked.id, "proposal", clock.now() + timedelta(days=1), clock.now())
    tick(house.time, days=1)
    assert status(lina) == ["offered"]


def test_who_is_seated_by_another_way_is_not_told_that_the_list_is_closed(house):
    lina, _hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    beside = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-03T14:00")
    with transaction():
        booking.book(beside, person("Lina"), submission(), clock.now())
    house.time.to("2026-12-03T14:00+01:00")
    tick()
    assert (status(lina), mails("waitlist_closed")) == (["closed"], ["hugo"])


@pytest.mark.parametrize("act", ["opens", "joins", "begins"])
def test_where_days_are_counted_advisers_are_locked_before_the_slot(house, engine_name, act):
    if engine_name == "sqlite":
        return  # one writer
    make.saved(BookingRule(cfa_id=house.cfa.id, most_a_day=3))
    join(house.slot, "Lina")
    slot, slot_id = house.slot, house.slot.id
    if act == "begins":
        house.time.to("2026-12-03T14:00+01:00")
    elif act == "opens":
        with transaction():
            slots.set_open(slot, False, clock.now(), house.adviser)
    with queries() as seen, transaction():
        if act == "begins":
            waitlist.close_begun(slot_id, clock.now())
        elif act == "opens":
            slots.set_open(slot, True, clock.now(), house.adviser)
        else:
            waitlist.join(slot, person("Hugo"), submission(), clock.now())
    locked = [
        text for text in seen if "FOR NO KEY UPDATE" in text or "FOR UPDATE" in text or text.startswith("UPDATE slot")
    ]
    assert "FROM user_account" in locked[0]


def test_a_list_is_no_way_round_the_most_meetings_of_a_person(house):
    make.saved(BookingRule(cfa_id=house.cfa.id, most_a_person=1))
    other = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-05T14:00", capacity=5)
    lina = join(house.slot, "Lina")
    for name in ("Lina", "Hugo"):
        with transaction():
            booking.book(other, person(name), submission(), clock.now())
    with pytest.raises(rules.TooManyBookings):
        join(house.slot, "Hugo")
    with pytest.raises(AlreadyBooked):  # who waits already is told so
        join(house.slot, "Lina")
    leave_seat(house.seated[0])
    with pytest.raises(rules.TooManyBookings):
        accept(lina)
    assert status(lina) == ["offered"]


def test_an_offer_that_cannot_end_keeps_no_other_waiting(house, monkeypatch):
    lina, hugo = join(house.slot, "Lina"), join(house.slot, "Hugo")
    for seat in house.seated[:2]:
        leave_seat(seat)
    stuck, lapse = offers.live_of(lina, clock.now()).id, waitlist.lapse

    def fails_on_one(hold_id, now):
        if hold_id == stuck:
            raise ValueError
        lapse(hold_id, now)

    monkeypatch.setattr(waitlist, "lapse", fails_on_one)
    house.time.tick(hours=3)
    with pytest.raises(jobs.Found, match="1 offers"):
        jobs.end_offers(clock.now())
    assert status(lina, hugo) == ["offered", "closed"]


@pytest.mark.parametrize("asked", [waitlist.begun, waitlist.too_late, waitlist.lapsed])
def test_what_the_worker_asks_each_minute_reads_none_of_what_is_over(house, engine_name, asked):
    if engine_name == "postgresql":
        return  # a table of a few rows is read whole there
    with queries() as seen:
        asked(clock.now())
    (statement,) = seen
    values = [0] * statement.count("?")
    plan = db.session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statement, tuple(values)).all()
    assert "USING INDEX" in str(plan[0]) or "USING COVERING INDEX" in str(plan[0])
