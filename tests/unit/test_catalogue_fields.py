"""Cells of a catalogue: what is repaired, what is left aside, and that nothing ever raises anything else."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdv.catalogue import fields
from rdv.catalogue.fields import BadField

KEYS = Path(__file__).parents[1] / "fixtures" / "catalogue" / "cles_ministere_educatif_exemples.json"
SIRET = "34958609900021"


@pytest.mark.parametrize("nothing", [None, "", "  ", "None", "null", "NaN", "N/A", "#REF!", "-", [], {}, "\x00"])
def test_nothing_reads_as_nothing(nothing: Any) -> None:
    assert fields.text(nothing) is None


def test_text_is_one_line_that_both_databases_take() -> None:
    assert fields.text(" 4 rue\r\nde\u00a0l'Est\x00 \ud800") == "4 rue de l'Est"
    assert fields.text("é" * 300, 255) == "é" * 255
    assert fields.text(2021) == "2021"
    assert fields.text(34958609900021.0) == SIRET


@pytest.mark.parametrize("cell", [SIRET, " 349 586 099 00021 ", 34958609900021, "34958609900021.0", 34958609900021.0])
def test_a_siret_is_read_however_it_is_written(cell: Any) -> None:
    assert fields.siret(cell, "SIRET") == SIRET


def test_a_siret_gets_back_the_zero_that_a_spreadsheet_took() -> None:
    body = next(f"0588024970{n:03d}{k}" for n in range(10) for k in range(10) if _luhn(f"0588024970{n:03d}{k}"))
    assert fields.siret(body.lstrip("0"), "SIRET") == body


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(v - 9 if v > 9 else v for v in doubled) % 10 == 0


@pytest.mark.parametrize("empty", ["", "0", 0, "00000000000000", None])
def test_an_empty_siret_is_none(empty: Any) -> None:
    assert fields.siret(empty, "SIRET") is None


@pytest.mark.parametrize(
    "wrong", ["34958609900022", "3.4958609900021E+13", "abc", "1234", "3495860990002134958609900021"]
)
def test_a_false_siret_is_named(wrong: str) -> None:
    with pytest.raises(BadField, match="SIRET gestionnaire faux"):
        fields.siret(wrong, "SIRET gestionnaire")


def test_a_false_uai_is_kept_with_a_warning_and_another_shape_is_not() -> None:
    assert fields.uai("0061603K", "UAI") == ("0061603K", None)
    assert fields.uai("0061603k", "UAI") == ("0061603K", None)
    kept, warning = fields.uai("0061603A", "UAI")
    assert kept == "0061603A"
    assert warning
    assert "fausse" in warning
    assert fields.uai("inconnu", "UAI")[0] is None
    assert fields.uai("", "UAI") == (None, None)


@pytest.mark.parametrize(
    ("cell", "code"),
    [("25056", "25056"), ("1053", "01053"), (6004, "06004"), ("2a004", "2A004"), ("2B033", "2B033"), ("13215", "13215"),
     ("98511", "97611"), ("97611", "97611"), ("98818", "98818"), ("", None)],
)  # fmt: skip
def test_commune_codes(cell: Any, code: str | None) -> None:
    assert fields.insee(cell) == code


@pytest.mark.parametrize("wrong", ["ABCDE", "123456", "00000", "2C004"])
def test_a_wrong_commune_code_is_named(wrong: str) -> None:
    with pytest.raises(BadField, match="code commune"):
        fields.insee(wrong)


def test_diploma_and_certification_codes() -> None:
    assert fields.diploma_code("1033605") == "01033605"
    assert fields.diploma_code("36t31203") == "36T31203"
    assert fields.diploma_code("") is None
    assert fields.rncp("29885") == "RNCP29885"
    assert fields.rncp("rs5000") == "RS5000"
    with pytest.raises(BadField):
        fields.diploma_code("123")
    with pytest.raises(BadField):
        fields.rncp("RNCP")


def test_every_real_key_is_taken_apart() -> None:
    examples = json.loads(KEYS.read_text())
    assert len(examples) == 34
    for example in examples:
        key = fields.training_key(example["cle_ministere_educatif"])
        assert key
        assert key["manager"] == example["siret_gestionnaire"]
        assert key["teacher"] == example["siret_formateur"]
        assert key["insee"] == example["code_commune_insee"]
        assert key["place"] == "#" + example["suffixe_lieu"]


def test_a_key_survives_its_transport() -> None:
    whole = "097049P013X3495860990002134958609900021-57316#L01"
    for written in (whole, whole.replace("#", "%23"), f" {whole.lower()} ", whole.replace("#L01", "#LAD")):
        key = fields.training_key(written)
        assert key
        assert key.group() in (whole, whole.replace("#L01", "#LAD"))
    bare = fields.training_key(whole.split("#")[0])
    assert bare
    assert bare["place"] is None
    for wrong in ("#L01", "097049", whole + "x", whole[:-1] + "#"):
        with pytest.raises(BadField):
            fields.training_key(wrong)


def test_intakes_are_days_months_or_years_of_paris() -> None:
    assert fields.intakes(["2025-08-30T22:00:00.000Z", "2021-09-01T00:00:00.000Z"]) == ["2021-09-01", "2025-08-31"]
    assert fields.intakes("2021|2020|2020") == ["2020", "2021"]
    assert fields.intakes('["2020-09", "2021-09"]') == ["2020-09", "2021-09"]
    assert fields.intakes("01/09/2026") == ["2026-09-01"]
    assert fields.intakes("X|n’importe quoi|2026-13-45") == []


def test_coordinates_must_stand_somewhere() -> None:
    assert fields.coordinates("49.103334,6.855078") == (49.103334, 6.855078)
    for nowhere in ("0,0", "nan,nan", "95,2", "48.8", "a,b", None, [], "1,2,3"):
        assert fields.coordinates(nowhere) is None


def test_the_first_contact_that_works_is_kept() -> None:
    assert fields.email("Pas-Une-Adresse##Accueil@CFA.example") == ("accueil@cfa.example", False)
    assert fields.email("contact chez cfa") == (None, True)
    assert fields.email("") == (None, False)
    assert fields.phone("3949 / 02 61 91 12 34") == ("+33261911234", False)
    assert fields.phone("0692 12 34 56") == ("+262692123456", False)
    assert fields.phone("standard") == (None, True)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@given(ANYTHING)
def test_no_cell_breaks_a_reader(cell: Any) -> None:
    for read in (fields.insee, fields.postal_code, fields.diploma_code, fields.rncp, fields.training_key):
        with suppress(BadField):
            read(cell)
    with suppress(BadField):
        fields.siret(cell, "SIRET")
    for total in (
        fields.text,
        fields.items,
        fields.truth,
        fields.city,
        fields.coordinates,
        fields.intakes,
        fields.email,
        fields.phone,
    ):
        total(cell)
    fields.uai(cell, "UAI")
