"""What the button asks and loads, from the page of any site."""

import gzip
from pathlib import Path
from urllib.parse import urlencode

import pytest

from rdv.models import CfaDomain, Platform, PlatformConsent
from rdv.web.public import script
from tests import make
from tests.support.pages import visit
from tests.support.queries import queries

NOW = "2026-11-23T08:00Z"
MOST = 14  # statements for one button, whatever the centre holds
PUBLISHED = {
    1: "sha384-VA+pc4tUo6GLwNPypDWTaudk9QXQI6oWv+1r4l4SCRZA4WLfk9QxcJUcXFXhApb+"
}  # never change a line of this: copy the script to the next number


@pytest.fixture
def training(freeze):
    freeze(NOW)
    cfa = make.cfa(callback_open=False, message_open=False)
    site = make.site(cfa)
    found = make.training(cfa, site, parcoursup_id="12345", affelnet_id="A1")
    for hour in ("14:00", "15:00"):
        make.slot(make.adviser(cfa), site, starts_at=f"2026-11-24T{hour}")
    return found


@pytest.fixture
def platform(app):
    return make.saved(Platform(code="essai", name="Essai", origins=["https://www.essai.example"]))


def asked(client, query):
    answer = client.get(f"/api/v1/button?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_button_says_the_next_slot_and_where_it_leads(client, training, platform):
    home = client.application.config["RDV"].public_url
    page = f"{home}/formation/{training.public_id}?origine=essai"
    assert asked(client, "parcoursup=12345&origine=essai") == {
        "bookable": True,
        "label": "Prendre rendez-vous",
        "next_slot": "Prochain créneau\u00a0: demain à\u00a014\u00a0h",
        "url": page,
        "frame_url": f"{page}&cadre=1",
    }
    key = training.training_key.replace("#", "%23")
    assert asked(client, f"cle={key}&origine=essai")["url"] == page
    alone = asked(client, "affelnet=A1")
    assert alone["url"] == f"{home}/formation/{training.public_id}"
    assert alone["frame_url"] is None  # no page that we know may frame it


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-24T06:00Z", "aujourd’hui à\u00a014\u00a0h"),
        ("2026-11-19T12:00Z", "mardi\u00a014\u00a0h"),
        ("2026-11-17T12:00Z", "mardi\u00a024\u00a0novembre à\u00a014\u00a0h"),  # « mardi » would be read as today
    ],
)
def test_a_day_is_named_so_that_it_means_one_date(client, training, freeze, now, words):
    freeze(now)
    assert asked(client, "parcoursup=12345")["next_slot"] == f"Prochain créneau\u00a0: {words}"


def test_the_hour_is_that_of_the_place(client, freeze):
    freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa, timezone="Indian/Reunion")
    make.training(cfa, site, parcoursup_id="974")
    make.slot(make.adviser(cfa), site, starts_at="2026-11-24T14:00")
    said = asked(client, "parcoursup=974")["next_slot"]
    assert said == "Prochain créneau\u00a0: demain à\u00a014\u00a0h (heure de La Réunion)"


def test_nothing_is_bookable_behind_what_is_unknown_closed_or_refused(client, training, platform):
    nothing = {"bookable": False, "label": "Prendre rendez-vous", "next_slot": None, "url": None, "frame_url": None}
    assert asked(client, "parcoursup=99&origine=essai") == nothing
    refused = make.saved(Platform(code="surdemande", name="Sur demande", life_cycle="opt_out"))
    assert asked(client, "parcoursup=12345&origine=surdemande") == nothing
    make.saved(PlatformConsent(cfa_id=training.cfa_id, platform_id=refused.id, state="active"))
    assert asked(client, "parcoursup=12345&origine=surdemande")["bookable"]
    make.training(training.cfa, *training.sites, parcoursup_id="555", published=False)
    assert asked(client, "parcoursup=555") == nothing


def test_the_site_of_a_centre_gets_a_frame_once_it_said_its_domains(client, training):
    own = make.platform("cfa")
    make.saved(PlatformConsent(cfa_id=training.cfa_id, platform_id=own.id, state="active"))
    assert not asked(client, "parcoursup=12345&origine=cfa")["bookable"]
    make.saved(CfaDomain(cfa_id=training.cfa_id, host="www.cfa.example"))
    assert asked(client, "parcoursup=12345&origine=cfa")["frame_url"].endswith("?origine=cfa&cadre=1")


def test_an_identifier_that_means_several_trainings_leads_to_a_choice(client, training, platform):
    twin = make.training(training.cfa, *training.sites, parcoursup_id="12345", title="BTS Jumeau")
    found = asked(client, "parcoursup=12345&origine=essai")
    assert found["bookable"]
    assert found["frame_url"] is None
    assert found["url"].endswith("/formation?parcoursup=12345&origine=essai")
    assert twin.shown_title in client.get("/formation?parcoursup=12345&origine=essai").text


def test_any_page_reads_the_answer_without_cookie_and_keeps_it_a_minute(client, training, platform):
    address = "/api/v1/button?parcoursup=12345&origine=essai"
    answer = client.get(address, headers={"Origin": "https://ailleurs.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, max-age=60, stale-while-revalidate=600"
    assert "Set-Cookie" not in answer.headers
    same = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304
    assert same.headers["Access-Control-Allow-Origin"] == "*"
    for query in ("", "siret=12345678901234", "origine=essai"):
        refused = client.get(f"/api/v1/button?{query}")
        assert refused.status_code == 400
        assert refused.mimetype == "application/problem+json"
        assert "identifiant" in refused.json["detail"]
        assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_a_button_costs_few_statements_however_many_the_trainings(client, training, platform):
    address = "/api/v1/button?parcoursup=12345&origine=essai"
    with queries() as seen:
        client.get(address)
    few = len(seen)
    assert few <= MOST, seen
    adviser = make.adviser(training.cfa)
    for number in range(10, 22):
        place = make.site(training.cfa)
        make.training(training.cfa, place, parcoursup_id=f"7{number}")
        make.slot(adviser, place, starts_at=f"2026-11-25T{number}:00")
    with queries() as seen:
        client.get(address)
    assert len(seen) <= few


def test_a_published_version_never_changes_and_weighs_less_than_5_kb(client):
    for version, integrity in PUBLISHED.items():
        answer = client.get(f"/bouton/v{version}/bouton.js")
        assert script.integrity(version) == integrity
        assert len(gzip.compress(answer.data, mtime=0)) < 5000
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in answer.headers
    assert client.get("/bouton/v99/bouton.js").status_code == 404
    folder = Path(client.application.static_folder) / "button"
    assert {path.name for path in folder.iterdir()} == {f"v{version}.js" for version in PUBLISHED}


@pytest.mark.parametrize("address", ["/bouton.js", "/assets/widget.min.js", "/assets/bundle.js"])
def test_the_stable_addresses_serve_the_newest_for_a_short_while(client, address):
    answer = client.get(address)
    assert answer.data == client.get(f"/bouton/v{script.CURRENT}/bouton.js").data
    assert answer.headers["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_the_code_of_each_level_is_ready_to_copy(client, training, platform):
    home = client.application.config["RDV"].public_url
    page = visit(client, "/integrer?q=12345&pour=essai")
    codes = {each.attributes["id"]: each.text for each in page.all("code")}
    assert codes["lien"] == (f'<a href="{home}/formation?parcoursup=12345&amp;origine=essai">Prendre rendez-vous</a>')
    assert codes["bouton"].startswith('<rdv-bouton parcoursup="12345" origine="essai">')
    assert 'mode="integre"' in codes["integre"]
    assert 'data-rdv-parcoursup="12345" data-rdv-origine="essai"' in codes["attributs"]
    assert f'integrity="{script.integrity()}" src="{home}/bouton/v1/bouton.js"' in codes["script"]
    assert codes["script-stable"] == f'<script defer src="{home}/bouton.js"></script>'
    assert page.one("#apercu").attributes["parcoursup"] == "12345"


@pytest.mark.parametrize("kind", ["words", "key", "pair", "address"])
def test_a_training_is_found_by_words_or_by_any_of_its_names(client, training, platform, kind):
    said = {
        "words": training.shown_title,
        "key": training.training_key,
        "pair": f"{training.cfa.siret} {training.diploma_code}",
        "address": f"https://service.example/formation/{training.public_id}",
    }[kind]
    page = visit(client, f"/integrer?{urlencode({'q': said, 'pour': 'essai'})}")
    if kind == "words":
        page = visit(client, page.link(training.shown_title))
    assert training.shown_title in page.text
    held = page.one("#apercu").attributes
    assert held.get("siret" if kind == "pair" else "cle")
    assert held["origine"] == "essai"


def test_the_page_says_when_nothing_would_be_drawn_and_repeats_no_code_typed(client, training):
    make.saved(Platform(code="surdemande", name="Sur demande", life_cycle="opt_out"))
    page = visit(client, "/integrer?q=12345&pour=surdemande")
    assert "ne s’afficherait pas aujourd’hui" in page.text
    assert not page.all("#apercu")
    empty = client.get("/integrer?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert" not in empty
    assert "Rien ne correspond" in empty
