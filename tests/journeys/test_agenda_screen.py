"""The agenda as a table with its headers, the team's day, and what is exported of both."""

from __future__ import annotations

from datetime import date

import icalendar
import pytest

from rdv.models import Closure
from tests import make
from tests.support.pages import sign_in, visit


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    return cfa, make.site(cfa, name="Campus Nord"), make.adviser(cfa, first_name="Bob", last_name="Garnier")


def cells(page):
    """Return {(row header, column header): states}, as a screen reader tells them."""
    grid = page.one(".rdv-grid")
    columns = [node.one(".rdv-grid__label").text for node in grid.all("thead th")[1:]]
    found = {}
    for row in grid.all("tbody tr"):
        for column, cell in zip(columns, row.all("td"), strict=True):
            states = [state.text for state in cell.all(".rdv-event__state")]
            if states:
                found[row.one("th").text, column] = states
    return found


def exported(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status
    return icalendar.Calendar.from_ical(answer.data).events if status == 200 else answer


def test_a_week_is_a_table_whose_headers_name_day_and_hour(client, place):
    _cfa, site, adviser = place
    make.slot(adviser, site, starts_at="2026-12-01T09:00")
    make.slot(adviser, site, starts_at="2026-12-01T09:40")
    make.booking(make.slot(adviser, site, starts_at="2026-12-03T11:30"))
    sign_in(client, adviser)
    page = visit(client, "/equipe/agenda?semaine=2026-W49")
    assert cells(page) == {
        ("9 h", "Mar. 1er déc."): ["Libre", "Libre"],
        ("11 h", "Jeu. 3 déc."): ["Réservé"],
    }
    assert [node.text for node in page.all(".rdv-grid tbody th")] == ["9 h", "10 h", "11 h"]
    assert {node.get("scope") for node in page.all(".rdv-grid thead th")} == {"col"}
    assert {node.get("scope") for node in page.all(".rdv-grid tbody th")} == {"row"}
    # The same as a list for phones, day after day; the style sheet shows one of the two.
    assert len(page.all(".rdv-only-narrow .rdv-event")) == 3
    assert "jour=2026-12-02" in page.all(".rdv-grid thead th")[3].one("a").get("href")


def test_the_days_of_a_closed_centre_say_so(client, place):
    cfa, site, adviser = place
    make.saved(
        Closure(
            cfa_id=cfa.id,
            first_day=date.fromisoformat("2026-12-03"),
            last_day=date.fromisoformat("2026-12-04"),
            label="Pont",
        )
    )
    other = make.cfa()
    make.saved(
        Closure(
            cfa_id=other.id,
            first_day=date.fromisoformat("2026-12-01"),
            last_day=date.fromisoformat("2026-12-01"),
            label="Ailleurs",
        )
    )
    make.slot(adviser, site, starts_at="2026-12-01T09:00")
    sign_in(client, adviser)
    page = visit(client, "/equipe/agenda?semaine=2026-W49")
    assert [node.text for node in page.all(".rdv-grid__note")] == ["Aucun créneau", "Aucun créneau", "Pont", "Pont"]


def test_the_day_of_the_team_has_a_column_for_each_adviser(client, place):
    cfa, site, adviser = place
    dora = make.adviser(cfa, first_name="Dora", last_name="Petit")
    away = make.adviser(cfa, first_name="Marc", last_name="Lenoir")
    make.adviser(cfa, first_name="Sans", last_name="Créneau")
    make.saved(
        Closure(
            cfa_id=cfa.id,
            user_id=away.id,
            first_day=date.fromisoformat("2026-12-01"),
            last_day=date.fromisoformat("2026-12-01"),
        )
    )
    make.slot(adviser, site, starts_at="2026-12-01T09:00")
    make.booking(make.slot(dora, site, starts_at="2026-12-01T09:30"))
    make.slot(dora, site, starts_at="2026-12-02T09:00")
    sign_in(client, adviser)
    page = visit(client, "/equipe/agenda?vue=jour&jour=2026-12-01")
    assert "Mardi 1er décembre 2026" in page.text
    assert [node.text for node in page.all(".rdv-grid__label")] == ["Bob Garnier", "Dora Petit", "Marc Lenoir"]
    assert [node.text for node in page.all(".rdv-grid__note")] == ["Absence"]
    assert cells(page) == {("9 h", "Bob Garnier"): ["Libre"], ("9 h", "Dora Petit"): ["Réservé"]}
    following = visit(client, page.link("Jour suivant"))
    assert cells(following) == {("9 h", "Dora Petit"): ["Libre"]}
    week = visit(client, page.link("Semaine"))
    assert "Du 30 novembre au 6 décembre 2026" in week.text
    alone = visit(client, f"/equipe/agenda?vue=jour&jour=2026-12-01&conseiller={dora.public_id}")
    assert [node.text for node in alone.all(".rdv-grid__label")] == ["Dora Petit"]
    assert visit(client, "/equipe/agenda?vue=jour&jour=hier").h1 == "Agenda"


def test_a_filtered_period_is_exported_as_shown(client, place):
    cfa, site, adviser = place
    elsewhere, colleague = make.site(cfa), make.adviser(cfa, first_name="Dora", last_name="Petit")
    booked = make.booking(make.slot(adviser, site, starts_at="2026-12-01T09:00"))
    make.slot(adviser, site, starts_at="2026-12-01T10:00")
    make.slot(adviser, site, starts_at="2026-12-01T11:00", status="closed")
    make.slot(adviser, site, starts_at="2026-12-02T11:00", status="cancelled")
    group = make.slot(adviser, elsewhere, starts_at="2026-12-02T10:00", capacity=8, title="Visite de l’atelier")
    make.booking(make.slot(colleague, site, starts_at="2026-12-01T09:00"))
    make.booking(make.slot(adviser, site, starts_at="2026-12-09T09:00"))
    sign_in(client, adviser)
    week = "/equipe/agenda.ics?semaine=2026-W49"
    events = exported(client, week)
    assert [str(event["summary"]) for event in events] == [
        f"RDV Z. L. ({booked.request.reference})",
        "Créneau libre – Entretien d’orientation",
        "Visite de l’atelier – 0\xa0place prise sur 8",
    ]
    assert [str(event["transp"]) for event in events] == ["OPAQUE", "TRANSPARENT", "OPAQUE"]
    assert str(events[0]["uid"]) == booked.uid  # that of the feed: a calendar that has both shows one
    assert len(exported(client, f"{week}&libres=non")) == 2
    assert "Zoé Lambert" in str(exported(client, f"{week}&noms=oui")[0]["summary"])
    assert len(exported(client, f"{week}&site={elsewhere.public_id}")) == 1
    everybody = exported(client, f"{week}&conseiller=tous")
    assert len(everybody) == 4
    assert all(" – " in str(event["summary"]) for event in everybody)
    assert len(exported(client, f"{week}&du=2026-12-01&au=2026-12-31&libres=non")) == 3
    assert exported(client, f"{week}&du=2026-12-01&au=2029-12-31", 400)
    assert group.title in exported(client, f"/equipe/creneaux/{group.public_id}/creneau.ics")[0]["summary"]


def test_one_slot_is_exported_to_its_own_centre_alone(app, client, place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site)
    sign_in(client, adviser)
    answer = client.get(f"/equipe/creneaux/{slot.public_id}/creneau.ics")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="creneau-2026-12-01.ics"'
    assert "no-store" in answer.headers["Cache-Control"]
    stranger = app.test_client()
    sign_in(stranger, make.adviser(make.cfa()))
    assert stranger.get(f"/equipe/creneaux/{slot.public_id}/creneau.ics").status_code == 404
    assert app.test_client().get(f"/equipe/creneaux/{slot.public_id}/creneau.ics").status_code in (302, 303)
