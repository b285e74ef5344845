"""POST /api/courriels/evenements: what relays tell of our mails (docs/mail-events.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, dead_addresses, delivery, delivery_events, inbox, links, signature, transport
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import AuditEntry, DeadAddress, MailEvent, OutgoingMail, RequestEvent
from rdv.web.api import mail_events
from tests import make
from tests.support.pages import sign_in, submit, visit

PATH = "/api/courriels/evenements"
SECRET, FORMER = "s" * 32, "f" * 32
PAYLOADS = sorted((Path(__file__).resolve().parents[1] / "fixtures" / "mail_events").glob("*.json"))


@pytest.fixture
def time(app, freeze, change_settings):
    change_settings(mail_events_secret=SECRET)
    return freeze("2026-11-24T08:10Z")


@pytest.fixture
def mail(time, monkeypatch):
    """A notice that left for the address of a centre."""
    monkeypatch.setattr(transport, "send", lambda *_mail: None)
    training = make.training(make.cfa(email="direction@cfa.example"), email="formation@cfa.example")
    with transaction():
        inbox.open_request(
            "message", training.cfa, Candidate("Zoé", "Lambert", "zoe@courriel.example", None), Submission("s", "d"),
            clock.now(), training=training,
        )  # fmt: skip
    delivery.deliver_due()
    return db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.kind == "cfa_new_request")).one()


def post(client, events, *, secrets=(SECRET,), at=None, **headers):
    body = events if isinstance(events, bytes) else json.dumps({"events": events}).encode()
    timestamp = str(int(at if at is not None else clock.now().timestamp()))
    signed = ", ".join(signature.sign(secret, timestamp, body) for secret in secrets)
    given = {"X-RDV-Timestamp": timestamp, "X-RDV-Signature": signed, **headers}
    answer = client.post(PATH, data=body, content_type="application/json", headers=given)
    assert "Set-Cookie" not in answer.headers
    assert answer.is_json or answer.mimetype == "application/problem+json"
    return answer


def event(mail, **values):
    return {"id": "1", "kind": "delivered", "message_id": mail.message_id, "at": "2026-11-24T08:09:00Z", **values}


def counts(answer):
    assert answer.status_code == 200, answer.json
    return {name: number for name, number in answer.json.items() if number}


@pytest.mark.sqlite_only  # a signature asks nothing of the database
def test_the_example_of_the_guide_signs_as_we_read(client, mail, monkeypatch):
    guide = (Path(__file__).resolve().parents[2] / "docs" / "mail-events.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    body = json.dumps({"events": [event(mail)]}).encode()
    monkeypatch.setattr("time.time", lambda: clock.now().timestamp())
    made = {"secret": SECRET, "body": body}
    exec(code, made)  # noqa: S102
    headers = {"X-RDV-Timestamp": made["timestamp"], "X-RDV-Signature": made["signature"]}
    answer = client.post(PATH, data=body, content_type="application/json", headers=headers)
    assert counts(answer) == {"recorded": 1}


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda path: path.stem)
@pytest.mark.sqlite_only  # the SQL is that of test_delivery_events.py
def test_every_recorded_wording_of_a_hard_bounce_is_understood(client, mail, payload):
    batch = payload.read_text(encoding="utf-8").replace("MESSAGE-ID", mail.message_id)
    told = len(json.loads(batch)["events"])
    found = counts(post(client, batch.encode()))
    assert sum(found.values()) == told
    assert found["recorded"] == told - found.get("ignored", 0) >= 2
    assert db.session.scalars(sa.select(DeadAddress.email)).all() == ["formation@cfa.example"]
    assert mail.delivery == "hard_bounce"
    assert mail.request.recipient_email == "direction@cfa.example"
    assert counts(post(client, batch.encode()))["known"] == found["recorded"]  # a replay changes nothing


def test_a_batch_is_counted_whatever_it_holds(client, mail):
    odd = [
        None,
        3,
        {},
        event(mail, id=""),
        event(mail, id=7),
        event(mail, at="hier"),
        event(mail, at="2026-11-24T08:00:00"),
    ]
    odd += [event(mail, id="x" * 141), event(mail, id="a\nb"), event(mail, kind=""), event(mail, message_id="")]
    batch = [
        event(mail),
        event(mail),
        event(mail, id="2", kind="opened"),
        event(mail, id="3", message_id="<x@y>"),
        *odd,
    ]
    batch += [event(mail, id="4", code="550 5.1.1 zoe@courriel.example"), event(mail, id="5", code="250 2.0.0")]
    found = counts(post(client, batch))
    assert found == {"recorded": 3, "known": 1, "ignored": 1, "unmatched": 1, "malformed": len(odd)}
    kept = dict(db.session.execute(sa.select(MailEvent.event_key, MailEvent.detail)).all())
    assert kept == {"relay:1": None, "relay:3": None, "relay:4": None, "relay:5": "250 2.0.0"}
    assert counts(post(client, [])) == {}


def test_one_event_that_fails_loses_no_other_and_is_asked_again(client, mail, monkeypatch):
    real = delivery_events.record
    monkeypatch.setattr(
        mail_events.delivery_events, "record", lambda told, now: real(told, now) if told.key != "relay:2" else 1 / 0
    )
    batch = [event(mail, id=str(number)) for number in (1, 2, 3)]
    answer = post(client, batch)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    monkeypatch.undo()
    assert counts(post(client, batch)) == {"recorded": 1, "known": 2}


@pytest.mark.sqlite_only  # nothing is asked of the database before the signature holds
def test_who_is_not_signed_is_refused(client, mail, time, change_settings):
    now = clock.now().timestamp()
    good = [event(mail)]
    assert [post(client, good, at=now + gap).status_code for gap in (-301, -300, 300, 301)] == [401, 200, 200, 401]
    refused = [
        post(client, good, secrets=["x" * 32]),
        post(client, good, secrets=[]),
        post(client, good, **{"X-RDV-Signature": ""}),
        post(client, good, **{"X-RDV-Timestamp": str(int(now) - 1)}),  # the instant is signed too
        post(client, good, **{"X-RDV-Timestamp": "demain"}),
        post(client, good, **{"X-RDV-Timestamp": f"{int(now)}.0"}),
        client.post(PATH, json={"events": good}),
    ]
    timestamp = str(int(now))
    changed = {"X-RDV-Timestamp": timestamp, "X-RDV-Signature": signature.sign(SECRET, timestamp, b'{"events": []}')}
    refused.append(client.post(PATH, data=json.dumps({"events": good}), headers=changed))
    assert [answer.status_code for answer in refused] == [401] * len(refused)
    assert refused[0].json["title"] == "Appel refusé"
    # Rotation: both are accepted while the relay changes, several signatures may stand in the header.
    assert post(client, good, secrets=[FORMER]).status_code == 401
    change_settings(mail_events_old_secret=FORMER)
    assert [post(client, good, secrets=each).status_code for each in ([FORMER], [SECRET], ["x" * 32, FORMER])] == [
        200
    ] * 3
    change_settings(limit_failed_secrets=2, mail_events_old_secret="")
    time.tick(hours=1)
    assert [post(client, good, secrets=[FORMER]).status_code for _ in range(4)] == [401, 401, 429, 429]
    assert post(client, good).status_code == 200  # who signs is let in all the same
    change_settings(mail_events_secret="")
    assert post(client, good).status_code == 404


@pytest.mark.sqlite_only  # nothing reaches the database
def test_what_is_no_batch_is_refused_in_json(client, mail):
    for body in (b"", b"[]", b"{", b'{"events": {}}', b'{"events": "x"}', b"\xff", b"[" * 100_000):
        answer = post(client, body)
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json"), body[:20]
    assert post(client, [event(mail)] * 501).status_code == 413
    assert post(client, b" " * 300_000).status_code == 413
    answer = client.get(PATH)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "POST" in answer.headers["Allow"]


# -- who sees it ------------------------------------------------------------------------------------------------------


def declare(*emails, reason="hard_bounce"):
    with transaction():
        for email in emails:
            dead_addresses.declare(email, reason, None, clock.now())


def test_the_service_team_sees_dead_addresses_and_lifts_them(client, mail):
    training = mail.request.training
    other = make.training(make.cfa(name="CFA Voisin", email="commune@cfa.example"), email="formation@cfa.example")
    asked = make.candidate_request(training.cfa, email="zoe.lambert@courriel.example")
    quiet = make.cfa(email="muette@cfa.example")
    declare("formation@cfa.example", "zoe.lambert@courriel.example", "muette@cfa.example")
    counts(post(client, [event(mail)]))
    with transaction():
        asked.email_state = "dead"
    sign_in(client, make.service_member())
    home = visit(client, "/admin/", checked=False)
    assert "2 adresses de centres en erreur, sur 3 en tout" in home.text
    assert "1 sans aucune adresse, sur 3 centres" in home.text  # the one whose only address is dead
    page = visit(client, home.link("2 adresses de centres"), checked=False)
    row = next(each for each in page.all("tbody tr") if "formation@" in each.text)
    for cfa in (training.cfa, other.cfa):
        assert f"{cfa.shown_name} ({cfa.siret})" in row.text
    assert "zoe.lambert" not in page.html
    assert "z…@courriel.example" in page.text
    assert "L’adresse n’existe pas" in row.text
    shown = visit(client, "/admin/courriels/", checked=False)
    assert "Remis" in next(each for each in shown.all("tbody tr") if "Nouvelle demande" in each.text).text
    ids = [row.public_id for row in db.session.scalars(sa.select(DeadAddress)) if row.email != quiet.email]
    submit(client, page, form="actions", rowid=ids, checked=False)
    assert db.session.scalars(sa.select(DeadAddress.email)).all() == ["muette@cfa.example"]
    assert asked.email_state is None
    lines = db.session.execute(
        sa.select(AuditEntry.object_id, AuditEntry.data).where(AuditEntry.action == "dead_address.lifted")
    ).all()
    assert {line.object_id for line in lines} == set(ids)
    assert "@" not in str(lines)
    assert "Adresse en erreur : remise en service" in visit(client, "/admin/journal/", checked=False).text


def test_managers_see_which_colleague_is_told_nothing(app, client, time):
    cfa = make.cfa()
    manager, adviser = make.manager(cfa), make.adviser(cfa, email="bob@cfa.example")
    declare("bob@cfa.example")
    sign_in(client, manager)
    page = visit(client, "/equipe/membres")
    assert [each.text for each in page.all("tbody td") if "en erreur" in each.text] == [
        "bob@cfa.example Adresse en erreur"
    ]
    assert "Ces personnes ne sont prévenues de rien" in page.text
    sign_in(theirs := app.test_client(), adviser)
    assert "en erreur" not in visit(theirs, "/equipe/membres").text


@pytest.mark.parametrize(
    ("state", "phone", "words"),
    [
        ("dead", "+33199001234", "Adresse en erreur : appelez au 01 99 00 12 34"),
        ("dead", None, "sans numéro de téléphone"),
        ("doubtful", "+33199001234", "appelez au 01 99 00 12 34 pour la vérifier"),
    ],
)
@pytest.mark.sqlite_only  # words of a page
def test_the_doubt_stands_beside_the_address(client, time, state, phone, words):
    cfa = make.cfa()
    request = make.candidate_request(cfa, email="zoe@courriel.example", phone=phone, email_state=state)
    with transaction() as session:
        data = {"why": "hard_bounce", "to": "centre", "next": "managers"}
        session.add(RequestEvent(request_id=request.id, kind="mail_failed", actor="system", at=clock.now(), data=data))
    label = {"dead": "Adresse en erreur", "doubtful": "À vérifier"}[state]
    sign_in(client, make.manager(cfa))
    page = visit(client, f"/equipe/demandes/{request.public_id}")
    assert words in page.text
    assert "Demande non reçue à l’adresse du centre : les responsables sont prévenus" in page.text
    link = visit(client, links.answer(request))
    for each in (page, link):
        assert words in each.text
        assert f"zoe@courriel.example {label}" in each.text
