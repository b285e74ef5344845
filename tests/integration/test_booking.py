"""Seats through the domain: one guard, all that follows from it, nothing else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import booking, clock, slots
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import AlreadyBooked, RequestReplayed, SlotUnavailable, WrongTransition
from rdv.models import Booking, CandidateRequest, OutgoingMail, RequestEvent, Slot
from tests import make


def person(number: int = 1, **changes) -> Candidate:
    values = {
        "first_name": "Zoé",
        "last_name": f"Démonstration {number}",
        "email": f"zoe{number}@courriel.example",
        "phone": None,
        "reasons": ["frais"],
    }
    return Candidate(**{**values, **changes})


def form(number: int = 1, digest: str = "d") -> Submission:
    return Submission(f"{number:024d}", digest)


def book(slot: Slot, number: int = 1, **changes) -> booking.Booked:
    with transaction():
        return booking.book(slot, person(number, **changes), form(number), clock.now())


def counted(model, **filters) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).filter_by(**filters))


@pytest.fixture
def place(app):
    cfa = make.cfa()
    site = make.site(cfa)
    return cfa, site, make.adviser(cfa)


def test_a_booking_writes_its_seat_request_event_and_mails_together(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site)
    made = book(slot)
    request = db.session.get(CandidateRequest, made.request_id)
    assert (request.mode, request.status, request.outcome, request.due_at) == ("slot", "closed", "meeting_set", None)
    assert request.reasons == ["frais"]
    assert request.owner_id == adviser.id
    assert request.booking.slot_id == slot.id
    assert request.booking.sequence == 0
    assert (slot.seats_taken, slot.version) == (1, 2)
    assert [event.kind for event in request.events] == ["booked"]
    mails = {mail.kind: mail for mail in db.session.scalars(sa.select(OutgoingMail))}
    assert set(mails) == {"booking_confirmed", "adviser_new_booking"}
    assert {mail.booking_id for mail in mails.values()} == {request.booking.id}
    assert mails["booking_confirmed"].to_email == "zoe1@courriel.example"


def test_a_person_without_address_gets_no_mail(place):
    _cfa, site, adviser = place
    book(make.slot(adviser, site), email=None, phone="+33199001234")
    assert [mail.kind for mail in db.session.scalars(sa.select(OutgoingMail))] == ["adviser_new_booking"]


def test_the_last_seat_is_taken_once(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site)
    book(slot, 1)
    with pytest.raises(SlotUnavailable):
        book(slot, 2)
    assert counted(CandidateRequest) == counted(Booking) == counted(RequestEvent) == 1
    assert slot.seats_taken == 1


@pytest.mark.parametrize("change", [{"status": "closed"}, {"status": "cancelled"}, {"starts_at": "2020-01-06T10:00"}])
def test_a_slot_that_is_shut_or_begun_takes_nobody(place, change):
    _cfa, site, adviser = place
    with pytest.raises(SlotUnavailable):
        book(make.slot(adviser, site, **change))
    assert counted(CandidateRequest) == 0


def test_extra_seats_are_not_for_the_public(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site, extra_seats=1)
    book(slot, 1)
    with pytest.raises(SlotUnavailable):
        book(slot, 2)


def test_an_equal_slot_of_a_colleague_serves_when_this_one_is_gone(place):
    cfa, site, adviser = place
    kind = make.meeting_type(cfa)
    mine = make.slot(adviser, site, kind)
    other = make.slot(make.adviser(cfa), site, kind)
    assert book(mine, 1).slot_id == mine.id
    assert book(mine, 2).slot_id == other.id
    with pytest.raises(SlotUnavailable):
        book(mine, 3)


def test_an_unlisted_or_later_slot_is_no_equal(place):
    cfa, site, adviser = place
    kind = make.meeting_type(cfa)
    mine = make.slot(adviser, site, kind)
    make.slot(make.adviser(cfa), site, kind, listed=False)
    make.slot(make.adviser(cfa), site, kind, capacity=5)
    book(mine, 1)
    with pytest.raises(SlotUnavailable):
        book(mine, 2)


def test_the_same_person_books_a_slot_once_and_siblings_on_one_phone_may(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site, capacity=5)
    phone = {"email": None, "phone": "+33199001234", "last_name": "Dupont"}
    book(slot, 1, first_name="Léa", **phone)
    with pytest.raises(AlreadyBooked):
        book(slot, 2, first_name="LEA", **phone)
    book(slot, 3, first_name="Tom", **phone)
    assert slot.seats_taken == counted(Booking, status="booked") == 2


def test_the_same_person_holds_one_seat_of_an_hour_whoever_the_adviser(place):
    cfa, site, adviser = place
    kind = make.meeting_type(cfa)
    mine, other = make.slot(adviser, site, kind), make.slot(make.adviser(cfa), site, kind)
    book(mine, 1)
    for slot in (mine, other):
        with pytest.raises(AlreadyBooked), transaction():
            booking.book(slot, person(1), form(2), clock.now())
    assert (mine.seats_taken, other.seats_taken) == (1, 0)


def test_who_cancelled_may_book_again(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site)
    made = book(slot, 1)
    with transaction():
        booking.cancel(db.session.get(CandidateRequest, made.request_id).booking, "candidate", clock.now())
    with transaction():
        booking.book(slot, person(1), form(9), clock.now())
    assert slot.seats_taken == 1


def test_one_rendered_form_makes_one_request(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site, capacity=5)
    book(slot, 1)
    with pytest.raises(RequestReplayed), transaction():
        booking.book(slot, person(2), form(1), clock.now())
    assert slot.seats_taken == counted(Booking) == 1


def test_cancelling_frees_the_seat_once_and_tells_both_sides(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site)
    held = db.session.get(CandidateRequest, book(slot).request_id).booking
    with transaction():
        booking.cancel(held, "candidate", clock.now(), reason="Je suis malade")
    assert (slot.seats_taken, held.status, held.sequence) == (0, "cancelled", 1)
    assert held.request.outcome == "cancelled_by_candidate"
    kinds = {mail.kind for mail in db.session.scalars(sa.select(OutgoingMail))}
    assert {"booking_cancelled", "adviser_booking_cancelled"} <= kinds
    with pytest.raises(WrongTransition), transaction():
        booking.cancel(held, "candidate", clock.now())
    assert slot.seats_taken == 0


def test_a_past_meeting_is_not_cancelled_by_the_candidate(place, freeze):
    time = freeze("2026-11-24T08:00Z")
    _cfa, site, adviser = place
    slot = make.slot(adviser, site, starts_at="2026-11-24T14:00")
    held = db.session.get(CandidateRequest, book(slot).request_id).booking
    time.tick(hours=7)
    with pytest.raises(WrongTransition), transaction():
        booking.cancel(held, "candidate", clock.now())
    assert slot.seats_taken == 1


def test_a_meeting_that_is_over_is_neither_moved_nor_cancelled_by_the_centre(place, freeze):
    """Nobody is told « ce rendez-vous n’aura pas lieu » after it took place."""
    time = freeze("2026-11-24T08:00Z")
    _cfa, site, adviser = place
    slot, later = make.slot(adviser, site, starts_at="2026-11-24T14:00"), make.slot(adviser, site)
    held = db.session.get(CandidateRequest, book(slot).request_id).booking
    time.tick(hours=7)
    for act in (
        lambda: booking.cancel(held, "staff", clock.now(), user=adviser),
        lambda: booking.move(held, later, "staff", clock.now(), user=adviser),
        lambda: slots.cancel(slot, clock.now(), adviser),
    ):
        with pytest.raises(WrongTransition, match="passé"), transaction():
            act()
    assert (slot.seats_taken, slot.status, held.status, held.slot_id) == (1, "open", "booked", slot.id)
    assert counted(OutgoingMail, kind="booking_cancelled") == 0


@pytest.mark.parametrize("forward", [True, False])
def test_moving_keeps_the_booking_and_its_uid(place, forward):
    _cfa, site, adviser = place
    one, two = make.slot(adviser, site), make.slot(adviser, site, starts_at="2027-01-12T09:00")
    origin, target = (one, two) if forward else (two, one)
    held = db.session.get(CandidateRequest, book(origin).request_id).booking
    uid, reference = held.uid, held.request.reference
    with transaction():
        booking.move(held, target, "staff", clock.now(), user=adviser)
    assert (held.uid, held.request.reference, held.sequence, held.slot_id) == (uid, reference, 1, target.id)
    assert (origin.seats_taken, target.seats_taken) == (0, 1)
    assert counted(OutgoingMail, kind="booking_moved") == 1
    assert counted(OutgoingMail, kind="adviser_booking_moved") == 0  # who moved it knows


def test_a_move_to_a_full_slot_changes_nothing(place):
    _cfa, site, adviser = place
    origin, full = make.slot(adviser, site), make.slot(adviser, site, starts_at="2027-01-12T09:00")
    held = db.session.get(CandidateRequest, book(origin, 1).request_id).booking
    book(full, 2)
    with pytest.raises(SlotUnavailable), transaction():
        booking.move(held, full, "staff", clock.now())
    assert (origin.seats_taken, full.seats_taken, held.slot_id, held.sequence) == (1, 1, origin.id, 0)


def test_cancelling_a_slot_tells_everyone_and_leaves_no_seat(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site, capacity=5)
    for number in (1, 2, 3):
        book(slot, number)
    with transaction():
        assert slots.cancel(slot, clock.now(), adviser, "Salle inondée") == 3
    assert (slot.status, slot.seats_taken) == ("cancelled", 0)
    assert counted(OutgoingMail, kind="booking_cancelled") == 3
    with pytest.raises(WrongTransition), transaction():
        slots.cancel(slot, clock.now(), adviser)


def test_a_person_without_address_becomes_a_call_to_make(place, freeze):
    freeze("2026-11-24T08:00Z")
    _cfa, site, adviser = place
    slot = make.slot(adviser, site, starts_at="2026-12-01T14:00")
    request = db.session.get(CandidateRequest, book(slot, email=None, phone="+33199001234").request_id)
    with transaction():
        slots.cancel(slot, clock.now(), adviser)
    assert (request.status, request.outcome, request.booking.status) == ("new", None, "cancelled")
    assert request.due_at == clock.from_wall(clock.date(2026, 11, 26), clock.time(17), "Europe/Paris")


def test_the_check_stands_under_the_guard(place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site)
    with pytest.raises(sa.exc.IntegrityError), transaction() as session:
        session.execute(sa.update(Slot).where(Slot.id == slot.id).values(seats_taken=2))


def test_an_adviser_is_told_of_what_a_colleague_cancels_not_of_their_own_act(place):
    cfa, site, adviser = place
    colleague = make.adviser(cfa)
    for by, told in ((adviser, 0), (colleague, 1)):
        held = make.booking(make.slot(adviser, site))
        with transaction():
            booking.cancel(held, "staff", clock.now(), user=by)
        assert counted(OutgoingMail, kind="adviser_booking_cancelled", to_email=adviser.email) == told
    held = make.booking(make.slot(adviser, site, capacity=2))
    with transaction():
        slots.cancel(held.slot, clock.now(), colleague)  # who asks tells the adviser once, of the whole slot
    assert counted(OutgoingMail, kind="adviser_booking_cancelled") == 1
