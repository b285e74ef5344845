"""« Calendriers »: an address shown once, changed, retired."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv.db import db
from rdv.models import AuditEntry, CalendarFeed, Cfa, Membership, User
from tests import make
from tests.support.browser import Client
from tests.support.frozen import FrozenClock
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
    assert page.links("Ouvrir dans mon application") == ["webcal" + page.one("#adresse").text.removeprefix("http")]
    assert app.test_client().get(url).status_code == 200
    after = visit(client, "/equipe/calendriers")
    assert secret not in after.html
    assert secret not in caplog.text
    assert "Tous ceux du centre" in after.text
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


def test_every_way_to_subscribe_is_offered_with_its_delay(client: Client, adviser: User) -> None:
    sign_in(client, adviser)
    page = new_feed(client, name="Agenda & Cie")
    url = page.one("#adresse").text
    webcal = "webcal" + url.removeprefix("http")
    assert page.links("Ajouter à Google Agenda") == [
        f"https://calendar.google.com/calendar/r?cid={quote(webcal, safe='')}"
    ]
    for label, host in (("Microsoft 365", "outlook.office.com"), ("Outlook.com", "outlook.live.com")):
        (found,) = page.links(label)
        asked = parse_qs(urlsplit(found).query)
        assert urlsplit(found).netloc == host
        assert (asked["url"], asked["name"]) == ([url], ["RDV Apprentissage – Agenda & Cie"])
    assert len(url) < 120  # Google refuses more than 256 characters, silently
    outside = [link for link in page.all("main a") if not link.get("href").startswith("/")]
    assert len(outside) == 4
    for link in outside:
        assert link.get("rel") == "noreferrer noopener"  # the address tells nobody where it was found
    for delay in ("souvent 8 à 12 heures, parfois 24", "3 heures environ, parfois 24", "de 5 minutes à une semaine"):
        assert delay in page.text
    code = page.one(".rdv-qr img")
    assert code.get("src").startswith("data:image/svg+xml")
    assert code.get("alt")


def test_does_it_work_is_answered(
    client: Client, app: Flask, adviser: User, freeze: Callable[[str], FrozenClock]
) -> None:
    clock = freeze("2026-11-24T08:00Z")
    sign_in(client, adviser)
    url = address(new_feed(client))
    feed = db.session.scalars(sa.select(CalendarFeed)).one()
    page = visit(client, f"/equipe/calendriers/{feed.public_id}")
    assert "Aucune application ne l’a encore lu" in page.text
    assert "Prochain rendez-vous montré Aucun" in " ".join(page.text.split())
    make.booking(make.slot(adviser, make.site(feed.cfa), starts_at="2026-12-01T14:00"))
    app.test_client().get(url, headers={"User-Agent": "Mozilla/5.0 Thunderbird/153.7.0"})
    clock.tick(minutes=20)
    page = visit(client, f"/equipe/calendriers/{feed.public_id}")
    assert "Oui, ce calendrier est lu Dernière lecture il y a 20 min, par Thunderbird" in " ".join(page.text.split())
    assert "Mardi 1er décembre à 14 h" in page.text
    assert "1 élément, 1 ko" in page.text
    clock.tick(hours=2)
    assert "Plus aucune lecture récente" in visit(client, f"/equipe/calendriers/{feed.public_id}").text


def test_what_a_calendar_shows_is_changed_and_its_address_stays(
    client: Client, app: Flask, adviser: User, cfa: Cfa
) -> None:
    gare = make.site(cfa, name="Site de la Gare")
    sign_in(client, adviser)
    url = address(new_feed(client))
    before = app.test_client().get(url).headers["ETag"]
    feed = db.session.scalars(sa.select(CalendarFeed)).one()
    page = visit(client, f"/equipe/calendriers/{feed.public_id}")
    refused = submit(client, page, form="Enregistrer", name="", status=400)
    assert "Donnez un nom" in " ".join(refused.errors)
    after = submit(
        client, page, form="Enregistrer", name="Bureau", scope=f"site:{gare.public_id}", beside=["due", "closures"]
    )
    assert "Le calendrier est modifié" in after.text
    assert (feed.scope, feed.site_id, feed.name) == ("site", gare.id, "Bureau")
    assert (feed.shows_due, feed.shows_closures, feed.shows_free, feed.shows_cancelled) == (True, True, False, False)
    answer = app.test_client().get(url)
    assert (answer.status_code, answer.headers["ETag"] != before) == (200, True)
    assert after.fields("Enregistrer")["scope"] == [f"site:{gare.public_id}"]
    assert "Tous ceux de Site de la Gare" in visit(client, "/equipe/calendriers").text


def test_only_who_works_in_several_centres_may_follow_them_all(client: Client, adviser: User, cfa: Cfa) -> None:
    sign_in(client, adviser)
    choices = visit(client, "/equipe/calendriers").all("select[name=scope] option")
    assert [option.get("value") for option in choices] == ["me", "cfa"]
    make.saved(Membership(user_id=adviser.id, cfa_id=make.cfa().id, role="adviser"))
    submit(client, visit(client, "/equipe/changer-de-centre"), form=cfa.shown_name, button="Choisir")
    new_feed(client, scope="everywhere")
    assert "Les miens, dans tous mes centres" in visit(client, "/equipe/calendriers").text
    assert db.session.scalars(sa.select(CalendarFeed)).one().cfa_id is None


def test_the_public_calendar_is_given_too(client: Client, app: Flask, adviser: User) -> None:
    sign_in(client, adviser)
    url = visit(client, "/equipe/calendriers").one("#creneaux-libres-adresse").text
    assert app.test_client().get("/" + url.split("/", 3)[3]).status_code == 200


def test_invitations_are_asked_for_in_the_profile(client: Client, adviser: User) -> None:
    sign_in(client, adviser)
    page = visit(client, visit(client, "/equipe/calendriers").link("Choisissez-le dans votre profil"))
    assert "invitations" not in page.fields("Enregistrer")
    page = submit(client, page, form="Enregistrer", invitations="y")
    assert adviser.invitations_since is not None
    since = adviser.invitations_since
    page = submit(client, page, form="Enregistrer", last_name="Garnier-Roux")
    assert adviser.invitations_since == since  # another change of the profile leaves it as it is
    submit(client, page, form="Enregistrer", invitations=None)
    assert adviser.invitations_since is None


def test_signed_out_goes_to_sign_in(client: Client) -> None:
    assert client.get("/equipe/calendriers").location == "/connexion?next=/equipe/calendriers"
