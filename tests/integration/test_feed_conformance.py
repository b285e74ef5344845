"""The acceptance list of feeds (reference/ical.md §4), each check by its number, seen by an application that polls.

What calls for a desktop client there is reproduced here over HTTP: the requests that Thunderbird and GNOME send.
"""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bench.feeds import feed_of
from rdv import booking, clock, closing, feeds, ical, jobs, links, mails
from rdv.closures import Draft
from rdv.db import db, transaction
from rdv.feeds.window import Window
from rdv.logs import JsonFormatter
from rdv.models import Booking, CalendarFeed, CandidateRequest, Membership, OutgoingMail, RenderedEvent
from tests import make
from tests.integration.test_feeds import House, booked, counted_statements, house, now, opened
from tests.support.browser import Client
from tests.support.calendars import READERS, events, lint, unfolded, values
from tests.support.frozen import FrozenClock
from tests.support.pages import sign_in

__all__ = ["house", "now"]  # fixtures


def one(house: House, day: str = "2026-12-01T14:00", **columns: Any) -> Booking:
    return booked(make.slot(house.adviser, house.site, house.kind, starts_at=day, **columns))


TOO_LARGE = "Ce calendrier est très grand"


def only(data: bytes) -> list[str]:
    (event,) = events(data)
    return event


# -- F ----------------------------------------------------------------------------------------------------------------


@pytest.mark.sqlite_only  # of the answer alone: the database says the same
def test_f01_a_feed_of_no_booking_is_a_calendar(house: House, client: Client) -> None:
    data = opened(house, client).poll().data
    assert lint(data) == []
    assert events(data) == []


def test_f14_f15_f20_identities_last_and_are_nobodys(house: House, client: Client, now: FrozenClock) -> None:
    first, second = one(house), one(house, "2026-12-02T09:00")
    group = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-03T09:00", capacity=8)
    everybody, mine = opened(house, client, whole_cfa=True), opened(house, client)
    everybody.poll()
    mine.poll()
    wanted = {first.uid, second.uid, f"{group.public_id}@rdv-apprentissage"}
    assert set(everybody.events) == set(mine.events) == wanted  # one meeting, one identity, whatever the calendar
    for uid in wanted:
        assert re.fullmatch(r"([0-9a-f]{32}|[0-9a-z]{16})@rdv-apprentissage", uid)  # random, and of no host
    now.tick(minutes=5)
    target = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-04T09:00")
    with transaction():
        booking.move(first, target, "staff", clock.now())
        booking.cancel(second, "candidate", clock.now())
    mine.poll()
    assert set(mine.events) == wanted
    deleted = first.uid
    with transaction() as session:
        session.delete(first.request)
    mine.poll()
    assert deleted not in mine.events


def test_f16_equal_bytes_from_any_worker_kept_or_rendered_anew(house: House, client: Client, now: FrozenClock) -> None:
    training = make.training(house.cfa, house.site, title="CAP Pâtissier, à l’année")
    for hour in (9, 10, 11):
        made = one(house, f"2026-12-01T{hour:02d}:00")
        with transaction():
            made.request.training_id = training.id
    make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-03T09:00", capacity=8)
    for choice in ({}, {"detail": "full"}, {"whole_cfa": True, "shows_free": True, "detail": "full"}):
        application = opened(house, client, **choice)
        rendered_now = application.poll().data
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RenderedEvent)) > 0
        now.tick(seconds=2)
        application.etag = ""
        assert application.poll().data == rendered_now  # joined from what is kept
        with transaction() as session:
            session.execute(sa.delete(RenderedEvent))
        application.etag = ""
        assert application.poll().data == rendered_now


@pytest.mark.parametrize("what", ["site", "kind", "training", "person", "adviser", "centre", "room"])
def test_f16_f18_what_is_kept_is_what_would_be_rendered(
    house: House, client: Client, now: FrozenClock, what: str
) -> None:
    """Whatever a meeting shows changes, alone and without anybody's telling: LAST-MODIFIED, the bytes and the ETag do."""
    training = make.training(house.cfa, house.site, title="CAP Pâtissier")
    made = one(house)
    with transaction():
        made.request.training_id = training.id
    application = opened(house, client, detail="full", whole_cfa=True)
    before = only(application.poll().data)
    now.tick(minutes=5)
    with transaction():
        if what == "site":
            house.site.address = "9 rue Neuve"
        elif what == "kind":
            house.kind.title = "Premier échange"
        elif what == "training":
            training.title = "CAP Boulanger"
        elif what == "person":
            made.request.first_name = "Zoélie"
        elif what == "adviser":
            house.adviser.last_name = "Autre"
        elif what == "centre":
            house.cfa.chosen_name, house.site.name = "Le Centre", None
        else:
            made.slot.place_detail = "salle 4"
    after = only(application.poll().data)
    assert after != before
    if what != "adviser":
        assert values(after, "LAST-MODIFIED") > values(before, "LAST-MODIFIED")
    fresh = feeds.meetings(db.session.scalars(sa.select(CalendarFeed)).one(), clock.now())
    assert values(after, "SUMMARY")[0] == fresh[0].summary


def test_f17_a_move_is_seen_by_an_application_that_polls(house: House, client: Client, now: FrozenClock) -> None:
    made = one(house)
    target = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-02T09:00")
    application = opened(house, client)
    before = only(application.poll().data)
    now.tick(minutes=5)
    with transaction():
        booking.move(made, target, "staff", clock.now())
    after = only(application.poll().data)
    assert values(after, "UID") == values(before, "UID")
    assert int(values(after, "SEQUENCE")[0]) == int(values(before, "SEQUENCE")[0]) + 1
    assert values(after, "LAST-MODIFIED") > values(before, "LAST-MODIFIED")
    assert values(after, "DTSTART") == ["20261202T080000Z"]


def test_f19_a_cancellation_is_a_tombstone_without_the_person_then_nothing(
    house: House, client: Client, now: FrozenClock
) -> None:
    made = one(house, "2026-12-20T14:00")
    told, untold = opened(house, client, detail="full"), opened(house, client, shows_cancelled=False)
    assert "Lambert" in told.poll().get_data(as_text=True)
    untold.poll()
    now.tick(minutes=5)
    with transaction():
        booking.cancel(made, "candidate", clock.now())
    data = told.poll().data
    event = only(data)
    assert {"STATUS:CANCELLED", "TRANSP:TRANSPARENT", "SEQUENCE:1"} <= set(event)
    assert values(event, "SUMMARY")[0].startswith("Annulé\u00a0: ")
    for personal in ("Lambert", "Zoé", made.request.reference, made.request.public_id):
        assert personal.encode() not in data
    untold.poll()
    assert untold.events == {}
    now.tick(days=13)
    told.poll()
    assert len(told.events) == 1
    now.tick(days=2)
    told.poll()
    assert told.events == {}


def test_f21_minimal_names_no_candidate_at_all(house: House, client: Client) -> None:
    people = [("Zoé", "Lambert"), ("Mehdi", "Benali"), ("Anaëlle", "Le Goff")]
    for number, (first, last) in enumerate(people):
        slot = make.slot(house.adviser, house.site, house.kind, starts_at=f"2026-12-0{number + 1}T14:00")
        booked(slot, first, last, number)
    make.candidate_request(
        house.cfa, first_name="Ibrahim", last_name="Cissé", email="ibra@courriel.example", site_id=house.site.id,
        due_at=datetime(2026, 12, 4, 16, tzinfo=UTC),
    )  # fmt: skip
    application = opened(house, client, shows_due=True, shows_free=True, shows_closures=True)
    text = "\n".join(unfolded(application.poll().data))
    assert len(application.events) == 4
    rows = db.session.scalars(sa.select(CandidateRequest)).all()
    for row in rows:
        for personal in (row.first_name, row.last_name, row.email, row.phone, (row.phone or "none")[-8:]):
            assert personal is None or personal not in text
        assert row.reference in text


def test_f22_the_window_and_what_a_large_calendar_is_told(
    house: House, client: Client, now: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("2026-10-20T14:00", "2026-10-28T14:00", "2027-11-20T14:00", "2027-12-20T14:00"):
        make.booking(make.slot(house.adviser, house.site, house.kind, starts_at=day))
    application = opened(house, client)
    application.poll()
    days = sorted(event.start.date().isoformat() for event in application.events.values())
    assert days == ["2026-10-28", "2027-11-20"]
    assert (feeds.LARGEST, feeds.MOST_EVENTS) == (1_000_000, 1_000)
    page = f"/equipe/calendriers/{db.session.scalars(sa.select(CalendarFeed)).one().public_id}"
    sign_in(client, house.adviser)
    for name, most in (("MOST_EVENTS", 1), ("LARGEST", 500)):
        assert TOO_LARGE not in client.get(page).get_data(as_text=True)
        with monkeypatch.context() as patch:
            patch.setattr(feeds, name, most)
            assert TOO_LARGE in client.get(page).get_data(as_text=True)


def test_f23_free_slots_come_when_asked_and_make_nobody_busy(house: House, client: Client, now: FrozenClock) -> None:
    slot = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00")
    without, application = opened(house, client), opened(house, client, shows_free=True)
    without.poll()
    assert without.events == {}
    event = only(application.poll().data)
    assert {"TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:FREE", f"UID:{slot.public_id}@rdv-apprentissage"} <= set(
        event
    )
    now.tick(minutes=5)
    made = booked(slot)
    event = only(application.poll().data)
    assert values(event, "UID") == [made.uid]
    assert "TRANSP:OPAQUE" in event


# -- beside the meetings ----------------------------------------------------------------------------------------------


def test_requests_to_answer_stand_on_the_day_their_answer_is_due(
    house: House, client: Client, now: FrozenClock
) -> None:
    island = make.site(house.cfa, name="Saint-Denis", timezone="Indian/Reunion", territory="RE")
    colleague = make.adviser(house.cfa)
    due = datetime(2026, 12, 4, 21, 30, tzinfo=UTC)  # the 5th in La Réunion
    kept = make.candidate_request(house.cfa, site_id=island.id, due_at=due, owner_id=house.adviser.id)
    nobody = make.candidate_request(house.cfa, site_id=house.site.id, due_at=due)
    other = make.candidate_request(house.cfa, site_id=house.site.id, due_at=due, owner_id=colleague.id)
    mine = opened(house, client, shows_due=True)
    place = opened(house, client, shows_due=True, site=house.site)
    whole = opened(house, client, shows_due=True, whole_cfa=True)
    for application, wanted in ((mine, {kept, nobody}), (place, {nobody, other}), (whole, {kept, nobody, other})):
        data = application.poll().data
        assert lint(data) == []
        assert set(application.events) == {f"{row.public_id}@rdv-apprentissage" for row in wanted}
    event = mine.events[f"{kept.public_id}@rdv-apprentissage"]
    assert (event.start, event.end) == (date(2026, 12, 5), date(2026, 12, 6))
    assert event["transp"] == "TRANSPARENT"
    assert kept.reference in str(event["summary"])
    now.tick(minutes=5)
    with transaction():
        kept.status, kept.outcome = "closed", "answered"
    mine.poll()
    assert set(mine.events) == {f"{nobody.public_id}@rdv-apprentissage"}


def test_closures_are_whole_days(house: House, client: Client, now: FrozenClock) -> None:
    colleague = make.adviser(house.cfa, first_name="Inès", last_name="Caron")
    drafts = {
        "centre": Draft(date(2026, 12, 21), date(2027, 1, 1), None, None, "Congés de Noël", None, None),
        "absence": Draft(date(2026, 12, 7), date(2026, 12, 7), time(14), time(17), None, None, house.adviser),
        "theirs": Draft(date(2026, 12, 8), date(2026, 12, 8), None, None, None, None, colleague),
    }
    application, whole = (
        opened(house, client, shows_closures=True),
        opened(house, client, shows_closures=True, whole_cfa=True),
    )
    application.poll()
    with transaction():
        for draft in drafts.values():
            closing.create(house.cfa, draft, clock.now(), by=house.adviser)
    data = application.poll().data
    assert lint(data) == []
    found = sorted(application.events.values(), key=lambda event: event.start)
    assert [(event.start, event.end) for event in found] == [
        (date(2026, 12, 7), date(2026, 12, 8)), (date(2026, 12, 21), date(2027, 1, 2)),
    ]  # fmt: skip
    assert str(found[0]["description"]).replace("\u00a0", " ") == "De 14 h à 17 h"
    assert str(found[1]["summary"]) == "Fermeture du centre – Congés de Noël"
    for reader in READERS.values():
        assert sorted(event.end for event in reader(data).values()) == [date(2026, 12, 8), date(2027, 1, 2)]
    whole.poll()
    assert len(whole.events) == 3


@pytest.mark.sqlite_only  # of the answer alone: the database says the same
def test_the_outcome_link_leads_to_where_it_is_told(house: House, client: Client) -> None:
    made = one(house)
    said = values(only(opened(house, client).poll().data), "DESCRIPTION")[0]
    link = links.staff_outcome(date(2026, 12, 1), house.adviser.public_id, made.public_id)
    assert link in said.replace("\\n", "\n")
    path = link.removeprefix(links.absolute(""))
    assert client.get(path).status_code in (302, 303)  # it asks who one is
    sign_in(client, house.adviser)
    assert f'id="rdv-{made.public_id}"' in client.get(path.partition("#")[0]).get_data(as_text=True)


def test_a_place_and_every_centre(house: House, client: Client) -> None:
    elsewhere = make.site(house.cfa, name="Site de la Gare")
    other = make.cfa(name="CFA du Port")
    port = make.site(other)
    with transaction() as session:
        session.add(Membership(user_id=house.adviser.id, cfa_id=other.id, role="adviser"))
    here = one(house)
    there = booked(make.slot(house.adviser, elsewhere, house.kind, starts_at="2026-12-02T14:00"))
    away = booked(make.slot(house.adviser, port, make.meeting_type(other), starts_at="2026-12-03T14:00"))
    for choice, wanted in (
        ({}, {here, there}),
        ({"site": elsewhere}, {there}),
        ({"whole_cfa": True}, {here, there}),
        ({"everywhere": True}, {here, there, away}),
    ):
        application = opened(house, client, **choice)
        application.poll()
        assert set(application.events) == {made.uid for made in wanted}, choice
        application.poll(status=304)
    with transaction():
        ended = db.session.scalars(sa.select(Membership).where(Membership.cfa_id == other.id)).one()
        ended.ended_at = clock.now()
    application.poll()  # that of every centre
    assert set(application.events) == {here.uid, there.uid}


@pytest.mark.sqlite_only  # the same bytes whatever the database: what SQL does to an instant, the other tests hold
def test_z_hard_instants_come_back_from_the_database_as_they_were(
    house: House, client: Client, now: FrozenClock
) -> None:
    now.to("2026-10-01T08:00Z")
    hard = [
        datetime(2026, 10, 24, 23, 45, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2027, 3, 28, 0, 45, tzinfo=UTC),
        datetime(2026, 12, 31, 22, 45, tzinfo=UTC), datetime(2026, 11, 30, 23, 0, tzinfo=UTC),
    ]  # fmt: skip
    for start in hard:
        make.booking(make.slot(house.adviser, house.site, house.kind, starts_at=start, minutes=45))
    data = opened(house, client).poll().data
    for reader in READERS.values():
        found = reader(data).values()
        assert sorted(event.start for event in found) == sorted(hard)
        assert {event.end - event.start for event in found} == {timedelta(minutes=45)}


# -- H ----------------------------------------------------------------------------------------------------------------


def test_h02_whatever_changes_changes_the_validator(house: House, client: Client, now: FrozenClock) -> None:
    made = one(house)
    target = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-02T09:00")
    application = opened(house, client)
    feed = db.session.scalars(sa.select(CalendarFeed)).one()
    seen = [application.poll().headers["ETag"]]

    def changed() -> None:
        application.poll()
        assert application.etag not in seen
        seen.append(application.etag)
        application.poll(status=304)

    # In one and the same instant: no date tells these apart.
    with transaction():
        booking.move(made, target, "staff", clock.now())
    changed()
    with transaction():
        booking.cancel(made, "staff", clock.now())
    changed()
    with transaction():
        feeds.change(feed, house.cfa, feeds.Choice(detail="full"), feed.name)
    changed()
    with transaction():
        house.adviser.last_name = "Nouveau"
    changed()
    with transaction() as session:
        session.delete(made.request)
    changed()
    now.to("2026-11-24T23:01Z")  # midnight in Paris
    changed()
    one(house, "2026-12-05T14:00")
    changed()


def test_h02_the_day_is_that_of_the_place(house: House, client: Client, now: FrozenClock) -> None:
    island = make.site(house.cfa, name="Nouméa", timezone="Pacific/Noumea", territory="NC")
    application = opened(house, client, site=island)
    now.to("2026-11-24T12:59Z")  # 23:59 there
    application.poll()
    application.poll(status=304)
    now.to("2026-11-24T13:00Z")
    application.poll()
    assert Window.at(clock.now(), "Pacific/Noumea").day == date(2026, 11, 25)


def test_h04_h05_dates_are_compared_and_never_go_back(house: House, client: Client, now: FrozenClock) -> None:
    first = one(house)
    application = opened(house, client)

    def asked(**headers: str) -> int:
        return client.get(
            application.url, headers={name.replace("_", "-"): value for name, value in headers.items()}
        ).status_code

    served = client.get(application.url).headers["Last-Modified"]
    assert asked(If_Modified_Since=served) == 304
    assert asked(If_Modified_Since="Tue, 24 Nov 2026 07:59:59 GMT") == 200
    assert asked(If_Modified_Since="hier") == 200
    assert asked(If_Modified_Since=served, If_None_Match='"another"') == 200  # validators prevail
    second = one(house, "2026-12-02T14:00")  # in the same second
    newer = client.get(application.url, headers={"If-Modified-Since": served})
    assert newer.status_code == 200
    with transaction() as session:
        session.delete(second.request)  # nothing left is as recent as what is gone
    assert asked(If_Modified_Since=newer.headers["Last-Modified"]) == 200
    assert first.uid.encode() in client.get(application.url).data


@pytest.mark.sqlite_only  # of the answer alone: the database says the same
def test_h06_head_is_get_without_the_calendar(house: House, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    one(house)
    application = opened(house, client)
    for asked in ({}, {"Accept-Encoding": "gzip"}):
        full = client.get(application.url, headers=asked)
        with monkeypatch.context() as patch:
            patch.setattr(feeds, "body", None)  # nothing is rendered
            head = client.head(application.url, headers=asked)
        assert head.data == b""
        assert "Content-Length" not in head.headers  # 0 would be that of another calendar
        kept = {name: value for name, value in full.headers.items() if name not in ("Content-Length", "Date")}
        assert {name: value for name, value in head.headers.items() if name in kept} == kept
        assert client.head(application.url, headers={**asked, "If-None-Match": head.headers["ETag"]}).status_code == 304


@pytest.mark.sqlite_only  # of the answer alone: the database says the same
def test_h07_compressed_for_who_asks(house: House, client: Client) -> None:
    one(house)
    application = opened(house, client)
    plain = client.get(application.url)
    small = client.get(application.url, headers={"Accept-Encoding": "gzip, deflate"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert small.data == client.get(application.url, headers={"Accept-Encoding": "gzip"}).data
    assert small.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert small.headers["ETag"] != plain.headers["ETag"]  # two representations
    for etag in (small.headers["ETag"], plain.headers["ETag"]):
        for asked in ("gzip", "identity"):
            again = client.get(application.url, headers={"If-None-Match": etag, "Accept-Encoding": asked})
            assert (again.status_code, again.data) == (304, b"")
            assert again.headers["Vary"] == "Accept-Encoding"
    for refusing in ("identity", "gzip;q=0", "br"):
        assert "Content-Encoding" not in client.get(application.url, headers={"Accept-Encoding": refusing}).headers
    outlook = {"Accept-Encoding": "gzip", "User-Agent": "Microsoft Office/16.0 (Microsoft Outlook 16.0.1; Pro)"}
    assert "Content-Encoding" not in client.get(application.url, headers=outlook).headers


def test_h09_h13_a_closed_door_is_one_door(house: House, client: Client, app: Flask) -> None:
    application = opened(house, client)
    application.poll()
    unknown = client.get("/flux/n-importe-quoi.ics")
    with transaction():
        ended = db.session.scalars(sa.select(Membership).where(Membership.user_id == house.adviser.id)).one()
        ended.ended_at = clock.now()
    left = application.poll(status=404)
    malformed = client.get("/flux/%F0%9F%98%80%00.ics")
    assert (left.data, left.headers["Content-Type"]) == (unknown.data, unknown.headers["Content-Type"])
    assert malformed.status_code == 404
    assert "Location" not in left.headers


def test_h09_a_wrong_secret_costs_what_a_revoked_one_does(house: House, client: Client) -> None:
    application = opened(house, client)
    with transaction():
        feeds.revoke(db.session.scalars(sa.select(CalendarFeed)).one(), clock.now())
    costs = []
    for url in ("/flux/inconnu.ics", application.url):
        with counted_statements() as seen:
            assert client.get(url).status_code == 404
        costs.append([statement.split()[0] for statement in seen])
    assert costs[0] == costs[1]


def test_h11_nothing_changed_costs_one_statement(house: House, client: Client, now: FrozenClock) -> None:
    for hour in range(8, 12):
        one(house, f"2026-12-01T{hour:02d}:00")
    application = opened(house, client, detail="full", shows_due=True, shows_closures=True, shows_free=True)
    application.poll()
    now.tick(minutes=30)
    with counted_statements() as seen:
        application.poll(status=304)
    assert len(seen) == 1, seen


def test_h11_a_thousand_meetings_are_joined_and_none_is_rendered_again(
    house: House, client: Client, now: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = feed_of(1_000)
    feeds.body(feed, clock.now())
    db.session.rollback()
    monkeypatch.setattr(ical, "event", lambda meeting: pytest.fail("rendered again"))  # milliseconds: bench feed-build
    with counted_statements() as seen:
        data = feeds.body(feed, clock.now())
    assert len(events(data)) == 1_000
    assert len(seen) <= 6, seen


@pytest.mark.sqlite_only  # of the answer alone: the database says the same
def test_h12_no_log_holds_a_secret(
    house: House, client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = opened(house, client)
    secret = application.url.removeprefix("/flux/").removesuffix(".ics")
    with caplog.at_level(logging.DEBUG):
        application.poll()
        client.get(application.url + "x")

        def fail(*_arguments: Any) -> None:
            raise sa.exc.OperationalError("SELECT", {"secret": secret}, Exception("down"))

        monkeypatch.setattr(feeds, "poll", fail)
        assert client.get(application.url).status_code == 503
    told = "\n".join(JsonFormatter().format(record) for record in caplog.records)
    assert secret not in told
    assert "feeds.feed" in told


# -- the public calendar of free slots --------------------------------------------------------------------------------


def test_free_slots_of_a_centre_for_its_own_site(
    house: House, client: Client, now: FrozenClock, change_settings: Callable[..., None]
) -> None:
    url = f"/flux/cfa/{house.cfa.public_id}/creneaux-libres.ics"
    slot = make.slot(
        house.adviser, house.site, house.kind, starts_at="2026-12-01T14:00", place="video",
        place_detail="https://visio.example/secret",
    )  # fmt: skip
    twin = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-02T14:00", listed=False)
    made = one(house, "2026-12-03T14:00")
    response = client.get(url)
    assert lint(response.data) == []
    text = "\n".join(unfolded(response.data))
    (event,) = events(response.data)
    assert values(event, "URL") == [links.slot(slot)]
    assert "TRANSP:TRANSPARENT" in event
    for hidden in (house.adviser.last_name, house.adviser.email, "visio.example", twin.public_id, made.uid, "Lambert"):
        assert hidden not in text
    assert "Set-Cookie" not in response.headers
    held = {"If-None-Match": response.headers["ETag"]}
    assert client.get(url, headers=held).status_code == 304
    booked(slot, "Léo", "Marin", 7)
    after = client.get(url, headers=held)
    assert (after.status_code, events(after.data)) == (200, [])
    assert client.head(url).headers["ETag"] == after.headers["ETag"]
    assert client.get("/flux/cfa/inconnu/creneaux-libres.ics").status_code == 404
    with transaction():
        house.cfa.closed_at = clock.now()
    assert client.get(url).status_code == 404


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_rendered_bytes_go_with_the_person_and_with_time(house: House, client: Client, now: FrozenClock) -> None:
    made, kept = one(house), one(house, "2026-12-02T14:00")
    opened(house, client, detail="full").poll()

    def count() -> int | None:
        return db.session.scalar(sa.select(sa.func.count()).select_from(RenderedEvent))

    assert count() == 2
    with transaction() as session:
        session.delete(made.request)
    assert count() == 1
    now.tick(days=59)
    jobs.purge(clock.now())
    assert count() == 1
    now.tick(days=2)
    jobs.purge(clock.now())
    assert count() == 0
    assert kept.is_live


def test_who_forgot_a_calendar_is_told_a_month_before_and_reading_it_keeps_it(
    house: House, client: Client, now: FrozenClock
) -> None:
    kept, lost = opened(house, client), opened(house, client)
    kinds = sa.select(OutgoingMail.data).where(OutgoingMail.kind == "calendar_forgotten").order_by(OutgoingMail.id)
    now.tick(days=369)
    jobs.purge(clock.now())
    assert db.session.scalars(kinds).all() == []
    now.tick(days=2)
    for _ in range(2):
        jobs.purge(clock.now())
        db.session.rollback()
    rows = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.kind == "calendar_forgotten")).all()
    assert len(rows) == 2  # one each, however often the job runs
    assert all(mails.KINDS[row.kind].still_due(row, clock.now()) for row in rows)
    kept.poll()
    db.session.rollback()
    assert sorted(mails.KINDS[row.kind].still_due(row, clock.now()) for row in rows) == [False, True]
    now.tick(days=31)
    jobs.purge(clock.now())
    kept.poll()
    lost.poll(status=404)


@pytest.mark.parametrize("how", ["cancelled", "erased"])
def test_rendered_details_do_not_outlive_the_person(house: House, client: Client, now: FrozenClock, how: str) -> None:
    made = one(house, "2026-12-01T08:00")
    opened(house, client, detail="full").poll()
    held = sa.select(sa.func.count()).select_from(RenderedEvent)
    assert db.session.scalar(held) == 1
    now.tick(minutes=1)
    jobs.purge(clock.now())
    assert db.session.scalar(held) == 1  # nothing changed: nothing is lost
    with transaction() as session:
        found = session.get_one(Booking, made.id)
        if how == "cancelled":
            booking.cancel(found, "candidate", clock.now())
        else:
            found.request.first_name = found.request.last_name = "effacé"
    jobs.purge(clock.now())
    db.session.rollback()
    assert db.session.scalar(held) == 0


def test_a_cancellation_forgets_what_named_the_person(house: House, client: Client, now: FrozenClock) -> None:
    made, kept = one(house), one(house, "2026-12-02T14:00")
    opened(house, client, detail="full").poll()
    opened(house, client).poll()
    now.tick(minutes=5)
    with transaction():
        booking.cancel(made, "candidate", clock.now())
    of = db.session.scalars(sa.select(RenderedEvent.booking_id)).all()  # and no calendar asked again
    assert set(of) == {kept.id}


def test_an_address_read_whole_without_end_is_told_to_wait(
    house: House, client: Client, now: FrozenClock, change_settings: Callable[..., None]
) -> None:
    change_settings(limit_feed_reads=3)
    hasty, patient = opened(house, client), opened(house, client)
    for _ in range(3):
        hasty.etag = ""
        hasty.poll()
    hasty.poll(status=304)  # what did not change costs nothing
    held, hasty.etag = hasty.etag, ""
    refused = hasty.poll(status=429)
    assert refused.headers["Retry-After"] == "3600"
    assert b"BEGIN:VCALENDAR" not in refused.data
    patient.poll()  # each address has its own
    hasty.etag = held
    hasty.poll(status=304)
    now.tick(hours=1)
    hasty.etag = ""
    hasty.poll()


def test_a_forgotten_address_is_closed(house: House, client: Client, now: FrozenClock) -> None:
    read, forgotten = opened(house, client), opened(house, client)
    now.tick(days=300)
    read.poll()
    now.tick(days=101)
    with transaction():
        assert feeds.close_forgotten(clock.now()) == 1
    read.poll()
    forgotten.poll(status=404)
