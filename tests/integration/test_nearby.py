"""Other places where the same training is taught: near, open, and the best first."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock, nearby
from rdv.db import db, transaction
from tests import make

LILLE = (50.63, 3.06)


@pytest.fixture
def request_(app, freeze):
    freeze("2026-11-24T09:00Z")
    cfa = make.cfa(name="Le centre silencieux")
    site = make.site(cfa, latitude=LILLE[0], longitude=LILLE[1])
    training = make.training(cfa, site, diploma_code="50022137", rncp="RNCP1")
    return make.candidate_request(cfa, site_id=site.id, training_id=training.id)


def place(name: str, km_north: float, *, slot: bool = False, of_site=None, of_training=None, **columns):
    """A centre so many kilometres north of Lille; with a free slot if asked."""
    cfa = make.cfa(name=name, **columns)
    where = {"latitude": LILLE[0] + km_north / 111.19, "longitude": LILLE[1], **(of_site or {})}
    site = make.site(cfa, **where)
    values = {"diploma_code": "50022137", "rncp": "RNCP1", **(of_training or {})}
    training = make.training(cfa, site, **values)
    if slot:
        make.slot(make.adviser(cfa), site, trainings=[training])
    return training


def found(request) -> list[tuple[str, int, bool, bool]]:
    return [
        (each.cfa.shown_name, round(each.km), each.slot is not None, each.fast)
        for each in nearby.places(request, clock.now())
    ]


def test_free_slots_come_first_then_who_answers_fast_then_the_nearest(request_):
    place("Proche et lent", 3, answer_median=4000)
    place("Rapide", 20, answer_median=300)
    place("Libre mais loin", 45, slot=True)
    place("Trop loin", 51, slot=True)
    assert found(request_) == [
        ("Libre mais loin", 45, True, False), ("Rapide", 20, False, True), ("Proche et lent", 3, False, False),
    ]  # fmt: skip
    place("Libre", 30, slot=True)
    place("Libre aussi", 31, slot=True)
    assert [name for name, *_ in found(request_)] == ["Libre", "Libre aussi", "Libre mais loin"]


def test_what_is_shut_another_diploma_or_the_same_place_is_left_out(request_):
    now = clock.now()
    place("Fermé", 1, slot=True, closed_at=now)
    place("Lieu fermé", 2, slot=True, of_site={"closed_at": now})
    place("Formation fermée", 3, slot=True, of_training={"closed_at": now})
    place("Formation dépubliée", 3, slot=True, of_training={"published": False})
    place("Rien d’ouvert", 4, callback_open=False, message_open=False)
    place("Autre diplôme", 5, slot=True, of_training={"diploma_code": "50022199", "rncp": "RNCP9"})
    place("Sans coordonnées", 6, slot=True, of_site={"latitude": None, "longitude": None})
    assert found(request_) == []
    place("Même fiche RNCP", 7, of_training={"diploma_code": "40022199"})
    own = make.site(request_.cfa, latitude=LILLE[0] + 0.1, longitude=LILLE[1])
    make.training(request_.cfa, own, diploma_code="50022137", rncp=None)
    assert [name for name, *_ in found(request_)] == ["Même fiche RNCP", "Le centre silencieux"]
    with transaction():
        request_.site.latitude = request_.site.longitude = None
    assert found(request_) == [], "nobody knows where the candidate wanted to go"


@pytest.mark.sqlite_only  # what is left out of the rows read above
def test_a_training_stands_once_and_who_passed_the_request_on_is_not_offered(request_):
    training = place("Deux lieux", 10)
    second = make.site(training.cfa, latitude=LILLE[0] + 0.2, longitude=LILLE[1])
    with transaction():
        training.sites.append(second)
    before = place("D’où elle vient", 5, slot=True)
    assert [name for name, *_ in found(request_)] == ["D’où elle vient", "Deux lieux"]
    first = make.candidate_request(before.cfa, status="closed", outcome="redirected")
    with transaction():
        request_.redirected_from_id = first.id
    assert [(name, km) for name, km, *_ in found(request_)] == [("Deux lieux", 10)]
    offered = nearby.places(request_, clock.now())
    assert [nearby.find(request_, each.training.public_id, clock.now()) for each in offered] == offered


@pytest.mark.sqlite_only  # how SQLite reads it; PostgreSQL prefers to read small tables whole
def test_the_places_are_found_by_the_diploma(request_):
    statements = []

    def see(_connection, _cursor, statement, parameters, _context, _many):
        if "training_site" in statement and "BETWEEN" in statement:
            statements.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", see)
    nearby.places(request_, clock.now())
    sa.event.remove(db.engine, "before_cursor_execute", see)
    raw = db.session.connection().connection.dbapi_connection
    plans = [str(raw.cursor().execute("EXPLAIN QUERY PLAN " + text, values).fetchall()) for text, values in statements]
    assert len(plans) == 2
    assert "ix_training_diploma_code" in plans[0]
    assert "ix_training_rncp" in plans[1]
    assert not any("SCAN training" in plan or "SCAN site" in plan for plan in plans)


def test_distances_are_those_of_the_globe():
    assert round(nearby.distance_km((48.8566, 2.3522), (45.7640, 4.8357))) == 391  # Paris, Lyon
    assert round(nearby.distance_km((-20.8789, 55.4481), (-21.3393, 55.4781))) == 51  # Saint-Denis, Saint-Pierre
    assert nearby.distance_km(LILLE, LILLE) == 0
