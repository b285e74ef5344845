"""Addresses of platforms and what they were told, in the service team's pages."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock, webhooks
from rdv.db import db, transaction
from rdv.models import AuditEntry, WebhookDelivery, WebhookEndpoint
from tests import make
from tests.support.pages import sign_in, submit, visit
from tests.support.queries import queries

LIST, SENT = "/admin/evenements/", "/admin/envois/"


@pytest.fixture
def service(app, client):
    person = make.service_member()
    sign_in(client, person)
    return person


@pytest.fixture
def endpoint(app):
    with transaction():
        return webhooks.create(make.platform("lba"), "https://lba.example/rdv", ["created"], clock.now())


def delivery(entitled=False):
    with transaction():
        make.platform("lba").gets_contacts = entitled
        make.candidate_request(
            make.cfa(), platform_id=make.platform("lba").id, last_name="Secret", email="secret@courriel.example"
        )
    webhooks.relay(clock.now())
    return db.session.scalars(sa.select(WebhookDelivery)).one()


def act(client, page, name, rows, **more):
    """Choose rows and press a button of the list, as the page does."""
    token = page.one("#actions [name=csrf_token]").get("value")
    data = {"csrf_token": token, "url": page.path, "action": name, "rowid": rows, **more}
    return client.post(page.path + "action/", data=data, follow_redirects=True)


def journal():
    db.session.rollback()
    query = sa.select(AuditEntry.action).where(AuditEntry.action.like("webhook%")).order_by(AuditEntry.id)
    return list(db.session.scalars(query))


def test_added_with_its_secret_shown_once(client, service):
    page = visit(client, LIST + "new/", checked=False)
    wrong = submit(
        client, page, platform_code="lba", url="http://lba.example/rdv", chosen_events=["created"], checked=False
    )
    assert "doit commencer par https://" in wrong.text
    assert wrong.fields()["url"] == ["http://lba.example/rdv"]
    shown = submit(client, wrong, url="https://lba.example/rdv", chosen_events=["created", "moved"], checked=False)
    made = db.session.scalars(sa.select(WebhookEndpoint)).one()
    secret = shown.one("code").text.strip()
    assert secret == webhooks.secret(made)
    assert (made.platform.code, made.events) == ("lba", ["created", "moved"])
    for path in (LIST, f"{LIST}details/?id={made.public_id}", f"{LIST}edit/?id={made.public_id}"):
        assert secret not in visit(client, path, checked=False).html
    assert "Set-Cookie" not in shown.response.headers or secret not in str(shown.response.headers)
    assert journal() == ["webhook.created"]


def test_nothing_chosen_is_nothing_added(client, service):
    page = visit(client, LIST + "new/", checked=False)
    again = submit(client, page, platform_code="lba", url="https://lba.example/rdv", checked=False)
    assert "Choisissez au moins un événement" in again.text
    assert db.session.scalars(sa.select(WebhookEndpoint)).all() == []


def test_changed(client, service, endpoint):
    page = visit(client, f"{LIST}edit/?id={endpoint.public_id}", checked=False)
    assert page.fields()["chosen_events"] == ["created"]
    done = submit(client, page, url="https://lba.example/v2", chosen_events=["booked", "erased"], checked=False)
    assert "Adresse modifiée" in done.text
    db.session.rollback()
    assert (endpoint.url, endpoint.events) == ("https://lba.example/v2", ["booked", "erased"])
    refused = submit(client, page, url="https://moi:mdp@lba.example/", checked=False)
    assert "ni identifiants" in refused.text
    db.session.rollback()
    assert endpoint.url == "https://lba.example/v2"
    assert client.get(f"{LIST}edit/?id=inconnue").status_code == 404


def test_the_secret_is_replaced_once_at_a_time(client, service, endpoint):
    former = webhooks.secret(endpoint)
    page = visit(client, LIST, checked=False)
    answer = act(client, page, "rotate", [endpoint.public_id]).get_data(as_text=True)
    db.session.rollback()
    assert webhooks.secret(endpoint) in answer
    assert former not in answer
    assert "deux signatures" in answer
    assert "attendez la fin du recouvrement" in act(client, page, "rotate", [endpoint.public_id]).get_data(as_text=True)
    assert journal() == ["webhook.created", "webhook.rotated"]


def test_paused_resumed_and_tried(client, service, endpoint):
    page = visit(client, LIST, checked=False)
    act(client, page, "pause", [endpoint.public_id])
    assert "En pause" in visit(client, LIST, checked=False).text
    assert "remettez-la d’abord en service" in act(client, page, "test", [endpoint.public_id]).get_data(as_text=True)
    act(client, page, "resume", [endpoint.public_id])
    assert "En service" in visit(client, LIST, checked=False).text
    act(client, page, "test", [endpoint.public_id])
    assert "Essai" in visit(client, SENT, checked=False).text
    assert journal() == ["webhook.created", "webhook.paused", "webhook.resumed", "webhook.tested"]
    assert "remise en service" in visit(client, "/admin/journal/", checked=False).text


@pytest.mark.parametrize("entitled", [False, True])
def test_what_was_told_is_shown_without_the_person(client, service, endpoint, entitled):
    row = delivery(entitled)
    assert (b"Secret" in row.body) is entitled
    listed = visit(client, SENT, checked=False)
    assert "Demande reçue" in listed.text
    assert "En attente" in listed.text
    page = visit(client, f"{SENT}details/?id={row.public_id}", checked=False)
    assert row.request_public_id in page.text
    assert "Secret" not in page.html
    assert "secret@" not in page.html
    assert ("ne sont pas montrées" in page.text) is entitled


def test_sent_again_by_a_post_alone(client, service, endpoint):
    row = delivery()
    with transaction():
        row.state, row.attempts = "delivered", 3
    page = visit(client, SENT, checked=False)
    assert client.get(SENT + "action/").status_code == 405
    assert "Remis en file d’envoi" in act(client, page, "resend", [row.public_id]).get_data(as_text=True)
    db.session.rollback()
    assert (row.state, row.attempts) == ("pending", 0)
    assert journal()[-1] == "webhook_delivery.retried"


def test_the_list_of_deliveries_asks_the_same_whatever_its_length(client, service, endpoint):
    counts = []
    for more in (1, 20):
        for _ in range(more):
            make.candidate_request(make.cfa(), platform_id=make.platform("lba").id)
        webhooks.relay(clock.now())
        with queries() as seen:
            visit(client, SENT, checked=False)
        counts.append(len(seen))
    assert counts[0] == counts[1]
