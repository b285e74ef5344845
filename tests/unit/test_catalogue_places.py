"""Places: one key for one building however it is written, and the territory and zone of each department."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest

from rdv.catalogue import territories
from rdv.catalogue.places import address_key

SAME = [
    "12 bis Boulevard de l'Étang",
    "12BIS BD DE L'ETANG",
    "12 B, boulevard de l’Etang - BP 327",
    "12 bis bd. de l'étang CS 52107 25000 BESANCON CEDEX 3",
    "12 bis boulevard de l'Étang\n25000 Besançon",
]


def test_one_building_has_one_key() -> None:
    keys = {address_key(address, "25056", "25000") for address in SAME}
    assert keys == {"12 bis boulevard de l etang"}


@pytest.mark.parametrize(
    "other", ["12 boulevard de l'Étang", "12 bis rue de l'Étang", "14 bis boulevard de l'Étang", None]
)
def test_another_building_has_another_key(other: str | None) -> None:
    assert address_key(other, "25056", "25000") != "12 bis boulevard de l etang"


def test_the_postal_code_stands_in_for_an_unknown_commune() -> None:
    assert address_key("1 rue de la Mairie", "", "25000") != address_key("1 rue de la Mairie", "", "21000")
    assert address_key("1 rue de la Mairie", "25056", "25000") == address_key("1 rue de la Mairie", "25056", "25030")


def test_a_long_address_fits_its_column() -> None:
    assert len(address_key("rue " * 200, "25056", None)) <= 255


@pytest.mark.parametrize(
    ("insee", "department"),
    [("75118", "75"), ("2A004", "2A"), ("2B033", "2B"), ("01053", "01"), ("97411", "974"), ("97701", "977"), ("97801", "978"),
     ("97502", "975"), ("98818", "988"), ("98735", "987"), ("98613", "986"), ("99138", None), ("", None)],
)  # fmt: skip
def test_department_of_a_commune(insee: str, department: str | None) -> None:
    assert territories.department_of_insee(insee) == department


@pytest.mark.parametrize(
    ("code", "department"),
    [("20090", "2A"), ("20137", "2A"), ("20200", "2B"), ("20600", "2B"), ("97133", "977"), ("97150", "978"), ("97122", "971"),
     ("98511", "976"), ("97600", "976"), ("98800", "988"), ("98000", None), ("06210", "06"), ("00100", None)],
)  # fmt: skip
def test_department_of_a_postal_code(code: str, department: str | None) -> None:
    assert territories.department_of_postal_code(code) == department


def test_departments_as_catalogues_write_them() -> None:
    assert [territories.department_from(text) for text in ("6", "06", "2a", "02A", "974", "985", "X", "")] == [
        "06", "06", "2A", "2A", "974", "976", None, None,
    ]  # fmt: skip


ZONES = {
    "75": ("FR", "Europe/Paris"), "57": ("57", "Europe/Paris"), "67": ("6AE", "Europe/Paris"), "68": ("6AE", "Europe/Paris"),
    "2A": ("FR", "Europe/Paris"), "971": ("971", "America/Guadeloupe"), "972": ("972", "America/Martinique"),
    "973": ("973", "America/Cayenne"), "974": ("974", "Indian/Reunion"), "975": ("PM", "America/Miquelon"),
    "976": ("976", "Indian/Mayotte"), "977": ("BL", "America/St_Barthelemy"), "978": ("MF", "America/Marigot"),
    "986": ("WF", "Pacific/Wallis"), "987": ("PF", "Pacific/Tahiti"), "988": ("NC", "Pacific/Noumea"),
}  # fmt: skip


@pytest.mark.parametrize("department", ZONES)
def test_every_territory_is_known_to_the_libraries(department: str) -> None:
    found = territories.territory_of(department)
    assert (found.code, found.timezone) == ZONES[department]
    ZoneInfo(found.timezone)
    days = holidays.country_holidays("FR", subdiv=None if found.code == "FR" else found.code, years=2026)
    assert len(days) >= 11


def test_islands_with_their_own_time() -> None:
    assert territories.territory_of("987", "98731").timezone == "Pacific/Marquesas"
    assert territories.territory_of("987", "98719").timezone == "Pacific/Gambier"
    assert territories.territory_of("987", "98735").timezone == "Pacific/Tahiti"
    assert territories.territory_of(None).timezone == "Europe/Paris"


@pytest.mark.real_catalogue
def test_zones_agree_with_the_table_of_territories(catalogue_data: Path) -> None:
    with (catalogue_data / "territoires.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            for department in line["departement"].split():
                if department != "métropole":
                    assert territories.territory_of(department).timezone in line["fuseau_iana"]


@pytest.fixture
def catalogue_data() -> Path:
    """The folder of the real files, some of which are not ours to commit."""
    return Path(os.environ["CATALOGUE_DATA"])
