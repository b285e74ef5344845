"""« Prévenez-moi si un rendez-vous plus tôt se libère »: whom, when and how often; by the worker's jobs alone."""

from datetime import datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, booking_for, clock, jobs, offers, slots, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import OfferEnded, WrongTransition
from rdv.models import BookingRule, CandidateRequest, OutgoingMail, RequestEvent, SeatHold, WaitlistEntry
from tests import make
from tests.support.queries import queries
from tests.support.seats import seats_are_accounted_for

END_OFFERS = next(job for job in jobs.JOBS if job.name == "end_offers")
OVERLOOKED = next(job for job in jobs.JOBS if job.name == "offer_overlooked")
_numbers = iter(range(10_000))

accounted = pytest.fixture(autouse=True)(seats_are_accounted_for)


@pytest.fixture
def house(app, freeze):
    """An adviser in Lille; somebody holds Thursday's meeting, Lina and Hugo hold meetings in three weeks, and wish."""
    time = freeze("2026-11-23T09:00Z")  # a Monday, 10 h there
    cfa = make.cfa()
    site = make.site(cfa)
    adviser, kind = make.adviser(cfa), make.meeting_type(cfa)
    house = SimpleNamespace(time=time, cfa=cfa, site=site, adviser=adviser, kind=kind)
    house.soon = slot_at(house, "2026-11-26T10:00")
    house.taken = make.booking(house.soon)
    house.lina, house.hugo = booked(house, "Lina", "2026-12-15T10:00"), booked(house, "Hugo", "2026-12-16T10:00")
    time.tick(minutes=1)
    for held in (house.lina, house.hugo):
        wish(held)
    time.tick(minutes=1)
    return house


def slot_at(house, when, **columns):
    return make.slot(
        house.adviser, columns.pop("site", house.site), columns.pop("kind", house.kind), starts_at=when, **columns
    )


def booked(house, name, when, training=None, **columns):
    slot = slot_at(house, when, **columns)
    person = Candidate(name, "Martin", f"{name.lower()}@courriel.example", None)
    with transaction():
        made = booking.book(slot, person, Submission(f"s{next(_numbers)}", "x"), clock.now(), training)
    return db.session.get_one(CandidateRequest, made.request_id).booking


def wish(held):
    with transaction():
        waitlist.wish(held, clock.now())


def free(held):
    with transaction():
        booking.cancel(held, "candidate", clock.now())


def status(*held):
    db.session.expire_all()
    query = sa.select(WaitlistEntry.status).order_by(WaitlistEntry.id.desc())
    return [db.session.scalars(query.filter_by(booking_id=one.id)).first() for one in held]


def live():
    query = sa.select(SeatHold).filter_by(status="live").order_by(SeatHold.id)
    return [hold.request.first_name for hold in db.session.scalars(query)]


def offer_of(held):
    return offers.live_of(held.request, clock.now())


def test_a_freed_seat_is_held_for_one_person_at_a_time_in_order_of_arrival(house):
    free(house.taken)
    assert status(house.lina, house.hugo) == ["offered", "waiting"]
    assert (live(), house.soon.seats_taken) == (["Lina"], 1)
    mail = db.session.scalars(sa.select(OutgoingMail).filter_by(kind="seat_offered")).one()
    assert (mail.to_email, offer_of(house.lina).kind) == ("lina@courriel.example", "earlier")
    house.time.tick(hours=2)
    assert jobs.run(END_OFFERS)
    assert status(house.lina, house.hugo) == ["waiting", "offered"]
    house.time.tick(hours=2)
    assert jobs.run(END_OFFERS)
    assert (status(house.lina, house.hugo), house.soon.seats_taken) == (["waiting", "waiting"], 0)


def test_accepting_moves_the_same_booking_and_frees_the_later_seat(house):
    uid, later = house.lina.uid, house.lina.slot
    free(house.taken)
    held = offer_of(house.lina)
    for _ in range(2):
        with transaction():
            offers.accept(held, clock.now())
    db.session.expire_all()
    assert (house.lina.slot_id, house.lina.uid, house.lina.sequence) == (house.soon.id, uid, 1)
    assert (house.soon.seats_taken, later.seats_taken) == (1, 1)  # Hugo is offered Lina's: it is a day earlier than his
    assert status(house.lina, house.hugo) == ["accepted", "offered"]
    assert offer_of(house.hugo).slot_id == later.id


def test_refusing_keeps_the_wish_and_asks_the_next_one(house):
    free(house.taken)
    held = offer_of(house.lina)
    with transaction():
        offers.refuse(held, clock.now())
    assert status(house.lina, house.hugo) == ["waiting", "offered"]
    assert house.lina.slot_id != house.soon.id


def test_one_offer_a_day_and_three_in_all(house):
    free(house.hugo)
    days = []
    for day in range(24, 29):
        house.time.to(f"2026-11-{day}T10:00+01:00")
        made = 0
        for hour in (14, 15):  # two seats freed the same day, the second once the first offer is over
            free(make.booking(slot_at(house, f"2026-12-{day - 20:02d}T{hour}:00")))
            made += len(live())
            house.time.tick(hours=2)
            jobs.run(END_OFFERS)
        days.append(made)
    assert days == [1, 1, 1, 0, 0]
    assert status(house.lina) == ["closed"]


def test_the_same_slot_is_not_offered_twice_to_one_person(house):
    free(house.hugo)
    free(house.taken)
    with transaction():
        offers.refuse(offer_of(house.lina), clock.now())
    house.time.to("2026-11-24T10:00+01:00")
    assert jobs.run(OVERLOOKED)
    assert status(house.lina) == ["waiting"]


@pytest.mark.parametrize(("at", "offered"), [("08:59", 0), ("09:00", 1), ("17:59", 1), ("18:00", 0), ("23:30", 0)])
def test_offers_are_made_between_nine_and_six_there(house, at, offered):
    house.time.to(f"2026-11-24T{at}+01:00")
    free(house.taken)
    assert len(live()) == offered


def test_a_seat_freed_at_night_is_offered_in_the_morning_if_still_free(house):
    house.time.to("2026-11-23T23:30+01:00")
    free(house.taken)
    house.time.to("2026-11-24T08:50+01:00")
    assert jobs.run(OVERLOOKED)
    assert live() == []
    house.time.to("2026-11-24T09:00+01:00")
    for _ in range(2):
        jobs.offer_overlooked(clock.now())
    assert live() == ["Lina"]


def test_a_seat_taken_in_the_night_is_offered_to_nobody(house):
    house.time.to("2026-11-23T23:30+01:00")
    free(house.taken)
    with transaction():
        booking.book(
            house.soon, Candidate("Nora", "Petit", "nora@courriel.example", None), Submission("nuit", "x"), clock.now()
        )
    house.time.to("2026-11-24T09:00+01:00")
    assert jobs.run(OVERLOOKED)
    assert live() == []


def test_a_slot_that_was_free_before_the_wish_is_no_news(house):
    slot_at(house, "2026-11-30T10:00", updated_at=datetime.fromisoformat("2026-11-23T09:00+00:00"))
    house.time.tick(minutes=10)
    jobs.run(OVERLOOKED)
    assert live() == []
    house.time.tick(minutes=10)
    slot_at(house, "2026-12-01T10:00")  # published since
    assert jobs.run(OVERLOOKED)
    assert live() == ["Lina"]


def test_each_wish_counts_from_its_own_hour(house):
    """A slot published after Lina's wish and before Nora's is news for Lina alone, even when she was asked today."""
    free(house.hugo)
    slot_at(house, "2026-12-01T10:00")
    house.time.tick(minutes=1)
    wish(booked(house, "Nora", "2026-12-17T10:00"))
    with transaction():
        entry = db.session.scalars(sa.select(WaitlistEntry).filter_by(booking_id=house.lina.id)).one()
        entry.last_offered_at = clock.now()
    assert jobs.run(OVERLOOKED)
    assert live() == []
    house.time.tick(days=1)
    assert jobs.run(OVERLOOKED)
    assert live() == ["Lina"]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"place": "video"}, "another kind of place"),
        ({"listed": False}, "sent by its link alone"),
        ({"when": "2026-12-15T10:01"}, "less than a day before"),
        ({"when": "2026-11-23T12:01"}, "less than two hours from now"),
        ({"opens_at": "2026-11-24T09:00+00:00"}, "not open yet"),
        ({"closes_at": "2026-11-23T09:00+00:00"}, "past the CFA's notice"),
        ({"site": True}, "another place"),
        ({"kind": True}, "another meeting type"),
        ({"training": True}, "for another training"),
    ],
)
def test_only_a_seat_that_suits_is_offered(house, columns, why):
    values = {key: datetime.fromisoformat(value) if key.endswith("_at") else value for key, value in columns.items()}
    if values.pop("site", False):
        values["site"] = make.site(house.cfa)
    if values.pop("kind", False):
        values["kind"] = make.meeting_type(house.cfa)
    if values.pop("training", False):
        values["trainings"] = [make.training(house.cfa, house.site)]
        own = make.training(house.cfa, house.site)
        with transaction():
            house.lina.request.training_id = house.hugo.request.training_id = own.id
    slot = slot_at(house, values.pop("when", "2026-11-27T10:00"), **values)
    free(make.booking(slot))
    assert live() == [], why


def test_another_cfa_s_seat_is_not_offered(house):
    other = make.cfa()
    free(make.booking(make.slot(make.adviser(other), make.site(other), starts_at="2026-11-27T10:00")))
    assert live() == []


def test_a_session_s_own_list_comes_first(house):
    group = slot_at(house, "2026-11-27T10:00", capacity=2)
    first, second = make.booking(group), make.booking(group)
    with transaction():
        waitlist.join(
            group, Candidate("Nora", "Petit", "nora@courriel.example", None), Submission("nora", "x"), clock.now()
        )
    free(first)
    assert live() == ["Nora"]
    free(second)
    assert live() == ["Nora", "Lina"]


def test_a_person_busy_at_that_hour_is_passed_over(house):
    beside = slot_at(house, "2026-11-26T10:00", place="phone")
    make.booking(beside, person_key=house.lina.person_key)
    free(house.taken)
    assert live() == ["Hugo"]


@pytest.mark.parametrize("act", ["cancel", "move"])
def test_a_booking_that_ends_or_moves_closes_the_wish_and_lets_the_offer_go(house, act):
    free(house.taken)
    with transaction():
        if act == "cancel":
            booking.cancel(house.lina, "candidate", clock.now())
        else:
            booking.move(house.lina, slot_at(house, "2026-12-20T10:00"), "staff", clock.now(), user=house.adviser)
    assert status(house.lina) == ["closed"]
    assert offer_of(house.lina) is None
    assert jobs.run(END_OFFERS)  # the next tick: the seat goes on
    assert live() == ["Hugo"]


def test_a_slot_cancelled_under_an_offer_tells_the_person_and_keeps_the_wish(house):
    free(house.taken)
    held = offer_of(house.lina)
    with transaction():
        slots.cancel(house.soon, clock.now(), house.adviser)
    assert (status(house.lina), house.soon.seats_taken) == (["waiting"], 0)
    assert [mail.to_email for mail in db.session.scalars(sa.select(OutgoingMail).filter_by(kind="offer_ended"))] == [
        "lina@courriel.example"
    ]
    with pytest.raises(OfferEnded), transaction():
        offers.accept(held, clock.now())


def test_leaving_gives_the_offer_back_too(house):
    free(house.taken)
    for _ in range(2):
        with transaction():
            waitlist.leave(house.lina.request, clock.now())
    assert status(house.lina, house.hugo) == ["left", "offered"]
    assert house.lina.status == "booked"


def test_a_wish_is_made_once_for_a_meeting_more_than_a_week_away(house):
    wish(house.lina)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(WaitlistEntry)) == 2
    near = booked(house, "Nora", "2026-11-30T10:01")
    house.time.to("2026-11-23T10:01+01:00")
    with pytest.raises(WrongTransition):
        wish(near)
    house.time.to("2026-11-23T10:00+01:00")
    wish(near)
    without = make.booking(slot_at(house, "2026-12-17T10:00"), request={"email": None})
    with pytest.raises(WrongTransition):
        wish(without)


def test_a_wish_that_nothing_can_grant_any_more_is_closed_in_silence(house):
    house.time.to("2026-12-14T07:59+01:00")
    assert jobs.run(END_OFFERS)
    assert status(house.lina) == ["waiting"]
    house.time.tick(minutes=2)
    assert jobs.run(END_OFFERS)
    assert status(house.lina, house.hugo) == ["closed", "waiting"]
    last = db.session.scalars(sa.select(RequestEvent).filter_by(request_id=house.lina.request_id)).all()[-1]
    assert last.kind == "waitlisted"


def test_a_held_seat_counts_among_the_meetings_of_the_day(house):
    """An offer of an empty slot is one of the adviser's meetings that day until it ends."""
    other = slot_at(house, "2026-11-26T14:00")
    with transaction() as session:
        session.add(BookingRule(cfa_id=house.cfa.id, most_a_day=1))
    free(house.taken)
    db.session.expire_all()
    assert (live(), other.day_full) == (["Lina"], True)
    for held in (house.lina, house.hugo):
        with transaction():
            offers.refuse(offer_of(held), clock.now())
    db.session.expire_all()
    assert (live(), other.day_full) == ([], False)


def test_the_sweep_reads_nothing_where_nobody_wishes(house):
    for held in (house.lina, house.hugo):
        with transaction():
            waitlist.leave(held.request, clock.now())
    for number in range(5):
        slot_at(house, f"2026-12-0{number + 1}T10:00")
    with queries() as seen:
        assert waitlist.overlooked(clock.now()) == []
    assert len(seen) == 2


@pytest.mark.parametrize("when", ["before the offer", "after it"])
def test_an_earlier_meeting_is_for_as_many_people_as_will_come(house, when):
    kind = make.meeting_type(house.cfa, guests_allowed=2, guests_counted=True)
    soon = slot_at(house, "2026-11-27T10:00", kind=kind, capacity=2)
    taken = make.booking(soon, guests=1, seats=2)
    zoe = booked(house, "Zoé", "2026-12-17T10:00", kind=kind, capacity=2)
    wish(zoe)

    def come_with_somebody():
        with transaction():
            booking_for.change_guests(zoe, 1, clock.now(), house.adviser)

    if when == "before the offer":
        come_with_somebody()
        free(taken)
    else:
        free(taken)
        come_with_somebody()
        with pytest.raises(OfferEnded), transaction():  # one seat was held
            offers.accept(offer_of(zoe), clock.now())
        return
    with transaction():
        offers.accept(offer_of(zoe), clock.now())
    assert (zoe.slot_id, zoe.guests, zoe.seats, soon.seats_taken) == (soon.id, 1, 2, 2)


def test_the_sweep_looks_at_no_slot_for_who_was_asked_today(house):
    for held in (house.lina, house.hugo):
        slot_at(house, "2026-11-27T10:00")
        assert jobs.run(OVERLOOKED)
        with transaction():
            offers.refuse(offer_of(held), clock.now())
        house.time.tick(minutes=10)
    free(house.taken)
    assert waitlist.overlooked(clock.now()) == []
    house.time.to("2026-11-24T09:00+01:00")
    assert waitlist.overlooked(clock.now()) != []
