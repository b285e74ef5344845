"""Series: what a preview says, what is published of it and remembered, and turns under processes."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, closing, closures, series, slots
from rdv.agenda import Week
from rdv.db import db, transaction
from rdv.errors import NotFound, SlotOverlap, TooClose
from rdv.models import BookingRule, Cfa, Closure, MeetingType, Site, Slot, SlotSeries, User
from tests import make
from tests.integration.test_crossing_writers import in_thread, somebody_waits_for_a_row
from tests.support import databases, forks
from tests.support.processes import wait_until
from tests.support.queries import queries

TUESDAY = date(2026, 12, 1)
AFTERNOON = (series.Range(time(14), time(15)),)
PROCESSES = 4


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    return cfa, make.site(cfa, name="Campus Nord"), make.adviser(cfa), make.meeting_type(cfa)


def offer(site, kind, **changes):
    values = {
        "site": site, "meeting_type": kind, "place": "on_site", "place_detail": None, "capacity": 1, "listed": True,
        "training_scope": "site",
    }  # fmt: skip
    return slots.Offer(**{**values, **changes})


def rule(first_day=TUESDAY, ranges=AFTERNOON, minutes=20, **changes):
    return series.Rule(first_day, ranges, minutes, **changes)


def plan(asked, site, kind, **changes):
    return series.plan(asked, offer(site, kind, **changes), clock.now())


def preview(cfa, adviser, planned):
    return series.preview(cfa.id, adviser, planned, clock.now())


def publish(cfa, adviser, planned, **options):
    with transaction():
        return series.publish(cfa, adviser, planned, clock.now(), by=adviser, **options)


def seen(cfa, adviser, planned):
    return series.fingerprint(preview(cfa, adviser, planned))


def kinds(found):
    return {each.key: sorted(each.kinds) for each in found if each.conflicts}


def count_slots():
    return db.session.scalar(sa.select(sa.func.count()).select_from(Slot))


# -- what a preview says ---------------------------------------------------------------------------------------------


def test_the_preview_names_own_slots_wherever_they_are(place):
    cfa, site, adviser, kind = place
    here = make.slot(adviser, make.site(cfa, name="Campus Sud"), starts_at="2026-12-01T14:10", minutes=20)
    elsewhere = make.slot(adviser, make.site(make.cfa()), starts_at="2026-12-08T14:40", minutes=60)
    make.slot(adviser, site, starts_at="2026-12-08T14:00", status="cancelled")
    make.slot(make.adviser(cfa), site, starts_at="2026-12-15T14:00")
    found = preview(cfa, adviser, plan(rule(count=3), site, kind))
    met = {each.key: [conflict.slot.id for conflict in each.conflicts] for each in found if each.conflicts}
    assert met == {
        "2026-12-01T14:00": [here.id],
        "2026-12-01T14:20": [here.id],
        "2026-12-08T14:40": [elsewhere.id],
    }


def test_the_preview_names_closures_absences_and_holidays_of_the_territory(place):
    cfa, site, adviser, kind = place
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2026, 12, 8), last_day=date(2026, 12, 9), label="Inventaire"))
    hours = {"starts": time(14, 30), "ends": time(18)}
    day = date(2026, 12, 15)
    make.saved(Closure(cfa_id=cfa.id, user_id=adviser.id, first_day=day, last_day=day, **hours))
    make.saved(Closure(cfa_id=cfa.id, user_id=make.adviser(cfa).id, first_day=TUESDAY, last_day=TUESDAY))
    found = preview(cfa, adviser, plan(rule(count=3), site, kind))
    assert kinds(found) == {
        "2026-12-08T14:00": ["closure"], "2026-12-08T14:20": ["closure"], "2026-12-08T14:40": ["closure"],
        "2026-12-15T14:20": ["closure"], "2026-12-15T14:40": ["closure"],
    }  # fmt: skip
    assert found[3].conflicts[0].label == "Inventaire"
    alsace = make.site(cfa, territory="57")
    reunion = make.site(cfa, timezone="Indian/Reunion", territory="974")
    for where, day, name in (
        (site, date(2026, 12, 25), "Noël"),
        (alsace, date(2026, 12, 26), "Saint-Étienne"),
        (reunion, date(2026, 12, 20), "Abolition de l’esclavage"),
    ):
        (first, *_) = preview(cfa, adviser, plan(rule(day), where, kind))
        assert [(one.kind, one.label) for one in first.conflicts] == [("holiday", name)]
        assert name == "Noël" or not preview(cfa, adviser, plan(rule(day), site, kind))[0].conflicts


def test_the_preview_says_what_clocks_and_the_present_do(place, freeze):
    cfa, site, adviser, kind = place
    spring = series.Rule(date(2027, 3, 21), (series.Range(time(1, 45), time(3, 45)),), 30, weekdays=(6,), count=2)
    found = preview(cfa, adviser, plan(spring, site, kind))
    assert kinds(found) == {"2027-03-28T02:15": ["missing"], "2027-03-28T02:45": ["missing"]}
    freeze("2026-12-01T13:30Z")
    found = preview(cfa, adviser, plan(rule(), site, kind))
    assert kinds(found) == {"2026-12-01T14:00": ["past"], "2026-12-01T14:20": ["past"]}
    made = publish(cfa, adviser, plan(rule(), site, kind), seen=series.fingerprint(found))
    assert len(made.slots) == 1
    with pytest.raises(series.WrongPlan, match="déjà passé"):
        series.check_possible(found[:2])


def test_slots_too_close_for_the_rules_are_said_and_refused(place):
    cfa, site, adviser, kind = place
    make.saved(BookingRule(cfa_id=cfa.id, pause_minutes=10))
    make.slot(adviser, site, kind, starts_at="2026-12-01T15:05", minutes=20)
    planned = plan(
        rule(pause=10, ranges=(series.Range(time(14), time(14, 50)), series.Range(time(14, 50)))), site, kind
    )
    found = preview(cfa, adviser, planned)
    assert kinds(found) == {"2026-12-01T14:50": ["near", "overlap"]}
    near = plan(rule(ranges=(series.Range(time(14, 40)),)), site, kind)
    with pytest.raises(TooClose):
        publish(cfa, adviser, near, seen=seen(cfa, adviser, near))
    assert len(publish(cfa, adviser, near, seen=seen(cfa, adviser, near), allow_overlap=True).slots) == 1


# -- what is published -----------------------------------------------------------------------------------------------


def test_a_series_is_stored_with_its_rule_and_its_slots_without_those_skipped(place):
    cfa, site, adviser, kind = place
    training = make.training(cfa, site)
    asked = rule(weekdays=(1, 3), last_day=date(2026, 12, 18), pause=5)
    planned = plan(
        asked, site, kind, capacity=12, title="Portes ouvertes", programme="Visite", what_to_bring="Un stylo",
        training_scope="chosen", trainings=[training],
    )  # fmt: skip
    keep = [each.key for each in planned if not each.key.startswith("2026-12-08")]
    made = publish(cfa, adviser, planned, keep=keep, seen=seen(cfa, adviser, planned), rule=asked)
    assert len(made.slots) == len(keep) == 10
    assert {slot.series_id for slot in made.slots} == {made.series.id}
    assert {(slot.shown_title, slot.shown_programme, slot.shown_what_to_bring) for slot in made.slots} == {
        ("Portes ouvertes", "Visite", "Un stylo")
    }
    assert all(slot.trainings == [training] for slot in made.slots)
    stored = series.get_for_cfa(cfa.id, made.series.public_id)
    assert series.rule_of(stored) == series.Rule(
        TUESDAY, AFTERNOON, 20, pause=5, weekdays=(1, 3), last_day=date(2026, 12, 18)
    )
    assert stored.details == {"title": "Portes ouvertes", "programme": "Visite", "what_to_bring": "Un stylo"}
    assert series.of_cfa(cfa.id, clock.now()) == [(stored, 10)]
    assert series.coming(stored, clock.now()) == made.slots
    with pytest.raises(NotFound):
        series.get_for_cfa(make.cfa().id, stored.public_id)


def test_one_day_makes_no_series_and_a_lone_slot_keeps_its_end(place):
    cfa, site, adviser, kind = place
    asked = rule(ranges=(series.Range(time(9, 30)),))
    assert publish(cfa, adviser, plan(asked, site, kind), rule=asked).series is None
    asked = rule(date(2026, 12, 2), ranges=(series.Range(time(9, 30)),), count=2)
    planned = plan(asked, site, kind)
    made = publish(cfa, adviser, planned, seen=seen(cfa, adviser, planned), rule=asked)
    assert made.series.ranges == [["09:30", "09:50"]]
    assert [clock.to_zone(slot.starts_at, "Europe/Paris").strftime("%d %H:%M") for slot in made.slots] == [
        "02 09:30",
        "09 09:30",
    ]


def test_a_series_keeps_its_hour_across_clock_changes_far_away_too(place):
    cfa, _site, adviser, kind = place
    for zone in ("Europe/Paris", "America/Miquelon", "Indian/Reunion"):
        site = make.site(cfa, timezone=zone)
        asked = rule(date(2027, 3, 2), weekdays=(1,), count=40, ranges=(series.Range(time(9)),))
        planned = plan(asked, site, kind)
        made = publish(cfa, adviser, planned, seen=seen(cfa, adviser, planned), rule=asked, allow_overlap=True)
        assert {clock.to_zone(slot.starts_at, zone).strftime("%a %H:%M") for slot in made.slots} == {"Tue 09:00"}


def test_what_was_not_seen_is_never_published_in_silence(place):
    cfa, site, adviser, kind = place
    planned = plan(rule(date(2026, 12, 25)), site, kind)
    with pytest.raises(series.PlanChanged):
        publish(cfa, adviser, planned)
    planned = plan(rule(count=2), site, kind)
    before = seen(cfa, adviser, planned)
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2026, 12, 8), last_day=date(2026, 12, 8)))
    with pytest.raises(series.PlanChanged):
        publish(cfa, adviser, planned, seen=before)
    slot = make.slot(adviser, site, kind, starts_at="2026-12-01T14:00", minutes=20)
    with pytest.raises(SlotOverlap):
        publish(cfa, adviser, planned, seen=seen(cfa, adviser, planned))
    with pytest.raises(series.NothingChosen):
        publish(cfa, adviser, planned, keep=[], seen=seen(cfa, adviser, planned))
    assert count_slots() == 1
    made = publish(cfa, adviser, planned, keep=["2026-12-08T14:20"], seen=seen(cfa, adviser, planned))
    assert [slot.starts_at for slot in made.slots] == [datetime(2026, 12, 8, 13, 20, tzinfo=UTC)]
    assert slot.series_id is None


def test_an_overlap_on_purpose_is_published_once_seen(place):
    cfa, site, adviser, kind = place
    make.slot(adviser, site, kind, starts_at="2026-12-01T14:00", minutes=20)
    planned = plan(rule(), site, kind)
    with pytest.raises(series.PlanChanged):
        publish(cfa, adviser, planned, allow_overlap=True)  # allowed, but not shown
    assert len(publish(cfa, adviser, planned, seen=seen(cfa, adviser, planned), allow_overlap=True).slots) == 3


# -- a week again ----------------------------------------------------------------------------------------------------


def test_a_week_is_copied_in_wall_time_with_all_that_its_slots_are(place):
    cfa, site, adviser, kind = place
    training = make.training(cfa, site)
    reunion = make.site(cfa, timezone="Indian/Reunion", territory="974")
    make.slot(adviser, site, kind, "2027-03-23T14:00", capacity=12, trainings=[training], title="Visite", minutes=45)
    make.slot(adviser, reunion, kind, "2027-03-24T09:00", place="phone", listed=False)
    make.slot(adviser, site, kind, "2027-03-25T09:00", status="cancelled")
    make.slot(adviser, site, make.meeting_type(cfa, title="Vieux", archived_at=clock.now()), "2027-03-25T10:00")
    make.slot(make.adviser(cfa), site, kind, "2027-03-25T11:00")
    origin = Week.parse("2027-W12", TUESDAY)
    copied = series.copy_week(cfa, adviser, origin, [origin.shifted(1), origin.shifted(2)], clock.now())
    assert copied.left_out == 1
    made = publish(cfa, adviser, copied.planned, seen=seen(cfa, adviser, copied.planned)).slots
    shown = [clock.to_zone(slot.starts_at, slot.site.timezone).strftime("%d/%m %H:%M") for slot in made]
    assert shown == ["30/03 14:00", "31/03 09:00", "06/04 14:00", "07/04 09:00"]  # clocks changed on 28 March
    assert [(slot.capacity, slot.title, slot.listed, slot.place, slot.trainings) for slot in made[:2]] == [
        (12, "Visite", True, "on_site", [training]),
        (1, None, False, "phone", []),
    ]
    assert made[0].ends_at - made[0].starts_at == timedelta(minutes=45)


def test_a_copy_names_what_cannot_be(place):
    cfa, site, adviser, kind = place
    week = Week.parse("2026-W49", TUESDAY)
    for target, field in ((week, "to"), (week.shifted(100), "to")):
        with pytest.raises(series.WrongPlan) as refused:
            series.copy_week(cfa, adviser, week, [target], clock.now())
        assert refused.value.field == field
    for day in range(1, 6):
        for hour in range(8, 18):
            make.slot(adviser, site, kind, f"2026-12-{day:02d}T{hour:02d}:00")
    with pytest.raises(series.WrongPlan, match="1000 au plus"):
        series.copy_week(cfa, adviser, week, [week.shifted(n) for n in range(1, 26)], clock.now())


def test_two_slots_of_one_hour_are_copied_apart(place):
    cfa, site, adviser, kind = place
    for minutes in (20, 30):
        make.slot(adviser, site, kind, "2026-12-01T14:00", minutes=minutes)
    week = Week.parse("2026-W49", TUESDAY)
    planned = series.copy_week(cfa, adviser, week, [week.shifted(1)], clock.now()).planned
    assert kinds(preview(cfa, adviser, planned)) == {"2026-12-08T14:00~2": ["twin"]}
    mark = seen(cfa, adviser, planned)
    with pytest.raises(SlotOverlap):
        publish(cfa, adviser, planned, seen=mark)
    made = publish(cfa, adviser, planned, keep=["2026-12-08T14:00~2"], seen=mark).slots
    assert [slot.ends_at - slot.starts_at for slot in made] == [timedelta(minutes=30)]


# -- many, and together ----------------------------------------------------------------------------------------------


def thousand():
    return rule(
        ranges=(series.Range(time(8), time(18)),), minutes=60, weekdays=tuple(range(7)), count=100
    )  # ten a day, a hundred days


def test_a_thousand_slots_take_as_many_statements_as_ten(place):
    cfa, site, adviser, kind = place
    counts = []
    for asked in (rule(date(2027, 6, 1), ranges=(series.Range(time(8), time(18)),), minutes=60, count=1), thousand()):
        planned = plan(asked, site, kind)
        mark = seen(cfa, adviser, planned)
        keep = [each.key for each in planned]
        with queries() as sent:
            made = publish(cfa, adviser, planned, keep=keep, seen=mark, rule=asked)
        counts.append((len(made.slots), len(sent)))
    assert counts[1][0] == 1000
    assert counts[1][1] <= counts[0][1] + 2, counts  # a batch more, where the engine limits its parameters


def test_a_closure_made_while_slots_are_published_shuts_them(app, place, engine_name):
    cfa, site, adviser, kind = (row.id for row in place)
    closing_begun, told = threading.Event(), []

    def publish_slowly():
        with transaction() as session:
            person, where = session.get_one(User, adviser), session.get_one(Site, site)
            planned = plan(rule(), where, session.get_one(MeetingType, kind))
            series.publish(where.cfa, person, planned, clock.now(), by=person)
            closing_begun.set()
            if engine_name == "postgresql":
                wait_until(somebody_waits_for_a_row, "the closure should wait for the publication")

    def close():
        closing_begun.wait(30)
        with transaction() as session:
            person = session.get_one(User, adviser)
            closing.create(session.get_one(Cfa, cfa), closures.Draft(TUESDAY, TUESDAY), clock.now(), by=person)

    db.session.rollback()
    for thread in [in_thread(app, act, told) for act in (publish_slowly, close)]:
        thread.join(60)
    assert told == [None, None]
    db.session.rollback()
    assert db.session.scalars(sa.select(Slot.status)).all() == ["closed"] * 3


def publishers(url: str, folder: str, ids: tuple[int, int, int], barrier, answers) -> None:
    """One process: publish the same series as the others, at the same moment."""
    try:
        app = forks.application(databases.settings(url, Path(folder)))
        with app.app_context():
            adviser, site = db.session.get_one(User, ids[0]), db.session.get_one(Site, ids[1])
            kind = db.session.get_one(MeetingType, ids[2])
            asked = rule(clock.today("Europe/Paris") + timedelta(days=30), weekdays=tuple(range(7)), count=20)
            planned = series.plan(asked, offer(site, kind), clock.now())
            mark = series.fingerprint(series.preview(site.cfa_id, adviser, planned, clock.now()))
            db.session.rollback()
            barrier.wait(timeout=60)
            keep = [each.key for each in planned]
            try:
                with transaction():
                    series.publish(
                        site.cfa, adviser, planned, clock.now(), by=adviser, keep=keep, seen=mark, rule=asked
                    )
                answers.put("published")
            except SlotOverlap:
                answers.put("refused")
    except BaseException as error:
        barrier.abort()
        answers.put(repr(error))
        raise


@pytest.mark.concurrent
def test_processes_publishing_one_series_at_once_make_one(app, database_url, instance_dir):
    cfa = make.cfa()
    site, adviser, kind = make.site(cfa, territory="FR"), make.adviser(cfa), make.meeting_type(cfa)
    ids = (adviser.id, site.id, kind.id)
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=publishers, args=(database_url, str(instance_dir), ids, barrier, answers))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    told = Counter(answers.get(timeout=90) for _ in processes)
    for process in processes:
        process.join(timeout=30)
    assert told == {"published": 1, "refused": PROCESSES - 1}
    assert count_slots() == 60
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SlotSeries)) == 1
