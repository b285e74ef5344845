"""Reminders as people get them: time advances only through the worker's tick, and a real SMTP server tells what left."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from datetime import time as clock_face

import pytest
import sqlalchemy as sa

from rdv import booking, clock
from rdv import reminders as domain
from rdv.candidate import Candidate, Submission
from rdv.clock import to_zone
from rdv.db import db, transaction
from rdv.models import Booking, OutgoingMail, OutgoingSms, Slot
from tests import make
from tests.support.smtp import sink
from tests.support.ticks import Received, live, tick, workers

PARIS = "Europe/Paris"
REUNION = {"timezone": "Indian/Reunion", "territory": "RE"}
GUADELOUPE = {"timezone": "America/Guadeloupe", "territory": "GP"}
DEAD = "recipient 421"  # a relay that is going away


@pytest.fixture(scope="module")
def relay_process(tmp_path_factory):
    with sink(tmp_path_factory.mktemp("sink")) as found:
        yield found


@pytest.fixture
def relay(relay_process, app, change_settings):
    """The SMTP server, empty again, and the application that writes to it."""
    relay_process.behave("accept")
    for path in [*relay_process.folder.glob("*.eml"), *relay_process.folder.glob("*.json")]:
        path.unlink()
    change_settings(**relay_process.settings(mail_timeout=10))
    return relay_process


class Place:
    """A centre with one adviser and one site; `book` at the frozen instant, as a candidate does."""

    def __init__(self, **site) -> None:
        self.cfa = make.cfa(name="CFA des Tilleuls")
        self.site = make.site(self.cfa, **site)
        self.adviser = make.adviser(self.cfa)
        self.kind = make.meeting_type(self.cfa, title="Entretien d’orientation", what_to_bring="Un CV.")
        self.number = 0

    def slot(self, starts_at: str, **columns) -> Slot:
        return make.slot(self.adviser, self.site, self.kind, starts_at, **columns)

    def book(self, starts_at: str | Slot, **person) -> Booking:
        self.number += 1
        slot = self.slot(starts_at) if isinstance(starts_at, str) else starts_at
        values = {"first_name": "Zoé", "last_name": f"Lambert {self.number}", "phone": None}
        values |= {"email": f"zoe{self.number}@courriel.example", **person}
        with transaction():
            made = booking.book(slot, Candidate(**values), Submission(f"{self.number:024d}", "d"), clock.now())
        return db.session.scalars(sa.select(Booking).where(Booking.request_id == made.request_id)).one()


@pytest.fixture
def time(app, freeze, relay):
    """`time("2026-11-20T10:00+01:00")` sets the clock; `.until(…)` lets it pass and returns what candidates got."""

    class Time:
        def __init__(self, instant: str) -> None:
            self.frozen = freeze(instant)
            self.received = Received(relay)

        def at(self, *instants: str) -> list[tuple[datetime, object]]:
            return self._kept([datetime.fromisoformat(instant) for instant in instants])

        def until(self, instant: str, every: timedelta = timedelta(hours=2)) -> list[tuple[datetime, object]]:
            end, instants = datetime.fromisoformat(instant), []
            at = self.frozen.now
            while at < end:
                at += every
                instants.append(at)
            return self._kept(instants)

        def through(self, first: str, last: str) -> list[tuple[datetime, object]]:
            """Tick at the ends of each window, every day, in Paris."""
            day, end, instants = date.fromisoformat(first), date.fromisoformat(last), []
            while day <= end:
                hours = ("08:55", "13:55", "15:55", "18:55")
                instants += [clock.from_wall(day, clock_face.fromisoformat(at), PARIS) for at in hours]
                day += timedelta(days=1)
            return self._kept(instants)

        def _kept(self, instants):
            got = live(app, self.frozen, self.received, instants)
            return [(at, mail) for at, mail in got if "cfa-tilleuls" not in mail["To"]]

    return Time


def subjects(got):
    return [mail["Subject"].replace("\u00a0", " ") for _, mail in got]


def words(mail):
    return mail.get_body(("plain",)).get_content().replace("\u00a0", " ")


def local_hours(got, zone):
    return [f"{to_zone(at, zone):%d/%m %H}" for at, _ in got]


def is_reminder(subject):
    return subject.startswith(("Rappel", "Dans une semaine"))


def reminders(got):
    return [(at, mail) for at, mail in got if is_reminder(mail["Subject"])]


# -- when -------------------------------------------------------------------------------------------------------------


def test_a_week_before_then_the_eve_and_nothing_else(time):
    now = time("2026-11-20T10:00+01:00")
    booked = Place().book("2026-12-01T14:30")
    got = now.through("2026-11-20", "2026-12-01")
    assert subjects(got) == [
        "Rendez-vous confirmé : mardi 1er décembre à 14 h 30",
        "Dans une semaine : rendez-vous mardi 1er décembre à 14 h 30",
        "Rappel : rendez-vous demain, mardi 1er décembre à 14 h 30",
    ]
    (week, _), (eve, mail) = got[1:]
    assert (to_zone(week, PARIS).date().isoformat(), 9 <= to_zone(week, PARIS).hour < 19) == ("2026-11-24", True)
    assert (to_zone(eve, PARIS).date().isoformat(), 14 <= to_zone(eve, PARIS).hour < 17) == ("2026-11-30", True)
    text = words(mail)
    for said in ("À apporter : Un CV.", "Vous venez ?", "/presence", "/annuler", "/deplacer", booked.request.reference):
        assert said in text


@pytest.mark.parametrize(
    ("place", "zone", "booked_at", "starts_at", "eve"),
    [
        ({}, PARIS, "2026-03-20T10:00Z", "2026-03-29T10:00", "28/03"),  # the night loses an hour
        ({}, PARIS, "2026-03-20T10:00Z", "2026-03-30T00:30", "29/03"),
        ({}, PARIS, "2026-10-16T10:00Z", "2026-10-25T10:00", "24/10"),  # the night gains one
        ({}, PARIS, "2026-10-16T10:00Z", "2026-10-26T08:00", "25/10"),
        (REUNION, "Indian/Reunion", "2026-10-16T10:00Z", "2026-10-25T07:00", "24/10"),
        (GUADELOUPE, "America/Guadeloupe", "2026-10-16T10:00Z", "2026-10-25T23:00", "24/10"),
    ],
)
def test_the_eve_is_that_of_the_site_between_14_and_16_whatever_the_clocks_do(
    time, place, zone, booked_at, starts_at, eve
):
    now = time(booked_at)
    here = Place(**place)
    booked = here.book(starts_at)
    before, day = to_zone(booked.starts_at, zone).date() - timedelta(days=2), timedelta(days=1)
    looks = [(before, "12:00"), (before, "15:55"), (before + day, "08:00"), (before + day, "13:55")]
    looks += [(before + day, f"{14 + n // 6}:{n % 6 * 10:02d}") for n in range(13)] + [(before + day, "22:00")]
    instants = [clock.from_wall(on, clock_face.fromisoformat(at), zone).isoformat() for on, at in looks]
    got = reminders(now.at(*instants, (booked.starts_at - timedelta(minutes=30)).isoformat()))
    assert len(got) == 1
    at = to_zone(got[0][0], zone)
    assert f"{at:%d/%m}" == eve
    assert "14:00" <= f"{at:%H:%M}" <= "16:00"


def test_each_booking_of_a_session_has_its_own_moment(time):
    now = time("2026-11-20T10:00+01:00")
    place = Place()
    session = place.slot("2026-11-26T14:00", capacity=30)
    for _ in range(12):
        place.book(session)
    got = reminders(now.at(*[f"2026-11-25T{14 + n // 4}:{n % 4 * 15:02d}+01:00" for n in range(10)]))
    assert len(got) == len({mail["To"] for _, mail in got}) == 12
    assert len({at for at, _ in got}) >= 4


@pytest.mark.parametrize(
    ("booked_at", "expected"),
    [
        ("2026-11-24T10:00+01:00", ["mardi 1er décembre à 14 h 30", "demain"]),  # seven days: the eve is enough
        ("2026-11-30T13:55+01:00", ["demain, mardi", "demain"]),
        ("2026-11-30T14:00+01:00", ["demain, mardi"]),  # the confirmation is the reminder
        ("2026-11-30T15:59+01:00", ["demain, mardi"]),
        ("2026-11-30T23:30+01:00", ["demain, mardi"]),
        ("2026-12-01T09:00+01:00", ["aujourd’hui, mardi"]),
    ],
)
def test_the_last_minute_needs_no_second_mail(time, booked_at, expected):
    now = time(booked_at)
    Place().book("2026-12-01T14:30")
    got = subjects(now.at(booked_at) + now.until("2026-12-01T18:00+01:00"))
    assert len(got) == len(expected)
    assert all(word in subject for word, subject in zip(expected, got, strict=True)), got


# -- what changed meanwhile -------------------------------------------------------------------------------------------


def test_nothing_after_a_cancellation(time):
    now = time("2026-11-20T10:00+01:00")
    booked = Place().book("2026-12-01T14:30")
    now.at("2026-11-20T10:05+01:00")
    with transaction():
        booking.cancel(booked, "candidate", clock.now())
    assert reminders(now.through("2026-11-21", "2026-12-01")) == []


def test_a_cancellation_while_the_relay_is_down_stops_what_was_queued(time, relay):
    now = time("2026-11-27T10:00+01:00")
    booked = Place().book("2026-12-01T14:30")
    now.at("2026-11-27T10:05+01:00")
    relay.behave(DEAD)
    now.at("2026-11-30T16:00+01:00")
    assert db.session.scalar(sa.select(OutgoingMail.status).where(OutgoingMail.kind == "reminder_day")) == "pending"
    with transaction():
        booking.cancel(booked, "candidate", clock.now())
    relay.behave("accept")
    assert subjects(now.until("2026-12-01T14:00+01:00")) == ["Rendez-vous annulé : mardi 1er décembre à 14 h 30"]


def move(place, booked, starts_at, by="candidate"):
    with transaction():
        booking.move(booked, place.slot(starts_at), by, clock.now(), user=place.adviser if by == "staff" else None)


def test_a_move_gets_the_right_reminders_and_none_of_the_former_hour(time):
    now = time("2026-11-10T10:00+01:00")
    place = Place()
    booked = place.book("2026-11-20T14:30")
    assert len(reminders(now.through("2026-11-10", "2026-11-13"))) == 1  # seven days before
    move(place, booked, "2026-12-01T09:00")
    got = reminders(now.through("2026-11-22", "2026-12-01"))
    assert subjects(got) == [
        "Dans une semaine : rendez-vous mardi 1er décembre à 9 h",
        "Rappel : rendez-vous demain, mardi 1er décembre à 9 h",
    ]


def test_moved_after_its_reminder_and_back_again(time):
    now = time("2026-11-20T10:00+01:00")
    place = Place()
    booked = place.book("2026-12-01T14:30")
    now.at("2026-11-20T10:05+01:00")
    assert len(reminders(now.at("2026-11-30T16:00+01:00"))) == 1
    former = booked.slot
    move(place, booked, "2026-12-03T14:30")
    now.at("2026-11-30T16:05+01:00")
    with transaction():
        booking.move(booked, former, "staff", clock.now(), user=place.adviser)
    # Told of the hour again this very evening: the message of the move was the reminder.
    got = now.until("2026-12-03T20:00+01:00", every=timedelta(hours=2))
    assert subjects(got) == ["Rendez-vous déplacé : demain, mardi 1er décembre à 14 h 30"]


def test_moved_while_the_relay_is_down(time, relay):
    now = time("2026-11-27T10:00+01:00")
    place = Place()
    booked = place.book("2026-12-01T14:30")
    now.at("2026-11-27T10:05+01:00")
    relay.behave(DEAD)
    now.at("2026-11-30T16:00+01:00")
    move(place, booked, "2026-12-02T14:30")
    relay.behave("accept")
    got = now.until("2026-12-02T18:00+01:00")
    assert [s for s in subjects(got) if is_reminder(s)] == [
        "Rappel : rendez-vous demain, mercredi 2 décembre à 14 h 30"
    ]


def test_a_slot_that_gets_another_hour_sends_nothing_of_the_former_one(time, relay):
    now = time("2026-11-27T10:00+01:00")
    booked = Place().book("2026-12-01T14:30")
    now.at("2026-11-27T10:05+01:00")
    relay.behave(DEAD)
    now.at("2026-11-30T16:00+01:00")
    later = booked.starts_at + timedelta(hours=2)
    with transaction() as session:
        session.execute(
            sa.update(Slot)
            .where(Slot.id == booked.slot_id)
            .values(starts_at=later, ends_at=later + timedelta(minutes=30))
        )
        session.execute(sa.update(Booking).values(starts_at=later))
    relay.behave("accept")
    got = reminders(now.until("2026-12-01T18:00+01:00"))
    assert subjects(got) == ["Rappel : rendez-vous demain, mardi 1er décembre à 16 h 30"]


def test_a_renamed_meeting_is_not_recalled_twice(time):
    now = time("2026-11-27T10:00+01:00")
    place = Place()
    booked = place.book("2026-12-01T14:30")
    now.at("2026-11-27T10:05+01:00")
    assert len(reminders(now.at("2026-11-30T16:00+01:00"))) == 1
    with transaction():
        booking.touch(Slot.id == booked.slot_id, clock.now())
    assert reminders(now.until("2026-12-01T18:00+01:00")) == []


# -- when things are down ---------------------------------------------------------------------------------------------


def test_a_relay_down_for_a_day_gives_no_reminder_after_the_meeting_and_none_twice(time, relay):
    now = time("2026-11-27T10:00+01:00")
    place = Place()
    place.book("2026-12-01T14:30")
    place.book("2026-12-02T09:00")
    now.at("2026-11-27T10:05+01:00")
    relay.behave(DEAD)
    now.through("2026-11-28", "2026-11-30")
    now.until("2026-12-01T15:00+01:00", every=timedelta(hours=4))
    relay.behave("accept")
    got = reminders(now.until("2026-12-02T12:00+01:00", every=timedelta(minutes=45)))
    assert subjects(got) == ["Rappel : rendez-vous demain, mercredi 2 décembre à 9 h"]
    statuses = db.session.execute(sa.select(OutgoingMail.kind, OutgoingMail.status)).all()
    assert Counter(tuple(each) for each in statuses if each[0] == "reminder_day") == {
        ("reminder_day", "dropped"): 1, ("reminder_day", "sent"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("back_at", "expected"),
    [
        ("2026-12-01T12:29+01:00", ["Rappel : rendez-vous aujourd’hui, mardi 1er décembre à 14 h 30"]),
        ("2026-12-01T12:30+01:00", []),  # two hours before, whoever comes is on the way
        ("2026-12-01T15:00+01:00", []),
    ],
)
def test_a_worker_stopped_over_the_window_is_late_only_while_that_helps(time, back_at, expected):
    now = time("2026-11-27T10:00+01:00")
    Place().book("2026-12-01T14:30")
    now.at("2026-11-27T10:05+01:00")
    assert subjects(now.at(back_at)) == expected
    assert now.until("2026-12-01T18:00+01:00") == []
    assert Counter(db.session.scalars(sa.select(OutgoingMail.kind)))["reminder_day"] == len(expected)


@pytest.mark.parametrize(
    ("back_at", "count"),
    [
        ("2026-11-25T21:00+01:00", 0),  # not in the evening
        ("2026-11-26T18:59+01:00", 1),
        ("2026-11-26T19:00+01:00", 0),  # the eve is near enough
        ("2026-11-28T10:00+01:00", 0),
    ],
)
def test_the_reminder_of_the_week_does_not_come_any_day(time, back_at, count):
    now = time("2026-11-10T10:00+01:00")
    Place().book("2026-12-01T14:30")
    now.at("2026-11-10T10:05+01:00")
    assert len(now.at(back_at)) == count
    assert Counter(db.session.scalars(sa.select(OutgoingMail.kind)))["reminder_week"] == count


# -- to whom ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asker", "reminded"), [("parent", ["zoe1", "parent"]), ("helper", ["zoe1"])])
def test_a_parent_is_reminded_too_a_helper_is_not(time, asker, reminded):
    now = time("2026-11-27T10:00+01:00")
    Place().book("2026-12-01T14:30", asker=asker, asker_first_name="Nora", asker_email="parent@courriel.example")
    confirmed = now.at("2026-11-27T10:05+01:00")
    assert sorted(mail["To"] for _, mail in confirmed) == ["parent@courriel.example", "zoe1@courriel.example"]
    got = reminders(now.at("2026-11-30T16:00+01:00"))
    assert sorted(mail["To"].split("@")[0] for _, mail in got) == sorted(reminded)
    if asker == "parent":
        (to_parent,) = (mail for _, mail in got if mail["To"].startswith("parent"))
        assert "Oui, Zoé vient" in words(to_parent)


def test_a_helper_is_reminded_when_nobody_else_can_be(time):
    now = time("2026-11-27T10:00+01:00")
    contact = {"email": "aide@courriel.example", "asker_email": "aide@courriel.example"}
    Place().book("2026-12-01T14:30", asker="helper", asker_first_name="Nora", **contact)
    now.at("2026-11-27T10:05+01:00")
    assert len(reminders(now.at("2026-11-30T16:00+01:00"))) == 1


def test_a_setting_changed_later_counts_for_bookings_made_before(time):
    now = time("2026-11-27T10:00+01:00")
    place = Place()
    place.book("2026-12-01T14:30", phone="+33639980001")
    now.at("2026-11-27T10:05+01:00")
    assert db.session.scalars(sa.select(OutgoingSms.kind)).all() == []
    with transaction():
        place.cfa.sms_open = True
    got = reminders(now.at("2026-11-30T16:00+01:00", "2026-11-30T16:10+01:00"))
    assert len(got) == 1
    assert db.session.execute(sa.select(OutgoingSms.kind, OutgoingSms.status)).all() == [("reminder_day", "sent")]


def test_a_group_session_recalls_its_programme(time):
    now = time("2026-11-27T10:00+01:00")
    place = Place()
    place.book(place.slot("2026-12-01T14:30", capacity=20, programme="Visite de l’atelier, puis questions."))
    now.at("2026-11-27T10:05+01:00")
    ((_, mail),) = reminders(now.at("2026-11-30T16:00+01:00"))
    assert "Visite de l’atelier" in words(mail)


def test_who_said_yes_is_not_asked_again(time):
    now = time("2026-11-20T10:00+01:00")
    booked = Place().book("2026-12-01T14:30")
    now.at("2026-11-20T10:05+01:00", "2026-11-24T18:55+01:00")
    with transaction():
        booked.presence_at = clock.now()
    ((_, mail),) = reminders(now.at("2026-11-30T16:00+01:00"))
    assert "Vous venez ?" not in words(mail)
    assert "Vous avez confirmé votre venue" in words(mail)


# -- two workers ------------------------------------------------------------------------------------------------------


@pytest.mark.concurrent
def test_two_workers_remind_once(app, freeze, relay, process_env):
    frozen = freeze("2026-11-20T10:00+01:00")
    place = Place()
    session = place.slot("2026-12-01T14:30", capacity=40)
    people = {place.book(session).request.email for _ in range(8)}
    mail = {"MAIL_BACKEND": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(relay.port), "MAIL_TLS": "none"}
    received = Received(relay)
    with workers(2, {**process_env, **mail}) as two:
        two.tick(frozen.now)
        for hour in range(10, 19, 4):
            two.tick(datetime.fromisoformat(f"2026-11-24T{hour:02d}:55+01:00"))
        for minute in range(0, 121, 20):
            two.tick(datetime.fromisoformat("2026-11-30T14:00+01:00") + timedelta(minutes=minute))
        two.tick(datetime.fromisoformat("2026-12-01T10:00+01:00"))
    got = Counter((mail["To"], mail["Subject"].split()[0]) for mail in received.new() if mail["To"] in people)
    assert got == {(person, kind): 1 for person in people for kind in ("Rendez-vous", "Dans", "Rappel")}


def test_a_look_repeated_after_a_crash_writes_nothing_more(app, freeze, relay):
    frozen = freeze("2026-11-27T10:00+01:00")
    Place().book("2026-12-01T14:30")
    tick(app)
    frozen.to("2026-11-30T16:00+01:00")
    for _ in range(2):
        domain.remind(clock.now())
    kinds = Counter(db.session.scalars(sa.select(OutgoingMail.kind)))
    assert kinds["reminder_day"] == 1
