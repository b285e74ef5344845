"""The API of platforms: what each call answers, to whom, and what it refuses; every answer is held to the document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from rdv import api_keys, clock, inbox
from rdv.db import db, transaction
from rdv.jobs import keep_bookable
from rdv.models import ApiAnswer, ApiRefusal, Booking, CandidateRequest, OutgoingMail
from tests import make
from tests.support.api import Caller
from tests.support.pages import visit

ZOE = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33639980001"}


@dataclass
class World:
    """A training that the platform without condition shows, with one slot of two seats, and a program that calls."""

    platform: Any
    training: Any
    slot: Any
    made: api_keys.NewKey
    caller: Caller

    def booking(self, **changes: Any) -> dict[str, Any]:
        body = {"slot": self.slot.public_id, "training": {"id": self.training.public_id}, "candidate": ZOE}
        return {**body, "consent": True, **changes}

    def request(self, **changes: Any) -> dict[str, Any]:
        body = {"mode": "callback", "training": {"id": self.training.public_id}, "candidate": ZOE, "consent": True}
        return {**body, **changes}


@pytest.fixture
def world(client, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    training = make.training(cfa, site, parcoursup_id="12345", onisep_id="AF.56380")
    slot = make.slot(make.adviser(cfa, site), site, starts_at="2026-12-01T14:00", capacity=2)
    made = make.api_key("carif_oref")
    return World(make.platform("carif_oref"), training, slot, made, Caller(client, made))


def rows(table) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


# -- context, slots, links --------------------------------------------------------------------------------------------


def test_the_context_of_a_training(world, client):
    for said in (
        {"id": world.training.public_id}, {"cle": world.training.training_key}, {"parcoursup": "12345"}, {"onisep": "AF.56380"},
    ):  # fmt: skip
        told = world.caller.get("/api/v1/training", **said).json
        assert told["training"]["id"] == world.training.public_id
        assert (told["bookable"], told["reasons"], told["modes"]) == (True, [], ["callback", "message", "slot"])
        (first,) = told["next_slots"]
        assert (first["starts_at"], first["seats_left"]) == ("2026-12-01T14:00:00+01:00", 2)
    visit(client, told["link"].removeprefix("http://localhost"))
    visit(client, first["link"].removeprefix("http://localhost"))
    assert "origine=carif_oref" in told["link"]


def test_a_training_that_is_not_bookable_says_why(world, client):
    with transaction():
        world.training.closed_at = clock.now()
    told = world.caller.get("/api/v1/training", id=world.training.public_id).json
    assert (told["bookable"], told["link"], told["next_slots"]) == (False, None, [])
    assert [reason["code"] for reason in told["reasons"]] == ["training"]
    assert world.caller.get("/api/v1/slots", id=world.training.public_id).json["slots"] == []
    refused = world.caller.post("/api/v1/bookings", world.booking(), 409).json
    assert refused["type"].endswith("/non-proposee")
    assert refused["reasons"] == told["reasons"]


def test_unknown_and_ambiguous_identifiers(world):
    assert world.caller.get("/api/v1/training", 404, parcoursup="0").json["type"].endswith("/formation-introuvable")
    assert world.caller.get("/api/v1/training", 400).json["errors"][0]["field"] == "id"
    twin = make.training(world.training.cfa, *world.training.sites, parcoursup_id="12345")
    told = world.caller.get("/api/v1/training", 409, parcoursup="12345").json
    assert {each["id"] for each in told["trainings"]} == {world.training.public_id, twin.public_id}


def test_free_slots_a_page_at_a_time(world):
    adviser = world.slot.adviser
    for number in range(5):
        make.slot(adviser, world.slot.site, starts_at=f"2026-12-02T{10 + number}:00")
    seen, since = [], None
    while True:
        query = {"limit": 2, **({"from": since} if since else {})}
        told = world.caller.get("/api/v1/slots", id=world.training.public_id, **query).json
        seen += [each["starts_at"] for each in told["slots"]]
        since = told["next"]
        if since is None:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == 6
    until = world.caller.get("/api/v1/slots", id=world.training.public_id, to="2026-12-02T12:00:00+01:00").json
    assert [each["starts_at"][11:13] for each in until["slots"]] == ["14", "10", "11"]
    for wrong in ({"limit": "0"}, {"limit": "x"}, {"from": "demain"}, {"to": "2026-12-02T12:00"}):
        world.caller.get("/api/v1/slots", 400, id=world.training.public_id, **wrong)


def test_links_of_many_trainings(world):
    closed = make.training(world.training.cfa, closed_at=clock.now())
    asked = [
        {"reference": "v1", "training": {"id": world.training.public_id}},
        {"reference": "v2", "training": {"id": closed.public_id}},
        {"training": {"cle": "inconnue"}},
    ]
    told = world.caller.post("/api/v1/training-links", {"trainings": asked}, 200).json["links"]
    assert [(each["reference"], each["state"], bool(each["link"])) for each in told] == [
        ("v1", "bookable", True), ("v2", "not_bookable", False), (None, "unknown", False),
    ]  # fmt: skip


def test_the_list_of_bookable_trainings_now_and_of_a_day(world, freeze):
    watch = freeze("2026-11-24T08:00Z")
    others = [make.training(world.training.cfa, *world.training.sites) for _ in range(3)]
    seen, after = [], ""
    while after is not None:
        told = world.caller.get("/api/v1/bookable-trainings", limit=2, after=after).json
        seen += [each["id"] for each in told["trainings"]]
        after = told["next"]
    assert seen == sorted(each.public_id for each in (world.training, *others))
    keep_bookable(clock.now())
    with transaction():
        others[0].closed_at = clock.now()
    keep_bookable(clock.now())  # of the same day: the first stays
    watch.tick(days=1)
    assert len(world.caller.get("/api/v1/bookable-trainings").json["trainings"]) == 3
    kept = world.caller.get("/api/v1/bookable-trainings", date="2026-11-24").json
    assert [each["id"] for each in kept["trainings"]] == seen
    first = world.caller.get("/api/v1/bookable-trainings", date="2026-11-24", limit=3).json
    rest = world.caller.get("/api/v1/bookable-trainings", date="2026-11-24", limit=3, after=first["next"]).json
    assert (first["trainings"] + rest["trainings"], rest["next"]) == (kept["trainings"], None)
    world.caller.get("/api/v1/bookable-trainings", 404, date="2026-11-23")
    world.caller.get("/api/v1/bookable-trainings", 400, date="hier")


# -- send -------------------------------------------------------------------------------------------------------------


def test_a_booking_takes_a_seat_and_the_candidate_has_their_mail(world):
    told = world.caller.post("/api/v1/bookings", world.booking(), 201).json
    assert (told["slot"], told["starts_at"]) == (world.slot.public_id, "2026-12-01T14:00:00+01:00")
    found = db.session.scalars(sa.select(CandidateRequest)).one()
    assert (found.public_id, found.platform.code, found.mode) == (told["id"], "carif_oref", "slot")
    kinds = db.session.scalars(sa.select(OutgoingMail.kind).where(OutgoingMail.to_email == ZOE["email"])).all()
    assert kinds == ["booking_confirmed"]


def test_the_rules_of_the_pages_hold(world):
    for wrong, field in (
        ({"candidate": {**ZOE, "email": "pas une adresse"}}, "candidate.email"),
        ({"candidate": {**ZOE, "first_name": "www.pub.example"}}, "candidate.first_name"),
        ({"candidate": {"first_name": "Zoé", "last_name": "Lambert"}}, "candidate.email"),
        ({"guests": 3}, "guests"),
        ({"consent": False}, "consent"),
        ({"asker": {"role": "voisin"}}, "asker.role"),
        ({"candidate": {**ZOE, "age": 16}}, "candidate.age"),
    ):  # fmt: skip
        refused = world.caller.post("/api/v1/bookings", world.booking(**wrong), 422).json
        assert refused["errors"][0]["field"] == field
    assert rows(CandidateRequest) == rows(ApiAnswer) == 0
    world.caller.post("/api/v1/bookings", world.booking(), 201)
    again = world.caller.post("/api/v1/bookings", world.booking(), 409).json
    assert again["type"].endswith("/deja-reserve")
    assert "Lambert" not in str(again)
    world.caller.post("/api/v1/bookings", world.booking(candidate={**ZOE, "first_name": "Anna"}), 201)
    full = world.caller.post("/api/v1/bookings", world.booking(candidate={**ZOE, "first_name": "Inès"}), 409).json
    assert full["type"].endswith("/creneau-pris")
    assert rows(Booking) == 2


def test_a_parent_asks_for_their_child(world):
    asker = {"role": "parent", "first_name": "Marie", "email": "marie@courriel.example"}
    world.caller.post("/api/v1/requests", world.request(asker=asker, reasons=["frais"], windows=["matin"]), 201)
    found = db.session.scalars(sa.select(CandidateRequest)).one()
    assert (found.asker, found.asker_first_name, found.asker_email) == ("parent", "Marie", "marie@courriel.example")
    assert (found.reasons, found.callback_windows, found.platform_id) == (["frais"], ["matin"], world.platform.id)


def test_the_same_person_again_is_added_to_their_request(world):
    world.caller.post("/api/v1/requests", world.request(), 201)
    told = world.caller.post("/api/v1/requests", world.request(mode="message", text="Une question"), 202).json
    assert told == {"id": None, "added": True}
    assert rows(CandidateRequest) == 1


def test_a_closed_mode_and_another_centres_slot(world):
    with transaction():
        world.training.cfa.message_open = False
    refused = world.caller.post("/api/v1/requests", world.request(mode="message", text="Bonjour"), 409).json
    assert refused["type"].endswith("/contact-ferme")
    other = make.cfa()
    foreign = make.slot(make.adviser(other), make.site(other))
    world.caller.post("/api/v1/bookings", world.booking(slot=foreign.public_id), 404)
    world.caller.post("/api/v1/bookings", world.booking(slot="inconnu"), 404)


def test_limits_of_a_person_and_of_a_centre_hold(world, change_settings):
    change_settings(limit_posts_per_contact=2)
    for name in ("Zoé", "Anna"):
        world.caller.post("/api/v1/requests", world.request(candidate={**ZOE, "first_name": name}), 201)
    refused = world.caller.post("/api/v1/requests", world.request(candidate={**ZOE, "first_name": "Inès"}), 429)
    assert refused.json["type"].endswith("/trop-de-demandes")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600


# -- the same call again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bookings", "requests"])
def test_the_same_call_again_acts_once_and_answers_the_same(world, kind):
    body = world.booking() if kind == "bookings" else world.request()
    path = f"/api/v1/{kind}"
    first = world.caller.post(path, body, 201, key="reprise-1")
    again = world.caller.post(path, dict(reversed(body.items())), 201, key="reprise-1")
    assert again.data == first.data
    assert rows(CandidateRequest) == 1
    other = world.caller.post(path, {**body, "text": "autre"}, 422, key="reprise-1").json
    assert other["type"].endswith("/cle-de-reprise-reutilisee")
    answer = world.caller._client.post(path, json=body, headers=world.caller._headers)
    assert answer.status_code == 400
    assert answer.json["type"].endswith("/cle-de-reprise-absente")


def test_the_key_of_a_call_is_the_platforms_own(world, client):
    world.caller.post("/api/v1/requests", world.request(), 201, key="reprise-1")
    rotated = Caller(client, make.api_key("carif_oref"))
    rotated.post("/api/v1/requests", world.request(), 201, key="reprise-1")
    assert rows(CandidateRequest) == 1
    kept = db.session.execute(sa.text("SELECT * FROM api_answer")).all()
    for personal in ("Zo\u00e9", "Lambert", "zoe@", "reprise-1", "639980001"):
        assert personal not in str([tuple(row) for row in kept])


def test_what_was_refused_may_be_corrected_with_the_same_key(world):
    wrong = world.request(candidate={**ZOE, "phone": "0"})
    world.caller.post("/api/v1/requests", wrong, 422, key="reprise-1")
    world.caller.post("/api/v1/requests", world.request(), 201, key="reprise-1")


# -- follow -----------------------------------------------------------------------------------------------------------


def test_the_state_of_what_was_sent(world):
    made = world.caller.post("/api/v1/requests", world.request(), 201).json["id"]
    booked = world.caller.post("/api/v1/bookings", world.booking(), 201).json["id"]
    told = world.caller.get(f"/api/v1/requests/{made}").json
    assert (told["state"], told["answered_at"], told["booking"]) == ("new", None, None)
    assert "candidate" not in told
    assert "Lambert" not in str(told)
    with transaction():
        inbox.answer(
            inbox.get_by_public_id(made), "Bonjour", "staff", clock.now() + timedelta(hours=1), user=world.slot.adviser
        )
    assert world.caller.get(f"/api/v1/requests/{made}").json["answered_at"] == "2026-11-24T10:00:00+01:00"
    assert world.caller.get(f"/api/v1/requests/{booked}").json["booking"]["state"] == "booked"
    listed = world.caller.get("/api/v1/requests", limit=1).json
    assert [each["id"] for each in listed["requests"]] == [made]
    rest = world.caller.get("/api/v1/requests", after=listed["next"]).json
    assert [each["id"] for each in rest["requests"]] == [booked]


def test_people_are_told_to_entitled_platforms_alone_and_other_platforms_see_nothing(world, client):
    made = world.caller.post("/api/v1/requests", world.request(), 201).json["id"]
    with transaction():
        world.platform.gets_contacts = True
    told = world.caller.get(f"/api/v1/requests/{made}").json
    assert told["candidate"]["email"] == ZOE["email"]
    other = Caller(client, make.api_key("lba"))
    other.get(f"/api/v1/requests/{made}", 404)
    assert other.get("/api/v1/requests").json["requests"] == []
    other.get("/api/v1/requests", 400, after=made)


def test_statistics_by_week_and_by_month(world, client):
    for number in range(5):
        body = world.request(candidate={**ZOE, "first_name": "Zoé" + "é" * number})
        made = world.caller.post("/api/v1/requests", body, 201).json["id"]
        with transaction():
            inbox.answer(
                inbox.get_by_public_id(made),
                "Bonjour",
                "staff",
                clock.now() + timedelta(hours=number + 1),
                user=world.slot.adviser,
            )
    world.caller.post("/api/v1/bookings", world.booking(), 201)
    told = world.caller.get("/api/v1/statistics", **{"by": "month", "from": "2026-10-15", "to": "2026-11-24"}).json
    assert [each["from"] for each in told["periods"]] == ["2026-10-01", "2026-11-01"]
    month = told["periods"][1]
    assert (month["requests"], month["bookings"], month["answered"], month["views"]) == (5, 1, 5, None)
    assert month["median_answer_minutes"] == 180
    weeks = world.caller.get("/api/v1/statistics").json["periods"]
    assert weeks[-1]["from"] == "2026-11-23"
    assert weeks[-1]["requests"] == 5
    others = Caller(client, make.api_key("lba")).get("/api/v1/statistics").json["periods"]
    assert not any(each["requests"] or each["bookings"] for each in others)
    world.caller.get("/api/v1/statistics", 400, **{"from": "2026-12-01"})
    world.caller.get("/api/v1/statistics", 400, by="day")


# -- keys -------------------------------------------------------------------------------------------------------------


def test_who_may_call(world, client, freeze):
    watch = freeze("2026-11-24T08:00Z")
    path, query = "/api/v1/training", {"id": world.training.public_id}
    nobody = Caller(client, None).get(path, 401, **query)
    assert nobody.headers["WWW-Authenticate"] == "Bearer"
    Caller(client, api_keys.NewKey(world.made.key, "rdv_" + "a" * 43)).get(path, 401, **query)
    narrow = Caller(client, make.api_key("carif_oref", "statistics:read"))
    assert "trainings:read" in narrow.get(path, 403, **query).json["detail"]
    with transaction():
        api_keys.rotate(world.made.key, clock.now(), days=1)
    world.caller.get(path, **query)
    watch.tick(days=2)
    assert world.caller.get(path, 401, **query).json["type"].endswith("/cle-terminee")


def test_too_many_calls_of_a_key(world, change_settings):
    change_settings(limit_api_per_minute=2)
    for _ in range(2):
        world.caller.get("/api/v1/statistics")
    refused = world.caller.get("/api/v1/statistics", 429)
    assert refused.json["type"].endswith("/trop-d-appels")
    assert refused.headers["Retry-After"] == "60"


def test_what_was_refused_to_a_key_is_kept_without_content(world):
    world.caller.post("/api/v1/requests", world.request(candidate={**ZOE, "phone": "Secret"}), 422)
    found = db.session.scalars(sa.select(ApiRefusal)).one()
    assert (found.endpoint, found.status, found.problem) == ("api.v1_send_request", 422, "contenu-invalide")


# -- HTTP -------------------------------------------------------------------------------------------------------------


def test_every_refusal_is_a_problem_with_its_page(world, client):
    headers = world.caller._headers
    answers = [
        client.get("/api/v1/inconnue"),
        client.delete("/api/v1/training", headers=headers),
        client.post("/api/v1/training-links", data="x", content_type="text/plain", headers=headers),
        client.post("/api/v1/training-links", data="{", content_type="application/json", headers=headers),
        client.post("/api/v1/training-links", data='{"a": NaN}', content_type="application/json", headers=headers),
        client.post("/api/v1/training-links", data='"\\ud800"', content_type="application/json", headers=headers),
        client.post("/api/v1/training-links", data="[" * 9999, content_type="application/json", headers=headers),
        client.post("/api/v1/training-links", json=[], headers=headers),
        client.post("/api/v1/training-links", data=b" " * 300_000, content_type="application/json", headers=headers),
        client.get("/api/v1/training?id=%00", headers=headers),
    ]
    assert [each.status_code for each in answers] == [404, 405, 415, 400, 400, 400, 400, 422, 413, 404]
    assert "GET" in answers[1].headers["Allow"]
    for each in answers:
        assert each.mimetype == "application/problem+json"
        assert set(each.json) >= {"type", "title", "status", "detail"}
        assert "Set-Cookie" not in each.headers
        page = visit(client, each.json["type"].removeprefix("http://localhost"))
        assert page.h1 == each.json["title"].replace("\u00a0", " ")


def test_a_failure_says_nothing_of_itself(world, client, app, monkeypatch):
    app.config["SHOW_FAILURES"] = True
    monkeypatch.setattr("rdv.platform_figures.periods", lambda *_: 1 / 0)
    answer = world.caller.get("/api/v1/statistics", 500)
    assert answer.json["type"].endswith("/panne")
    assert "ZeroDivision" not in answer.text


def test_what_is_read_is_read_again_only_when_it_changed(world):
    for path, query in (
        ("/api/v1/training", {"id": world.training.public_id}), ("/api/v1/bookable-trainings", {}), ("/api/v1/requests", {}),
        ("/api/v1/slots", {"id": world.training.public_id}), ("/api/v1/statistics", {}), ("/api/v1/openapi.json", {}),
    ):  # fmt: skip
        first = world.caller.get(path, **query)
        assert "max-age=" in first.headers["Cache-Control"]
        world.caller.get(path, 304, headers={"If-None-Match": first.headers["ETag"]}, **query)
        private = "private" in first.headers["Cache-Control"]
        assert private is (path != "/api/v1/openapi.json")
    tag = world.caller.get("/api/v1/training", id=world.training.public_id).headers["ETag"]
    world.caller.post("/api/v1/bookings", world.booking(), 201)
    world.caller.get("/api/v1/training", 200, headers={"If-None-Match": tag}, id=world.training.public_id)


def test_browsers_of_the_platforms_pages_read_what_needs_no_key_alone(world, client):
    ours = {"Origin": "https://www.parcoursup.fr"}
    answer = client.get("/api/v1/openapi.json", headers=ours)
    assert answer.headers["Access-Control-Allow-Origin"] == ours["Origin"]
    assert "Origin" in answer.headers["Vary"]
    preflight = client.options("/api/v1/openapi.json", headers={**ours, "Access-Control-Request-Method": "GET"})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET"
    stranger = client.get("/api/v1/openapi.json", headers={"Origin": "https://ailleurs.example"})
    keyed = client.get(
        f"/api/v1/training?id={world.training.public_id}", headers={**ours, **world.caller._headers}
    )  # fmt: skip
    asked = client.options("/api/v1/training", headers={**ours, "Access-Control-Request-Method": "GET"})
    for each in (stranger, keyed, asked):
        assert not [name for name, _ in each.headers if name.startswith("Access-Control")]
