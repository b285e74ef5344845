"""Changing what is published: what it reaches, what it meets, what is decided, and who hears of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from rdv import booking, changes, clock, seats, waitlist
from rdv.candidate import Candidate, Submission
from rdv.changes import Change, Decision
from rdv.db import db, transaction
from rdv.errors import EditedMeanwhile, SlotUnavailable, WrongTransition
from rdv.models import Booking, Closure, OutgoingMail, RequestEvent, SeatHold, Slot, SlotSeries, SlotTraining
from tests import make

NOW = "2026-11-24T08:00Z"  # a Tuesday
PARIS = "Europe/Paris"


class House:
    """A centre with two advisers, and a series of five Tuesdays at 14:00 in Paris."""

    def __init__(self) -> None:
        self.cfa = make.cfa()
        self.site = make.site(self.cfa)
        self.bob = make.adviser(self.cfa)
        self.carla = make.adviser(self.cfa, first_name="Carla")
        self.alice = make.manager(self.cfa)
        self.kind = make.meeting_type(self.cfa)

    def series(self, days: list[str], at: str = "14:00", **columns) -> list[Slot]:
        rule = make.saved(
            SlotSeries(
                cfa_id=self.cfa.id, site_id=self.site.id, adviser_id=self.bob.id, meeting_type_id=self.kind.id,
                weekdays=[1], first_day=date.fromisoformat(days[0]), count=len(days), ranges=[[at, "15:00"]],
                duration_minutes=30, place="on_site",
            )
        )  # fmt: skip
        return [self.slot(f"{day}T{at}", series_id=rule.id, **columns) for day in days]

    def slot(self, starts_at: str, **columns) -> Slot:
        return make.slot(
            columns.pop("adviser", self.bob), columns.pop("site", self.site), self.kind, starts_at, **columns
        )


TUESDAYS = ["2026-12-01", "2026-12-08", "2026-12-15", "2027-03-23", "2027-03-30"]  # clocks change on 28 March


@pytest.fixture
def house(app, freeze):
    freeze(NOW)
    return House()


def wall(slot: Slot) -> str:
    db.session.refresh(slot)
    return clock.to_zone(slot.starts_at, slot.site.timezone).strftime("%Y-%m-%d %H:%M")


def hours(slots: list[Slot]) -> list[str]:
    return [wall(slot)[11:] for slot in slots]


def change(chosen, scope, wanted, decisions=None, by=None, edited=False, message=None, seen=None):
    """Review, then carry out what was decided."""
    wide = scope != "one" and chosen.series_id is not None
    reached = changes.reached(chosen, scope, clock.now(), edited)
    series = chosen.series if wide else None
    seen = seen or changes.seen_of(reached, series)
    with transaction():
        return changes.apply(
            chosen,
            scope,
            wanted,
            decisions or {},
            seen,
            clock.now(),
            by or chosen.adviser,
            edited=edited,
            message=message,
        )


def mails(kind=None):
    query = sa.select(OutgoingMail.kind, OutgoingMail.to_email).order_by(OutgoingMail.id)
    rows = db.session.execute(query.where(OutgoingMail.kind == kind) if kind else query).all()
    return [tuple(row) for row in rows]


def held(slot: Slot) -> bool:
    """Say whether the count of a slot is that of its bookings and holds."""
    db.session.refresh(slot)
    booked = db.session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(Booking.seats), 0)).where(Booking.slot_id == slot.id, Booking.status != "cancelled")
    )  # fmt: skip
    kept = db.session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(SeatHold.seats), 0)).where(SeatHold.slot_id == slot.id, SeatHold.status == "live")
    )  # fmt: skip
    return slot.seats_taken == booked + kept


# -- what an edit reaches --------------------------------------------------------------------------------------------


def test_one_from_here_on_or_all_and_the_wall_time_stays_across_clock_changes(house):
    slots = house.series(TUESDAYS)
    change(slots[1], "one", Change(minutes=15))
    assert hours(slots) == ["14:00", "14:15", "14:00", "14:00", "14:00"]
    assert [slot.edited_alone for slot in slots] == [False, True, False, False, False]
    change(slots[2], "following", Change(minutes=60))
    assert hours(slots) == ["14:00", "14:15", "15:00", "15:00", "15:00"]
    change(slots[0], "all", Change(days=1, minutes=-30))
    assert [wall(slot) for slot in slots] == [
        "2026-12-02 13:30", "2026-12-08 14:15", "2026-12-16 14:30", "2027-03-24 14:30", "2027-03-31 14:30",
    ]  # fmt: skip
    change(slots[0], "all", Change(minutes=30), edited=True)
    assert hours(slots) == ["14:00", "14:45", "15:00", "15:00", "15:00"]


def test_past_and_cancelled_slots_are_never_reached(house, freeze):
    slots = house.series(TUESDAYS)
    with transaction():
        db.session.get_one(Slot, slots[1].id).status = "cancelled"
    freeze("2026-12-01T13:10Z")
    assert [slot.id for slot in changes.reached(slots[2], "all", clock.now())] == [slot.id for slot in slots[2:]]
    with pytest.raises(WrongTransition):
        change(slots[0], "one", Change(minutes=15), seen="x")


def test_other_columns_follow_and_what_is_not_named_stays(house):
    slots = house.series(TUESDAYS[:3], place_detail="Salle 12")
    with transaction():
        db.session.get_one(Slot, slots[1].id).place_detail = "Atelier"
    change(slots[0], "all", Change(duration=45, values={"title": "Portes ouvertes", "listed": False}))
    for slot in slots:
        db.session.refresh(slot)
        assert (slot.shown_title, slot.listed) == ("Portes ouvertes", False)
        assert slot.ends_at - slot.starts_at == timedelta(minutes=45)
    assert [slot.place_detail for slot in slots] == ["Salle 12", "Atelier", "Salle 12"]


def test_trainings_follow_a_new_hour_and_a_new_choice(house):
    trainings = [make.training(house.cfa, house.site) for _ in range(3)]
    slot = house.slot("2026-12-01T14:00", trainings=trainings[:2])
    change(slot, "one", Change(minutes=30))
    rows = db.session.execute(sa.select(SlotTraining.training_id, SlotTraining.starts_at)).all()
    assert {tuple(row) for row in rows} == {(each.id, slot.starts_at) for each in trainings[:2]}
    change(slot, "one", Change(values={"training_scope": "chosen"}, trainings=(trainings[2].id,)))
    assert db.session.scalars(sa.select(SlotTraining.training_id)).all() == [trainings[2].id]
    change(slot, "one", Change(values={"training_scope": "cfa"}))
    assert db.session.scalars(sa.select(SlotTraining.training_id)).all() == []


def test_an_hour_that_does_not_exist_or_is_over_cannot_be(house):
    slots = house.series(["2027-03-27", "2027-03-28"], at="01:30")
    reviewed = changes.review(Change(minutes=60), slots, clock.now())
    assert [line.impossible for line in reviewed.lines] == [None, "missing_hour"]
    with pytest.raises(changes.Undecided) as refused:
        change(slots[0], "all", Change(minutes=60))
    assert refused.value.slot == slots[1].public_id
    with pytest.raises(changes.Undecided):
        change(slots[0], "all", Change(minutes=60), {slots[1].public_id: Decision("apply")})
    done = change(slots[0], "all", Change(minutes=60), {slots[1].public_id: Decision("keep")})
    assert hours(slots) == ["02:30", "01:30"]
    assert (len(done.changed), len(done.kept), slots[1].edited_alone) == (1, 1, True)
    for wanted, why in (
        (Change(days=-30), "past"),
        (Change(days=600), "too_far"),
        (Change(minutes=18 * 60 + 15), "next_day"),
    ):
        wanted_line = changes.review(wanted, [house.slot("2026-12-10T05:30")], clock.now()).lines[0]
        assert wanted_line.impossible == why


def test_the_second_of_two_equal_autumn_hours_is_kept(house):
    second = house.slot("2027-10-31T01:30+00:00")  # 02:30, the second time
    change(second, "one", Change(duration=20))
    assert second.starts_at == datetime.fromisoformat("2027-10-31T01:30+00:00")
    assert second.ends_at - second.starts_at == timedelta(minutes=20)


# -- what it meets ---------------------------------------------------------------------------------------------------


def test_a_new_time_over_another_slot_is_shown_and_decided(house):
    slot, other = house.slot("2026-12-01T14:00"), house.slot("2026-12-01T15:00")
    line = changes.review(Change(minutes=45), [slot], clock.now()).lines[0]
    assert [met.id for met in line.overlaps] == [other.id]
    with pytest.raises(changes.Undecided):
        change(slot, "one", Change(minutes=45))
    change(slot, "one", Change(minutes=45), {slot.public_id: Decision("apply")})
    assert wall(slot) == "2026-12-01 14:45"


def test_slots_of_one_afternoon_move_together_without_meeting_each_other(house):
    first, second = (house.slot(f"2026-12-01T{at}") for at in ("14:00", "14:30"))
    lines = changes.review(Change(minutes=30), [first, second], clock.now()).lines
    assert [line.overlaps for line in lines] == [[], []]
    longer = changes.review(Change(duration=40), [first, second], clock.now()).lines
    assert [[met.id for met in line.overlaps] for line in longer] == [[second.id], [first.id]]


def test_a_holiday_is_shown_and_the_agenda_of_the_new_adviser_is_read(house):
    slot = house.slot("2026-12-22T14:00")
    theirs = house.slot("2026-12-22T14:10", adviser=house.carla)
    assert changes.review(Change(days=3), [slot], clock.now()).lines[0].holiday
    line = changes.review(Change(values={"adviser_id": house.carla.id}), [slot], clock.now()).lines[0]
    assert ([met.id for met in line.overlaps], line.holiday) == ([theirs.id], False)


# -- who is booked ---------------------------------------------------------------------------------------------------


def test_nobody_booked_is_moved_without_a_decision(house):
    slots = house.series(TUESDAYS[:3])
    booked = make.booking(slots[1])
    with pytest.raises(changes.Undecided):
        change(slots[0], "all", Change(minutes=30))
    change(slots[0], "all", Change(minutes=30), {slots[1].public_id: Decision("keep")})
    assert hours(slots) == ["14:30", "14:00", "14:30"]
    assert (slots[1].edited_alone, mails()) == (True, [])
    db.session.refresh(booked)
    assert (booked.sequence, booked.starts_at) == (0, slots[1].starts_at)


def test_who_follows_keeps_uid_and_reference_and_is_told_with_what_it_was(house):
    slot = house.slot("2026-12-01T14:00", place_detail="Salle 12")
    booked = make.booking(slot, presence_at=clock.now(), late_minutes=10)
    uid, reference, email = booked.uid, booked.request.reference, booked.request.email
    version = slot.version
    wanted = Change(days=1, minutes=30, values={"place_detail": "Salle 14"})
    done = change(slot, "one", wanted, {slot.public_id: Decision("apply")}, message="La salle est prise.")
    db.session.refresh(booked)
    assert (booked.uid, booked.request.reference, booked.sequence) == (uid, reference, 1)
    assert (booked.starts_at, booked.presence_at, booked.late_minutes) == (slot.starts_at, None, None)
    assert slot.version > version
    event = db.session.scalars(sa.select(RequestEvent).where(RequestEvent.kind == "slot_changed")).one()
    assert (event.text, event.data["former"]["starts_at"]) == ("La salle est prise.", "2026-12-01T13:00:00+00:00")
    assert event.data["former"]["detail"] == "Salle 12"
    assert mails() == [("booking_changed", email)]
    assert done.told == 1


def test_who_has_no_address_becomes_a_call_to_make(house):
    slot = house.slot("2026-12-01T14:00", place="phone")
    booked = make.booking(slot, request={"email": None})
    change(slot, "one", Change(minutes=30), {slot.public_id: Decision("apply")})
    db.session.refresh(booked.request)
    assert (booked.request.status, mails()) == ("new", [])


def test_a_booked_slot_may_be_cancelled_instead(house):
    slots = house.series(TUESDAYS[:3])
    booked = make.booking(slots[1])
    done = change(slots[0], "all", Change(minutes=30), {slots[1].public_id: Decision("cancel")}, message="Désolé.")
    db.session.refresh(booked)
    assert (booked.status, booked.cancel_reason, slots[1].status) == ("cancelled", "Désolé.", "cancelled")
    assert (len(done.changed), len(done.cancelled), done.told) == (2, 1, 1)
    assert [kind for kind, _ in mails()] == ["booking_cancelled"]


def test_a_quiet_change_asks_nothing_and_tells_nobody(house):
    slot = house.slot("2026-12-01T14:00", capacity=3)
    booked = make.booking(slot)
    change(slot, "one", Change(values={"listed": False, "capacity": 5}))
    db.session.refresh(booked)
    assert (booked.sequence, slot.capacity, slot.listed, mails()) == (0, 5, False, [])
    change(slot, "one", Change(values={"what_to_bring": "Un CV"}))
    db.session.refresh(booked)
    assert (booked.sequence, mails()) == (1, [])  # calendars read it


def test_one_person_at_one_hour_is_a_conflict_to_decide(house):
    slot, other = house.slot("2026-12-01T14:00", capacity=5), house.slot("2026-12-01T16:00", adviser=house.carla)
    elsewhere = house.slot("2026-12-03T10:00", capacity=5)
    make.booking(other, person_key="a" * 64)
    twice, calm = make.booking(slot, person_key="a" * 64), make.booking(slot)
    wanted = Change(minutes=120)
    line = changes.review(wanted, [slot], clock.now()).lines[0]
    assert [person.trouble for person in line.people] == ["same_hour", None]
    with pytest.raises(changes.Undecided) as refused:
        change(slot, "one", wanted, {slot.public_id: Decision("apply")})
    assert refused.value.person == twice.public_id
    decided = Decision("apply", {twice.public_id: elsewhere.public_id})
    change(slot, "one", wanted, {slot.public_id: decided})
    db.session.refresh(twice)
    db.session.refresh(calm)
    assert (twice.slot_id, calm.slot_id, calm.starts_at) == (elsewhere.id, slot.id, slot.starts_at)
    assert held(slot)
    assert held(elsewhere)


def test_one_person_in_two_slots_of_a_series_follows_both(house):
    first, second = house.series(["2026-12-01", "2026-12-02"])
    for slot in (first, second):
        make.booking(slot, person_key="b" * 64)
    both = {slot.public_id: Decision("apply") for slot in (first, second)}
    change(first, "all", Change(days=1), both)
    assert [wall(slot)[:10] for slot in (first, second)] == ["2026-12-02", "2026-12-03"]
    change(first, "all", Change(days=-1), both)
    assert [wall(slot)[:10] for slot in (first, second)] == ["2026-12-01", "2026-12-02"]


def test_who_a_video_cannot_reach_is_decided(house):
    slot = house.slot("2026-12-01T14:00", capacity=2)
    booked = make.booking(slot, request={"email": None})
    wanted = Change(values={"place": "video", "place_detail": "https://visio.example/a"})
    assert changes.review(wanted, [slot], clock.now()).lines[0].people[0].trouble == "contact"
    with pytest.raises(changes.Undecided):
        change(slot, "one", wanted, {slot.public_id: Decision("apply")})
    change(slot, "one", wanted, {slot.public_id: Decision("apply", {booked.public_id: "cancel"})})
    db.session.refresh(booked)
    assert (booked.status, slot.place) == ("cancelled", "video")


# -- somebody acts meanwhile -----------------------------------------------------------------------------------------


def test_a_booking_made_after_the_review_brings_it_back(house):
    slot = house.slot("2026-12-01T14:00", capacity=5)
    make.booking(slot)
    seen = changes.seen_of([slot], None)
    decided = {slot.public_id: Decision("apply")}
    with transaction():
        booking.book(slot, Candidate("Zoé", "Lambert", "zoe@courriel.example", None), Submission("a", "b"), clock.now())
    with pytest.raises(EditedMeanwhile):
        change(slot, "one", Change(minutes=30), decided, seen=seen)
    assert wall(slot) == "2026-12-01 14:00"
    assert next(line.people for line in changes.review(Change(minutes=30), [slot], clock.now()).lines)[1]
    change(slot, "one", Change(minutes=30), decided)


def test_two_advisers_who_edit_one_series_take_turns(house):
    slots = house.series(TUESDAYS)
    series = slots[0].series
    all_seen = changes.seen_of(changes.reached(slots[0], "all", clock.now()), series)
    late_seen = changes.seen_of(changes.reached(slots[3], "following", clock.now()), series)
    first_seen = changes.seen_of(changes.reached(slots[0], "following", clock.now()), series)
    change(slots[3], "following", Change(minutes=30), seen=late_seen)
    for scope, seen in (("all", all_seen), ("following", first_seen)):
        with pytest.raises(EditedMeanwhile):
            change(slots[0], scope, Change(minutes=60), seen=seen)
    assert hours(slots) == ["14:00"] * 3 + ["14:30"] * 2
    assert db.session.get_one(SlotSeries, series.id, populate_existing=True).version == 2


def test_a_series_changed_elsewhere_brings_the_review_back(house):
    slots = house.series(TUESDAYS[:2])
    seen = changes.seen_of(slots, slots[0].series)
    with transaction():
        db.session.get_one(SlotSeries, slots[0].series_id).version += 1
    with pytest.raises(EditedMeanwhile):
        change(slots[0], "all", Change(minutes=30), seen=seen)


def test_a_slot_edited_alone_meanwhile_brings_the_review_of_the_series_back(house):
    slots = house.series(TUESDAYS[:3])
    seen = changes.seen_of(changes.reached(slots[0], "all", clock.now()), slots[0].series)
    change(slots[1], "one", Change(minutes=15))
    with pytest.raises(EditedMeanwhile):
        change(slots[0], "all", Change(minutes=30), seen=seen)


# -- capacity --------------------------------------------------------------------------------------------------------


def test_a_capacity_under_the_number_booked_is_decided_person_by_person(house):
    slot, other = house.slot("2026-12-01T14:00", capacity=4), house.slot("2026-12-02T14:00", capacity=4)
    one, two, three = (make.booking(slot) for _ in range(3))
    wanted = Change(values={"capacity": 1})
    line = changes.review(wanted, [slot], clock.now()).lines[0]
    assert (line.missing, line.to_decide) == (2, True)
    for people in ({}, {one.public_id: "cancel"}):
        with pytest.raises(changes.Undecided, match="place"):
            change(slot, "one", wanted, {slot.public_id: Decision("apply", people)})
    decided = Decision("apply", {one.public_id: "cancel", two.public_id: other.public_id})
    done = change(slot, "one", wanted, {slot.public_id: decided}, message="Salle plus petite.")
    for each in (one, two, three):
        db.session.refresh(each)
    assert (one.status, two.slot_id, three.slot_id, three.sequence) == ("cancelled", other.id, slot.id, 0)
    assert (slot.capacity, slot.extra_seats, slot.seats_taken) == (1, 0, 1)
    assert held(slot)
    assert held(other)
    assert done.told == 2
    assert [kind for kind, _ in mails()] == ["booking_cancelled", "booking_moved"]


def test_a_lower_capacity_that_suffices_asks_nothing(house):
    slot = house.slot("2026-12-01T14:00", capacity=4)
    make.booking(slot)
    change(slot, "one", Change(values={"capacity": 1}))
    assert (slot.capacity, slot.seats_taken) == (1, 1)


def test_seats_kept_for_an_answer_count_as_taken(house):
    slot = house.slot("2026-12-01T14:00", capacity=3)
    booked = make.booking(slot)
    request = make.candidate_request(house.cfa)
    with transaction():
        seats.hold(slot.id, request.id, "proposal", clock.now() + timedelta(days=1), clock.now())
    line = changes.review(Change(values={"capacity": 1}), [slot], clock.now()).lines[0]
    assert (line.missing, line.held) == (1, 1)
    change(
        slot, "one", Change(values={"capacity": 1}), {slot.public_id: Decision("apply", {booked.public_id: "cancel"})}
    )
    assert (slot.capacity, slot.seats_taken, held(slot)) == (1, 1, True)


def test_a_capacity_is_guarded_by_the_database(house):
    slot = house.slot("2026-12-01T14:00", capacity=4)
    make.booking(slot)
    make.booking(slot)
    with pytest.raises(SlotUnavailable, match="2 places"), transaction():
        seats.set_capacity(slot.id, 1, clock.now(), exact=True)
    with transaction():
        seats.set_capacity(slot.id, 1, clock.now())
    db.session.refresh(slot)
    assert (slot.capacity, slot.extra_seats) == (1, 1)


# -- another adviser -------------------------------------------------------------------------------------------------


def test_a_new_adviser_takes_bookings_and_requests_along_and_each_hears_once(house):
    slots = house.series(TUESDAYS[:3])
    booked = [make.booking(slot, request={"owner_id": house.bob.id}) for slot in slots[:2]]
    wanted = Change(values={"adviser_id": house.carla.id})
    decided = {slot.public_id: Decision("apply") for slot in slots[:2]}
    change(slots[0], "all", wanted, decided, by=house.alice)
    for one in booked:
        db.session.refresh(one.request)
        assert one.request.owner_id == house.carla.id
    assert mails("adviser_slots_changed") == [
        ("adviser_slots_changed", house.bob.email), ("adviser_slots_changed", house.carla.email),
    ]  # fmt: skip
    rows = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.kind == "adviser_slots_changed")).all()
    assert [(len(row.data["given"]), len(row.data["received"])) for row in rows] == [(3, 0), (0, 3)]
    assert len(mails("booking_changed")) == 2


def test_whoever_acts_is_not_told_of_their_own_act(house):
    slot = house.slot("2026-12-01T14:00")
    change(slot, "one", Change(minutes=30), by=house.bob)
    assert mails() == []
    change(slot, "one", Change(minutes=30), by=house.alice)
    assert mails() == [("adviser_slots_changed", house.bob.email)]


# -- cancelling ------------------------------------------------------------------------------------------------------


def test_a_series_is_cancelled_in_one_act_with_one_message_each(house):
    slots = house.series(TUESDAYS[:4], capacity=5)
    booked = [make.booking(slots[index]) for index in (0, 1, 1, 3)]
    request = make.candidate_request(house.cfa)
    with transaction():
        kept = seats.hold(slots[1].id, request.id, "waitlist", clock.now() + timedelta(days=1), clock.now())
    seen = changes.seen_of(changes.reached(slots[1], "following", clock.now()), slots[0].series)
    with transaction():
        done = changes.cancel(slots[1], "following", seen, clock.now(), house.alice, message="Grève.")
    for slot in slots:
        db.session.refresh(slot)
    assert [slot.status for slot in slots] == ["open", "cancelled", "cancelled", "cancelled"]
    assert (done.told, len(mails("booking_cancelled"))) == (3, 3)
    assert db.session.get_one(SeatHold, kept.id).status == "released"
    assert all(held(slot) for slot in slots)
    db.session.refresh(booked[0])
    assert booked[0].status == "booked"
    assert mails("adviser_slots_changed") == [("adviser_slots_changed", house.bob.email)]
    with pytest.raises(EditedMeanwhile), transaction():
        changes.cancel(slots[0], "all", seen, clock.now(), house.alice)


def test_who_moves_to_a_slot_of_the_same_change_follows_it_too(house):
    first, second = house.series(TUESDAYS[:2])
    held = make.booking(first)
    decided = {first.public_id: Decision("apply", {held.public_id: second.public_id})}
    change(first, "all", Change(minutes=-60), decided)  # the first slot changes first
    assert wall(second) == "2026-12-08 13:00"
    assert (held.slot_id, held.starts_at) == (second.id, second.starts_at)


def test_a_seat_given_back_is_offered_at_the_hour_that_its_slot_takes(house, freeze):
    time = freeze("2026-11-24T09:00Z")
    session = house.slot("2026-12-01T14:00", capacity=2)
    leaves, _stays = make.booking(session), make.booking(session)
    wishes = make.booking(house.slot("2026-12-10T14:00"))
    with transaction():
        waitlist.wish(wishes, clock.now())
    time.tick(minutes=1)
    decided = {session.public_id: Decision("apply", {leaves.public_id: "cancel"})}
    change(session, "one", Change(days=16), decided)  # no earlier than the meeting they have
    assert (session.seats_taken, db.session.scalars(sa.select(SeatHold)).all()) == (1, [])


def test_a_closure_that_covered_the_slot_already_is_no_news_to_a_colleague(house):
    slot = house.slot("2026-12-01T14:00")
    to_carla = Change(values={"adviser_id": house.carla.id})

    def met():
        return changes.review(to_carla, [slot], clock.now()).lines[0].closure

    day = date(2026, 12, 1)
    make.saved(Closure(cfa_id=house.cfa.id, first_day=day, last_day=day, label="Pont"))
    assert met() is None
    later = changes.review(Change(minutes=10), [slot], clock.now()).lines[0]
    assert later.closure is not None
    elsewhere = house.slot("2026-12-02T14:00")
    make.saved(
        Closure(cfa_id=house.cfa.id, user_id=house.carla.id, first_day=date(2026, 12, 2), last_day=date(2026, 12, 2))
    )
    assert changes.review(to_carla, [elsewhere], clock.now()).lines[0].closure is not None
