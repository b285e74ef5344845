"""The staff book for somebody: what binds the public does not bind them, but nothing happens that they have not read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from rdv import booking, booking_for, clock, inbox, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import AlreadyBooked, RdvError, RequestReplayed, SlotUnavailable, WrongTransition
from rdv.models import AuditEntry, Booking, BookingRule, CandidateRequest, Closure, OutgoingMail, Slot
from tests import make


def person(number: int = 1, **changes) -> Candidate:
    values = {"first_name": "Zoé", "last_name": "Lambert", "email": f"zoe{number}@courriel.example", "phone": None}
    return Candidate(**{**values, **changes})


@pytest.fixture
def place(app, freeze):
    clocks = freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    return clocks, site, make.adviser(cfa, first_name="Bob", last_name="Garnier")


def book(slot, user, number=1, digest="d", form=None, who=None, **options):
    with transaction():
        made = booking_for.book_new(
            slot, who or person(number), Submission(f"{form or number:024d}", digest), clock.now(), user, **options
        )
    return db.session.get_one(Booking, made.id)


def unread(slot, user, number=1, **options):
    with pytest.raises(booking_for.Unread) as caught:
        book(slot, user, number, **options)
    return [each.mark for each in caught.value.hindrances]


def counts():
    """Return the seats of each slot beside those its live bookings hold: they must be equal."""
    held = sa.select(sa.func.coalesce(sa.func.sum(Booking.seats), 0)).where(
        Booking.slot_id == Slot.id, Booking.status != "cancelled"
    )
    return [tuple(row) for row in db.session.execute(sa.select(Slot.seats_taken, held.scalar_subquery()))]


def mails(kind):
    return [mail.to_email for mail in db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind))]


# -- who --------------------------------------------------------------------------------------------------------------


def test_somebody_on_the_phone_is_booked_told_and_counted(place):
    _clocks, site, bob = place
    training, carla = make.training(site.cfa, site), make.adviser(site.cfa)
    slot = make.slot(bob, site)
    held = book(slot, carla, training=training)
    request = held.request
    assert (request.mode, request.status, request.outcome, request.due_at) == ("slot", "closed", "meeting_set", None)
    assert (request.training_id, request.site_id, request.owner_id) == (training.id, site.id, bob.id)
    assert [(event.kind, event.actor, event.user_id) for event in request.events] == [("booked", "staff", carla.id)]
    assert mails("booking_confirmed") == ["zoe1@courriel.example"]
    assert mails("adviser_new_booking") == [bob.email]  # a colleague booked on his agenda
    assert counts() == [(1, 1)]


def test_who_books_on_their_own_agenda_is_not_told(place):
    _clocks, site, bob = place
    book(make.slot(bob, site), bob, tell=False)
    assert mails("booking_confirmed") == mails("adviser_new_booking") == []


def test_a_parent_who_asks_is_somebody_else(place):
    _clocks, site, bob = place
    asked = person(asker="parent", asker_first_name="Anne", asker_email="anne@courriel.example")
    held = book(make.slot(bob, site), bob, who=asked)
    assert (held.request.email, held.request.asker_email) == ("zoe1@courriel.example", "anne@courriel.example")
    assert len(mails("booking_confirmed")) == 2


@pytest.mark.parametrize("mode", ["callback", "message"])
def test_a_request_becomes_a_meeting_and_nothing_is_due_any_more(place, mode):
    _clocks, site, bob = place
    asked = make.candidate_request(site.cfa, mode=mode)
    assert inbox.count(site.cfa_id, inbox.Filter(status="todo"), clock.now()) == 1
    with transaction():
        held = booking_for.book(make.slot(bob, site), asked, clock.now(), bob)
    assert (asked.status, asked.outcome, asked.first_answered_at) == ("closed", "meeting_set", clock.now())
    assert held.request_id == asked.id
    assert inbox.count(site.cfa_id, inbox.Filter(status="todo"), clock.now()) == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 1


def test_a_cancelled_meeting_is_taken_up_again_by_the_same_request(place):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site))
    uid, request = held.uid, held.request
    with transaction():
        booking.cancel(held, "staff", clock.now(), user=bob)
    assert booking_for.takes_up(request)
    with transaction():
        booking_for.book(make.slot(bob, site, starts_at="2026-12-03T09:00"), request, clock.now(), bob)
    assert (held.uid, held.status, held.sequence) == (uid, "booked", 2)
    assert sorted(counts()) == [(0, 0), (1, 1)]


def test_a_request_has_one_meeting(place):
    _clocks, site, bob = place
    held, other = make.booking(make.slot(bob, site)), make.slot(bob, site, starts_at="2026-12-03T09:00")
    with pytest.raises(WrongTransition), transaction():
        booking_for.book(other, held.request, clock.now(), bob)
    assert sorted(counts()) == [(0, 0), (1, 1)]


def test_another_centres_request_is_not_booked_here(place):
    _clocks, site, bob = place
    with pytest.raises(WrongTransition), transaction():
        booking_for.book(make.slot(bob, site), make.candidate_request(make.cfa()), clock.now(), bob)


def test_a_call_needs_a_phone(place):
    _clocks, site, bob = place
    with pytest.raises(booking.ContactMissing):
        book(make.slot(bob, site, place="phone"), bob)
    assert counts() == [(0, 0)]


# -- what binds the public --------------------------------------------------------------------------------------------


LONG_AGO, FAR = datetime(2026, 11, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "columns",
    [{"status": "closed"}, {"listed": False}, {"day_full": True}, {"closes_at": LONG_AGO}, {"opens_at": FAR}],
)
def test_the_rules_of_the_public_do_not_stop_the_staff(place, columns):
    _clocks, site, bob = place
    slot = make.slot(bob, site, **columns)
    book(slot, bob)
    assert slot.seats_taken == 1


@pytest.mark.parametrize("case", ["cancelled", "over"])
def test_a_slot_that_is_no_more_serves_nobody(place, case):
    clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", status="cancelled" if case == "cancelled" else "open")
    if case == "over":
        clocks.to("2026-11-24T13:30Z")
    with pytest.raises((SlotUnavailable, booking_for.Unread)):
        book(slot, bob)
    with pytest.raises(SlotUnavailable):
        book(slot, bob, accepted=["begun"])
    assert slot.seats_taken == 0


def test_a_full_slot_is_overbooked_only_by_who_read_it_and_the_journal_says_so(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site)
    make.booking(slot)
    assert unread(slot, bob) == ["full"]
    assert counts() == [(1, 1)]
    held = book(slot, bob, accepted=["full"])
    assert (slot.seats_taken, slot.extra_seats, slot.capacity, held.status) == (2, 1, 1, "booked")
    entry = db.session.scalar(sa.select(AuditEntry).where(AuditEntry.action == "slot.overbooked"))
    assert (entry.user_id, entry.object_id, entry.data) == (bob.id, slot.public_id, {"seats": 1})


def test_the_seat_kept_for_a_person_is_theirs_on_the_phone_too(place):
    """They wait for a full session, a seat is offered to them, and they call instead of answering."""
    _clocks, site, adviser = place
    session = make.slot(adviser, site, capacity=2)
    leaving, _staying = make.booking(session), make.booking(session)
    with transaction():
        waiting = waitlist.join(session, person(7), Submission("f" * 24, "d"), clock.now())
        booking.cancel(leaving, "candidate", clock.now())
    assert (session.seats_taken, waitlist.current(waiting.id).status) == (2, "offered")
    with transaction():
        made = booking_for.book(session, waiting, clock.now(), adviser)
    assert (made.status, session.seats_taken, session.extra_seats) == ("booked", 2, 0)
    assert waitlist.current(waiting.id) is None
    assert counts() == [(2, 2)]


def test_the_public_never_takes_an_added_seat(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site)
    first = make.booking(slot)
    book(slot, bob, accepted=["full"])
    with transaction():
        booking.cancel(first, "staff", clock.now(), user=bob)
    assert (slot.seats_taken, slot.capacity, slot.extra_seats) == (1, 1, 1)
    with pytest.raises(SlotUnavailable), transaction():
        booking.book(slot, person(5), Submission("f" * 24, "d"), clock.now())
    elsewhere = make.booking(make.slot(bob, site, starts_at="2026-12-03T09:00"))
    with pytest.raises(SlotUnavailable), transaction():
        booking.move(elsewhere, slot, "candidate", clock.now(), overbook=True)
    assert slot.seats_taken == 1
    book(slot, bob, 6)  # the staff take it up without raising anything
    assert (slot.seats_taken, slot.extra_seats) == (2, 1)


def test_ticking_is_not_adding(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site)
    book(slot, bob, accepted=["full"])
    assert (slot.seats_taken, slot.extra_seats) == (1, 0)
    assert db.session.scalar(sa.select(AuditEntry.id).where(AuditEntry.action == "slot.overbooked")) is None


def test_another_meeting_of_the_adviser_at_that_time_is_told(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00", minutes=30)
    empty = make.slot(bob, site, starts_at="2026-12-01T14:10")
    colleague = make.slot(make.adviser(site.cfa), site, starts_at="2026-12-01T14:00")
    make.booking(colleague)
    assert booking_for.against(slot, person(), clock.now()) == []
    make.booking(empty)
    elsewhere = make.site(make.cfa())
    other = make.slot(bob, elsewhere, starts_at="2026-12-01T13:50", title="Un titre d’ailleurs")
    make.booking(other)
    after = make.slot(bob, site, starts_at="2026-12-01T14:30")
    make.booking(after)
    found = booking_for.against(slot, person(), clock.now())
    assert [each.mark for each in found] == [f"overlap:{other.public_id}", f"overlap:{empty.public_id}"]
    assert "ailleurs" not in found[0].message  # another centre's agenda stays its own
    assert unread(slot, bob, accepted=[found[0].mark]) == [each.mark for each in found]
    book(slot, bob, accepted=[each.mark for each in found])


def test_one_more_in_a_session_that_takes_place_is_no_new_clash(place):
    _clocks, site, bob = place
    session = make.slot(bob, site, starts_at="2026-12-01T14:00", capacity=12)
    make.booking(make.slot(bob, site, starts_at="2026-12-01T14:10"))
    assert len(booking_for.against(session, person(), clock.now())) == 1
    make.booking(session)
    assert booking_for.against(session, person(), clock.now()) == []


@pytest.mark.parametrize(
    ("whose", "words"), [("adviser", "Bob Garnier a une absence"), ("centre", "est fermé à ce moment-là : Congés")]
)
def test_a_closure_or_an_absence_is_told(place, whose, words):
    _clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00")
    columns = {"user_id": bob.id} if whose == "adviser" else {"label": "Congés"}
    day = slot.starts_at.date()
    closure = make.saved(Closure(cfa_id=site.cfa_id, first_day=day, last_day=day, **columns))
    (told,) = booking_for.against(slot, person(), clock.now())
    assert words in told.message.replace("\u00a0", " ")
    assert unread(slot, bob) == [f"closure:{closure.public_id}"]
    book(slot, bob, accepted=[told.mark])


def test_the_same_person_twice_in_a_day_is_told(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00")
    carla = make.adviser(site.cfa)
    held = make.booking(
        make.slot(carla, site, starts_at="2026-12-01T09:00"), request={"email": "zoe1@courriel.example"}
    )
    make.booking(make.slot(carla, site, starts_at="2026-12-02T09:00"), request={"email": "zoe1@courriel.example"})
    make.booking(make.slot(carla, site, starts_at="2026-12-01T10:00"), request={"email": "autre@courriel.example"})
    assert unread(slot, bob) == [f"same-day:{held.public_id}"]
    book(slot, bob, accepted=[f"same-day:{held.public_id}"])


def test_the_same_person_at_the_same_hour_is_refused_whatever_is_ticked(place):
    _clocks, site, bob = place
    book(make.slot(bob, site), bob)
    twin = make.slot(make.adviser(site.cfa), site)
    marks = unread(twin, bob, form=2)
    with pytest.raises(AlreadyBooked):
        book(twin, bob, form=2, accepted=marks)
    assert sorted(counts()) == [(0, 0), (1, 1)]


def test_what_the_staff_book_counts_in_the_day_of_the_adviser(place):
    _clocks, site, bob = place
    make.saved(BookingRule(cfa_id=site.cfa_id, most_a_day=1))
    first, second = (make.slot(bob, site, starts_at=f"2026-12-01T{hour}:00") for hour in (14, 16))
    held = book(first, bob)
    assert (first.day_full, second.day_full) == (False, True)
    book(second, bob, 2)  # the staff may exceed
    with transaction():
        booking_for.move(held, make.slot(bob, site, starts_at="2026-12-02T14:00"), clock.now(), bob)
    assert second.seats_taken == 1


# -- two clicks -------------------------------------------------------------------------------------------------------


def test_a_double_click_books_once(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site, capacity=3)
    first, second = book(slot, bob), book(slot, bob)
    assert first.id == second.id
    assert counts() == [(1, 1)]
    assert len(mails("booking_confirmed")) == 1


def test_a_double_click_on_the_last_seat_is_no_overbooking(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site)
    assert book(slot, bob).id == book(slot, bob).id
    assert counts() == [(1, 1)]


def test_one_form_serves_one_person(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site, capacity=3)
    book(slot, bob)
    with pytest.raises(RequestReplayed):
        book(slot, bob, 2, form=1, digest="other")
    assert counts() == [(1, 1)]


# -- who comes without a booking --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "allowed"),
    [("2026-11-24T12:59Z", False), ("2026-11-24T13:00Z", True), ("2026-11-24T22:59Z", True), ("2026-11-24T23:00Z", False)],
)  # fmt: skip
def test_who_walks_in_is_counted_from_the_beginning_to_the_end_of_the_day(place, now, allowed):
    clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", capacity=5)
    clocks.to(now)
    if not allowed:
        with pytest.raises(WrongTransition):
            book(slot, bob, walk_in=True)
        assert slot.seats_taken == 0
        return
    held = book(slot, bob, walk_in=True)
    assert (held.status, held.walk_in, slot.seats_taken) == ("attended", True, 1)
    assert mails("booking_confirmed") == []
    assert [event.kind for event in held.request.events] == ["booked", "attendance"]


def test_somebody_who_is_here_needs_no_phone_for_a_call(place):
    clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", place="phone")
    clocks.to("2026-11-24T13:10Z")
    assert book(slot, bob, walk_in=True).status == "attended"


def test_a_full_room_is_told_for_who_walks_in_too(place):
    clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00")
    make.booking(slot)
    clocks.to("2026-11-24T13:10Z")
    assert unread(slot, bob, walk_in=True) == ["full"]
    book(slot, bob, walk_in=True, accepted=["full"])
    assert (slot.seats_taken, slot.extra_seats) == (2, 1)


# -- moving and guests ------------------------------------------------------------------------------------------------


def move(held, target, user, **options):
    with transaction():
        booking_for.move(held, target, clock.now(), user, **options)


def test_a_meeting_moves_to_a_colleague_elsewhere_with_a_word(place):
    _clocks, site, bob = place
    carla, north = make.adviser(site.cfa), make.site(site.cfa)
    held = make.booking(make.slot(bob, site))
    uid, target = held.uid, make.slot(carla, north, status="closed")
    move(held, target, bob, message="Bob est en jury.")
    assert (held.slot_id, held.uid, held.sequence) == (target.id, uid, 1)
    assert (held.request.owner_id, held.request.site_id) == (carla.id, north.id)
    assert [event.text for event in held.request.events if event.kind == "moved"] == ["Bob est en jury."]
    assert mails("booking_moved") == [held.request.email]
    assert mails("adviser_booking_moved") == [carla.email]
    assert sorted(counts()) == [(0, 0), (1, 1)]


def test_nobody_is_told_when_the_staff_tell_them(place):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site))
    move(held, make.slot(bob, site, starts_at="2026-12-03T09:00"), bob, tell=False)
    assert mails("booking_moved") == []
    assert held.request.status == "closed"


def test_moving_to_a_full_slot_is_read_first(place):
    _clocks, site, bob = place
    held, target = make.booking(make.slot(bob, site)), make.slot(bob, site, starts_at="2026-12-03T09:00")
    make.booking(target)
    with pytest.raises(booking_for.Unread):
        move(held, target, bob)
    assert (held.slot_id == target.id, target.seats_taken) == (False, 1)
    move(held, target, bob, accepted=["full"])
    assert (held.slot_id == target.id, target.seats_taken, target.extra_seats) == (True, 2, 1)
    assert db.session.scalar(sa.select(AuditEntry.user_id).where(AuditEntry.action == "slot.overbooked")) == bob.id


def test_the_meeting_that_moves_stands_in_nobodys_way(place):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-12-01T14:00"))
    target = make.slot(bob, site, starts_at="2026-12-01T14:10")
    move(held, target, bob)
    assert held.slot_id == target.id
    group = make.slot(bob, site, starts_at="2026-12-03T09:00", capacity=3)
    stays, goes = make.booking(group), make.booking(group)
    near = make.slot(bob, site, starts_at="2026-12-03T09:10")
    with pytest.raises(booking_for.Unread, match="Relisez"):
        move(goes, near, bob)
    assert stays.slot_id == goes.slot_id == group.id


def test_guests_take_seats_where_they_are_counted(place):
    _clocks, site, bob = place
    kind = make.meeting_type(site.cfa, guests_allowed=2, guests_counted=True)
    slot = make.slot(bob, site, kind, capacity=3)
    held, other = make.booking(slot), make.booking(slot)

    def change(number, accepted=()):
        with transaction():
            booking_for.change_guests(held, number, clock.now(), bob, accepted)

    change(1)
    assert (held.guests, held.seats, slot.seats_taken) == (1, 2, 3)
    with pytest.raises(booking_for.Unread):
        change(2)
    assert (held.guests, held.seats, slot.seats_taken, slot.extra_seats) == (1, 2, 3, 0)
    change(2, ["full"])
    assert (held.guests, held.seats, slot.seats_taken, slot.extra_seats) == (2, 3, 4, 1)
    change(0)
    assert (held.guests, held.seats, slot.seats_taken) == (0, 1, 2)
    for wrong in (3, -1):
        with pytest.raises(RdvError):
            change(wrong)
    with transaction():
        booking.cancel(held, "staff", clock.now(), user=bob)
    with pytest.raises(WrongTransition):
        change(1)
    assert (slot.seats_taken, other.seats) == (1, 1)


def test_guests_that_are_not_counted_take_no_seat(place):
    _clocks, site, bob = place
    kind = make.meeting_type(site.cfa, guests_allowed=2)
    slot = make.slot(bob, site, kind)
    held = book(slot, bob, guests=2)
    assert (held.guests, held.seats, slot.seats_taken) == (2, 1, 1)
    with transaction():
        booking_for.change_guests(held, 1, clock.now(), bob)
    assert (held.guests, held.seats, slot.seats_taken) == (1, 1, 1)


# -- choosing ---------------------------------------------------------------------------------------------------------


def test_slots_are_found_soonest_first_full_ones_on_request(place):
    _clocks, site, bob = place
    carla, north = make.adviser(site.cfa), make.site(site.cfa)
    far = make.slot(bob, site, starts_at="2026-12-10T09:00")
    near = make.slot(carla, north, starts_at="2026-12-01T09:00")
    full = make.slot(bob, site, starts_at="2026-12-02T09:00")
    make.booking(full)
    shut = make.slot(bob, site, starts_at="2026-12-03T09:00", status="closed")
    make.slot(bob, site, starts_at="2026-12-03T10:00", status="cancelled")
    make.slot(make.adviser(make.cfa()), make.site(make.cfa()), starts_at="2026-12-03T10:00")

    def found(training=None, **wanted):
        return booking_for.find_slots(site.cfa_id, booking_for.Wanted(**wanted), clock.now(), training)

    assert found() == [near, far]
    assert found(every=True) == [near, full, shut, far]
    assert found(adviser_id=carla.id) == found(site_id=north.id) == [near]
    assert found(after=shut.starts_at) == [far]
    assert found(training=make.training(site.cfa, north)) == [near]
