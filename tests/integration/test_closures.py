"""Closures and absences: what they cover, what they shut, what they leave to be decided on, and what opens again."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa

from rdv import booking, clock, closing, closures, slots
from rdv.closures import Draft
from rdv.db import db, transaction
from rdv.errors import NotAllowed, NotFound, SlotUnavailable
from rdv.models import AuditEntry, BookingRule, Closure, Membership, Slot
from tests import make
from tests.integration.test_booking import book
from tests.support.queries import queries

WEEK = {"first_day": date(2026, 12, 21), "last_day": date(2026, 12, 27)}


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    return cfa, site, make.adviser(cfa), make.manager(cfa)


def close(cfa, by, **draft):
    with transaction():
        made, shut = closing.create(cfa, Draft(**draft), clock.now(), by=by)
    return made, shut


def status(*found):
    db.session.expire_all()
    return [slot.status for slot in found]


def span(site, starts, minutes=30):
    return make.slot(make.adviser(site.cfa), site, starts_at=starts, minutes=minutes)


# -- covering ---------------------------------------------------------------------------------------------------------


def test_a_closure_covers_its_days_in_the_wall_time_of_each_site(place):
    cfa, lille, adviser, manager = place
    reunion = make.site(cfa, timezone="Indian/Reunion", territory="974")
    made, _ = close(cfa, manager, first_day=date(2026, 12, 24), last_day=date(2026, 12, 24))
    # Half past eleven at night in Lille is the day after in La Réunion.
    in_lille = [span(lille, "2026-12-23T23:30", 30), span(lille, "2026-12-24T00:00"), span(lille, "2026-12-24T23:30"), span(lille, "2026-12-25T00:00")]  # fmt: skip
    assert closures.covering(cfa.id, lille, adviser.id, in_lille) == [None, made, made, None]
    far = [span(reunion, "2026-12-23T23:30"), span(reunion, "2026-12-24T00:00"), span(reunion, "2026-12-25T00:00")]
    assert closures.covering(cfa.id, reunion, adviser.id, far) == [None, made, None]
    assert closures.covering(cfa.id, lille, adviser.id, []) == []


def test_hours_of_one_day_touch_what_overlaps_them(place):
    cfa, site, adviser, manager = place
    made, _ = close(cfa, manager, first_day=date(2026, 12, 1), last_day=date(2026, 12, 1), starts=time(14), ends=time(16))  # fmt: skip
    spans = [span(site, f"2026-12-01T{at}") for at in ("13:30", "13:45", "15:30", "16:00")]
    assert closures.covering(cfa.id, site, adviser.id, spans) == [None, made, made, None]


def test_a_closure_over_the_hour_that_clocks_repeat_covers_it_twice(place):
    cfa, site, adviser, manager = place
    made, _ = close(cfa, manager, first_day=date(2027, 10, 31), last_day=date(2027, 10, 31), starts=time(2), ends=time(2, 30))  # fmt: skip
    again = make.slot(adviser, site, starts_at="2027-10-31T01:10+00:00", minutes=10)  # 2:10 for the second time
    assert closures.covering(cfa.id, site, adviser.id, [again]) == [made]


def test_each_is_shut_by_its_own_closures_alone(place):
    cfa, site, adviser, manager = place
    other_site, colleague, neighbour = make.site(cfa), make.adviser(cfa), make.cfa()
    make.site(neighbour)
    of_site, _ = close(cfa, manager, **WEEK, site=site)
    absence, _ = close(cfa, adviser, **WEEK, user=adviser)
    close(neighbour, manager, **WEEK)
    one = [span(site, "2026-12-22T10:00")]
    assert closures.covering(cfa.id, site, colleague.id, one) == [of_site]
    assert closures.covering(cfa.id, other_site, adviser.id, one) == [absence]
    assert closures.covering(cfa.id, other_site, colleague.id, one) == [None]
    assert closures.covering(cfa.id, other_site, None, one) == [None]
    whole, _ = close(cfa, manager, **WEEK)
    assert closures.covering(cfa.id, site, adviser.id, one) == [whole], "the widest is the one to name"


# -- shut and open again ----------------------------------------------------------------------------------------------


def test_free_slots_are_shut_and_the_booked_ones_wait_for_a_decision(place):
    cfa, site, adviser, manager = place
    free = make.slot(adviser, site, starts_at="2026-12-22T10:00")
    taken = make.slot(adviser, site, starts_at="2026-12-22T11:00")
    session = make.slot(adviser, site, starts_at="2026-12-22T14:00", capacity=12)
    outside = make.slot(adviser, site, starts_at="2026-12-28T10:00")
    met = [make.booking(taken), make.booking(session)]
    made, shut = close(cfa, manager, **WEEK, label="Congés d’hiver")
    assert shut == 3
    assert status(free, taken, session, outside) == ["closed", "closed", "closed", "open"]
    assert [one.status for one in met] == ["booked", "booked"]
    assert closures.to_decide(made, clock.now()) == met
    assert closures.count_to_decide([made], clock.now()) == {made.id: 2}
    entry = db.session.scalars(sa.select(AuditEntry).filter_by(action="closure.created")).one()
    assert (entry.object_id, entry.data["shut"]) == (made.public_id, 3)
    for slot in (free, session):
        with pytest.raises(SlotUnavailable):
            book(slot, 7)


def test_each_meeting_is_decided_on_until_none_is_left(place):
    cfa, site, adviser, manager = place
    kept, cancelled, moved = (
        make.booking(make.slot(adviser, site, starts_at=f"2026-12-22T{hour:02}:00")) for hour in (9, 10, 11)
    )
    target = make.slot(adviser, site, starts_at="2026-12-28T10:00")
    made, _ = close(cfa, manager, **WEEK)
    now = clock.now()
    assert closures.count_to_decide([made], now) == {made.id: 3}
    with transaction():
        closing.keep(made, [kept], now, by=manager)
    assert closures.to_decide(made, now) == [cancelled, moved]
    with transaction():
        assert closing.call_off(made, [cancelled], now, message="Le centre ferme.", by=manager) == []
    assert (cancelled.status, cancelled.cancel_reason) == ("cancelled", "Le centre ferme.")
    with transaction():
        booking.move(moved, target, "staff", now, user=manager)
    assert closures.to_decide(made, now) == []
    assert closures.count_to_decide([made], now) == {made.id: 0}
    assert kept.status == "booked"
    assert status(cancelled.slot) == ["closed"], "a seat given back during a closure is not offered again"


def test_the_end_opens_what_it_shut_alone(place, freeze):
    cfa, site, adviser, manager = place
    by_closure = make.slot(adviser, site, starts_at="2026-12-22T10:00")
    by_hand = make.slot(adviser, site, starts_at="2026-12-22T11:00", status="closed")
    begun = make.slot(adviser, site, starts_at="2026-12-21T09:00")
    made, shut = close(cfa, manager, **WEEK)
    assert shut == 2
    clock_ = freeze("2026-12-21T08:05Z")
    with transaction():
        assert closing.end(made, date(2026, 12, 21), clock_.now, by=manager) == 1
    assert status(by_closure, by_hand, begun) == ["open", "closed", "closed"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Closure)) == 0, (
        "it began today: nothing to remember"
    )


def test_a_closure_that_has_begun_keeps_the_days_it_lasted(place, freeze):
    cfa, _site, _adviser, manager = place
    made, _ = close(cfa, manager, **WEEK)
    now = freeze("2026-12-23T08:00Z").now
    with transaction():
        closing.end(made, date(2026, 12, 23), now, by=manager)
    assert (made.first_day, made.last_day) == (date(2026, 12, 21), date(2026, 12, 22))


def test_what_another_closure_covers_stays_shut_by_that_one(place):
    cfa, site, adviser, manager = place
    slot = make.slot(adviser, site, starts_at="2026-12-22T10:00")
    first, _ = close(cfa, manager, **WEEK)
    second, shut = close(cfa, adviser, first_day=date(2026, 12, 22), last_day=date(2026, 12, 22), user=adviser)
    assert shut == 0
    today, now = date(2026, 11, 24), clock.now()
    with transaction():
        assert closing.end(first, today, now, by=manager) == 0
    assert (status(slot), slot.closure_id) == (["closed"], second.id)
    with transaction():
        assert closing.end(second, today, now, by=manager) == 1
    assert status(slot) == ["open"]


def test_what_staff_open_again_by_hand_is_theirs(place):
    cfa, site, adviser, manager = place
    slot = make.slot(adviser, site, starts_at="2026-12-22T10:00")
    made, _ = close(cfa, manager, **WEEK)
    now = clock.now()
    with transaction():
        slots.set_open(slot, True, now, adviser)
    make.booking(slot)
    assert closures.to_decide(made, now) == [], "opened on purpose: nothing to decide"
    with transaction():
        closing.change(made, Draft(first_day=WEEK["first_day"], last_day=date(2026, 12, 30)), now, by=manager)
    assert status(slot) == ["open"]
    with transaction():
        slots.set_open(slot, False, now, adviser)
    with transaction():
        closing.end(made, date(2026, 11, 24), now, by=manager)
    assert status(slot) == ["closed"], "shut by hand since"


def test_a_change_shuts_the_new_days_and_opens_those_left(place):
    cfa, site, adviser, manager = place
    before, within, after = (make.slot(adviser, site, starts_at=f"2026-12-{day}T10:00") for day in (21, 24, 29))
    made, _ = close(cfa, manager, **WEEK)
    now = clock.now()
    with transaction():
        done = closing.change(made, Draft(first_day=date(2026, 12, 23), last_day=date(2026, 12, 30)), now, by=manager)
    assert done == (1, 1)
    assert status(before, within, after) == ["open", "closed", "closed"]


def test_a_change_locks_advisers_before_the_turn_of_closures_as_who_publishes(place, engine_name):
    if engine_name == "sqlite":
        return  # one writer
    cfa, site, adviser, manager = place
    make.saved(BookingRule(cfa_id=cfa.id, most_a_day=3))
    make.slot(adviser, site, starts_at="2026-12-21T10:00")
    made, _ = close(cfa, manager, **WEEK)
    with queries() as seen, transaction():
        closing.change(made, Draft(first_day=date(2026, 12, 23), last_day=date(2026, 12, 30)), clock.now(), by=manager)
    kept = [text for text in seen if "pg_advisory_xact_lock" in text or "FOR NO KEY UPDATE" in text]
    assert "FROM user_account" in kept[0]
    assert "pg_advisory_xact_lock" in kept[1]


def test_what_is_seen_before_saving_is_what_saving_does(place):
    cfa, site, adviser, manager = place
    free, taken = (make.slot(adviser, site, starts_at=f"2026-12-22T{hour:02}:00") for hour in (9, 10))
    make.slot(adviser, site, starts_at="2026-12-22T11:00", status="cancelled")
    met = make.booking(taken)
    seen = closures.touched_by(cfa.id, Draft(**WEEK), clock.now())
    assert (seen.to_shut, seen.booked) == ([free, taken], [met])
    made, shut = close(cfa, manager, **WEEK)
    assert shut == 2
    longer = Draft(first_day=WEEK["first_day"], last_day=date(2026, 12, 30))
    with transaction():
        closing.keep(made, [met], clock.now(), by=manager)
    again = closures.touched_by(cfa.id, longer, clock.now(), instead_of=made)
    assert (again.to_shut, again.booked) == ([], [])


# -- limits and rights ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        ({"first_day": date(2026, 12, 2), "last_day": date(2026, 12, 1)}, "last_day"),
        ({"first_day": date(2026, 11, 20), "last_day": date(2026, 11, 23)}, "last_day"),
        ({"first_day": date(2026, 12, 1), "last_day": date(2027, 12, 2)}, "last_day"),
        ({"first_day": date(2029, 1, 1), "last_day": date(2029, 1, 1)}, "first_day"),
        ({"first_day": date(2026, 12, 1), "last_day": date(2026, 12, 1), "starts": time(14)}, "ends"),
        ({"first_day": date(2026, 12, 1), "last_day": date(2026, 12, 1), "ends": time(14)}, "starts"),
        ({"first_day": date(2026, 12, 1), "last_day": date(2026, 12, 2), "starts": time(14), "ends": time(15)}, "starts"),
        ({"first_day": date(2026, 12, 1), "last_day": date(2026, 12, 1), "starts": time(14), "ends": time(14)}, "ends"),
    ],
)  # fmt: skip
def test_days_that_make_no_sense_are_refused_beside_their_field(draft, field):
    with pytest.raises(closing.WrongClosure) as refusal:
        closing.check(Draft(**draft), date(2026, 11, 24))
    assert refusal.value.field == field


def test_an_adviser_closes_their_own_agenda_alone(place):
    _cfa, _site, adviser, manager = place
    of = {
        person.id: db.session.scalars(sa.select(Membership).filter_by(user_id=person.id)).one()
        for person in (adviser, manager)
    }
    for whose in (None, adviser.id, manager.id):
        closing.permit(of[manager.id], whose)
    closing.permit(of[adviser.id], adviser.id)
    for whose in (None, manager.id):
        with pytest.raises(NotAllowed):
            closing.permit(of[adviser.id], whose)


def test_another_centre_has_no_such_closure(place):
    cfa, _site, _adviser, manager = place
    made, _ = close(cfa, manager, **WEEK)
    assert closures.get_for_cfa(cfa.id, made.public_id) is made
    with pytest.raises(NotFound):
        closures.get_for_cfa(make.cfa().id, made.public_id)


def test_many_closures_are_counted_in_as_many_queries_as_one(place):
    from tests.support.queries import queries

    cfa, site, adviser, manager = place
    make.booking(make.slot(adviser, site, starts_at="2026-12-22T10:00"))
    made = [close(cfa, manager, **WEEK)[0] for _ in range(5)]
    with queries() as seen:
        counts = closures.count_to_decide(made, clock.now())
    assert set(counts.values()) == {1}
    assert sum("FROM slot" in one for one in seen) == 1
    assert len(db.session.scalars(sa.select(Slot)).all()) == 1
