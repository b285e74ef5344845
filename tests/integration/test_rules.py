"""What a CFA decides of online booking: which rule wins, what it writes on slots, and what the guard makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from rdv import booking, clock, rules, seats, slots
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import EditedMeanwhile, SlotOverlap, SlotUnavailable, TooClose
from rdv.models import AuditEntry, Booking, BookingRule, Slot
from tests import make
from tests.support.queries import queries

PARIS = "Europe/Paris"


class House:
    """A CFA with one site, one adviser, one kind of meeting."""

    def __init__(self) -> None:
        self.cfa = make.cfa()
        self.site = make.site(self.cfa)
        self.kind = make.meeting_type(self.cfa)
        self.training = make.training(self.cfa, self.site)
        self.manager = make.manager(self.cfa)
        self.adviser = make.adviser(self.cfa)

    def publish(self, *walls: str, **changes: Any) -> list[Slot]:
        """Publish half hours at these wall times of the site."""
        site = changes.pop("site", self.site)
        adviser, kind = changes.pop("adviser", self.adviser), changes.pop("kind", self.kind)
        spans = []
        for wall in walls:
            at = datetime.fromisoformat(wall)
            start = clock.from_wall(at.date(), at.time(), site.timezone)
            spans.append(slots.Span(start, start + timedelta(minutes=30)))
        allow_overlap = changes.pop("allow_overlap", False)
        values = {"capacity": 1, "listed": True, "training_scope": "site", **changes}
        offer = slots.Offer(site=site, meeting_type=kind, place="on_site", place_detail=None, **values)
        with transaction():
            return slots.publish(self.cfa, adviser, offer, spans, clock.now(), by=adviser, allow_overlap=allow_overlap)

    def save(self, version: int = 0, site: Any = None, meeting_type: Any = None, **decided: Any) -> rules.Saved:
        with transaction():
            return rules.save(
                self.cfa, rules.Draft(**decided), version, clock.now(), by=self.manager, site=site,
                meeting_type=meeting_type,
            )  # fmt: skip

    def shown(self, **options: Any) -> list[str]:
        return [free.public_id for free in slots.free_for_training(self.training, clock.now(), **options)]


@pytest.fixture
def house(app, freeze) -> House:
    freeze("2026-11-24T08:00Z")
    return House()


def person(number: int = 1, **changes: Any) -> Candidate:
    values = {"first_name": "Zoé", "last_name": f"Lambert {number}", "email": f"zoe{number}@courriel.example"}
    return Candidate(**{**values, "phone": None, **changes})


def book(slot: Slot, number: int = 1, form: int | None = None, **changes: Any) -> booking.Booked:
    with transaction():
        sent = Submission(f"{form or number:024d}", "d")
        return booking.book(slot, person(number, **changes), sent, clock.now())


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# -- which rule wins --------------------------------------------------------------------------------------------------


def test_each_field_is_that_of_the_meeting_type_else_of_the_site_else_of_the_cfa(house):
    other = make.site(house.cfa)
    house.save(notice_minutes=60, horizon_days=30, most_a_person=2, pause_minutes=5)
    house.save(site=house.site, notice_minutes=120, horizon_days=60)
    house.save(meeting_type=house.kind, notice_minutes=0)
    precise = rules.effective(house.cfa.id, house.site.id, house.kind.id)
    assert (precise.notice_minutes, precise.horizon_days, precise.most_a_person) == (0, 60, 2)
    assert rules.effective(house.cfa.id, other.id, None).notice_minutes == 60
    assert rules.pause(house.cfa.id, house.site.id, house.kind.id) == 5
    assert rules.effective(make.cfa().id, None, None) == rules.NO_RULE


def test_a_rule_changed_by_somebody_else_meanwhile_is_refused(house):
    house.save(notice_minutes=60)
    with pytest.raises(EditedMeanwhile):
        house.save(notice_minutes=90)  # read before the first one was there
    house.save(version=1, notice_minutes=90)
    with pytest.raises(EditedMeanwhile):
        house.save(version=1, notice_minutes=30)
    assert db.session.scalars(sa.select(BookingRule.notice_minutes)).all() == [90]


def test_saving_tells_the_journal_what_changed_and_nothing_when_nothing_did(house):
    assert house.save(notice_minutes=60).changed
    assert not house.save(version=1, notice_minutes=60).changed
    (entry,) = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "rule.changed"))
    assert entry.data == {"changes": {"notice_minutes": [None, 60]}}
    assert db.session.scalars(sa.select(BookingRule.version)).all() == [1]


# -- written on slots -------------------------------------------------------------------------------------------------


def test_a_slot_is_born_with_the_rule_as_instants(house):
    house.save(notice_minutes=90, horizon_days=7)
    (slot,) = house.publish("2026-12-15T14:00")
    assert slot.closes_at == slot.starts_at - timedelta(minutes=90)
    assert slot.opens_at == instant("2026-12-08T14:00+01:00")


def test_the_horizon_counts_wall_days_across_a_clock_change(house):
    house.save(horizon_days=10)
    spring, autumn = house.publish("2027-04-02T14:00", "2027-11-05T14:00")
    assert spring.opens_at == instant("2027-03-23T14:00+01:00"), "an hour less than ten times 24 hours"
    assert spring.starts_at - spring.opens_at == timedelta(days=10, hours=-1)
    assert autumn.opens_at == instant("2027-10-26T14:00+02:00")
    assert autumn.starts_at - autumn.opens_at == timedelta(days=10, hours=1)
    (skipped,) = house.publish("2027-04-07T02:30")
    assert skipped.opens_at == instant("2027-03-28T03:30+02:00"), "02:30 does not exist that day"


def test_the_horizon_is_that_of_the_sites_zone(house):
    island = make.site(house.cfa, timezone="Indian/Reunion", territory="RE")
    house.save(horizon_days=10)
    (slot,) = house.publish("2027-04-02T14:00", site=island)
    assert slot.starts_at - slot.opens_at == timedelta(days=10), "no clock changes there"


def test_the_later_of_horizon_and_opening_date_opens_a_slot(house):
    opening = instant("2026-12-01T09:00+01:00")
    house.save(opens_at=opening, horizon_days=7)
    soon, late = house.publish("2026-12-03T14:00", "2026-12-15T14:00")
    assert (soon.opens_at, late.opens_at) == (opening, instant("2026-12-08T14:00+01:00"))


def test_changing_a_rule_writes_it_on_the_coming_slots_of_its_scope_alone(house, freeze):
    other = make.site(house.cfa)
    (here,) = house.publish("2026-12-15T14:00")
    (there,) = house.publish("2026-12-15T16:00", site=other)
    foreign = make.slot(make.adviser(make.cfa()), make.site(make.cfa()))
    saved = house.save(site=house.site, notice_minutes=60)
    assert (saved.slots, saved.not_open) == (1, 0)
    assert here.closes_at == here.starts_at - timedelta(hours=1)
    assert (there.closes_at, foreign.closes_at) == (None, None)
    freeze("2026-12-15T13:30Z")
    assert house.save(version=1, site=house.site, notice_minutes=30).slots == 0, "what has begun stays as it was"
    assert here.closes_at == here.starts_at - timedelta(hours=1)


def test_emptying_a_rule_gives_the_slots_back_to_the_wider_one(house):
    house.save(notice_minutes=60)
    house.save(meeting_type=house.kind, notice_minutes=0, horizon_days=3)
    (slot,) = house.publish("2026-12-15T14:00")
    assert slot.closes_at is None
    house.save(version=1, meeting_type=house.kind)
    assert (slot.opens_at, slot.closes_at) == (None, slot.starts_at - timedelta(hours=1))


def test_a_rule_that_changes_touches_no_calendar(house, freeze):
    (slot,) = house.publish("2026-12-15T14:00")
    book(slot)
    before = (slot.version, slot.updated_at)
    freeze("2026-11-25T08:00Z")
    house.save(notice_minutes=60, most_a_day=1)
    assert slot.closes_at is not None
    assert (slot.version, slot.updated_at) == before, "what the validator of a feed reads"


def test_five_thousand_slots_take_a_bounded_number_of_statements(house):
    start = instant("2027-01-04T08:00+01:00")
    rows = [
        {
            "public_id": f"s{n}", "cfa_id": house.cfa.id, "site_id": house.site.id, "adviser_id": house.adviser.id,
            "meeting_type_id": house.kind.id, "place": "on_site", "starts_at": start + timedelta(minutes=30 * n),
            "ends_at": start + timedelta(minutes=30 * n + 20),
        }
        for n in range(5000)
    ]  # fmt: skip
    with transaction() as session:
        session.execute(sa.insert(Slot), rows)
    with queries() as seen:
        saved = house.save(notice_minutes=60, horizon_days=30, most_a_day=4)
    assert saved.slots == 5000
    assert len(seen) < 40
    wrong = sa.select(sa.func.count()).where(sa.or_(Slot.closes_at.is_(None), Slot.opens_at.is_(None)))
    assert db.session.scalar(wrong) == 0


# -- lists and the guard ----------------------------------------------------------------------------------------------


def test_a_slot_appears_and_disappears_at_the_exact_instants(house, freeze):
    house.save(notice_minutes=24 * 60, horizon_days=7)
    (slot,) = house.publish("2026-12-15T14:00")
    seen = []
    for moment in ("2026-12-08T12:59:59Z", "2026-12-08T13:00Z", "2026-12-14T12:59:59Z", "2026-12-14T13:00Z"):
        freeze(moment)
        of_cfa = [free.public_id for free in slots.free_for_cfa(house.cfa, clock.now())]
        assert of_cfa == house.shown()
        assert bool(of_cfa) == seats.is_bookable(slot, clock.now())
        seen.append(bool(of_cfa))
    assert seen == [False, True, True, False]


@pytest.mark.parametrize(("moment", "taken"), [("2026-12-08T12:59Z", False), ("2026-12-08T13:01Z", True), ("2026-12-14T13:01Z", False)])  # fmt: skip
def test_the_guard_refuses_outside_the_rules(house, freeze, moment, taken):
    house.save(notice_minutes=24 * 60, horizon_days=7)
    (slot,) = house.publish("2026-12-15T14:00")
    freeze(moment)
    if taken:
        book(slot)
    else:
        with pytest.raises(SlotUnavailable):
            book(slot)
    assert slot.seats_taken == int(taken)


def test_a_notice_longer_than_a_week_still_lists_later_slots(house):
    house.save(notice_minutes=9 * 24 * 60)
    _soon, later = house.publish("2026-12-01T14:00", "2026-12-04T14:00")
    assert house.shown() == [later.public_id]


def test_dates_further_on_show_nothing_that_is_not_open_yet(house):
    house.save(horizon_days=7)
    near, _far = house.publish("2026-11-26T14:00", "2026-12-15T14:00")
    since = instant("2026-12-10T00:00+01:00")
    assert house.shown(since=since) == []
    assert [free.public_id for free in slots.near(near, clock.now())] == []


def test_no_rule_costs_a_booking_no_statement(house, engine_name):
    (slot,) = house.publish("2026-12-15T14:00")
    with queries() as seen:
        book(slot)
    assert len(seen) == (6 if engine_name == "sqlite" else 2), seen


# -- most meetings a day ----------------------------------------------------------------------------------------------


def test_a_full_day_hides_the_empty_slots_of_that_adviser_and_opens_again(house):
    house.save(most_a_day=2)
    colleague = make.adviser(house.cfa)
    day = house.publish("2026-12-15T09:00", "2026-12-15T10:00", "2026-12-15T11:00")
    (next_day,) = house.publish("2026-12-16T09:00")
    (theirs,) = house.publish("2026-12-15T15:00", adviser=colleague)
    book(day[0], 1)
    assert not day[2].day_full
    made = book(day[1], 2)
    assert [slot.day_full for slot in (*day, next_day, theirs)] == [False, False, True, False, False]
    with pytest.raises(SlotUnavailable):
        book(day[2], 3)
    with transaction():
        held = db.session.scalar(sa.select(Booking).where(Booking.request_id == made.request_id))
        booking.cancel(held, "candidate", clock.now())
    assert not day[2].day_full
    book(day[2], 3)
    assert day[1].day_full


def test_moving_to_another_day_frees_the_first_and_fills_the_second(house):
    house.save(most_a_day=1)
    tuesday = house.publish("2026-12-15T09:00", "2026-12-15T10:00")
    wednesday = house.publish("2026-12-16T09:00", "2026-12-16T10:00")
    made = book(tuesday[0])
    assert tuesday[1].day_full
    with transaction():
        held = db.session.scalar(sa.select(Booking).where(Booking.request_id == made.request_id))
        booking.move(held, db.session.get(Slot, wednesday[0].id), "candidate", clock.now())
    assert [slot.day_full for slot in (*tuesday, *wednesday)] == [False, False, False, True]


def test_a_session_that_somebody_joined_keeps_its_other_seats(house):
    house.save(most_a_day=1)
    (group,) = house.publish("2026-12-15T09:00", capacity=12)
    (single,) = house.publish("2026-12-15T10:00")
    book(group, 1)
    book(group, 2)
    assert (group.day_full, single.day_full, group.seats_taken) == (False, True, 2)


def test_the_day_is_the_wall_day_of_the_site(house):
    island = make.site(house.cfa, timezone="Indian/Reunion", territory="RE")
    house.save(most_a_day=1)
    late, early = house.publish("2026-12-15T23:30", "2026-12-16T00:30", site=island)  # 19:30 and 20:30 UTC, one UTC day
    book(late)
    assert not early.day_full


def test_slots_published_or_ruled_on_a_full_day_are_born_full(house):
    (booked,) = house.publish("2026-12-15T09:00")
    (before,) = house.publish("2026-12-15T10:00")
    book(booked)
    assert house.save(most_a_day=1).not_open == 1
    assert before.day_full
    (after,) = house.publish("2026-12-15T11:00")
    assert after.day_full
    house.save(version=1, most_a_day=2)
    assert not before.day_full
    assert not after.day_full
    house.save(version=2)
    assert not before.day_full


def test_staff_exceed_the_day(house):
    house.save(most_a_day=1)
    first, second = house.publish("2026-12-15T09:00", "2026-12-15T10:00")
    book(first)
    with transaction():
        rules.before_seat([second])
        assert seats.take_as_staff(second.id, clock.now()) == 0


# -- most meetings of a person ----------------------------------------------------------------------------------------


def test_one_meeting_more_than_allowed_is_refused_until_one_is_over_or_cancelled(house, freeze):
    house.save(most_a_person=1)
    first, second, third = house.publish("2026-12-15T09:00", "2026-12-16T09:00", "2026-12-17T09:00")
    book(first, 1, form=1)
    with pytest.raises(rules.TooManyBookings):
        book(second, 1, form=2)
    book(second, 2, form=3)  # somebody else
    freeze("2026-12-15T12:00Z")
    book(third, 1, form=4)


def test_staff_and_moves_do_not_count_against_a_person(house):
    house.save(most_a_person=1)
    first, second = house.publish("2026-12-15T09:00", "2026-12-16T09:00")
    made = book(first)
    with transaction():
        held = db.session.scalar(sa.select(Booking).where(Booking.request_id == made.request_id))
        booking.move(held, db.session.get(Slot, second.id), "candidate", clock.now())
    assert second.seats_taken == 1


# -- platforms --------------------------------------------------------------------------------------------------------


def test_a_platform_left_out_neither_sees_nor_books(house):
    lba, parcoursup = make.platform("lba"), make.platform("parcoursup")
    house.save(platforms=["lba"])
    house.save(meeting_type=(open_day := make.meeting_type(house.cfa, title="Porte ouverte")), platforms=["cfa", "parcoursup"])  # fmt: skip
    (usual,) = house.publish("2026-12-15T09:00")
    (opened,) = house.publish("2026-12-15T14:00", kind=open_day)
    assert house.shown() == [usual.public_id, opened.public_id], "the staff see everything"
    assert house.shown(platform="lba") == [usual.public_id]
    assert house.shown(platform=rules.OWN_PAGE) == house.shown(platform="parcoursup") == [opened.public_id]
    with pytest.raises(rules.PlatformClosed):
        book(usual, 1)
    with pytest.raises(rules.PlatformClosed):
        book(usual, 2, platform_id=parcoursup.id)
    book(usual, 3, platform_id=lba.id)
    book(opened, 4)


def test_a_platform_rule_of_a_site_wins_over_the_centre_and_loses_to_the_type(house):
    other = make.site(house.cfa)
    house.training.sites  # noqa: B018  loaded
    free_kind = make.meeting_type(house.cfa, title="Ouvert à tous")
    house.save(platforms=["lba"])
    house.save(site=other, platforms=["onisep"])
    house.save(meeting_type=free_kind, platforms=["lba", "onisep", "cfa"])
    (here,) = house.publish("2026-12-15T09:00", training_scope="cfa")
    (there,) = house.publish("2026-12-15T10:00", site=other, training_scope="cfa")
    (open_there,) = house.publish("2026-12-15T11:00", site=other, kind=free_kind, training_scope="cfa")
    assert house.shown(platform="lba") == [here.public_id, open_there.public_id]
    assert house.shown(platform="onisep") == [there.public_id, open_there.public_id]
    assert house.shown(platform="cfa") == [open_there.public_id]
    assert [rules.open_to(slot, "onisep") for slot in (here, there, open_there)] == [False, True, True]


def test_a_slot_sent_by_its_link_is_booked_from_anywhere(house):
    house.save(platforms=["lba"])
    (slot,) = house.publish("2026-12-15T09:00", listed=False)
    book(slot)


# -- pause ------------------------------------------------------------------------------------------------------------


def test_publishing_closer_than_the_pause_is_a_conflict_that_can_be_allowed(house):
    house.save(pause_minutes=10)
    house.publish("2026-12-15T09:00")
    with pytest.raises(TooClose):
        house.publish("2026-12-15T09:35")
    with pytest.raises(TooClose):
        house.publish("2026-12-15T08:25")
    with pytest.raises(TooClose):
        house.publish("2026-12-15T10:30", "2026-12-15T11:05")
    with pytest.raises(SlotOverlap) as overlap:
        house.publish("2026-12-15T09:15")
    assert overlap.type is SlotOverlap
    house.publish("2026-12-15T09:40")
    house.publish("2026-12-15T10:15", allow_overlap=True)
