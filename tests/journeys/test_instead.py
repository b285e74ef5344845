"""Who came for a training that closed, or that nobody knows, reads what is open instead."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock
from rdv.db import db
from rdv.models import Training
from tests import make
from tests.support.pages import visit
from tests.support.queries import queries

NOW = "2026-11-23T08:00Z"
LILLE = {"latitude": 50.63, "longitude": 3.06}
# Invented establishments, with true keys of their SIRET.
MANAGES, TEACHES = make.siret(), make.siret()


def page_of(training, query=""):
    return f"/formation/{training.public_id}{query}"


def close(training, **columns):
    with make.writing() as session:
        values = columns or {"closed_at": clock.now()}
        session.execute(sa.update(Training).where(Training.id == training.id).values(**values))
    return training


def offered(page):
    return [href for href in page.links() if href.startswith("/formation/")]


@pytest.fixture
def world(client, freeze):
    """A closed « CAP Pâtissier » in Lille, another one 10 km away, and what else its centre teaches."""
    freeze(NOW)
    cfa = make.cfa(name="Campus des Tilleuls", phone="+33199001234")
    site = make.site(cfa, phone=None, **LILLE)
    closed = close(make.training(cfa, site))
    return cfa, site, closed


def elsewhere(km=10, **columns):
    cfa = make.cfa(name="Campus des Ormes")
    site = make.site(cfa, city="Seclin", latitude=50.63 - km / 111.19, longitude=3.06)
    return make.training(cfa, site, **columns), site


def test_the_same_training_near_then_the_others_of_the_centre_and_its_number(client, world):
    cfa, site, closed = world
    near, there = elsewhere()
    elsewhere(km=60)
    make.slot(make.adviser(near.cfa), there, starts_at="2026-12-01T14:00")
    other = make.training(cfa, site, title="BTS Tourisme", diploma_code="32033424", rncp="RNCP1")
    page = visit(client, page_of(closed, "?origine=onisep"), status=410)
    assert page.h1 == "« CAP Pâtissier » n’est plus proposée"
    assert offered(page) == [page_of(near, "?origine=onisep"), page_of(other, "?origine=onisep")]
    assert "Campus des Ormes, Seclin, à 10 km" in page.text
    assert "Créneaux dès mardi 1er décembre à 14 h" in page.text
    assert page.link("01 99 00 12 34") == "tel:+33199001234"
    assert page.link("Voir la page de ce centre") == f"/cfa/{cfa.public_id}?origine=onisep"
    assert (page.one("#q").get("value"), page.one("input[name=origine]").get("value")) == ("CAP Pâtissier", "onisep")
    assert "Set-Cookie" not in page.response.headers


def test_only_what_takes_candidates_is_offered_the_most_alike_first(client, world):
    cfa, site, closed = world
    lille = make.training(cfa, site, title="Z au même lieu", diploma_code="1", rncp=None)
    same = make.training(cfa, make.site(cfa), title="Y même diplôme sans coordonnées")
    others = [
        make.training(cfa, make.site(cfa), title=f"X {number}", diploma_code="2", rncp=None) for number in range(5)
    ]
    mute = make.training(cfa, site, callback_open=False, message_open=False)
    close(make.training(cfa, site), published=False)
    make.training(make.cfa(), title="D’un autre centre", diploma_code="3", rncp=None)
    assert offered(visit(client, page_of(closed), status=410)) == [page_of(each) for each in (same, lille, *others[:3])]
    make.slot(make.adviser(cfa), site, trainings=[mute])
    assert offered(visit(client, page_of(closed), status=410))[0] == page_of(mute), "a free slot is a way in"


def test_the_same_diploma_at_the_same_place_under_a_new_key_stands_first(client, world):
    cfa, site, closed = world
    anew = make.training(cfa, site)
    page = visit(client, page_of(closed), status=410)
    assert offered(page) == [page_of(anew)]
    assert "à moins de 1 km" in page.text


def test_a_closed_centre_is_not_offered_and_others_are(client, world):
    cfa, _, closed = world
    near, _ = elsewhere()
    with make.writing():
        cfa.closed_at = clock.now()
    page = visit(client, page_of(closed), status=410)
    assert offered(page) == [page_of(near)]
    assert "n’accueille plus de candidats" in page.text
    assert not page.links("01 99 00 12 34")
    assert not any(href.startswith("/cfa/") for href in page.links())


def test_on_the_site_of_a_centre_its_frame_names_no_other(client, world):
    _, _, closed = world
    near, _ = elsewhere()
    framed = visit(client, page_of(closed, "?origine=cfa&cadre=1"), status=410)
    assert offered(framed) == []
    assert not framed.all("#q")
    assert page_of(near) in " ".join(offered(visit(client, page_of(closed, "?origine=lba&cadre=1"), status=410)))


@pytest.mark.parametrize(
    "query",
    [
        {"cle": f"088281P013X{MANAGES}{TEACHES}-59350#L07"},
        {"cle": f"088281p013x{MANAGES}{TEACHES}-59350"},
        {"cleMinistereEducatif": f"999999P013X{MANAGES}{MANAGES}-59350#L01"},
        {"siret": MANAGES, "cfd": "99999999"},
        {"siret": TEACHES},
        {"parcoursup": "0", "siret": f"{TEACHES[:9]} {TEACHES[9:]}"},
        {"rco": "0592781C|0"},
        {"onisep": "AF.1 0592781c"},
    ],
)
def test_an_unknown_identifier_that_names_a_centre_leads_to_its_trainings(client, freeze, query):
    freeze(NOW)
    cfa = make.cfa(siret=MANAGES, name="Campus des Tilleuls", uai="0592781C")
    here = make.training(cfa, make.site(cfa, siret=TEACHES, uai="0592781C", phone="+33199001235"))
    make.training(make.cfa())
    page = visit(client, "/formation?origine=lba", status=404)
    assert offered(page) == []
    page = client.get("/form", query_string={**query, "origine": "lba"})
    assert page.status_code == 404
    page = visit(client, f"/form?{page.request.query_string.decode()}", status=404)
    assert page.h1 == "Formation introuvable"
    assert offered(page) == [page_of(here, "?origine=lba")]
    assert page.link("Voir la page de ce centre") == f"/cfa/{cfa.public_id}?origine=lba"
    assert page.one("input[name=origine]").get("value") == "lba"


def test_an_unknown_key_prefers_its_certification_its_town_and_its_place(client, freeze):
    freeze(NOW)
    cfa = make.cfa(siret=MANAGES)
    far = make.training(cfa, make.site(cfa, insee="62041"), title="A ailleurs")
    town = make.training(cfa, make.site(cfa), title="B dans la ville")
    place = make.training(cfa, make.site(cfa, siret=TEACHES), title="C dans ce lieu")
    same = make.training(
        cfa, make.site(cfa, insee="62041"), title="D la même", training_key=f"088281P013X{MANAGES}{MANAGES}-62041#L01"
    )
    page = visit(client, f"/formation?cle=088281P011X{MANAGES}{TEACHES}-59350%23L01", status=404)
    assert offered(page) == [page_of(each) for each in (same, place, town, far)]
    with make.writing():
        cfa.closed_at = clock.now()
    page = visit(client, f"/formation?cle=088281P011X{MANAGES}{TEACHES}-59350%23L01", status=404)
    assert offered(page) == []


@pytest.mark.parametrize("text", ["", "12345678901234", "0592781D", "%", "%2500", "\ud7ff", "9" * 500])
def test_an_identifier_that_says_nothing_offers_the_search(client, text):
    make.training(make.cfa())
    page = visit(client, f"/formation?cle={text}", status=404)
    assert offered(page) == []
    assert page.one("#q").get("value") == ""


@pytest.mark.sqlite_only  # the same statements on both
def test_the_page_costs_the_same_however_many_trainings_the_centre_has(client, world):
    cfa, site, closed = world
    make.training(cfa, site, title="BTS 0", diploma_code="9", rncp=None)
    with queries() as few:
        visit(client, page_of(closed), status=410)
    for number in range(1, 12):
        make.training(cfa, site, title=f"BTS {number}", diploma_code="9", rncp=None)
    with queries() as many:
        visit(client, page_of(closed), status=410)
    assert len(many) <= len(few)


@pytest.mark.sqlite_only  # how SQLite reads it; PostgreSQL prefers to read small tables whole
def test_only_the_trainings_of_the_centre_are_read(client, world):
    cfa, site, closed = world
    make.training(cfa, site, title="BTS 0", diploma_code="9", rncp=None)
    statements = []

    def see(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT"):
            statements.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", see)
    visit(client, page_of(closed), status=410)
    sa.event.remove(db.engine, "before_cursor_execute", see)
    raw = db.session.connection().connection.dbapi_connection
    for statement, values in statements:
        plan = str(raw.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall())
        assert "SCAN training" not in plan, statement
