"""What the catalogue leaves empty is filled from the registers, and nothing else."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from config import REGISTERS
from rdv import clock, jobs, registers
from rdv.catalogue import places
from rdv.catalogue.intake import import_file
from rdv.catalogue.report import ImportReport
from rdv.db import db, transaction
from rdv.errors import CatalogueError
from rdv.jobs import Found
from rdv.models import Site
from rdv.registers import Completed
from tests import make, make_catalogue

SIRET = make_catalogue.siret(4)
ORGANISATION = {
    "siret": SIRET, "uai": "0251234B", "etat_administratif": "actif", "adresse": "3 rue des Tilleuls 25000 Besançon",
    "code_postal": "25000", "code_commune_insee": "25056", "localite": "Besançon", "longitude": "6.0243", "latitude": "47.2378",
}  # fmt: skip
PLACE = {
    "siret_organisme": SIRET, "uai_lieu": "0251235C", "uai_fiable": "True", "adresse": "12 av. du Stade 25300 Pontarlier",
    "code_postal": "25300", "code_commune_insee": "25462", "localite": "Pontarlier", "longitude": "6.3542", "latitude": "46.9036",
}  # fmt: skip


@pytest.fixture
def completed(app: Flask, tmp_path: Path) -> Any:
    """`completed(organisations, places)`: fill from registers that say this, and return what was done."""

    def run(organisations: list[dict[str, str]], teaching: list[dict[str, str]]) -> Completed:
        files = []
        for name, rows, first in (("o.csv", organisations, ORGANISATION), ("l.csv", teaching, PLACE)):
            files.append(tmp_path / name)
            with files[-1].open("w", encoding="utf-8", newline="") as file:
                table = csv.DictWriter(file, list(first))
                table.writeheader()
                # A row of nobody: a register of headers alone is refused.
                table.writerows(rows or [{**dict.fromkeys(first, ""), next(iter(first)): make_catalogue.siret(99)}])
        return registers.run(transaction, *files)

    return run


def site(cfa: Any, address: str | None = None, insee: str = "", postal_code: str | None = None, **facts: Any) -> Site:
    """Return a place of which the catalogue says only this."""
    nothing = dict.fromkeys(("uai", "city", "department", "latitude", "longitude"))
    key = places.address_key(address, insee, postal_code)
    return make.site(
        cfa, address=address, insee=insee, postal_code=postal_code, address_key=key, siret=SIRET, **{**nothing, **facts}
    )


def test_a_place_is_completed_by_its_address(completed: Any) -> None:
    cfa = make.cfa(siret=SIRET, uai=None, city=None)
    found = site(cfa, "12 AVENUE DU STADE", "25462", "25300")
    done = completed([ORGANISATION], [PLACE])
    assert (cfa.uai, cfa.city) == ("0251234B", "Besançon")
    assert (found.uai, found.city, found.department) == ("0251235C", "Pontarlier", "25")
    assert (found.latitude, found.longitude) == (46.9036, 6.3542)
    assert (found.address, found.siret, found.insee) == ("12 AVENUE DU STADE", SIRET, "25462"), (
        "what recognises it stays"
    )
    said = " ".join(done.lines()).replace("\u00a0", " ")
    assert "Centres complétés : UAI 1, commune 1." in said
    assert "position 1" in said
    assert completed([ORGANISATION], [PLACE]).written == 0


def test_a_place_without_address_takes_the_only_one_of_its_establishment_in_its_town(completed: Any) -> None:
    cfa = make.cfa(siret=SIRET)
    alone, two = site(cfa, None, "25462"), site(cfa, None, "25056")
    other = {**PLACE, "adresse": "9 rue Pasteur 25000 Besançon", "code_postal": "25000", "code_commune_insee": "25056"}
    key = alone.address_key
    done = completed([ORGANISATION], [PLACE, other])
    assert (alone.address, alone.postal_code, alone.city) == ("12 av. du Stade", "25300", "Pontarlier")
    assert alone.address_key == key, "the next import must find it again"
    assert two.address is None
    assert done.ambiguous == 1


def test_calendars_see_the_address_that_came(completed: Any) -> None:
    cfa = make.cfa(siret=SIRET)
    coming = make.slot(make.adviser(cfa), site(cfa, None, "25462"))
    before = coming.version
    completed([], [PLACE])
    db.session.refresh(coming)
    assert coming.version == before + 1


def test_the_next_import_finds_a_completed_place_again_and_leaves_it(completed: Any, tmp_path: Path) -> None:
    row = {**make_catalogue.row(0), "etablissement_formateur_siret": SIRET, "code_commune_insee": "25462"}
    row |= dict.fromkeys(("lieu_formation_adresse", "code_postal", "lieu_formation_geo_coordonnees", "localite"))
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps([row]), encoding="utf-8")

    def imported() -> ImportReport:
        report = ImportReport(lambda _number, _nature, _reason: None)
        return import_file(path, transaction, report)

    assert imported().sites.created == 1
    assert completed([], [PLACE]).sites["address"] == 1
    assert imported().written == 0
    (found,) = db.session.scalars(sa.select(Site))
    assert (found.address, found.latitude) == ("12 av. du Stade", 46.9036)


def test_what_stands_is_never_replaced(completed: Any) -> None:
    cfa = make.cfa(siret=SIRET, uai="0250001A", city="Dole")
    found = site(
        cfa, "12 avenue du Stade", "25462", "25300", uai="0250002B", city="PONTARLIER", latitude=46.9, longitude=6.3
    )
    completed([ORGANISATION], [PLACE])
    assert (cfa.uai, cfa.city) == ("0250001A", "Dole")
    assert (found.uai, found.city, found.latitude, found.longitude) == ("0250002B", "PONTARLIER", 46.9, 6.3)


@pytest.mark.parametrize(
    "said",
    [
        {"latitude": "0", "longitude": "0"}, {"latitude": "6.3542", "longitude": "46.9036"},
        {"latitude": "-20.88", "longitude": "55.45"}, {"latitude": "quarante"},
    ],
)  # fmt: skip
def test_a_position_that_cannot_be_there_is_left_out(completed: Any, said: dict[str, str]) -> None:
    found = site(make.cfa(siret=SIRET), "12 avenue du Stade", "25462", "25300")
    completed([], [{**PLACE, **said}])
    assert (found.city, found.latitude, found.longitude) == ("Pontarlier", None, None)


def test_closed_organisations_and_unsure_codes_complete_nothing(completed: Any) -> None:
    cfa = make.cfa(siret=SIRET, uai=None)
    found = site(cfa, "12 avenue du Stade", "25462", "25300")
    completed([{**ORGANISATION, "etat_administratif": "fermé"}], [{**PLACE, "uai_fiable": "False"}])
    assert (cfa.uai, found.uai) == (None, None)
    assert found.city == "Pontarlier"


def test_another_town_or_another_address_is_another_place(completed: Any) -> None:
    cfa = make.cfa(siret=SIRET)
    elsewhere, next_door = site(cfa, "12 avenue du Stade", "25056"), site(cfa, "14 avenue du Stade", "25462")
    done = completed([ORGANISATION], [PLACE])
    assert (elsewhere.city, next_door.city, done.unknown) == (None, None, 2)


def test_the_registers_that_come_with_the_service_are_read_by_the_clock(app: Flask, change_settings: Any) -> None:
    cfa = make.cfa(siret="18130002100340", uai=None)
    jobs.complete_catalogue(clock.now())
    db.session.refresh(cfa)
    assert cfa.uai == "0130238N"
    known = registers.read(REGISTERS / "organismes.csv", REGISTERS / "lieux.csv")
    assert (len(known.organisations), sum(map(len, known.places.values())), known.unreadable) == (422, 500, 0)
    change_settings(register_organisations="", register_places="")
    jobs.complete_catalogue(clock.now())  # an installation that wants none


def test_the_command_says_what_it_did_and_refuses_another_file(
    app: Flask, tmp_path: Path, change_settings: Any
) -> None:
    said = app.test_cli_runner().invoke(args=["completer-catalogue"])
    assert (said.exit_code, "Lieux complétés" in said.output) == (0, True)
    for name, text, words in (
        ("autre.csv", "nom,ville\nA,B\n", "n’a pas les colonnes attendues"),
        ("autre.json", "{", "ni un CSV en UTF-8 ni une liste JSON"),
        ("absent.csv", None, "ne peut pas être lu"),
    ):
        path = tmp_path / name
        if text is not None:
            path.write_text(text, encoding="utf-8")
        said = app.test_cli_runner().invoke(args=["completer-catalogue", "--lieux", str(path)])
        assert said.exit_code == 1
        assert words in said.output
        with pytest.raises(CatalogueError):
            registers.read(None, path)
        change_settings(register_places=str(path))
        with pytest.raises(Found):
            jobs.complete_catalogue(clock.now())


def test_json_says_the_same_as_csv(app: Flask, tmp_path: Path) -> None:
    with (REGISTERS / "lieux.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (tmp_path / "lieux.json").write_text(json.dumps(rows), encoding="utf-8")
    assert registers.read(None, tmp_path / "lieux.json") == registers.read(None, REGISTERS / "lieux.csv")
