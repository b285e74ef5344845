"""`check-integrity` says nothing of a sound database, and names each thing that does not hold, without a person in it."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
import sqlalchemy as sa

from rdv import attendance, booking, clock, closing, demo, inbox, integrity, jobs, rules, slots, waitlist
from rdv.closures import Draft
from rdv.db import db, transaction
from rdv.errors import WrongTransition
from rdv.integrity.range import Check
from rdv.models import Booking, JobRun, SeatHold, Slot, WaitlistEntry
from tests import make
from tests.integration.test_booking import book, form, person
from tests.support.pages import sign_in, visit
from tests.support.queries import queries


def found() -> list[str]:
    db.session.rollback()
    return [str(one) for one in integrity.check(clock.now()).findings]


def spoil(statement: str, **values) -> None:
    """Break a row as no code of ours would."""
    with transaction() as session:
        session.execute(sa.text(statement), values)


@pytest.fixture
def lived(app, freeze):
    """A centre whose slots, meetings, offers and requests went through everything, by the functions of the product."""
    ticking = freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    adviser, manager = make.adviser(cfa), make.manager(cfa)
    training = make.training(cfa, site)
    kind = make.meeting_type(cfa, default_capacity=2)
    offer = slots.Offer(site, kind, "on_site", None, 2, True, "chosen", [training])
    with transaction():
        spans = [slots.Span(clock.from_wall(date(2026, 12, 1), time(9), site.timezone), clock.from_wall(date(2026, 12, 1), time(10), site.timezone))]  # fmt: skip
        session = slots.publish(cfa, adviser, offer, spans, clock.now(), by=adviser)[0]
    single = [make.slot(adviser, site, starts_at=f"2026-12-0{day}T14:00") for day in (2, 3, 4)]
    with transaction():
        rules.save(cfa, rules.Draft(notice_minutes=60, horizon_days=60), 0, clock.now(), by=manager)
    for number in (1, 2):
        book(session, number)
    book(single[0], 3)
    with transaction():
        waitlist.join(session, person(4), form(4), clock.now())
    booked = {one.request.last_name[-1]: one for one in db.session.scalars(sa.select(Booking))}
    with transaction():
        booking.cancel(booked["1"], "candidate", clock.now())  # who waits is offered the seat
    with transaction():
        booking.move(booked["3"], single[1], "staff", clock.now(), user=adviser)
    with transaction():
        request = inbox.open_request("message", cfa, person(5), form(5), clock.now())
    with transaction():
        inbox.answer(request, "Bonjour.", "staff", clock.now(), user=adviser)
    with transaction():
        inbox.close(request, "answered", "staff", clock.now(), user=adviser)
    with transaction():
        closing.create(cfa, Draft(date(2026, 12, 4), date(2026, 12, 4)), clock.now(), by=manager)
    ticking.tick(minutes=1)
    return cfa, session, single, booked


def test_a_database_that_lived_is_sound(lived):
    _cfa, session, _single, _booked = lived
    assert db.session.scalars(sa.select(WaitlistEntry.status)).all() == ["offered"]
    report = integrity.check(clock.now())
    assert [str(one) for one in report.findings] == []
    assert report.sound
    assert report.summary.endswith("aucune anomalie")
    assert report.rows > 10
    assert session.seats_taken == 2


def test_an_empty_database_is_sound(app):
    assert integrity.check(clock.now()).sound


def test_each_thing_that_does_not_hold_is_named(lived):
    _cfa, session, single, booked = lived
    moved, second = booked["3"], booked["2"]
    held = db.session.scalars(sa.select(SeatHold)).one()
    entry = db.session.scalars(sa.select(WaitlistEntry)).one()
    ids = {"slot": session.id, "single": single[1].id, "booking": moved.id, "hold": held.id, "entry": entry.id}
    names = (session.public_id, single[1].public_id, moved.public_id, held.public_id, entry.public_id)
    of_session, of_single, of_moved, of_hold, of_entry = names
    asked = moved.request.public_id

    spoil("UPDATE slot SET seats_taken = 1 WHERE id = :id", id=ids["slot"])
    assert found() == [f"places\u00a0: créneau {of_session}, 1 prises sur 2, 1 par des rendez-vous, 1 gardées"]
    spoil("UPDATE slot SET seats_taken = 2 WHERE id = :id", id=ids["slot"])
    assert found() == []

    spoil("UPDATE slot SET opens_at = NULL WHERE id = :id", id=ids["slot"])
    assert found() == [f"règles de réservation\u00a0: créneau {of_session}"]
    with transaction():
        rules.save(session.cfa, rules.Draft(notice_minutes=60, horizon_days=61), 1, clock.now(), by=session.adviser)
    assert found() == []

    spoil("UPDATE slot SET closure_id = (SELECT max(id) FROM closure) WHERE id = :id", id=ids["slot"])
    assert found() == [f"créneau fermé rouvert\u00a0: créneau {of_session}"]
    spoil("UPDATE slot SET closure_id = NULL WHERE id = :id", id=ids["slot"])

    spoil("UPDATE slot_training SET starts_at = (SELECT starts_at FROM slot WHERE id = :other)", other=ids["single"])
    assert found() == [f"formations d’un créneau\u00a0: créneau {of_session}"]
    spoil("UPDATE slot_training SET starts_at = (SELECT starts_at FROM slot WHERE id = :id)", id=ids["slot"])

    spoil("UPDATE booking SET starts_at = (SELECT starts_at FROM slot WHERE id = :slot) WHERE id = :id", slot=ids["slot"], id=ids["booking"])  # fmt: skip
    assert found() == [f"rendez-vous et créneau\u00a0: rendez-vous {of_moved}"]
    spoil("UPDATE booking SET starts_at = (SELECT starts_at FROM slot WHERE id = :slot) WHERE id = :id", slot=ids["single"], id=ids["booking"])  # fmt: skip

    spoil("UPDATE slot SET status = 'cancelled' WHERE id = :id", id=ids["single"])
    assert found() == [f"créneau annulé\u00a0: rendez-vous {of_moved}, créneau {of_single}"]
    spoil("UPDATE slot SET status = 'open' WHERE id = :id", id=ids["single"])

    spoil("UPDATE candidate_request SET outcome = 'cancelled_by_cfa' WHERE public_id = :id", id=asked)
    assert found() == [
        f"rendez-vous et demande\u00a0: rendez-vous {of_moved}, demande {asked} (cancelled_by_cfa)",
        f"état d’une demande\u00a0: demande {asked}, closed (cancelled_by_cfa) au lieu de closed (meeting_set)",
    ]
    spoil("UPDATE candidate_request SET outcome = 'meeting_set' WHERE public_id = :id", id=asked)

    spoil("UPDATE candidate_request SET status = 'new', outcome = NULL WHERE mode = 'message'")
    (told,) = found()
    assert told.endswith("new au lieu de closed (answered)")
    spoil("UPDATE candidate_request SET status = 'closed', outcome = 'answered' WHERE mode = 'message'")

    spoil("UPDATE waitlist_entry SET status = 'waiting' WHERE id = :id", id=ids["entry"])
    assert found() == [f"place gardée sans attente\u00a0: place gardée {of_hold}"]
    spoil("UPDATE waitlist_entry SET status = 'offered', hold_id = NULL WHERE id = :id", id=ids["entry"])
    assert found() == [
        f"place gardée sans attente\u00a0: place gardée {of_hold}",
        f"attente sans place gardée\u00a0: liste d’attente {of_entry}",
    ]
    spoil("UPDATE waitlist_entry SET hold_id = :hold WHERE id = :id", id=ids["entry"], hold=ids["hold"])
    assert found() == []

    # No index would let the same person in twice at one hour: nothing is left to find but what it already refuses.
    assert second.person_key != moved.person_key
    spoil("DROP INDEX uq_booking_cfa_id_starts_at_person_key")
    spoil(
        "UPDATE booking SET person_key = :key, starts_at = (SELECT starts_at FROM slot WHERE id = :slot) WHERE id = :id",
        key=second.person_key, slot=ids["slot"], id=ids["booking"],
    )  # fmt: skip
    assert f"deux rendez-vous à la même heure\u00a0: rendez-vous {of_moved} et {second.public_id}" in found()
    # The index comes back: PostgreSQL's tables outlive this test.
    spoil("UPDATE booking SET person_key = NULL WHERE id = :id", id=ids["booking"])
    spoil(
        "CREATE UNIQUE INDEX uq_booking_cfa_id_starts_at_person_key ON booking (cfa_id, starts_at, person_key)"
        " WHERE status <> 'cancelled'"
    )


def test_an_offer_or_a_mail_that_time_forgot_is_named(lived, freeze):
    held = db.session.scalars(sa.select(SeatHold)).one()
    until, of_hold = held.until, held.public_id
    freeze(until + timedelta(minutes=9))
    assert not [told for told in found() if told.startswith("place")], "the worker has minutes to end it"
    freeze(until + timedelta(minutes=11))
    told = found()
    assert f"place gardée trop longtemps\u00a0: place gardée {of_hold}, créneau {held.slot.public_id}" in told
    assert [one for one in told if one.startswith("courriel en attente\u00a0: courriel ")]


def test_it_reads_while_others_write_and_writes_nothing(lived, monkeypatch):
    _cfa, session, _single, _booked = lived
    slot_id = session.id
    db.session.rollback()

    def write_elsewhere(_span):
        """Somebody books while a range is being read: neither waits for the other."""
        with db.engine.connect() as other, other.begin():
            other.execute(sa.update(Slot).where(Slot.id == slot_id).values(version=Slot.version + 1))
        return ()

    monkeypatch.setattr(integrity, "CHECKS", (*integrity.CHECKS, Check("essai", Slot, write_elsewhere)))
    with queries() as seen:
        report = integrity.check(clock.now())
    assert report.sound
    ours = [one for one in seen if not one.startswith("UPDATE slot SET version")]
    assert ours
    assert all(one.lstrip().upper().startswith("SELECT") for one in ours)


def test_a_large_table_is_read_by_ranges(lived, monkeypatch):
    monkeypatch.setattr(integrity, "ROWS_AT_ONCE", 2)
    report = integrity.check(clock.now())
    assert report.sound
    spoil("UPDATE slot SET seats_taken = 0")
    report = integrity.check(clock.now())
    assert report.counts == {"places": 2}
    monkeypatch.setattr(integrity, "TOLD", 1)
    report = integrity.check(clock.now())
    assert (len(report.findings), report.counts.total()) == (1, 2), "the others are counted"


def test_the_command_tells_and_answers_by_its_exit_code(lived, app):
    _cfa, session, _single, _booked = lived
    name, of_session = person(2).last_name, session.public_id
    db.session.rollback()
    sound = app.test_cli_runner().invoke(args=["check-integrity"])
    assert sound.exit_code == 0
    assert "aucune anomalie" in sound.output
    spoil("UPDATE slot SET seats_taken = 0 WHERE public_id = :id", id=of_session)
    broken = app.test_cli_runner().invoke(args=["check-integrity"])
    assert broken.exit_code == 1
    assert broken.output.splitlines()[0].startswith(f"places\u00a0: créneau {of_session}")
    assert "1 anomalie (places\u00a0: 1)" in broken.output.replace("1\u00a0anomalie", "1 anomalie")
    assert name not in broken.output
    assert "@" not in broken.output


def test_the_nightly_job_tells_the_service_team(lived, client, freeze):
    job = next(one for one in jobs.JOBS if one.name == "check_integrity")
    assert jobs.run(job, clock.now())
    db.session.expire_all()
    assert db.session.scalars(sa.select(JobRun.ok)).all() == [True]
    spoil("UPDATE slot SET seats_taken = 0 WHERE seats_taken = 2")
    now = clock.now() + timedelta(days=1)
    assert jobs.run(job, now)
    run = db.session.scalars(sa.select(JobRun).order_by(JobRun.slot.desc())).first()
    assert run.ok is False
    assert "anomalie" in run.note
    assert "places\u00a0: 1" in run.note
    sign_in(client, make.service_member())
    page = visit(client, "/admin/", checked=False)
    assert "Contrôle d’intégrité de la base" in page.text
    assert "places : 1" in page.text


def test_a_cancelled_meeting_keeps_its_hour_when_its_slot_changes(lived):
    _cfa, _session, single, booked = lived
    with transaction():
        booking.cancel(booked["3"], "staff", clock.now())
    with transaction():
        for column in ("starts_at", "opens_at", "closes_at"):
            setattr(single[1], column, getattr(single[1], column) - timedelta(minutes=10))
    assert found() == []


def test_a_slot_on_which_somebody_was_marked_is_not_cancelled_any_more(lived, freeze):
    """Found by tests/integration/test_seats_machine.py: taking the mark back left somebody expected at a cancelled slot."""
    _cfa, session, _single, booked = lived
    freeze(session.starts_at)
    adviser = session.adviser
    with transaction():
        attendance.mark(booked["2"], "attended", clock.now(), adviser)
    with pytest.raises(WrongTransition), transaction():
        slots.cancel(session, clock.now(), adviser)
    db.session.expire_all()
    assert (session.status, booked["2"].status) == ("open", "attended")


def test_the_demonstration_is_sound(app, freeze):
    freeze("2026-11-23T15:00Z")
    demo.prepare()
    assert found() == []
