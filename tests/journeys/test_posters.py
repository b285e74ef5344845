"""Posters of a place and of a meeting: what they hold, where they lead, what came from each."""

import pytest
import sqlalchemy as sa

from rdv.db import db
from rdv.models import CandidateRequest
from tests import make
from tests.support.pages import sign_in, submit, visit


@pytest.fixture
def meeting(freeze):
    freeze("2026-11-23T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    return make.slot(make.adviser(cfa), site, starts_at="2026-12-01T14:00", capacity=8)


def only_source():
    return db.session.scalars(sa.select(CandidateRequest)).one().source


@pytest.mark.parametrize("name", ["", "salon-lille"])
def test_a_meeting_booked_from_its_poster_is_counted_there(app, client, meeting, name):
    sign_in(client, meeting.adviser)
    query = f"?nom={name}" if name else ""
    sheet = visit(client, f"/equipe/creneaux/{meeting.public_id}/affiche{query}")
    assert "venus de cette affiche : 0" in sheet.text
    assert sheet.one(".rdv-poster__code svg")
    address = sheet.one(".rdv-poster__address").text
    candidate = app.test_client()
    found = candidate.get(address.removeprefix(app.config["RDV"].public_url), follow_redirects=False)
    assert found.status_code == 302
    page = visit(candidate, found.headers["Location"])
    submit(candidate, page, first_name="Léa", last_name="Martin", email="lea@courriel.example")
    assert only_source() == (name or f"affiche-{meeting.public_id}")
    again = visit(client, f"/equipe/creneaux/{meeting.public_id}/affiche{query}")
    assert "venus de cette affiche : 1" in again.text


def test_the_poster_of_a_place_leads_to_its_centre_and_its_tag_follows_to_the_message(client, meeting):
    found = client.get(f"/a/{meeting.site.public_id}?source=porte-ouverte")
    assert found.headers["Location"] == f"/cfa/{meeting.cfa.public_id}?source=porte-ouverte"
    page = visit(client, found.headers["Location"])
    form = visit(client, page.link("Écrire au centre"))
    submit(client, form, first_name="Léa", last_name="Martin", email="lea@courriel.example", text="Bonjour")
    assert only_source() == "porte-ouverte"


@pytest.mark.parametrize("tag", ["Salon Lille", "a" * 41, "a--b", "lea@x.example", "%3Cb%3E", ""])
def test_a_tag_is_a_short_word_or_is_nothing(client, meeting, tag):
    page = visit(client, f"/rendez-vous/{meeting.public_id}?source={tag}")
    submit(client, page, first_name="Léa", last_name="Martin", email="lea@courriel.example")
    assert only_source() is None


def test_the_code_alone_is_a_file_and_another_centre_has_no_poster_here(app, client, meeting):
    sign_in(client, meeting.adviser)
    for path in (f"/equipe/creneaux/{meeting.public_id}/affiche", f"/equipe/lieux/{meeting.site.public_id}/affiche"):
        assert client.get(f"{path}?fichier=svg").data.startswith(b"<?xml")
        assert client.get(f"{path}?fichier=png").data.startswith(b"\x89PNG")
        assert client.get(f"{path}?fichier=exe").status_code == 404
        assert "écrivez ce nom en minuscules" in visit(client, f"{path}?nom=Salon+de+Lille").text.lower()
        stranger = app.test_client()
        sign_in(stranger, make.manager(make.cfa()))
        assert stranger.get(path).status_code == 404
    assert client.get("/a/inconnu").status_code == 404
