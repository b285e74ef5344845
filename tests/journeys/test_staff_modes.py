"""Modes of contact by place and by training, and how each member hears of requests."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from rdv import clock, inbox, modes
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import ModeClosed
from rdv.models import AuditEntry, Membership, Training
from tests import make
from tests.support.pages import SAME_SITE, sign_in, submit, visit

SETTINGS = "/equipe/reglages"


def public_ways(client: FlaskClient, training: Training) -> set[str]:
    page = visit(client, f"/formation/{training.public_id}")
    return {link.rsplit("/", 1)[1] for link in page.links("Être rappelé") + page.links("Écrire au centre")}


def test_the_nearest_choice_opens_or_shuts_a_mode(client: FlaskClient) -> None:
    cfa = make.cfa(message_open=False)
    site = make.site(cfa)
    training, other = make.training(cfa, site, title="BTS Fleuriste"), make.training(cfa, site)
    assert public_ways(client, training) == {"etre-rappele"}
    sign_in(client, make.manager(cfa))
    page = visit(client, f"{SETTINGS}/lieux/{site.public_id}")
    assert "Comme le centre (fermé aujourd’hui)" in page.text
    page = submit(client, page, callback="ferme", message="ouvert")
    assert "Être rappelé fermé, écrire un message ouvert" in page.text
    assert public_ways(client, training) == {"ecrire"}
    page = visit(client, f"{SETTINGS}/formations?q=fleuriste")
    page = visit(client, page.link("BTS Fleuriste"))
    assert "Comme son lieu (ouvert aujourd’hui)" in page.text
    page = submit(client, page, callback="ouvert", message="ferme")
    assert "Être rappelé ouvert, écrire un message fermé" in page.text
    assert public_ways(client, training) == {"etre-rappele"}
    assert public_ways(client, other) == {"ecrire"}, "one training alone"
    shut = client.get(f"/formation/{training.public_id}/ecrire")
    assert shut.status_code == 404
    assert "n’est pas ouvert ici" in shut.text
    entries = db.session.query(AuditEntry).filter_by(cfa_id=cfa.id).order_by(AuditEntry.id).all()
    assert [entry.action for entry in entries] == ["site.settings_changed", "training.settings_changed"]
    assert entries[1].data == {"callback": [None, True], "message": [None, False]}


def test_a_post_to_a_mode_that_was_shut_meanwhile_makes_no_request(app) -> None:
    cfa = make.cfa()
    training = make.training(cfa, make.site(cfa), message_open=False)
    asked = Candidate("Zoé", "Lambert", "zoe@courriel.example", None, text="Bonjour")
    assert modes.is_open("callback", cfa, None, training)
    with pytest.raises(ModeClosed), transaction():
        inbox.open_request("message", cfa, asked, Submission("a" * 24, "b"), clock.now(), training=training)


def test_only_managers_choose_and_only_in_their_centre(client: FlaskClient) -> None:
    cfa, foreign = make.cfa(), make.training(make.cfa())
    training = make.training(cfa, make.site(cfa))
    adviser = make.adviser(cfa)
    sign_in(client, adviser)
    token = visit(client, "/equipe/profil").fields(0)["csrf_token"][0]
    for path in (f"{SETTINGS}/formations", f"{SETTINGS}/formations/{training.public_id}"):
        visit(client, path, status=403)
    posted = {"csrf_token": token, "callback": "ferme", "message": "ferme"}
    assert client.post(f"{SETTINGS}/formations/{training.public_id}", data=posted, headers=SAME_SITE).status_code == 403
    assert training.callback_open is None
    other = app_client = client.application.test_client()
    sign_in(app_client, make.manager(cfa))
    visit(other, f"{SETTINGS}/formations/{foreign.public_id}", status=404)


def test_each_member_chooses_how_they_hear_of_requests(client: FlaskClient) -> None:
    cfa = make.cfa()
    manager, adviser = make.manager(cfa), make.adviser(cfa)

    def notices(person) -> str:
        return db.session.query(Membership.notices).filter_by(user_id=person.id).scalar()

    assert notices(adviser) == "digest"
    sign_in(client, adviser)
    page = visit(client, visit(client, "/equipe/profil").link("Choisir les courriels"))
    submit(client, page, notices="each")
    assert notices(adviser) == "each"
    visit(client, f"/equipe/membres/{manager.public_id}/courriels", status=403)
    other = client.application.test_client()
    sign_in(other, manager)
    page = visit(other, f"/equipe/membres/{adviser.public_id}")
    assert "Un courriel à chaque nouvelle demande" in page.text
    page = submit(other, visit(other, page.link("Changer ses courriels")), notices="late")
    assert notices(adviser) == "late"
    assert db.session.query(AuditEntry).filter_by(action="membership.notices_changed").count() == 2
    stranger = make.adviser(make.cfa())
    visit(other, f"/equipe/membres/{stranger.public_id}/courriels", status=404)


def test_the_five_steps_are_seen_done_one_by_one(client: FlaskClient, freeze) -> None:
    frozen = freeze("2026-11-24T09:00Z")
    cfa = make.cfa()
    site = make.site(cfa, address=None, postal_code=None, city=None)
    manager = make.manager(cfa)
    sign_in(client, manager)

    def left() -> int:
        page = visit(client, "/equipe/mise-en-route")
        return sum("À faire" in card.text for card in page.all("ol.rdv-flow li"))

    assert left() == 5
    assert "Mise en route : 0 étape sur 5" in visit(client, "/equipe").text
    with transaction():
        site.address, site.city, site.postal_code = "1 rue des Tilleuls", "Lille", "59000"
    assert left() == 4
    page = visit(client, "/equipe/mise-en-route")
    assert site.shown_name in page.text
    submit(client, visit(client, page.link("Remplir les horaires")), monday="9 h – 17 h")
    assert left() == 3
    slot = make.slot(make.adviser(cfa), site)
    assert left() == 2
    public = f"/cfa/{cfa.public_id}"
    visitor = client.application.test_client()
    for referrer in (f"http://localhost{public}", "http://localhost/", "pas une adresse", "https://x", None):
        visitor.get(public, headers={"Referer": referrer} if referrer else {})
    assert left() == 2, "our own pages prove nothing"
    visitor.get(public, headers={"Referer": "https://www.cfa-tilleuls.example/contact?nom=Zoe"})
    assert cfa.link_seen_host == "www.cfa-tilleuls.example"
    assert left() == 1
    assert "Visite venue de www.cfa-tilleuls.example le 24 novembre" in visit(client, "/equipe/mise-en-route").text
    first_seen = cfa.link_seen_at
    frozen.tick(hours=3)
    visitor.get(public, headers={"Referer": "https://autre.example/"})
    assert cfa.link_seen_at == first_seen, "kept once a day"
    page = visit(visitor, f"/rendez-vous/{slot.public_id}")
    submit(visitor, page, first_name="Alice", last_name="Martin", email=manager.email)
    assert left() == 0
    assert "votre centre est prêt" in visit(client, "/equipe/mise-en-route").text
    assert "Mise en route :" not in visit(client, "/equipe").text
    frozen.tick(days=100)
    sign_in(client, manager)
    assert left() >= 2, "a link not seen for three months, and no slot left, are steps again"
    assert timedelta(days=90) < clock.now() - first_seen
