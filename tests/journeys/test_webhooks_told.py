"""What a platform's own server receives when candidates and centres act on their pages (docs/webhooks.md)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, links, webhooks
from rdv.db import db, transaction
from rdv.models import CandidateRequest, WebhookDelivery
from rdv.models.webhook import WEBHOOK_TYPES
from tests import make
from tests.support.pages import sign_in, submit, visit
from tests.support.receiver import is_signed, receiver

LINA = {"first_name": "Lina", "last_name": "Martin", "email": "lina@courriel.example"}
PERSONAL = ("Lina", "Martin", "lina@", "Zoé", "Lambert", "zoe", "+33", "bonjour-secret")


@pytest.fixture
def house(app, freeze, change_settings, tmp_path):
    """A centre with three slots, and the server of La bonne alternance that is told everything."""
    change_settings(webhook_allow_private=True, webhook_timeout=5.0)
    time = freeze("2026-11-23T08:00Z")
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    training = make.training(cfa, site, parcoursup_id="12345")
    slots = [make.slot(adviser, site, starts_at=f"2026-12-0{day}T14:00") for day in (1, 2, 3)]
    with receiver(tmp_path / "receiver") as server:
        with transaction():
            endpoint = webhooks.create(make.platform("lba"), server.url, WEBHOOK_TYPES, clock.now())
        yield SimpleNamespace(
            time=time, cfa=cfa, site=site, adviser=adviser, training=training, slots=slots, server=server,
            endpoint=endpoint, seen=0,
        )  # fmt: skip


def told(house):
    """Let the worker tell, and return what arrived since the last look, every signature and identifier checked."""
    webhooks.relay(clock.now())
    webhooks.deliver_due()
    asked = house.server.asked
    fresh, house.seen = asked[house.seen :], len(asked)
    for each in fresh:
        assert is_signed(each, webhooks.secret(house.endpoint))
        assert each["headers"]["x-rdv-event-id"] == each["body"]["id"]
        assert each["headers"]["content-type"] == "application/json"
        assert each["path"] == "/rdv/evenements?compte=7"
        assert abs(int(each["headers"]["x-rdv-timestamp"]) - clock.now().timestamp()) < 300
    assert len({each["body"]["id"] for each in asked}) == len(asked)
    return [each["body"] for each in fresh]


def kinds(bodies):
    return [each["type"] for each in bodies]


def book(client, house):
    page = visit(client, f"/rendez-vous/{house.slots[0].public_id}?formation={house.training.public_id}&origine=lba")
    submit(client, page, **LINA)
    return db.session.scalars(sa.select(CandidateRequest)).one()


def ask(house, mode="message", **columns):
    with transaction():
        return make.candidate_request(
            house.cfa, mode=mode, site_id=house.site.id, training_id=house.training.id,
            platform_id=make.platform("lba").id, text="bonjour-secret", **columns,
        )  # fmt: skip


def test_booked_moved_cancelled_by_the_candidate(client, house):
    request = book(client, house)
    created, booked = told(house)
    assert kinds([created, booked]) == ["created", "booked"]
    assert (booked["at"], booked["platform"]) == ("2026-11-23T08:00:00Z", "lba")
    assert booked["request"] == {
        "id": request.public_id, "reference": request.reference, "mode": "slot", "status": "closed",
        "outcome": "meeting_set", "created_at": "2026-11-23T08:00:00Z", "first_answered_at": None,
        "cfa": {"siret": house.cfa.siret, "uai": house.cfa.uai}, "site": {"siret": house.site.siret, "uai": house.site.uai},
        "training": {
            "training_key": house.training.training_key, "parcoursup_id": "12345", "affelnet_id": None, "onisep_id": None,
            "rco_id": None, "diploma_code": house.training.diploma_code, "rncp": house.training.rncp,
        },
        "slot": {
            "starts_at": "2026-12-01T13:00:00Z", "ends_at": "2026-12-01T13:30:00Z", "timezone": "Europe/Paris",
            "place": house.slots[0].place, "group": False,
        },
    }  # fmt: skip
    personal = f"/suivi/{links.personal_token(request)}"
    submit(client, visit(client, personal + "/deplacer"), creneau=house.slots[1].public_id)
    (moved,) = told(house)
    assert (moved["type"], moved["request"]["slot"]["starts_at"]) == ("moved", "2026-12-02T13:00:00Z")
    assert moved["request"]["slot_before"] == "2026-12-01T13:00:00Z"
    submit(client, visit(client, personal + "/annuler"), button="sans dire")
    (cancelled,) = told(house)
    assert (cancelled["type"], cancelled["request"]["cancelled_by"]) == ("cancelled", "candidate")
    assert cancelled["request"]["outcome"] == "cancelled_by_candidate"
    assert told(house) == []


def test_a_request_of_no_platform_or_another_is_told_to_nobody(client, house):
    page = visit(client, f"/rendez-vous/{house.slots[0].public_id}")
    submit(client, page, **LINA)
    page = visit(client, f"/rendez-vous/{house.slots[1].public_id}?origine=onisep")
    submit(client, page, **{**LINA, "email": "autre@courriel.example"})
    assert told(house) == []


def test_only_what_was_chosen_is_told(client, house):
    with transaction():
        webhooks.change(webhooks.get(house.endpoint.public_id), house.server.url, ["moved", "cancelled"])
    book(client, house)
    assert told(house) == []


def test_an_answer_waits_until_it_can_no_longer_be_taken_back(client, house):
    request = ask(house)
    assert kinds(told(house)) == ["created"]
    sign_in(client, house.adviser)
    page = visit(client, f"/equipe/demandes/{request.public_id}")
    sent = submit(client, page, form="ecrire-form", button="Envoyer la réponse", **{"answer-text": "Bonjour Zoé."})
    house.time.tick(seconds=10)
    assert told(house) == []
    undone = submit(client, sent, form="Annuler", button="Annuler (20 s)")
    house.time.tick(seconds=60)
    assert told(house) == []
    submit(client, undone, form="ecrire-form", button="Envoyer la réponse", **{"answer-text": "Bonjour Zoé, oui."})
    house.time.tick(seconds=29)
    assert told(house) == []
    house.time.tick(seconds=2)
    (answered,) = told(house)
    assert answered["type"] == "answered"
    assert answered["at"] == answered["request"]["first_answered_at"] == "2026-11-23T08:01:10Z"
    assert answered["request"]["status"] == "waiting_candidate"


def test_what_may_be_taken_back_shows_in_no_other_event(client, house):
    request = ask(house)
    with transaction():
        inbox.answer(request, "Bonjour", "staff", clock.now(), user=house.adviser, undoable=True)
    (created,) = told(house)
    assert (created["request"]["status"], created["request"]["first_answered_at"]) == ("new", None)


@pytest.mark.parametrize(("result", "said"), [("reached", ["answered"]), ("voicemail", [])])
def test_only_a_call_that_reached_the_person_is_an_answer(house, result, said):
    request = ask(house, mode="callback")
    told(house)
    with transaction():
        inbox.log_call(request, result, "staff", clock.now(), user=house.adviser)
    house.time.tick(minutes=1)
    assert kinds(told(house)) == said


def test_attendance_is_told_when_somebody_came_and_taken_back_if_not(client, house):
    request = book(client, house)
    told(house)
    house.time.to("2026-12-01T14:00Z")
    sign_in(client, house.adviser)
    form = f"/equipe/rendez-vous/{request.booking.public_id}/presence"
    submit(client, visit(client, "/equipe/journee"), form=form, button="Présent")
    (attended,) = told(house)
    assert (attended["type"], attended["request"]["attended"]) == ("attended", True)
    submit(client, visit(client, "/equipe/journee"), form=form, button="Absent")
    (corrected,) = told(house)
    assert (corrected["type"], corrected["request"]["attended"]) == ("attended", False)
    assert "no_show" not in str(corrected)


def test_that_somebody_did_not_come_is_told_to_nobody(client, house):
    request = book(client, house)
    told(house)
    house.time.to("2026-12-01T14:00Z")
    sign_in(client, house.adviser)
    form = f"/equipe/rendez-vous/{request.booking.public_id}/presence"
    submit(client, visit(client, "/equipe/journee"), form=form, button="Absent")
    assert told(house) == []


def test_nobody_is_named_by_default(client, house):
    book(client, house)
    ask(house)
    webhooks.relay(clock.now())
    kept = b"".join(db.session.scalars(sa.select(WebhookDelivery.body)).all()).decode()
    assert [word for word in PERSONAL if word in kept] == []  # not even before it leaves, when it would be taken out
    assert len(told(house)) == 3
    assert [word for word in PERSONAL if word in str(house.server.asked)] == []


def test_an_entitled_platform_gets_the_candidate_and_no_more(client, house):
    with transaction():
        make.platform("lba").gets_contacts = True
    book(client, house)
    _created, booked = told(house)
    assert booked["candidate"] == {**LINA, "phone": None}
    assert "candidate" not in booked["request"]


def test_a_platform_no_longer_entitled_gets_no_more_names_even_of_what_waited(client, house):
    with transaction():
        make.platform("lba").gets_contacts = True
    book(client, house)
    webhooks.relay(clock.now())
    with transaction():
        make.platform("lba").gets_contacts = False
    assert len(told(house)) == 2
    assert "Lina" not in str(house.server.asked)
    assert b"Lina" not in b"".join(db.session.scalars(sa.select(WebhookDelivery.body)).all())


def test_an_erasure_is_told_after_the_request_is_gone_and_nothing_names_it(client, house):
    with transaction():
        make.platform("lba").gets_contacts = True
        webhooks.change(webhooks.get(house.endpoint.public_id), house.server.url, ["created", "booked"])
    request = book(client, house)
    public_id, reference = request.public_id, request.reference
    webhooks.relay(clock.now())  # two deliveries that name the person wait
    with transaction() as session:
        found = session.get(CandidateRequest, request.id)
        webhooks.erased(found, clock.now())
        session.execute(sa.update(sa.table("slot", sa.column("seats_taken"))).values(seats_taken=0))
        session.delete(found)
    (erased,) = told(house)  # told although it was not chosen: the platform holds the person's details
    assert (erased["type"], erased["request"]) == ("erased", {"id": public_id, "reference": reference})
    rows = db.session.execute(sa.select(WebhookDelivery.kind, WebhookDelivery.state, WebhookDelivery.body)).all()
    assert sorted((row.kind, row.state, row.body is None) for row in rows) == [
        ("booked", "dropped", True), ("created", "dropped", True), ("erased", "delivered", False),
    ]  # fmt: skip


def test_the_seven_events_of_one_story_reach_the_platform_each_once(app, client, house):
    request = book(client, house)
    personal = f"/suivi/{links.personal_token(request)}"
    submit(client, visit(client, personal + "/deplacer"), creneau=house.slots[1].public_id)
    submit(client, visit(client, personal + "/annuler"), button="sans dire")
    written = ask(house, first_name="Lina", last_name="Martin", email="lina@courriel.example")
    with transaction():
        inbox.answer(written, "Bonjour Lina, bonjour-secret.", "staff", clock.now(), user=house.adviser)
    page = visit(client, f"/rendez-vous/{house.slots[0].public_id}?formation={house.training.public_id}&origine=lba")
    submit(client, page, first_name="Zoé", last_name="Lambert", email="zoe@courriel.example")
    met = db.session.scalars(sa.select(CandidateRequest).order_by(CandidateRequest.id.desc()).limit(1)).one()
    house.time.to("2026-12-01T14:00Z")
    sign_in(client, house.adviser)
    form = f"/equipe/rendez-vous/{met.booking.public_id}/presence"
    submit(client, visit(client, "/equipe/journee"), form=form, button="Présent")
    for each in (request, written, met):
        token = links.personal_token(each)
        submit(client, visit(client, f"/suivi/{token}/effacer"), button="Effacer définitivement", status=410)
    seen = told(house)
    by_request = {
        each.public_id: [body["type"] for body in seen if body["request"]["id"] == each.public_id]
        for each in (request, written, met)
    }
    assert by_request == {
        request.public_id: ["created", "booked", "moved", "cancelled", "erased"],
        written.public_id: ["created", "answered", "erased"],
        met.public_id: ["created", "booked", "attended", "erased"],
    }
    assert set(kinds(seen)) == set(WEBHOOK_TYPES)
    assert [word for word in PERSONAL if word in str(house.server.asked)] == []
    assert told(house) == []


def test_an_erasure_names_nobody_even_to_who_is_given_contacts_and_comes_last(client, house):
    with transaction():
        make.platform("lba").gets_contacts = True
    request = book(client, house)
    assert "Lina" in str(told(house))
    page = visit(client, f"/suivi/{links.personal_token(request)}/effacer")
    submit(client, page, button="Effacer définitivement", status=410)
    cancelled, erased = told(house)
    assert kinds([cancelled, erased]) == ["cancelled", "erased"]
    assert "candidate" not in cancelled
    assert set(erased["request"]) == {"id", "reference"}
    for row in db.session.scalars(sa.select(WebhookDelivery)):
        assert b"Lina" not in (row.body or b"")
