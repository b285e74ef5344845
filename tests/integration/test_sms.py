"""Text messages: whom they reach, once, at decent hours; what happens when they cannot be delivered."""

from __future__ import annotations

import re
import signal
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import booking, clock, delivery, links, outbox, seats, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.logs import JsonFormatter
from rdv.models import Booking, CandidateRequest, OutgoingMail, OutgoingSms, SeatHold, Slot
from rdv.sms import words
from rdv.texts import KINDS
from tests import make
from tests.support import forks
from tests.support.queries import queries
from tests.support.sms_gateway import gateway
from tests.support.smtp import wait_until

MOBILE = "+33639980001"
FRIDAY = "2026-11-20T10:00+01:00"


@pytest.fixture
def phones(app, tmp_path, change_settings):
    """A provider of text messages; `phones.delivered` is what people read."""
    with gateway(tmp_path / "gateway") as found:
        change_settings(**found.settings())
        yield found


@pytest.fixture
def frozen(app, freeze):
    return freeze(FRIDAY)


class Place:
    def __init__(self, **columns) -> None:
        site = columns.pop("site", {})
        self.cfa = make.cfa(**{"name": "CFA des Tilleuls", **columns})
        self.site = make.site(self.cfa, **site)
        self.adviser = make.adviser(self.cfa)
        self.number = 0

    def slot(self, starts_at="2026-12-01T14:30", **columns) -> Slot:
        return make.slot(self.adviser, self.site, starts_at=starts_at, **columns)

    def book(self, slot=None, **person) -> Booking:
        self.number += 1
        values = {"first_name": "Zoé", "last_name": f"Lambert {self.number}", "email": None, "phone": MOBILE, **person}
        with transaction():
            made = booking.book(
                slot or self.slot(), Candidate(**values), Submission(f"{self.number:024d}", "d"), clock.now()
            )
        return db.session.scalars(sa.select(Booking).where(Booking.request_id == made.request_id)).one()


def texts():
    db.session.rollback()
    return db.session.scalars(sa.select(OutgoingSms).order_by(OutgoingSms.id)).all()


def kinds():
    return [row.kind for row in texts()]


def cancel(booked, by="staff"):
    with transaction():
        booking.cancel(booked, by, clock.now())


def status_of(request) -> str:
    db.session.rollback()
    return str(db.session.scalar(sa.select(CandidateRequest.status).where(CandidateRequest.id == request.id)))


# -- to whom ----------------------------------------------------------------------------------------------------------


def test_who_has_a_mobile_alone_is_told_everything_by_text_message(frozen, phones):
    place = Place()
    booked = place.book()
    delivery.deliver_texts()
    with transaction():
        booking.move(booked, place.slot("2026-12-02T09:00"), "staff", clock.now(), user=place.adviser)
    delivery.deliver_texts()
    cancel(booked)
    delivery.deliver_texts()
    page = links.short(booked.request, MOBILE)
    reference = booked.request.reference
    assert [each["text"] for each in phones.delivered] == [
        f"RDV confirmé mar. 01/12 à 14h30, CFA des Tilleuls. Réf. {reference}. Détails ou annulation : {page}",
        f"RDV déplacé : mer. 02/12 à 9h, CFA des Tilleuls. Détails ou annulation : {page}",
        f"RDV annulé : mer. 02/12 à 9h, CFA des Tilleuls. En savoir plus, autre date : {page}",
    ]
    assert {each["to"] for each in phones.delivered} == {MOBILE}
    assert [(row.status, row.provider_id) for row in texts()] == [("sent", f"sms-{n}") for n in (1, 2, 3)]
    assert db.session.scalars(sa.select(OutgoingMail.kind).where(OutgoingMail.kind.like("booking%"))).all() == []
    assert status_of(booked.request) == "closed"  # nobody has to call


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ({"email": "zoe@courriel.example"}, []),  # mails are enough
        ({"phone": "+33199001234"}, []),  # a fixed line
        ({"phone": "+32470123456"}, []),  # abroad
        (
            {"email": "m@courriel.example", "asker": "parent", "asker_email": "m@courriel.example"},
            [MOBILE],
        ),  # the parent's
        ({"asker": "parent", "asker_phone": MOBILE, "asker_email": "m@courriel.example"}, []),  # who reads mails
        ({"asker": "parent", "asker_phone": "+33639980002"}, [MOBILE, "+33639980002"]),
    ],
)
def test_whom_a_confirmation_reaches(frozen, phones, person, expected):
    Place().book(**person)
    assert sorted(row.to_phone for row in texts()) == expected


def test_without_a_provider_the_centre_is_asked_to_call(frozen, change_settings):
    change_settings(sms_provider="none")
    booked = Place().book()
    cancel(booked)
    assert texts() == []
    assert status_of(booked.request) == "new"


def test_the_centre_may_turn_them_on_for_everybody(frozen, phones):
    place = Place(sms_open=True)
    booked = place.book(email="zoe@courriel.example")
    assert kinds() == []  # the mail confirms; the eve's message comes in time
    cancel(booked)
    assert kinds() == ["cancelled"]


def test_one_message_at_the_last_minute_if_the_centre_turned_them_on(frozen, phones):
    place = Place(sms_open=True)
    place.book(place.slot("2026-11-21T09:00"), email="zoe@courriel.example")
    assert kinds() == []  # ten in the morning: the reminder leaves this afternoon
    frozen.to("2026-11-20T14:00+01:00")
    place.book(place.slot("2026-11-21T10:00"), email="zoe@courriel.example")
    assert kinds() == ["confirmed"]


def test_the_candidate_s_own_cancellation_is_confirmed_at_once(frozen, phones):
    booked = Place().book()
    frozen.to("2026-11-20T23:00+01:00")
    cancel(booked, "candidate")
    delivery.deliver_texts()
    assert [each["text"].split(" :")[0] for each in phones.delivered] == ["RDV annulé"]


def test_staff_who_book_for_somebody_do_not_wait_for_an_answer_at_night(frozen, phones):
    frozen.to("2026-11-20T22:00+01:00")
    place = Place()
    request = make.candidate_request(place.cfa, email=None, phone=MOBILE)
    slot = place.slot()
    with transaction():
        seats.take(slot.id, clock.now())
        booking.seat_person(request, slot, clock.now(), "staff", user=place.adviser)
    assert delivery.deliver_texts() == 0
    frozen.to("2026-11-21T07:59+01:00")
    assert delivery.deliver_texts() == 0
    frozen.to("2026-11-21T08:00+01:00")
    assert delivery.deliver_texts() == 1


@pytest.mark.parametrize(
    ("site", "at", "leaves"),
    [
        ({}, "2026-11-20T20:59+01:00", True),
        ({}, "2026-11-20T21:00+01:00", False),
        ({}, "2026-11-21T07:59+01:00", False),
        ({}, "2026-11-21T08:00+01:00", True),
        ({"timezone": "Indian/Reunion", "territory": "RE"}, "2026-11-20T18:00+01:00", False),  # 21:00 there
        ({"timezone": "Indian/Reunion", "territory": "RE"}, "2026-11-21T05:00+01:00", True),  # 8:00 there
        ({"timezone": "America/Guadeloupe", "territory": "GP"}, "2026-11-21T01:00+01:00", True),  # 20:00 there
    ],
)
def test_no_telephone_rings_at_night(frozen, phones, site, at, leaves):
    place = Place(site=site)
    booked = place.book()
    delivery.deliver_texts()
    frozen.to(at)
    cancel(booked)
    assert delivery.deliver_texts() == leaves
    row = texts()[-1]
    assert (row.status, row.attempts) == (("sent", 1) if leaves else ("pending", 0))
    if not leaves:
        frozen.to(row.not_before)
        assert delivery.deliver_texts() == 1


def test_at_most_so_many_a_day_for_one_number_then_a_call(frozen, phones, change_settings):
    change_settings(**phones.settings(sms_most_per_day=3))
    place = Place()
    for hour in range(5):
        place.book(place.slot(f"2026-12-0{hour + 1}T10:00"))
    last = place.book(place.slot("2026-12-10T10:00"), phone="+33639980009")
    delivery.deliver_texts()
    assert Counter(each["to"] for each in phones.delivered) == {MOBILE: 3, last.request.phone: 1}
    assert Counter((row.status, row.last_error) for row in texts()) == {("sent", None): 4, ("failed", "daily limit"): 2}
    frozen.tick(hours=25)
    delivery.retry_texts()
    delivery.deliver_texts()
    assert Counter(row.status for row in texts()) == {"sent": 6}


# -- what changed meanwhile -------------------------------------------------------------------------------------------


def test_news_that_are_no_longer_so_do_not_leave(frozen, phones):
    place = Place()
    booked = place.book()
    cancel(booked, "candidate")
    delivery.deliver_texts()
    assert [each["text"].split(" :")[0] for each in phones.delivered] == ["RDV annulé"]
    assert [row.status for row in texts()] == ["dropped", "sent"]


def test_a_corrected_number_gets_nothing_meant_for_the_former(frozen, phones):
    booked = Place().book()
    with transaction():
        booked.request.phone = "+33639980007"
    assert delivery.deliver_texts() == 0
    assert texts()[0].status == "dropped"


def test_an_offered_seat_is_told_while_it_is_held(frozen, phones):
    place = Place(sms_open=True)
    request = make.candidate_request(place.cfa, mode="slot", site_id=place.site.id, phone=MOBILE)
    slot = place.slot(capacity=4)

    def offer(number, until):
        hold = make.saved(
            SeatHold(
                public_id=f"place{number}",
                slot_id=slot.id,
                request_id=request.id,
                kind="waitlist",
                seats=1,
                until=until,
            )
        )
        with transaction():
            data = {"hold": hold.public_id, "zone": "Europe/Paris"}
            outbox.enqueue_sms("seat_offered", MOBILE, f"seat_offered:{number}", request_id=request.id, data=data)
        return hold

    first = offer(1, clock.now() + timedelta(hours=2))
    delivery.deliver_texts()
    assert phones.delivered[0]["text"].startswith(
        "Place libre mar. 01/12 à 14h30, CFA des Tilleuls. Réponse avant ven. 20/11 à 12h"
    )
    with transaction():
        first.status = "expired"
    offer(2, clock.now())
    delivery.deliver_texts()
    assert len(phones.delivered) == 1


def test_a_freed_seat_reaches_the_telephone_of_who_waits(frozen, phones):
    place = Place(sms_open=True)
    slot = place.slot(capacity=2)
    seated = [place.book(slot, phone=f"+3363998002{number}") for number in range(2)]
    delivery.deliver_texts()
    waiting = Candidate("Inès", "Petit", "ines@courriel.example", MOBILE)
    with transaction():
        waitlist.join(slot, waiting, Submission("x" * 24, "d"), clock.now(), None)
    cancel(seated[0], "candidate")
    delivery.deliver_texts()
    (offered,) = [each for each in phones.delivered if each["to"] == MOBILE]
    assert offered["text"].startswith("Place libre mar. 01/12 à 14h30, CFA des Tilleuls. Réponse avant ")
    assert Counter(row.status for row in texts() if row.kind == "seat_offered") == {"sent": 1}


# -- when the provider is down ----------------------------------------------------------------------------------------


def test_a_provider_down_for_an_hour_loses_nothing_and_repeats_nothing(frozen, phones):
    place = Place()
    for number in range(3):
        place.book(phone=f"+3363998000{number}", slot=place.slot(f"2026-12-0{number + 1}T10:00"))
    phones.behave("status 503")
    for _ in range(6):
        delivery.deliver_texts()
        frozen.tick(minutes=10)
    phones.behave("accept")
    frozen.tick(minutes=30)
    delivery.deliver_texts()
    assert sorted(each["to"] for each in phones.delivered) == [f"+3363998000{number}" for number in range(3)]
    assert {row.last_error for row in texts()} == {None}


@pytest.mark.parametrize("by", ["staff", "candidate"])
def test_a_cancellation_nobody_could_deliver_becomes_a_call(frozen, phones, by):
    booked = Place().book()
    delivery.deliver_texts()
    cancel(booked, by)
    phones.behave("status 422")
    delivery.deliver_texts()
    assert (texts()[-1].status, texts()[-1].last_error) == ("failed", "HTTP 422")
    assert status_of(booked.request) == ("new" if by == "staff" else "closed")


def test_a_provider_down_for_six_hours_makes_the_centre_call(frozen, phones):
    booked = Place().book()
    delivery.deliver_texts()
    cancel(booked)
    phones.behave("status 500")
    for _ in range(14):
        delivery.deliver_texts()
        frozen.tick(minutes=30)
    assert status_of(booked.request) == "new"
    phones.behave("accept")
    delivery.deliver_texts()
    assert len(phones.delivered) == 1


def test_the_log_holds_no_number_and_no_words(frozen, phones, caplog):
    Place().book()
    phones.behave("status 422")
    delivery.deliver_texts()
    log = "\n".join(map(JsonFormatter().format, caplog.records))
    assert texts()[0].public_id in log
    assert "63998" not in log
    assert "/r/" not in log


def test_in_development_messages_are_files(frozen, instance_dir):
    Place().book()
    assert delivery.deliver_texts() == 1
    (path,) = (instance_dir / "outbox").glob("*.txt")
    assert path.read_text().startswith(f"{MOBILE}\nRDV confirmé mar. 01/12")


# -- processes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def start(process_env, phones):
    """`start("send")` runs the real worker, stopped at this step."""
    running = []

    def run(step):
        chosen = phones.settings()
        env = {
            **process_env, "SMS_PROVIDER": "http", "SMS_URL": chosen["sms_url"], "SMS_TOKEN": chosen["sms_token"],
            "SMS_ALLOW_PRIVATE": "1",
        }  # fmt: skip
        process = forks.python("tests.support.worker_process", step, env=env)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("step", "asked"), [("sms-send", 0), ("sms-mark", 1)])
def test_a_kill_loses_nothing_and_the_person_reads_it_once(app, phones, start, monkeypatch, step, asked):
    place = Place()
    place.book(make.slot(place.adviser, place.site))
    process = start(step)
    assert process.stdout.readline() == f"{step}\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (row,) = texts()
    assert (row.status, bool(row.text), len(phones.asked)) == ("pending", True, asked)
    assert delivery.deliver_texts() == 0  # the claim still runs
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + delivery.CLAIM)
    assert delivery.deliver_texts() == 1
    assert [each["text"] for each in phones.delivered] == [row.text]
    assert len(phones.asked) == asked + 1


@pytest.mark.concurrent
def test_two_workers_send_each_message_once_and_hold_the_daily_limit(app, phones, start):
    place = Place()
    slot = make.slot(place.adviser, place.site, capacity=40)
    for number in range(12):
        place.book(slot, phone=f"+336399801{number:02d}")
    for number in range(9):  # one number, nine meetings
        place.book(make.slot(place.adviser, place.site, starts_at=clock.now() + timedelta(days=3 + number)))
    one, _two = start("start"), start("start")
    wait_until(lambda: all(row.status != "pending" for row in texts()), one)
    assert len(phones.asked) == len(phones.delivered) == 12 + 6
    assert Counter(row.status for row in texts()) == {"sent": 18, "failed": 3}


# -- words ------------------------------------------------------------------------------------------------------------

LONGEST_NAME = (
    "Centre de formation d’apprentis interprofessionnel « Œuvre des Métiers » de Saint-Barthélemy-d’Anjou " * 2
)


WITHOUT_MEETING = ("call_missed", "centre_unreached", "closed", "personal_link", "unanswered")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("soon", [True, False])
def test_every_kind_fits_in_one_message_with_the_longest_values(app, frozen, change_settings, kind, soon):
    change_settings(public_url="https://rdv-apprentissage.tres-long-domaine.gouv.fr".ljust(50, "x"))
    place = Place(name=LONGEST_NAME[:255], site={"timezone": "America/Miquelon", "territory": "PM"})
    booked = place.book(place.slot("2026-11-20T23:30" if soon else "2027-11-25T23:30"), first_name="x" * 80)
    hold = make.saved(
        SeatHold(slot_id=booked.slot_id, request_id=booked.request_id, kind="waitlist", seats=1, until=booked.starts_at)
    )
    data = {"zone": "America/Miquelon", "starts_at": booked.starts_at.isoformat(), "hold": hold.public_id}
    row = make.saved(
        OutgoingSms(
            public_id="texte", kind=kind, dedup_key="texte", to_phone=MOBILE, request_id=booked.request_id,
            booking_id=booked.id, data=data, not_before=clock.now(),
        )
    )  # fmt: skip
    text = KINDS[kind].text(row)
    assert words.septets(text) <= 160, text
    assert links.short(booked.request, MOBILE) in text
    assert ("23h30" in text) == (kind not in WITHOUT_MEETING)
    assert "xxxx" not in text.replace(links.short(booked.request, MOBILE), "")


def test_every_message_has_its_address_short_enough_to_type(app, frozen):
    booked = Place().book()
    code = links.short(booked.request, MOBILE).rsplit("/", 1)[1]
    assert re.fullmatch(r"[a-z0-9]{29}", code)


# -- cost -------------------------------------------------------------------------------------------------------------


def test_a_booking_by_mail_costs_no_statement_more(frozen, phones, engine_name):
    place = Place()
    slots = [place.slot(f"2026-12-0{number}T10:00") for number in (1, 2)]
    with queries() as by_mail:
        place.book(slots[0], email="zoe@courriel.example", phone=None)
    with queries() as by_text:
        place.book(slots[1])
    writes = [sum("outgoing_sms" in statement.lower() for statement in seen) for seen in (by_mail, by_text)]
    assert writes == [0, 1]
    assert len(by_text) == len(by_mail) + (engine_name == "sqlite")
