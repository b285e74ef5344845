"""The pages of a candidate in a frame of another site: who may frame them, and what follows from page to page."""

import re

import pytest

from rdv.models import CfaDomain, Platform
from tests import make
from tests.support.pages import visit

NOW = "2026-11-23T08:00Z"


@pytest.fixture
def training(freeze):
    freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa)
    training = make.training(cfa, site)
    make.slot(make.adviser(cfa), site, starts_at="2026-12-01T14:00", capacity=4)
    return training


def make_platform(code, **columns):
    return make.saved(Platform(code=code, name="Essai", **columns))


def ancestors(answer):
    return re.search(r"frame-ancestors ([^;]*)", answer.headers["Content-Security-Policy"])[1]


def test_only_the_origins_of_the_platform_may_frame(client, training):
    make_platform("essai", origins=["https://www.essai.example", "https://b.example; script-src *"])
    page = f"/formation/{training.public_id}"
    framed = client.get(f"{page}?origine=essai&cadre=1")
    assert ancestors(framed) == "'self' https://www.essai.example"
    assert framed.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in framed.headers
    for query in ("", "?origine=essai", "?cadre=1", "?origine=inconnue&cadre=1"):
        assert ancestors(client.get(page + query)) == "'none'"
    assert ancestors(client.get("/connexion?origine=essai&cadre=1")) == "'none'"


def test_a_platform_switched_off_frames_nothing(client, training):
    make_platform("essai", origins=["https://www.essai.example"], active=False)
    assert ancestors(client.get(f"/formation/{training.public_id}?origine=essai&cadre=1")) == "'none'"


def test_the_site_of_a_centre_frames_its_own_pages_alone(client, training):
    make.saved(CfaDomain(cfa_id=training.cfa.id, host="www.cfa.example"))
    other = make.cfa()
    stranger = make.training(other, make.site(other))
    own = client.get(f"/formation/{training.public_id}?origine=cfa&cadre=1")
    assert ancestors(own) == "'self' https://www.cfa.example"
    assert ancestors(client.get(f"/formation/{stranger.public_id}?origine=cfa&cadre=1")) == "'none'"


def test_from_the_training_to_the_confirmed_meeting_the_frame_follows(client, training, freeze):
    make_platform("essai", origins=["https://www.essai.example"])
    page = visit(client, f"/formation/{training.public_id}?origine=essai&cadre=1")
    assert not page.all("header")
    form = visit(client, page.one("a.rdv-slot").attributes["href"])
    freeze("2026-11-23T08:01Z")
    data = {
        "form_token": form.fields()["form_token"][0],
        "first_name": "Léa",
        "last_name": "Martin",
        "email": "lea@exemple.example",
    }
    target = form.form().attributes["action"]
    sent = client.post(target, data=data, headers={"Sec-Fetch-Site": "same-origin"})
    assert sent.status_code == 303, sent.text
    assert "cadre=1" in sent.headers["Location"]
    assert "origine=essai" in sent.headers["Location"]
    done = client.get(sent.headers["Location"])
    assert "Rendez-vous confirmé" in done.text
    assert ancestors(done) == "'self' https://www.essai.example"
    assert "Set-Cookie" not in done.headers
    assert "Set-Cookie" not in sent.headers


@pytest.fixture
def own(training):
    make.saved(CfaDomain(cfa_id=training.cfa.id, host="www.cfa.example"))
    return training


def test_on_the_site_of_a_centre_every_page_of_the_way_may_be_framed(client, own, freeze):
    page = visit(client, f"/formation/{own.public_id}?origine=cfa&cadre=1")
    form = visit(client, page.one("a.rdv-slot").attributes["href"])
    freeze("2026-11-23T08:01Z")
    target = form.form().attributes["action"]
    data = {"form_token": form.fields()["form_token"][0], "first_name": "", "last_name": "Martin"}
    same = {"Sec-Fetch-Site": "same-origin"}
    refused = client.post(target, data=data, headers=same)
    assert refused.status_code == 422
    assert ancestors(refused) == "'self' https://www.cfa.example"
    sent = client.post(target, data=data | {"first_name": "Léa", "email": "lea@exemple.example"}, headers=same)
    assert "fait=reserve" in sent.headers["Location"]
    done = visit(client, sent.headers["Location"])
    script = done.one("#rdv-frame").attributes
    assert (script["data-done"], script["data-origins"]) == ("reserve", "https://www.cfa.example")
    for way in ("Déplacer ce rendez-vous", "Annuler ce rendez-vous"):
        assert ancestors(client.get(done.link(way))) == "'self' https://www.cfa.example"
    # The same person for the same seat: an answer that has no page of its own.
    again = visit(client, page.one("a.rdv-slot").attributes["href"])
    token = again.fields()["form_token"][0]
    freeze("2026-11-23T08:02Z")
    twice = data | {"form_token": token, "first_name": "Léa", "email": "lea@exemple.example"}
    told = client.post(target, data=twice, headers=same)
    assert told.status_code == 409
    assert ancestors(told) == "'self' https://www.cfa.example"
    assert f"/renvoyer-mon-lien?cadre=1&amp;origine=cfa&amp;centre={own.cfa.public_id}" in told.text


def test_a_page_of_no_centre_is_framed_by_the_site_that_one_comes_from(client, own):
    for path in ("/renvoyer-mon-lien", "/", "/donnees-personnelles"):
        said = f"{path}?origine=cfa&cadre=1"
        assert ancestors(client.get(said)) == "'none'"
        assert ancestors(client.get(f"{said}&centre={own.cfa.public_id}")) == "'self' https://www.cfa.example"
        assert ancestors(client.get(f"{said}&centre=inconnu")) == "'none'"
    other = make.cfa()
    stranger = make.training(other, make.site(other))
    crossed = f"/formation/{stranger.public_id}?origine=cfa&cadre=1&centre={own.cfa.public_id}"
    assert ancestors(client.get(crossed)) == "'none'"
    assert ancestors(client.get(f"/connexion?origine=cfa&cadre=1&centre={own.cfa.public_id}")) == "'none'"


def test_what_was_done_is_told_by_a_word_of_ours_alone(client, training):
    make_platform("essai", origins=["https://www.essai.example"])
    page = f"/formation/{training.public_id}?origine=essai&cadre=1&fait=%22%3E<b>"
    assert visit(client, page).one("#rdv-frame").attributes["data-done"] == ""
    assert not visit(client, f"/formation/{training.public_id}").all("#rdv-frame")
