"""The service team's pages: closed, in French, read-mostly, audited, without anything the CSP would block."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv import clock
from rdv.db import db
from rdv.jobs import JOBS
from rdv.mails import KINDS
from rdv.models import AuditEntry, Cfa, JobRun, OutgoingMail, OutgoingSms, Platform, User
from rdv.outbox import mail_row, sms_row
from rdv.texts import KINDS as TEXTS
from rdv.web.admin import words
from tests import make
from tests.support.browser import Client
from tests.support.pages import Page, sign_in, submit, visit

TABLES = (
    "centres", "lieux", "formations", "comptes", "rattachements", "demandes", "courriels", "adresses", "sms", "taches", "plateformes", "cles", "evenements", "envois", "journal",
)  # fmt: skip


@pytest.fixture
def service(app: Flask, client: Client) -> User:
    person = make.service_member()
    sign_in(client, person)
    return person


def seen(client: Client, url: str, status: int = 200) -> Page:
    """Flask-Admin's pages are not held to our lint, but to the CSP."""
    page = visit(client, url, status=status, checked=False)
    assert not re.search(r"\son\w+=|javascript:|\sstyle=|<style", page.html), url
    assert "http://" not in re.sub(r'<input type="hidden"[^>]*>', "", page.html.replace("http://localhost", ""))
    assert page.root.one("html").get("lang") == "fr"
    return page


def journal() -> list[tuple[str, str | None]]:
    rows = db.session.execute(sa.select(AuditEntry.action, AuditEntry.object_id).order_by(AuditEntry.id))
    return [(row.action, row.object_id) for row in rows if row.action.startswith(("admin.", "mail."))]


# -- who enters -----------------------------------------------------------------------------------------------------


def test_closed_to_everybody_else(app: Flask, client: Client) -> None:
    staff = app.test_client()
    sign_in(staff, make.manager(make.cfa()))
    for path in ("", "sante/", *(f"{name}/" for name in TABLES)):
        assert client.get(f"/admin/{path}").location == f"/connexion?next=/admin/{path}"
        assert staff.get(f"/admin/{path}").status_code == 404
        assert staff.post(f"/admin/{path}delete/").status_code in (400, 404)


def test_a_right_taken_away_closes_at_once(client: Client, service: User) -> None:
    seen(client, "/admin/")
    with make.writing():
        service.is_service_team = False
    assert client.get("/admin/").status_code == 404


def test_every_table_opens(client: Client, service: User) -> None:
    cfa = make.cfa()
    site = make.site(cfa)
    make.training(cfa, site)
    make.booking(make.slot(make.adviser(cfa), site))
    make.api_key()
    for name in TABLES:
        assert seen(client, f"/admin/{name}/").all("tbody tr")
        if name not in ("plateformes", "taches"):  # no search there
            assert "Rien à montrer" in seen(client, f"/admin/{name}/?search=introuvable").text


# -- what it shows --------------------------------------------------------------------------------------------------


def test_a_page_that_cannot_be_is_an_empty_or_a_first_one(client: Client, service: User) -> None:
    for number in ("-5", "99999999999999999999", "abc"):
        seen(client, f"/admin/centres/?page={number}")


def test_the_first_page_counts_what_needs_a_person(client: Client, service: User) -> None:
    unreachable, late = make.cfa(email=None), make.cfa()
    make.candidate_request(late, due_at=clock.now() - timedelta(hours=1))
    rows = [mail_row("booking_confirmed", "zoe@courriel.example", f"k{number}") for number in range(3)]
    with make.writing() as session:
        session.add_all(OutgoingMail(**row) for row in rows)
        session.add(JobRun(name="purge", slot=clock.now(), started_at=clock.now(), ok=False))
        session.flush()
        session.execute(sa.update(OutgoingMail).where(OutgoingMail.dedup_key == "k0").values(status="failed"))
    text = seen(client, "/admin/").text
    for said in ("1 courriel en échec", "2 en attente", "1 sans aucune adresse, sur 2 centres", "1 demande en retard"):
        assert said in " ".join(text.split()), said
    assert "Ménage" in text
    assert "Échouée" in text
    assert unreachable.id


def test_requests_and_mails_show_nobody(client: Client, service: User) -> None:
    cfa = make.cfa()
    request = make.candidate_request(cfa, text="Je voudrais savoir", first_name="Zoé", last_name="Lambert")
    with make.writing() as session:
        session.add(OutgoingMail(**mail_row("request_received", request.email or "", "k", request_id=request.id)))
    page = seen(client, "/admin/demandes/")
    assert request.reference in page.text
    for personal in ("Zoé", "Lambert", request.email, request.phone, "Je voudrais savoir"):
        assert str(personal) not in page.html
    mails = seen(client, "/admin/courriels/")
    assert "z…@courriel.example" in mails.text
    assert str(request.email) not in mails.html


# -- what it changes ------------------------------------------------------------------------------------------------


def test_choosing_a_contact_address_is_audited(client: Client, service: User) -> None:
    cfa = make.cfa(email="faux@cfa-tilleuls.example")
    url = f"/admin/centres/edit/?id={cfa.public_id}"
    submit(client, seen(client, url), chosen_email=" Vrai@CFA-tilleuls.example ", checked=False)
    assert (cfa.chosen_email, cfa.email) == ("vrai@cfa-tilleuls.example", "faux@cfa-tilleuls.example")
    assert journal() == [("admin.cfa.read", cfa.public_id), ("admin.cfa.changed", cfa.public_id)]
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "admin.cfa.changed")).one()
    assert entry.user_id == service.id
    assert "chosen_email" in entry.data["fields"]
    assert "vrai" not in str(entry.data)


def test_a_wrong_address_changes_nothing(client: Client, service: User) -> None:
    cfa = make.cfa(chosen_email="vrai@cfa-tilleuls.example")
    page = submit(
        client, seen(client, f"/admin/centres/edit/?id={cfa.public_id}"), chosen_email="pas une adresse", checked=False
    )
    assert "semble incorrecte" in page.text
    assert cfa.chosen_email == "vrai@cfa-tilleuls.example"


def test_closing_and_opening_a_centre(client: Client, service: User) -> None:
    cfa = make.cfa()
    url = f"/admin/centres/edit/?id={cfa.public_id}"
    submit(client, seen(client, url), is_closed="y", checked=False)
    assert cfa.closed_at is not None
    submit(client, seen(client, url), is_closed=None, checked=False)
    assert cfa.closed_at is None


def test_opening_personal_data_is_audited(client: Client, service: User) -> None:
    cfa, person = make.cfa(), make.user()
    seen(client, f"/admin/centres/details/?id={cfa.public_id}")
    seen(client, f"/admin/comptes/details/?id={person.public_id}")
    assert journal() == [("admin.cfa.read", cfa.public_id), ("admin.user.read", person.public_id)]


def test_nobody_changes_their_own_rights(client: Client, service: User) -> None:
    page = submit(
        client, seen(client, f"/admin/comptes/edit/?id={service.public_id}"), is_service_team=None, checked=False
    )
    assert "vos propres droits" in page.text
    assert service.is_service_team


def test_closing_an_account(client: Client, service: User) -> None:
    person = make.user()
    submit(client, seen(client, f"/admin/comptes/edit/?id={person.public_id}"), active=None, checked=False)
    assert not person.active


def test_a_platform_comes_and_goes(client: Client, service: User) -> None:
    page = submit(client, seen(client, "/admin/plateformes/new/"), code="essai", name="Essai", url="", checked=False)
    assert "essai" in page.text
    form = next(form for form in page.all("form[data-confirm]") if "essai" in form.get("data-confirm"))
    values = {node.get("name"): node.get("value") for node in form.all("input")}
    without = client.post("/admin/plateformes/delete/", data={**values, "csrf_token": ""})
    assert without.status_code == 400
    client.post("/admin/plateformes/delete/", data=values)
    assert db.session.scalar(sa.select(Platform).where(Platform.code == "essai")) is None
    assert journal() == [("admin.platform.created", "essai"), ("admin.platform.deleted", "essai")]


def test_a_platform_in_use_stays(client: Client, service: User) -> None:
    platform = make.platform("lba")
    make.candidate_request(make.cfa(), platform_id=platform.id)
    page = seen(client, "/admin/plateformes/")
    form = next(form for form in page.all("form[data-confirm]") if "lba" in form.get("data-confirm"))
    values = {node.get("name"): node.get("value") for node in form.all("input")}
    answer = client.post("/admin/plateformes/delete/", data=values, follow_redirects=True)
    assert "quelque chose s’en sert encore" in answer.get_data(as_text=True)
    assert make.platform("lba")
    assert journal() == []


def test_failed_mails_are_sent_again(client: Client, service: User) -> None:
    with make.writing() as session:
        session.add_all(
            OutgoingMail(**{**mail_row("personal_link", "zoe@courriel.example", key), "status": status})
            for key, status in (("a", "failed"), ("b", "sent"))
        )
    page = seen(client, "/admin/courriels/")
    keys = [node.get("value") for node in page.all("input[name=rowid]")]
    submit(client, page, form="actions", rowid=keys, checked=False)
    statuses = dict(db.session.execute(sa.select(OutgoingMail.dedup_key, OutgoingMail.status)).all())
    assert statuses == {"a": "pending", "b": "sent"}
    assert [action for action, _ in journal()] == ["mail.retried"]


def test_failed_text_messages_are_seen_and_sent_again(client: Client, service: User) -> None:
    request = make.candidate_request(make.cfa(), phone="+33639980001")
    with make.writing() as session:
        session.add_all(
            OutgoingSms(**{**sms_row("cancelled", "+33639980001", key, request_id=request.id), "status": status})
            for key, status in (("a", "failed"), ("b", "sent"))
        )
    page = seen(client, seen(client, "/admin/").link("SMS en échec"))
    assert "… 00 01" in page.text
    assert "39 98" not in page.text
    keys = [node.get("value") for node in page.all("input[name=rowid]")]
    submit(client, page, form="actions", rowid=keys, checked=False)
    statuses = dict(db.session.execute(sa.select(OutgoingSms.dedup_key, OutgoingSms.status)).all())
    assert statuses == {"a": "pending", "b": "sent"}
    assert "SMS\u00a0: renvoyé" in words.act("sms.retried")


def test_every_text_message_has_a_word() -> None:
    assert set(TEXTS) == set(words.TEXTS)


def test_what_may_not_be_changed_has_no_form(client: Client, service: User) -> None:
    for path in ("lieux/edit", "journal/edit", "centres/new", "demandes/new", "demandes/details", "courriels/edit"):
        assert client.get(f"/admin/{path}/?id=1").status_code == 302


def test_what_may_not_be_deleted_stays(client: Client, service: User) -> None:
    cfa = make.cfa()
    token = seen(client, "/admin/").all("input[name=csrf_token]")[0].get("value")
    for path in ("centres", "lieux", "comptes", "courriels", "journal", "demandes"):
        client.post(f"/admin/{path}/delete/", data={"id": cfa.public_id, "csrf_token": token})
        data = {"rowid": cfa.public_id, "action": "delete", "csrf_token": token}
        client.post(f"/admin/{path}/action/", data=data)
    assert db.session.scalar(sa.select(Cfa).where(Cfa.id == cfa.id)) is not None


def test_codes_are_said_in_french(client: Client, service: User) -> None:
    source = "".join(path.read_text() for path in Path("rdv").rglob("*.py"))
    actions = set(re.findall(r'(?:audit\.record|_record)\(\s*"([a-z_]+\.[a-z_]+)"', source))
    assert len(actions) > 15
    for action in actions:
        said = words.act(action)
        assert not re.search("[_.]", said), said
        noun, _, verb = action.partition(".")
        assert words.noun(noun) != noun
        assert not said.endswith(f": {verb}"), said
    assert words.facts({"scope": "adviser", "changes": {"callback_open": [True, False]}}) == (
        "étendue\u00a0: conseiller, changements\u00a0: être rappelé oui / non"
    )
    assert set(words.MAILS) == set(KINDS)
    assert {job.name for job in JOBS} <= set(words.JOBS)
    cfa = make.cfa()
    seen(client, f"/admin/centres/details/?id={cfa.public_id}")
    assert "Centre : consulté (par le service)" in seen(client, "/admin/journal/").text
