"""Calendar feeds, seen by an application that polls: created, moved, cancelled, renamed (design.md §5.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import icalendar
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from rdv import booking, clock, feeds, slots
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import Booking, CalendarFeed, Cfa, MeetingType, Membership, Site, Slot, User
from tests import make
from tests.support.browser import Client
from tests.support.frozen import FrozenClock


@pytest.fixture
def now(freeze: Callable[[str], FrozenClock]) -> FrozenClock:
    return freeze("2026-11-24T08:00Z")


@dataclass
class House:
    cfa: Cfa
    site: Site
    adviser: User
    kind: MeetingType


@pytest.fixture
def house(app: Flask, now: FrozenClock) -> House:
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, name="Site du Parc", address="3 rue du Parc")
    return House(cfa, site, make.adviser(cfa), make.meeting_type(cfa, title="Entretien d’orientation"))


class Application:
    """A calendar application: it keeps its last copy and its validator, as Thunderbird or GNOME do."""

    def __init__(self, client: Client, secret: str) -> None:
        self.client, self.url = client, f"/flux/{secret}.ics"
        self.etag = ""
        self.events: dict[str, Any] = {}

    def poll(self, status: int = 200) -> TestResponse:
        headers = {"If-None-Match": self.etag} if self.etag else {}
        response = self.client.get(self.url, headers=headers)
        assert response.status_code == status, response.get_data(as_text=True)
        if status == 200:
            self.etag = response.headers["ETag"]
            calendar = icalendar.Calendar.from_ical(response.data)
            self.events = {str(event["uid"]): event for event in calendar.events}
        return response

    @property
    def only(self) -> Any:
        (event,) = self.events.values()
        return event


def opened(house: House, client: Client, **choice: Any) -> Application:
    with transaction():
        secret = feeds.create(house.adviser, house.cfa, feeds.Choice(**choice), "Téléphone")
    return Application(client, secret)


def booked(slot: Slot, first: str = "Zoé", last: str = "Lambert", number: int = 1) -> Booking:
    candidate = Candidate(first, last, f"{first.lower()}{number}@courriel.example", "+33199001234")
    with transaction():
        made = booking.book(slot, candidate, Submission(f"{slot.public_id}{number}{first}"[:32], "d"), clock.now())
    return db.session.scalars(sa.select(Booking).where(Booking.request_id == made.request_id)).one()


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def see(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", see)


# -- what an application sees ---------------------------------------------------------------------------------------


def test_a_new_booking_appears(house: House, client: Client, now: FrozenClock) -> None:
    slot = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00")
    application = opened(house, client)
    application.poll()
    assert application.events == {}  # a free slot is not a meeting
    now.tick(minutes=5)
    made = booked(slot)
    application.poll()
    event = application.only
    assert str(event["uid"]) == made.uid
    assert event["sequence"] == 0
    assert event.start == slot.starts_at
    assert event["status"] == "CONFIRMED"
    assert str(event["location"]) == "Site du Parc, 3 rue du Parc, 59000 Lille"
    assert made.request.public_id in str(event["url"])


def test_a_cancelled_slot_cancels_its_meetings(house: House, client: Client, now: FrozenClock) -> None:
    slot = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00")
    group = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-02T14:00", capacity=12)
    booked(slot)
    booked(group)
    application = opened(house, client)
    application.poll()
    before = application.events
    now.tick(minutes=5)
    for each in (slot, group):
        with transaction():
            slots.cancel(each, clock.now(), house.adviser)
    application.poll()
    assert application.events.keys() == before.keys()
    for uid, event in application.events.items():
        assert event["status"] == "CANCELLED"
        assert event["sequence"] > before[uid]["sequence"]


def test_a_renamed_meeting_type_is_seen(house: House, client: Client, now: FrozenClock) -> None:
    made = booked(make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00"))
    application = opened(house, client)
    application.poll()
    before, etag = application.only, application.etag
    now.tick(minutes=5)
    with transaction():
        slots.rename_meeting_type(house.kind, "Premier échange", clock.now())
    application.poll()
    after = application.only
    assert application.etag != etag
    assert str(after["uid"]) == made.uid
    assert after["sequence"] > before["sequence"]
    assert "Premier échange" in str(after["description"])


def test_a_group_slot_is_one_event_that_counts(house: House, client: Client, now: FrozenClock) -> None:
    slot = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00", capacity=12)
    for number in range(5):
        booked(slot, number=number, last=f"Lambert{'abcde'[number]}")
    application = opened(house, client)
    application.poll()
    before = application.only
    assert "5\u00a0places prises sur 12" in str(before["summary"])
    assert str(before["uid"]).startswith(slot.public_id)
    now.tick(minutes=5)
    booked(slot, number=6, last="Lambertf")
    application.poll()
    after = application.only
    assert "6\u00a0places prises sur 12" in str(after["summary"])
    assert after["uid"] == before["uid"]
    assert after["sequence"] > before["sequence"]


def test_a_deleted_booking_and_one_moved_to_a_colleague_disappear(
    house: House, client: Client, now: FrozenClock
) -> None:
    colleague = make.adviser(house.cfa)
    first, second, third = (
        booked(make.slot(house.adviser, house.site, house.kind, starts_at=f"2026-12-0{day}T14:00"), number=day)
        for day in (1, 2, 3)
    )
    elsewhere = make.slot(colleague, house.site, house.kind, starts_at="2026-12-04T14:00")
    application = opened(house, client)
    application.poll()
    assert len(application.events) == 3
    with transaction():  # in the same instant: no date can tell
        booking.move(second, elsewhere, "staff", clock.now())
    application.poll()
    assert set(application.events) == {first.uid, third.uid}
    with transaction() as session:
        session.delete(first.request)
    application.poll()
    assert set(application.events) == {third.uid}


def test_publishing_free_slots_disturbs_nobody(house: House, client: Client, now: FrozenClock) -> None:
    application = opened(house, client)
    application.poll()
    now.tick(minutes=5)
    slot = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00")
    application.poll(status=304)
    booked(slot)
    application.poll()
    assert len(application.events) == 1


def test_a_change_in_the_same_instant_is_seen(house: House, client: Client, now: FrozenClock) -> None:
    make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00", capacity=12)
    application = opened(house, client)
    application.poll()
    with transaction():  # no date moves, no row comes or goes: the version alone tells
        slots.rename_meeting_type(house.kind, "Portes ouvertes", clock.now())
    application.poll()
    assert "Portes ouvertes" in str(application.only["summary"])


# -- what it costs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", ['{0}', 'W/{0}', '"other", {0}', '*', '"{1}-gzip"', 'W/"{1}-gzip"'], ids=lambda form: form.format("E", "E")
)  # fmt: skip
def test_h03_every_form_of_if_none_match(house: House, client: Client, sent: str) -> None:
    application = opened(house, client)
    etag = application.poll().headers["ETag"]
    held = sent.format(etag, etag.strip('"'))
    response = client.get(application.url, headers={"If-None-Match": held})
    assert response.status_code == 304
    assert response.headers["ETag"] == etag


# -- what it lets see -----------------------------------------------------------------------------------------------


def test_full_names_person_and_training_and_no_contact(house: House, client: Client, now: FrozenClock) -> None:
    training = make.training(house.cfa, house.site, title="CAP Pâtissier")
    slot = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00")
    candidate = Candidate("Zoé", "Lambert", "zoe@courriel.example", "+33199001234", text="Bonjour")
    with transaction():
        booking.book(slot, candidate, Submission("s" * 24, "d"), clock.now(), training)
    application = opened(house, client, detail="full")
    text = application.poll().get_data(as_text=True)
    assert str(application.only["summary"]) == "RDV Zoé Lambert – CAP Pâtissier"
    for personal in ("courriel.example", "99001234", "99 00 12 34", "Bonjour"):
        assert personal not in text
    now.tick(minutes=5)
    with transaction():
        training.title = "CAP Boulanger"
    application.poll()
    assert "CAP Boulanger" in str(application.only["summary"])


def test_a_person_sees_their_own_meetings_and_the_centre_all(house: House, client: Client) -> None:
    colleague = make.adviser(house.cfa, first_name="Inès", last_name="Caron")
    mine = booked(make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00"))
    theirs = booked(make.slot(colleague, house.site, house.kind, starts_at="2026-12-02T14:00"))
    elsewhere = make.cfa()
    make.booking(make.slot(make.adviser(elsewhere), make.site(elsewhere), starts_at="2026-12-03T14:00"))
    own, centre = opened(house, client), opened(house, client, whole_cfa=True)
    own.poll()
    centre.poll()
    assert set(own.events) == {mine.uid}
    assert set(centre.events) == {mine.uid, theirs.uid}
    assert "Inès Caron" in str(centre.events[theirs.uid]["summary"])


def test_the_local_hour_is_said_overseas(house: House, client: Client) -> None:
    site = make.site(house.cfa, timezone="Indian/Reunion", territory="RE")
    booked(make.slot(house.adviser, site, house.kind, starts_at="2026-12-01T14:00"))
    application = opened(house, client)
    application.poll()
    assert application.only.start.isoformat() == "2026-12-01T10:00:00+00:00"
    assert "heure de La Réunion" in str(application.only["description"])


# -- who may read ---------------------------------------------------------------------------------------------------


def test_h09_h13_revoked_ended_closed_and_unknown_read_alike(house: House, client: Client, now: FrozenClock) -> None:
    application = opened(house, client)
    application.poll()
    unknown = client.get("/flux/n-importe-quoi.ics")
    feed = db.session.scalars(sa.select(CalendarFeed)).one()
    membership = db.session.scalars(sa.select(Membership).where(Membership.user_id == house.adviser.id)).one()
    endings: list[tuple[Any, str, Any]] = [
        (feed, "revoked_at", clock.now()),
        (membership, "ended_at", clock.now()),
        (house.adviser, "active", False),
        (house.cfa, "closed_at", clock.now()),
    ]
    for row, column, value in endings:
        before = getattr(row, column)
        with transaction():
            setattr(row, column, value)
        refused = application.poll(status=404)
        assert (refused.data, refused.headers.get("ETag")) == (unknown.data, None)
        with transaction():
            setattr(row, column, before)
        application.poll(status=304)


def test_a_renewed_secret_replaces_the_former(house: House, client: Client) -> None:
    application = opened(house, client)
    application.poll()
    feed = db.session.scalars(sa.select(CalendarFeed)).one()
    with transaction():
        secret = feeds.renew(feed)
    application.poll(status=404)
    Application(client, secret).poll()
    assert secret not in feed.secret_hash
    assert len(secret) >= 22  # 128 bits in base64


def test_guessing_is_limited(house: House, client: Client, change_settings: Callable[..., None]) -> None:
    change_settings(limit_failed_secrets=3)
    codes = [client.get(f"/flux/guess{number}.ics").status_code for number in range(5)]
    assert codes == [404, 404, 404, 429, 429]


# -- the answer itself ----------------------------------------------------------------------------------------------


def test_h01_headers(house: House, client: Client) -> None:
    application = opened(house, client)
    response = application.poll()
    head = client.head(application.url)
    for answer in (response, head):
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Content-Disposition"] == 'inline; filename="agenda.ics"'
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["ETag"] == response.headers["ETag"]
        assert "Set-Cookie" not in answer.headers
    assert head.data == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_h08_other_methods_are_refused_with_what_is_allowed(house: House, client: Client, method: str) -> None:
    response = client.open(opened(house, client).url, method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}
    assert "Set-Cookie" not in response.headers


def test_h10_a_failing_database_never_gives_an_empty_calendar(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = opened(house, client)

    def fail(*_arguments: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("down"))

    for step in ("poll", "body"):
        with monkeypatch.context() as patch:
            patch.setattr(feeds, step, fail)
            response = client.get(application.url)
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert b"BEGIN:VCALENDAR" not in response.data


def test_last_use_is_noted_once_an_hour(house: House, client: Client, now: FrozenClock) -> None:
    application = opened(house, client)
    feed = db.session.scalars(sa.select(CalendarFeed)).one()
    client.get(application.url, headers={"User-Agent": "Mozilla/5.0 (X11) Gecko Thunderbird/153.7.0"})
    assert (feed.last_used_at, feed.last_used_by) == (clock.now(), "Thunderbird")
    first = clock.now()
    now.tick(minutes=59)
    application.poll()
    assert feed.last_used_at == first
    now.tick(minutes=2)
    client.get(application.url, headers={"User-Agent": "Google-Calendar-Importer"})
    assert (feed.last_used_at - first, feed.last_used_by) == (timedelta(minutes=61), "Google Agenda")
