"""Who came: told, taken back, recalled; and the one kind mail to who was missed."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import attendance, booking, clock, delivery, jobs
from rdv.db import db, transaction
from rdv.errors import RdvError, WrongTransition
from rdv.mails import KINDS
from rdv.models import OutgoingMail, RequestEvent
from tests import make


@pytest.fixture
def place(app, freeze):
    clocks = freeze("2026-11-24T13:00Z")  # a Tuesday, 14 h in Paris
    cfa = make.cfa()
    site = make.site(cfa)
    return clocks, site, make.adviser(cfa, first_name="Bob", last_name="Garnier")


def mark(held, outcome, user):
    with transaction():
        attendance.mark(held, outcome, clock.now(), user)


def mails(kind="missed_you"):
    db.session.rollback()
    return db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind).order_by(OutgoingMail.id)).all()


def attended(held):
    return [event.data["outcome"] for event in held.request.events if event.kind == "attendance"]


# -- telling ----------------------------------------------------------------------------------------------------------


def test_a_word_is_told_changed_and_taken_back_and_seats_never_move(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", capacity=3)
    held = make.booking(slot)
    for outcome in ("attended", "no_show", "excused", "booked"):
        mark(held, outcome, bob)
        assert held.status == outcome
        assert slot.seats_taken == 1
    assert attended(held) == ["attended", "no_show", "excused", "booked"]
    # Not told is not absent, and the seat can still be given back.
    with transaction():
        booking.cancel(held, "staff", clock.now(), user=bob)
    assert slot.seats_taken == 0


def test_saying_it_twice_says_it_once(place):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"))
    mark(held, "attended", bob)
    mark(held, "attended", bob)
    assert attended(held) == ["attended"]


@pytest.mark.parametrize(("starts", "refused"), [("2026-11-24T14:30", False), ("2026-11-24T14:31", True)])
def test_it_is_told_from_half_an_hour_before(place, starts, refused):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at=starts))
    if refused:
        with pytest.raises(WrongTransition, match="30 minutes avant"):
            mark(held, "attended", bob)
    else:
        mark(held, "attended", bob)
    assert held.status == ("booked" if refused else "attended")


def test_a_cancelled_meeting_has_nobody_to_count(place):
    _clocks, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00")
    held = make.booking(slot)
    with transaction():
        booking.cancel(held, "staff", clock.now(), user=bob)
    with pytest.raises(WrongTransition, match="annulé"):
        mark(held, "no_show", bob)
    assert (held.status, slot.seats_taken) == ("cancelled", 0)


def test_only_known_words_are_told(place):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"))
    with pytest.raises(RdvError):
        mark(held, "cancelled", bob)
    assert held.status == "booked"


def test_who_came_is_neither_moved_nor_cancelled(place):
    _clocks, site, bob = place
    slot, other = make.slot(bob, site, starts_at="2026-11-24T14:00"), make.slot(bob, site)
    held = make.booking(slot)
    mark(held, "attended", bob)
    with pytest.raises(WrongTransition), transaction():
        booking.cancel(held, "staff", clock.now(), user=bob)
    with pytest.raises(WrongTransition), transaction():
        booking.move(held, other, "staff", clock.now(), user=bob)
    assert (slot.seats_taken, other.seats_taken) == (1, 0)


# -- « on vous a manqué » ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told_at", "leaves_at"),
    [
        ("2026-11-24T14:10Z", "2026-11-24T17:30Z"),  # the same evening, 18 h 30 in Paris
        ("2026-11-24T18:30Z", "2026-11-24T18:45Z"),  # in the evening: a moment is left to undo it
        ("2026-11-24T19:20Z", "2026-11-25T17:30Z"),  # too late: the next evening
        ("2026-11-25T09:00Z", "2026-11-25T17:30Z"),
        ("2026-11-25T19:20Z", None),  # then never
        ("2026-11-30T09:00Z", None),
    ],
)
def test_who_is_missed_hears_it_in_the_evening_or_the_next_one(place, told_at, leaves_at):
    clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"))
    clocks.to(told_at)
    mark(held, "no_show", bob)
    assert [mail.not_before.strftime("%Y-%m-%dT%H:%MZ") for mail in mails()] == ([leaves_at] if leaves_at else [])
    if leaves_at:
        assert mails()[0].not_after.strftime("%H:%M") == "19:30"
        assert mails()[0].to_email == held.request.email


def test_the_evening_is_that_of_the_place(place):
    clocks, site, bob = place
    island = make.site(site.cfa, timezone="Indian/Reunion", territory="974")
    held = make.booking(make.slot(bob, island, starts_at="2026-11-24T10:00"))
    clocks.to("2026-11-24T07:00Z")
    mark(held, "no_show", bob)
    assert mails()[0].not_before.hour == 14  # 18 h 30 in La Réunion
    assert mails()[0].not_before.minute == 30


@pytest.mark.parametrize("outcome", ["attended", "excused", "booked"])
def test_nobody_else_hears_it(place, outcome):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"))
    mark(held, outcome, bob)
    assert mails() == []


def sent(clocks, at="2026-11-24T17:31Z"):
    clocks.to(at)
    delivery.deliver_due()
    return [mail.status for mail in mails()]


def test_it_is_sent_once_however_often_it_is_told(place):
    clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"))
    for outcome in ("no_show", "booked", "no_show"):
        mark(held, outcome, bob)
    assert sent(clocks) == ["sent"]
    clocks.tick(minutes=10)
    for outcome in ("excused", "no_show"):
        mark(held, outcome, bob)
    assert sent(clocks, "2026-11-25T18:00Z") == ["sent"]


@pytest.mark.parametrize("case", ["undone", "excused", "came back", "came back under another spelling", "too late"])
def test_it_is_not_sent_when_it_no_longer_makes_sense(place, case):
    clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"), request={"email": "zoe@courriel.example"})
    mark(held, "no_show", bob)
    if case in ("undone", "excused"):
        mark(held, "booked" if case == "undone" else "excused", bob)
    elif case == "came back":
        make.booking(make.slot(bob, site), request={"email": "autre@courriel.example"}, person_key=held.person_key)
    elif case == "came back under another spelling":
        make.booking(make.slot(bob, site), request={"email": "zoe@courriel.example", "first_name": "Zoe"})
    late = "2026-11-24T19:31Z" if case == "too late" else "2026-11-24T17:31Z"
    assert sent(clocks, late) == ["dropped"]


def test_a_cancelled_return_is_no_return(place):
    clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"), request={"email": "zoe@courriel.example"})
    make.booking(make.slot(bob, site), status="cancelled", request={"email": "zoe@courriel.example"})
    mark(held, "no_show", bob)
    assert sent(clocks) == ["sent"]


def test_after_two_absences_a_person_decides(place):
    clocks, site, bob = place
    before = make.booking(make.slot(bob, site, starts_at="2026-11-20T14:00"), status="no_show")
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"), person_key=before.person_key)
    mark(held, "no_show", bob)
    assert mails() == []
    assert attendance.can_write_missed(held, clock.now())
    with transaction():
        attendance.write_missed(held, clock.now(), bob)
    assert not attendance.can_write_missed(held, clock.now())
    with pytest.raises(WrongTransition), transaction():
        attendance.write_missed(held, clock.now(), bob)
    assert sent(clocks) == ["sent"]


def test_nobody_is_written_to_without_an_address(place):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"), request={"email": None})
    mark(held, "no_show", bob)
    assert mails() == []


def test_the_parent_hears_it_when_the_candidate_gave_no_address(place):
    _clocks, site, bob = place
    asked = {"email": None, "asker": "parent", "asker_email": "anne@courriel.example"}
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"), request=asked)
    mark(held, "no_show", bob)
    assert [mail.to_email for mail in mails()] == ["anne@courriel.example"]
    assert KINDS["missed_you"].still_due(mails()[0], clock.now())


# -- meetings without outcome -----------------------------------------------------------------------------------------


def recall(clocks, at):
    clocks.to(at)
    jobs.recall_outcomes(clock.now())
    return [mail.to_email for mail in mails("outcomes_missing")]


def test_past_meetings_nobody_told_about_are_counted(place):
    clocks, site, bob = place
    carla = make.adviser(site.cfa)
    told, other = (make.booking(make.slot(bob, site, starts_at=f"2026-11-24T{hour:02d}:00")) for hour in (9, 10))
    make.booking(make.slot(carla, site, starts_at="2026-11-24T11:00"))
    make.booking(make.slot(bob, site, starts_at="2026-11-24T13:45"))  # not over
    make.booking(make.slot(bob, site, starts_at="2026-11-24T09:30"), status="cancelled")
    cfa_id, now = site.cfa_id, clock.now()
    assert (attendance.count_missing(cfa_id, now), attendance.count_missing(cfa_id, now, bob.id)) == (3, 2)
    mark(told, "attended", bob)
    assert attendance.count_missing(cfa_id, now, bob.id) == 1
    assert attendance.slots_missing(cfa_id, now, bob.id) == [other.slot]
    assert attendance.count_missing(make.cfa().id, now) == 0
    clocks.tick(days=31)
    assert attendance.count_missing(cfa_id, clock.now()) == 0


def test_an_adviser_is_reminded_at_nine_once_a_day_for_seven_days(place):
    clocks, site, bob = place
    make.booking(make.slot(bob, site, starts_at="2026-11-24T15:00"))
    assert recall(clocks, "2026-11-25T07:30Z") == []  # 8 h 30 in Paris
    assert recall(clocks, "2026-11-25T08:00Z") == [bob.email]
    assert recall(clocks, "2026-11-25T08:30Z") == [bob.email]  # still one
    assert len(recall(clocks, "2026-11-26T08:00Z")) == 2
    assert len(recall(clocks, "2026-11-28T08:00Z")) == 2  # Saturday
    assert len(recall(clocks, "2026-12-01T08:00Z")) == 3
    assert len(recall(clocks, "2026-12-02T08:00Z")) == 3  # more than seven days after


def test_no_reminder_on_a_public_holiday_of_the_place(place):
    clocks, site, bob = place
    island = make.site(site.cfa, timezone="Indian/Reunion", territory="974")
    make.booking(make.slot(bob, island, starts_at="2026-12-18T10:00"))
    assert recall(clocks, "2026-12-20T05:30Z") == []  # Sunday
    assert recall(clocks, "2026-12-25T05:30Z") == []
    assert recall(clocks, "2026-12-21T05:30Z") == [bob.email]


def test_nothing_to_tell_no_reminder_even_at_the_last_moment(place):
    clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T15:00"))
    assert recall(clocks, "2026-11-25T08:00Z") == [bob.email]
    mark(held, "attended", bob)
    delivery.deliver_due()
    assert [mail.status for mail in mails("outcomes_missing")] == ["dropped"]


def test_the_managers_are_reminded_of_who_left(place):
    clocks, site, bob = place
    manager = make.manager(site.cfa)
    make.booking(make.slot(bob, site, starts_at="2026-11-24T15:00"))
    with transaction() as session:
        session.refresh(bob)
        bob.memberships[0].ended_at = clock.now()
    assert recall(clocks, "2026-11-25T08:00Z") == [manager.email]
    assert [each.slot.adviser_id for each in attendance.recalled(manager, clock.now())] == [bob.id]
    assert attendance.recalled(bob, clock.now()) == []


def test_each_event_can_be_told_in_words(place):
    _clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"))
    mark(held, "no_show", bob)
    event = db.session.scalar(sa.select(RequestEvent).where(RequestEvent.kind == "attendance"))
    assert (event.actor, event.user_id, event.internal) == ("staff", bob.id, False)
    assert event.at == clock.now() < held.slot.ends_at + timedelta(hours=1)


def test_a_meeting_moved_after_a_tap_too_many_may_really_be_missed(place):
    clocks, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-24T14:00"))
    for outcome in ("no_show", "booked"):
        mark(held, outcome, bob)
    with transaction():
        booking.move(held, make.slot(bob, site, starts_at="2026-11-26T14:00"), "staff", clock.now(), user=bob)
    assert sent(clocks) == ["dropped"]
    clocks.to("2026-11-26T14:00Z")
    mark(held, "no_show", bob)
    assert sent(clocks, "2026-11-26T17:31Z") == ["dropped", "sent"]
