"""What a candidate sees before asking anything: the pages of the service, of a CFA, of a training."""

import re

import pytest
import sqlalchemy as sa

from rdv import clock
from rdv.db import transaction
from rdv.models import Training, TrainingAlias
from tests import make
from tests.support.pages import visit

NOW = "2026-11-23T08:00Z"


def page_of(training, query=""):
    return f"/formation/{training.public_id}{query}"


def test_the_next_three_then_more_dates_then_call_then_write(client, freeze):
    freeze(NOW)
    cfa = make.cfa(disability_contact="Nora Petit, 01 99 00 12 34", answer_days=1)
    site = make.site(cfa)
    training, adviser = make.training(cfa, site), make.adviser(cfa)
    for day in (1, 2, 3, 4, 7):
        make.slot(adviser, site, starts_at=f"2026-12-0{day}T14:00")
    page = visit(client, page_of(training))
    assert len(page.all("a.rdv-slot")) == 5
    assert len(page.one("details").all("a.rdv-slot")) == 2
    text = page.text
    order = [
        text.index(words) for words in ("Prendre rendez-vous", "Plus de dates", "Être rappelé", "Écrire au centre")
    ]
    assert order == sorted(order)
    assert "Réponse au plus tard mardi 24 novembre à 17 h." in text
    assert "Nora Petit, 01 99 00 12 34" in text
    assert site.shown_address in text
    assert cfa.shown_name in text


def test_the_promise_follows_the_centre_and_its_holidays(client, freeze):
    freeze("2026-12-18T08:00Z")  # Friday; 20 December is a holiday in La Réunion alone, a Sunday this year
    cfa = make.cfa(answer_days=2)
    site = make.site(cfa, timezone="Indian/Reunion", territory="RE")
    training = make.training(cfa, site)
    assert "au plus tard mardi 22 décembre à 17 h (heure de La Réunion)" in visit(client, page_of(training)).text


def test_without_a_slot_the_page_says_what_is_open(client):
    cfa = make.cfa(message_open=False)
    training = make.training(cfa, make.site(cfa))
    page = visit(client, page_of(training))
    assert "il répond à chaque demande" in page.text
    assert "aucun créneau" not in page.text.lower()
    assert page.links("Être rappelé")
    assert not page.links("Écrire")


def test_with_nothing_open_the_page_gives_the_phone(client):
    cfa = make.cfa(message_open=False, callback_open=False)
    training = make.training(cfa, make.site(cfa, phone="+33199001234"))
    assert visit(client, page_of(training)).link("01 99 00 12 34") == "tel:+33199001234"


def test_more_dates_than_a_page_holds(client, freeze):
    freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa)
    training, adviser = make.training(cfa, site), make.adviser(cfa)
    with transaction():
        kind = make.meeting_type(cfa)
        for day in range(1, 8):
            for hour in range(8, 18):
                make.slot(adviser, site, kind, starts_at=f"2026-12-0{day}T{hour:02d}:00")
    page = visit(client, page_of(training, "?origine=lba"))
    seen, page = [], visit(client, page.link("Toutes les dates"))
    while True:
        seen += [node.get("href") for node in page.all("a.rdv-slot")]
        assert all("origine=lba" in href for href in seen)
        if not page.links("Dates suivantes"):
            break
        page = visit(client, page.link("Dates suivantes"))
    assert len(seen) == len(set(seen)) == 70
    assert visit(client, page_of(training, "?dates=toutes&depuis=9999-12-31")).status == 200
    assert len(visit(client, page_of(training, "?dates=toutes&depuis=hier")).all("a.rdv-slot")) == 60


def test_a_closed_training_offers_the_centre(client):
    cfa = make.cfa()
    for columns in ({"published": False}, {"closed_at": sa.func.now()}):
        training = make.training(cfa, make.site(cfa))
        with transaction() as session:
            session.execute(sa.update(type(training)).where(type(training).id == training.id).values(**columns))
        for path in (page_of(training), page_of(training) + "/ecrire", page_of(training) + "/etre-rappele"):
            page = visit(client, path, status=410)
            assert page.link("Voir la page de ce centre") == f"/cfa/{cfa.public_id}"


def test_a_closed_centre_offers_the_search(client, freeze):
    clock = freeze(NOW)
    cfa = make.cfa(closed_at=clock.now)
    training = make.training(cfa)
    for path in (f"/cfa/{cfa.public_id}", f"/cfa/{cfa.public_id}/ecrire"):
        page = visit(client, path, status=404)
        assert any(href == "/" for href in page.links())
    assert visit(client, page_of(training), status=410).one("form[role=search]").get("action") == "/"


def test_nothing_is_called_none(client):
    cfa = make.cfa(name=None, city="Belfort", phone=None)
    training = make.training(cfa, title=None, diploma_code="40025001")
    page = visit(client, page_of(training))
    assert page.h1 == "Formation 40025001"
    assert "Centre de formation – Belfort" in page.text
    assert visit(client, f"/cfa/{cfa.public_id}").h1 == "Centre de formation – Belfort"


def test_a_centre_lists_its_trainings_and_searches_among_many(client):
    cfa = make.cfa()
    lille, arras = make.site(cfa), make.site(cfa, city="Arras")
    with transaction():
        for number in range(25):
            make.training(cfa, lille, title=f"BTS Numéro {number:02d}")
        special = make.training(cfa, arras, title="CAP Ébéniste")
        make.training(make.cfa(), title="CAP Ébéniste d’ailleurs")
    page = visit(client, f"/cfa/{cfa.public_id}?origine=onisep")
    assert len(page.all("#formations ul li a")) - len(page.all("#formations nav a")) == 20
    following = visit(client, page.link("Page suivante"))
    assert len([href for href in following.links() if href.startswith("/formation/")]) == 6
    for words in ("ebeniste", "ÉBÉNISTE", "arras", "cap arras"):
        found = visit(client, f"/cfa/{cfa.public_id}?q={words}")
        assert [href for href in found.links() if href.startswith("/formation/")] == [page_of(special)], words
    assert "Rien ne correspond" in visit(client, f"/cfa/{cfa.public_id}?q=zzz").text


def test_the_home_page_finds_a_training_or_a_centre(client):
    cfa = make.cfa(name="Campus des Métiers", city="Nîmes")
    training = make.training(cfa, make.site(cfa, city="Alès"), title="CAP Pâtissier")
    make.training(make.cfa(), title="CAP Maçon")
    assert visit(client, "/").link("Se connecter") == "/connexion"
    for words in ("patissier", "Pâtissier alès", "ales", "campus"):
        assert visit(client, f"/?q={words}&origine=lba").link("CAP Pâtissier") == page_of(training, "?origine=lba")
    assert visit(client, "/?q=nimes").link("Campus des Métiers") == f"/cfa/{cfa.public_id}"
    assert "Rien ne correspond" in visit(client, "/?q=50%25").text


def test_keys_of_the_ministries_lead_to_the_training(client):
    cfa = make.cfa()
    key = "088281P01211234567890123412345678901234-59350"
    here = make.training(cfa, make.site(cfa), training_key=f"{key}#L01")
    answer = client.get("/formation", query_string={"cle": f"{key}#L01", "origine": "parcoursup"})
    assert (answer.status_code, answer.location) == (302, page_of(here, "?origine=parcoursup"))
    assert client.get(f"/formation?cle={key}#L01").location == page_of(here)  # « # » not escaped: cut by the browser
    make.saved(TrainingAlias(training_key="ancienne#L01", training_id=here.id))
    assert client.get("/formation", query_string={"cle": "ancienne#L01"}).location == page_of(here)
    assert client.get("/formation?cle=ancienne").location == page_of(here)
    there = make.training(cfa, make.site(cfa), training_key=f"{key}#L02")
    page = visit(client, f"/formation?cle={key}")
    assert page.h1 == "Choisissez le lieu"
    assert {href for href in page.links() if href.startswith("/formation/")} == {page_of(here), page_of(there)}
    for unknown in ("", "inconnue", "%", "x" * 500):
        assert visit(client, f"/formation?cle={unknown}", status=404).h1 == "Formation introuvable"


@pytest.mark.parametrize(
    ("columns", "query"),
    [
        ({"parcoursup_id": "10013"}, {"parcoursup": "10013"}),
        ({"parcoursup_id": "10013"}, {"idParcoursup": " 10013 "}),
        ({"onisep_id": "AF.56380"}, {"idActionFormation": "AF.56380"}),
        ({"affelnet_id": "A20/APP11237"}, {"affelnet": "A20/APP11237"}),
        ({"rco_id": "14_AF_0000013390|14_SE_0000805767##14_SE_0000974476|18817"},
         {"idRcoFormation": "14_AF_0000013390|14_SE_0000805767##14_SE_0000974476|18817"}),
        ({"training_key": "088281P012-59350#L01"}, {"cleMinistereEducatif": "088281P012-59350%23L01"}),
        ({"training_key": "088281P012-59350#L01", "parcoursup_id": "autre"},
         {"cleMinistereEducatif": "088281P012-59350#L01", "idParcoursup": "inconnu"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["/formation", "/rdva", "/form", "/espace-pro/form"])
def test_identifiers_of_other_sites_lead_to_the_training(client, address, columns, query):
    cfa = make.cfa()
    make.training(cfa)
    here = make.training(cfa, make.site(cfa), **columns)
    answer = client.get(address, query_string={**query, "referrer": "PARCOURSUP"})
    assert (answer.status_code, answer.location) == (302, page_of(here, "?origine=parcoursup"))
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("referrer", "code"),
    [
        ("1", "parcoursup"), ("2", "lba"), (" 4 ", "onisep"), ("5", "jeune_1_solution"), ("6", "affelnet"),
        ("Jeune_1_Solution", "jeune_1_solution"), ("3", None), ("0", None), ("12", None), ("inconnu", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["/rdva", "/form", "/espace-pro/form"])
def test_the_numbers_of_the_first_service_keep_their_origin(client, address, referrer, code):
    here = make.training(cfa := make.cfa(), make.site(cfa), onisep_id="AF.56380")
    answer = client.get(address, query_string={"idActionFormation": "AF.56380", "referrer": referrer})
    assert answer.location == page_of(here, f"?origine={code}" if code else "")


def test_a_siret_with_a_diploma_leads_to_the_training_of_the_centre_or_of_the_place(client):
    cfa = make.cfa()
    here = make.training(cfa, make.site(cfa, siret="21590350100017"), diploma_code="32025001")
    make.training(cfa, make.site(cfa), diploma_code="50022137")
    make.training(make.cfa(), diploma_code="32025001")
    for siret in (cfa.siret, "215 903 501 00017"):
        answer = client.get("/form", query_string={"siret": siret, "cfd": "32025001", "referrer": "inconnu"})
        assert (answer.status_code, answer.location) == (302, page_of(here))
    for half in ({"siret": cfa.siret}, {"cfd": "32025001"}, {"siret": cfa.siret, "cfd": ""}):
        assert client.get("/form", query_string=half).status_code == 404


def test_an_identifier_of_several_trainings_asks_which_and_closed_ones_say_so(client, freeze):
    freeze(NOW)
    cfa = make.cfa()
    first, second = (make.training(cfa, make.site(cfa), parcoursup_id="10013") for _ in range(2))
    page = visit(client, "/formation?parcoursup=10013&origine=lba")
    assert page.h1 == "Choisissez le lieu"
    wanted = {page_of(each, "?origine=lba") for each in (first, second)}
    assert {href for href in page.links() if href.startswith("/formation/")} == wanted
    with make.writing() as session:
        session.get_one(Training, first.id).closed_at = clock.now()
    assert client.get("/formation?parcoursup=10013").location == page_of(second)
    with make.writing() as session:
        session.get_one(Training, second.id).closed_at = clock.now()
    told = visit(client, client.get("/formation?parcoursup=10013").location, status=410)
    assert "n’est plus proposée" in told.h1


def test_a_short_address_for_posters(client):
    here = make.training(cfa := make.cfa(), make.site(cfa))
    assert client.get(f"/f/{here.public_id}?origine=cfa").location == page_of(here, "?origine=cfa")
    assert visit(client, "/formation/inconnue", status=404).h1


def test_what_the_law_asks(client, freeze):
    freeze(NOW)
    assert "non conforme" in visit(client, "/accessibilite").text
    assert "Défenseur des droits" in visit(client, "/accessibilite").text
    privacy = visit(client, "/donnees-personnelles").text
    for words in ("mission d’intérêt public", "12 mois après", "CNIL", "effacer"):
        assert words in privacy
    assert "aide@rdv-apprentissage.example" in visit(client, "/mentions-legales").text
    security = client.get("/.well-known/security.txt")
    assert security.mimetype == "text/plain"
    assert re.search(r"^Contact: mailto:\S+$", security.text, re.MULTILINE)
    assert re.search(r"^Expires: 2027-05-22T08:00:00Z$", security.text, re.MULTILINE)
    assert "Disallow: /suivi/" in client.get("/robots.txt").text


def test_the_pages_are_light(app, client, freeze):
    freeze(NOW)
    cfa = make.cfa()
    site = make.site(cfa)
    training, adviser = make.training(cfa, site), make.adviser(cfa)
    with transaction():
        kind = make.meeting_type(cfa)
        slots = [make.slot(adviser, site, kind, starts_at=f"2026-12-{day:02d}T14:00") for day in range(1, 29)]
    for path in (page_of(training), f"/rendez-vous/{slots[0].public_id}", f"/cfa/{cfa.public_id}"):
        page = visit(client, path)
        loaded = [
            node.get("src") or node.get("href")
            for node in page.all("link[rel=stylesheet], link[rel=icon], script, img")
        ]
        weight = len(page.response.data)
        for address in set(loaded):
            with client.get(address) as file:
                weight += len(file.data)
        assert weight < 60_000, f"{path}: {weight} bytes"
        assert 1 + len(set(loaded)) < 8
