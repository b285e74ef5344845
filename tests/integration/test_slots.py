"""Publishing: what is stored, what overlaps, and no double publication under processes."""

from __future__ import annotations

from collections import Counter
from datetime import date, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import agenda, clock, meeting_types, slots
from rdv.db import db, transaction
from rdv.errors import NotFound, SlotOverlap, WrongTransition
from rdv.models import Booking, MeetingType, OutgoingMail, Site, Slot, User
from tests import make
from tests.support import databases, forks

PROCESSES = 8
PARIS = "Europe/Paris"
TWENTY = timedelta(minutes=20)
TUESDAY = date(2026, 12, 1)


# -- publishing ------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    return cfa, site, make.adviser(cfa), make.meeting_type(cfa)


def offer(site, kind, **changes):
    values = {
        "site": site, "meeting_type": kind, "place": "on_site", "place_detail": None, "capacity": 1, "listed": True,
        "training_scope": "site",
    }  # fmt: skip
    return slots.Offer(**{**values, **changes})


def run(start=14, end=17, day=TUESDAY, zone=PARIS):
    """Return the slots of twenty minutes between two wall hours of a day."""
    first, last = (clock.from_wall(day, time(hour), zone) for hour in (start, end))
    count = (last - first) // TWENTY
    return [slots.Span(first + rank * TWENTY, first + (rank + 1) * TWENTY) for rank in range(count)]


def publish(cfa, site, adviser, kind, spans, allow_overlap=False, **changes):
    with transaction():
        return slots.publish(
            cfa, adviser, offer(site, kind, **changes), spans, clock.now(), by=adviser, allow_overlap=allow_overlap
        )


def count_slots():
    return db.session.scalar(sa.select(sa.func.count()).select_from(Slot))


def test_a_published_run_is_stored_open_with_its_trainings(place):
    cfa, site, adviser, kind = place
    training = make.training(cfa, site)
    made = publish(cfa, site, adviser, kind, run(), training_scope="chosen", trainings=[training], listed=False)
    assert len(made) == 9
    assert {(slot.status, slot.listed, slot.capacity, slot.adviser_id) for slot in made} == {
        ("open", False, 1, adviser.id)
    }
    assert all(slot.trainings == [training] for slot in made)


def test_an_adviser_cannot_be_in_two_places_unless_they_say_so(place):
    cfa, site, adviser, kind = place
    publish(cfa, site, adviser, kind, run(14, 15))
    with pytest.raises(SlotOverlap):
        publish(cfa, make.site(cfa), adviser, kind, run(14, 16))
    assert count_slots() == 3
    publish(cfa, site, adviser, kind, run(15, 16))  # end to end is no overlap
    publish(cfa, site, make.adviser(cfa), kind, run(14, 15))  # nor is a colleague
    assert len(publish(cfa, site, adviser, kind, run(14, 15), allow_overlap=True)) == 3


def test_an_overlap_with_another_cfa_counts_and_a_cancelled_slot_does_not(place):
    cfa, site, adviser, kind = place
    elsewhere = make.cfa()
    slot = make.slot(adviser, make.site(elsewhere), starts_at="2026-12-01T14:10")
    with pytest.raises(SlotOverlap):
        publish(cfa, site, adviser, kind, run())
    with transaction():
        slots.cancel(slot, clock.now(), adviser)
    assert len(publish(cfa, site, adviser, kind, run())) == 9


def publishers(url: str, folder: str, adviser_id: int, site_id: int, kind_id: int, barrier, answers) -> None:
    """One process: publish the same afternoon as the others, at the same moment."""
    try:
        app = forks.application(databases.settings(url, Path(folder)))
        with app.app_context():
            adviser = db.session.get_one(User, adviser_id)
            kind = db.session.get_one(MeetingType, kind_id)
            site = db.session.get_one(Site, site_id)
            day = clock.today(PARIS) + timedelta(days=30)
            spans = run(day=day)
            db.session.rollback()
            barrier.wait(timeout=60)
            try:
                with transaction():
                    slots.publish(site.cfa, adviser, offer(site, kind), spans, clock.now(), by=adviser)
                answers.put("published")
            except SlotOverlap:
                answers.put("refused")
    except BaseException as error:
        barrier.abort()
        answers.put(repr(error))
        raise


@pytest.mark.concurrent
def test_eight_processes_publishing_the_same_afternoon_make_one_run(app, database_url, instance_dir):
    cfa = make.cfa()
    site, adviser, kind = make.site(cfa), make.adviser(cfa), make.meeting_type(cfa)
    arguments = (database_url, str(instance_dir), adviser.id, site.id, kind.id)
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [context.Process(target=publishers, args=(*arguments, barrier, answers)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    seen = Counter(answers.get(timeout=90) for _ in processes)
    for process in processes:
        process.join(timeout=30)
    assert seen == {"published": 1, "refused": PROCESSES - 1}
    assert count_slots() == 9


# -- afterwards ------------------------------------------------------------------------------------------------------


def test_a_slot_of_another_cfa_does_not_exist(place):
    cfa, _site, _adviser, _kind = place
    other = make.cfa()
    slot = make.slot(make.adviser(other), make.site(other))
    with pytest.raises(NotFound):
        slots.get_for_cfa(cfa.id, slot.public_id)


def test_closing_keeps_those_booked_and_cancelling_tells_them(place):
    _cfa, site, adviser, _kind = place
    slot = make.slot(adviser, site, capacity=3)
    booked = [make.booking(slot) for _ in range(2)]
    with transaction():
        slots.set_open(slot, False, clock.now(), adviser)
    assert (slot.status, slot.seats_taken) == ("closed", 2)
    with pytest.raises(WrongTransition), transaction():
        slots.set_open(slot, False, clock.now(), adviser)
    with transaction():
        assert slots.cancel(slot, clock.now(), adviser, "Salle fermée") == 2
    assert (slot.status, slot.seats_taken) == ("cancelled", 0)
    assert {one.status for one in booked} == {"cancelled"}
    mails = db.session.scalars(sa.select(OutgoingMail.kind)).all()
    assert mails == ["booking_cancelled", "booking_cancelled"]


def test_a_first_publication_finds_two_suggested_types_once(place):
    cfa, _site, adviser, kind = place
    with transaction():
        assert meeting_types.create_suggested(cfa, by=adviser) == {}
        db.session.delete(kind)
    with transaction():
        made = meeting_types.create_suggested(cfa, by=adviser)
    assert [(each.title, each.duration_minutes, each.default_capacity) for each in made.values()] == [
        ("Entretien individuel", 20, 1),
        ("Réunion d’information collective", 60, 12),
    ]
    with pytest.raises(meeting_types.TitleTaken), transaction():
        meeting_types.create(cfa, meeting_types.Draft("entretien  INDIVIDUEL", 30), by=adviser)


def test_a_new_title_or_programme_reaches_calendars_and_nothing_else_does(place):
    _cfa, site, adviser, kind = place
    slot = make.slot(adviser, site, kind)
    booked = make.booking(slot)
    draft = meeting_types.Draft(kind.title, 45)

    def seen():
        return slot.version, db.session.get_one(Booking, booked.id, populate_existing=True).sequence

    with transaction():
        meeting_types.change(kind, draft, clock.now(), by=adviser)
    assert seen() == (1, 0)
    with transaction():
        meeting_types.change(kind, meeting_types.Draft("Visite de l’atelier", 45), clock.now(), by=adviser)
    assert seen() == (2, 1)
    with transaction():
        changed = meeting_types.Draft("Visite de l’atelier", 45, what_to_bring="Chaussures fermées")
        meeting_types.change(kind, changed, clock.now(), by=adviser)
    assert seen() == (3, 2)


def test_the_week_of_an_address_and_the_local_day_of_its_slots(place):
    cfa, _site, adviser, _kind = place
    week = agenda.Week.parse("2026-W49", date(2026, 11, 24))
    assert (week.monday, week.code, week.shifted(-1).code) == (date(2026, 11, 30), "2026-W49", "2026-W48")
    assert agenda.Week.parse("2026-W53", date(2026, 1, 1)).shifted(1).code == "2027-W01"
    for nonsense in (None, "", "2026-W60", "1e9-W01", "hier"):
        assert agenda.Week.parse(nonsense, date(2026, 11, 26)).code == "2026-W48"
    papeete = make.site(cfa, timezone="Pacific/Tahiti")
    slot = make.slot(adviser, papeete, starts_at="2026-11-29T23:00")  # Monday morning in UTC
    assert agenda.slots_of_days(cfa.id, date(2026, 11, 23), date(2026, 11, 29)) == [slot]
    assert agenda.slots_of_days(cfa.id, date(2026, 11, 30), date(2026, 12, 6)) == []


def test_a_booking_moves_only_where_the_person_can_be_reached(place):
    cfa, site, adviser, _kind = place
    booked = make.booking(make.slot(adviser, site), request={"phone": None})
    reachable = make.slot(adviser, site, starts_at="2026-12-01T09:00")
    make.slot(adviser, site, starts_at="2026-12-01T10:00", place="phone")
    make.slot(adviser, site, starts_at="2026-12-01T11:00", status="closed")
    make.slot(adviser, site, starts_at="2026-11-20T11:00")
    other = make.cfa()
    make.slot(make.adviser(other), make.site(other), starts_at="2026-12-01T09:00")
    with db.session.no_autoflush:
        assert agenda.move_targets(agenda.get_booking(cfa.id, booked.public_id), clock.now()) == [reachable]
    with pytest.raises(NotFound):
        agenda.get_booking(other.id, booked.public_id)
