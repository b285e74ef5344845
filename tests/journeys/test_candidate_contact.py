"""A candidate asks to be called back, or writes."""

import pytest
import sqlalchemy as sa

from rdv.db import db, transaction
from rdv.models import CandidateRequest, Cfa, OutgoingMail, RequestEvent
from tests import make
from tests.support.pages import SAME_SITE, submit, visit

NOW = "2026-11-23T08:00Z"
LINA = {"first_name": "Lina", "last_name": "Martin"}
MODES = {
    "etre-rappele": {**LINA, "phone": "06 12 34 56 78"},
    "ecrire": {**LINA, "email": "lina@courriel.example", "text": "Reste-t-il des places ?"},
}


def count(model, *conditions):
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions))


def only_request():
    return db.session.scalars(sa.select(CandidateRequest)).one()


@pytest.fixture
def training(app, freeze):
    freeze(NOW)
    cfa = make.cfa(name="CFA des Tilleuls")
    return make.training(cfa, make.site(cfa))


def test_ask_to_be_called_back(client, training):
    page = visit(client, f"/formation/{training.public_id}?origine=affelnet")
    page = visit(client, page.link("Être rappelé"))
    assert "au plus tard mercredi 25 novembre à 17 h" in page.text
    done = submit(client, page, **MODES["etre-rappele"], windows=["matin", "soir"], reasons=["frais"])
    assert done.h1 == "Votre demande de rappel est envoyée"
    assert "Réponse attendue avant mercredi 25 novembre à 17 h." in done.text
    assert "Le centre vous appellera au 06 12 34 56 78" in done.text
    request = only_request()
    assert (request.mode, request.status, request.phone, request.email) == ("callback", "new", "+33612345678", None)
    assert (request.callback_windows, request.reasons) == (["matin", "soir"], ["frais"])
    assert (request.platform.code, request.training, request.site) == ("affelnet", training, training.sites[0])
    kinds = db.session.scalars(sa.select(OutgoingMail.kind)).all()
    assert kinds == ["cfa_new_request"]


def test_write_to_a_centre(client, training):
    page = visit(client, visit(client, f"/cfa/{training.cfa.public_id}").link("Écrire au centre"))
    assert "N’indiquez pas d’information de santé" in page.text
    done = submit(client, page, **MODES["ecrire"], quoted=["Reste-t-il des places ?"])
    assert done.h1 == "Votre demande est envoyée"
    assert "Reste-t-il des places ?" in done.text
    request = only_request()
    assert (request.mode, request.text, request.training) == ("message", "Reste-t-il des places ?", None)
    kinds = set(db.session.scalars(sa.select(OutgoingMail.kind)))
    assert kinds == {"request_received", "cfa_new_request"}


def test_the_notice_stands_beside_the_submit(client, training):
    for mode in MODES:
        page = visit(client, f"/formation/{training.public_id}/{mode}")
        for words in ("CFA des Tilleuls", "12 mois", "Responsable", "effacer"):
            assert words in page.one("form").text
        assert page.one("form").one('a[href="/donnees-personnelles"]')


def test_a_callback_needs_a_phone_and_a_message_words(client, training):
    page = visit(client, f"/formation/{training.public_id}/etre-rappele")
    again = submit(client, page, status=422, **LINA, email="lina@courriel.example")
    assert "le numéro où le centre peut vous rappeler" in again.one("#phone-error").text
    page = visit(client, f"/formation/{training.public_id}/ecrire")
    again = submit(client, page, status=422, **LINA, email="lina@courriel.example")
    assert "Écrivez votre message" in again.one("#text-error").text
    again = submit(client, again, status=422, email="", text="Bonjour")
    assert "adresse électronique ou un numéro" in again.one("#email-error").text
    assert count(CandidateRequest) == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_closed_mode_offers_the_page(client, training, mode):
    path = f"/formation/{training.public_id}/{mode}"
    page = visit(client, path)
    column = "callback_open" if mode == "etre-rappele" else "message_open"
    with transaction() as session:
        session.execute(sa.update(Cfa).values({column: False}))
    for answer in (visit(client, path, status=404), submit(client, page, status=404, **MODES[mode])):
        assert answer.link("Voir ce que propose le centre") == f"/formation/{training.public_id}"
    assert count(CandidateRequest) == 0


@pytest.mark.parametrize("mode", MODES)
def test_the_same_form_twice(client, training, mode):
    page = visit(client, f"/formation/{training.public_id}/{mode}")
    quoted = ["Reste-t-il des places ?"]
    first = submit(client, page, **MODES[mode], quoted=quoted)
    assert submit(client, page, **MODES[mode], quoted=quoted).h1 == first.h1
    again = submit(client, page, status=409, **{**MODES[mode], "first_name": "Tom"})
    assert "déjà été envoyé" in " ".join(again.errors)
    assert again.fields()["first_name"] == ["Tom"]
    assert (count(CandidateRequest), count(RequestEvent)) == (1, 1)
    submit(client, again, quoted=quoted)
    assert count(CandidateRequest) == 2


@pytest.mark.parametrize("mode", MODES)
def test_what_protects_the_form(client, training, freeze, change_settings, mode):
    clock = freeze(NOW)
    path = f"/formation/{training.public_id}/{mode}"
    page = visit(client, path)
    data = {**page.fields(), **MODES[mode]}
    assert client.post(path, data=data, headers={**SAME_SITE, "Sec-Fetch-Site": "cross-site"}).status_code == 400
    assert submit(client, page, status=400, **MODES[mode], site_web="x").errors
    clock.tick(hours=5)
    again = submit(client, page, status=400, **MODES[mode])
    assert again.fields()["last_name"] == ["Martin"]
    change_settings(limit_posts_per_cfa=0)
    assert submit(client, again, status=429).fields()["last_name"] == ["Martin"]
    assert count(CandidateRequest) == 0
    assert "Set-Cookie" not in client.get(path).headers


def test_a_message_token_does_not_ask_for_a_call(client, training):
    message = visit(client, f"/formation/{training.public_id}/ecrire")
    token = message.fields()["form_token"][0]
    path = f"/formation/{training.public_id}/etre-rappele"
    answer = client.post(path, data={**MODES["etre-rappele"], "form_token": token}, headers=SAME_SITE)
    assert answer.status_code == 400
    assert count(CandidateRequest) == 0
