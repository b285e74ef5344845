"""« Calendriers »: an address shown once, changed, retired."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv.db import db
from rdv.models import AuditEntry, CalendarFeed, Cfa, User
from tests import make
from tests.support.browser import Client
from tests.support.pages import Page, sign_in, submit, visit


@pytest.fixture
def cfa(app: Flask) -> Cfa:
    return make.cfa()


@pytest.fixture
def adviser(cfa: Cfa) -> User:
    make.site(cfa)
    return make.adviser(cfa)


def new_feed(client: Client, **fields: str) -> Page:
    return submit(
        client, visit(client, "/equipe/calendriers"), form="Créer l’adresse", **{"name": "Téléphone", **fields}
    )


def address(page: Page) -> str:
    found = page.one("#adresse").text
    assert found.startswith("http://")
    return "/" + found.split("/", 3)[3]


def test_an_address_is_shown_once(client: Client, app: Flask, adviser: User, caplog: pytest.LogCaptureFixture) -> None:
    sign_in(client, adviser)
    with caplog.at_level(logging.DEBUG):
        page = new_feed(client, scope="cfa", detail="full")
    url = address(page)
    secret = url.removeprefix("/flux/").removesuffix(".ics")
    assert page.path == "/equipe/calendriers"  # the answer to the POST itself: no address of ours holds the secret
    assert page.response.headers["Cache-Control"] == "no-store"
    assert page.links("Ouvrir dans l’application") == ["webcal" + page.one("#adresse").text.removeprefix("http")]
    assert app.test_client().get(url).status_code == 200
    after = visit(client, "/equipe/calendriers")
    assert secret not in after.html
    assert secret not in caplog.text
    assert "Les rendez-vous de tout le centre" in after.text
    assert "Nom et formation" in after.text
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert secret not in cookie.value
    assert secret not in str(db.session.scalars(sa.select(AuditEntry.data)).all())


def test_the_form_says_what_is_missing(client: Client, adviser: User) -> None:
    sign_in(client, adviser)
    page = visit(client, "/equipe/calendriers")
    refused = submit(client, page, form="Créer l’adresse", name="  ", scope="cfa", status=400)
    assert "Donnez un nom" in " ".join(refused.errors)
    assert refused.fields("Créer l’adresse")["scope"] == ["cfa"]
    assert not db.session.scalars(sa.select(CalendarFeed)).all()


def test_another_address_replaces_the_former(client: Client, app: Flask, adviser: User) -> None:
    sign_in(client, adviser)
    former = address(new_feed(client))
    page = submit(client, visit(client, "/equipe/calendriers"), form="renouveler")
    assert app.test_client().get(former).status_code == 404
    assert app.test_client().get(address(page)).status_code == 200


def test_a_retired_address_stops(client: Client, app: Flask, adviser: User) -> None:
    sign_in(client, adviser)
    url = address(new_feed(client))
    page = submit(client, visit(client, "/equipe/calendriers"), form="retirer")
    assert "Aucun calendrier" in page.text
    assert app.test_client().get(url).status_code == 404


def test_last_reading_is_said(client: Client, app: Flask, adviser: User) -> None:
    sign_in(client, adviser)
    url = address(new_feed(client))
    assert "Pas encore lu" in visit(client, "/equipe/calendriers").text
    app.test_client().get(url, headers={"User-Agent": "Google-Calendar-Importer"})
    assert "par Google Agenda" in visit(client, "/equipe/calendriers").text


def test_a_colleague_cannot_touch_it(client: Client, app: Flask, adviser: User, cfa: Cfa) -> None:
    sign_in(client, adviser)
    new_feed(client)
    feed = db.session.scalars(sa.select(CalendarFeed)).one()
    other = app.test_client()
    sign_in(other, make.manager(cfa))
    page = new_feed(other)
    token = visit(other, "/equipe/calendriers").fields("retirer")["csrf_token"]
    for act in ("renouveler", "retirer"):
        answer = other.post(f"/equipe/calendriers/{feed.public_id}/{act}", data={"csrf_token": token})
        assert answer.status_code == 404
    assert feed.revoked_at is None
    assert feed.generation == 1
    assert page.status == 200


def test_signed_out_goes_to_sign_in(client: Client) -> None:
    assert client.get("/equipe/calendriers").location == "/connexion?next=/equipe/calendriers"
