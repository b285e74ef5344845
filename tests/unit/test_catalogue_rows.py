"""Rows: whole or refused, with the reason; what a file does not say changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdv.catalogue.rows import EXPORT, FLOW, CatalogueRow, RowRefused, read
from tests.make_catalogue import row as invented

FIXTURES = Path(__file__).parents[1] / "fixtures" / "catalogue"
REAL = json.loads((FIXTURES / "formations_catalogue_exemples.json").read_text(encoding="utf-8"))
KEY = "097049P013X3495860990002134958609900021-57316#L01"


def export(**cells: Any) -> CatalogueRow:
    return read(1, {**REAL[0], **cells}, EXPORT)


def flow(**cells: Any) -> CatalogueRow:
    rows = json.loads((FIXTURES / "flux_invente.json").read_text(encoding="utf-8"))
    return read(1, {**rows[0], **cells}, FLOW)


def test_a_real_record() -> None:
    row = export()
    assert row.identity == row.training_key == KEY
    assert row.cfa_siret == row.site_siret == "34958609900021"
    assert row.insee == "57316"
    assert row.cfa == {"name": "CFAI", "city": "MAXEVILLE"}
    assert row.site["territory"] == "57"
    assert row.site["timezone"] == "Europe/Paris"
    assert (row.site["latitude"], row.site["longitude"]) == (49.103334, 6.855078)
    assert row.training["title"] == "TECHNICIEN EN CHAUDRONNERIE INDUSTRIELLE (BAC PRO)"
    assert row.training["diploma_code"] == "40025411"
    assert row.training["starts_on"] == ["2021-09-01"]
    assert row.training["source"]["parcoursup_statut"] == "NON_PUBLIABLE_EN_LETAT"
    assert row.training["source"]["annee"] == "X"
    assert row.warnings == ()


def test_contacts_are_read_where_they_stand() -> None:
    row = export(
        email="Formation@CFA.example", num_tel="02 61 91 00 01", etablissement_gestionnaire_courriel="direction@cfa.example",
        etablissement_formateur_courriel="site@cfa.example",
    )  # fmt: skip
    assert row.training["email"] == "formation@cfa.example"
    assert row.training["phone"] == "+33261910001"
    assert row.cfa["email"] == "direction@cfa.example"
    assert row.site["email"] == "site@cfa.example"


def test_what_is_not_said_is_absent() -> None:
    row = export(
        email=None, intitule_long="", intitule_court=None, rncp_intitule="None", etablissement_gestionnaire_enseigne=""
    )
    assert "email" not in row.training
    assert "phone" not in row.training
    assert "title" not in row.training
    assert "parcoursup_id" not in row.training  # no such column in this file
    assert "published" not in row.training
    assert row.cfa["name"] == "ASS APPRENTISSAGE INDUSTRIEL"


def test_an_empty_platform_identifier_is_said_to_be_empty() -> None:
    assert export(parcoursup_id="").training["parcoursup_id"] is None
    assert export(parcoursup_id=10013).training["parcoursup_id"] == "10013"


def test_without_a_key_the_place_and_the_diploma_identify() -> None:
    one = flow()
    assert one.training_key is None
    assert one.identity == "|".join((one.cfa_siret, one.site_siret, "25056", "4 avenue des essais", "50099901"))
    assert flow(lieu_formation_adresse="4, av. des Essais").identity == one.identity
    assert flow(cfd="").identity.endswith("|RNCP99001")
    assert len({one.identity, flow(cfd="40099909").identity, flow(lieu_formation_adresse="5 avenue").identity}) == 3


def test_the_key_fills_what_the_row_lost() -> None:
    row = export(etablissement_gestionnaire_siret="", etablissement_formateur_siret="0", code_commune_insee=None)
    assert row.cfa_siret == row.site_siret == "34958609900021"
    assert row.insee == "57316"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"etablissement_gestionnaire_siret": ""}, "SIRET gestionnaire absent"),
        ({"etablissement_gestionnaire_siret": "0"}, "SIRET gestionnaire absent"),
        ({"etablissement_gestionnaire_siret": "34958609900022"}, "SIRET gestionnaire faux"),
        ({"cfd": "", "rncp_code": ""}, "ni code diplôme, ni code RNCP"),
        ({"cfd": "abc", "rncp_code": "?"}, "ni code diplôme, ni code RNCP"),
        ({"lieu_formation_code_commune_insee": "", "lieu_formation_code_postal": ""}, "lieu impossible à reconnaître"),
    ],
)
def test_a_row_that_nothing_identifies_is_refused(cells: dict[str, str], reason: str) -> None:
    with pytest.raises(RowRefused, match=reason):
        flow(**cells)


@pytest.mark.parametrize(
    ("cells", "warning"),
    [
        ({"etablissement_formateur_siret": ""}, None),  # the key has it
        ({"uai_formation": "0061603A"}, "lettre de contrôle est fausse"),
        ({"uai_formation": "?"}, "illisible"),
        ({"cfd": ""}, "code diplôme absent"),
        ({"cle_ministere_educatif": "pas une clé"}, "clé ministères éducatifs illisible"),
        ({"cle_ministere_educatif": KEY.split("#")[0]}, "sans suffixe"),
        ({"code_postal": "97400"}, "départements différents"),
        ({"email": "pas une adresse"}, "adresse électronique de la formation illisible"),
        ({"num_tel": "standard"}, "téléphone"),
    ],
)
def test_a_defect_that_harms_nobody_is_a_warning(cells: dict[str, str], warning: str | None) -> None:
    warnings = " / ".join(export(**cells).warnings)
    assert warning in warnings if warning else not warnings


def test_a_warning_never_repeats_an_address() -> None:
    assert "camille" not in " ".join(export(email="camille.roux@", num_tel="camille").warnings)


def test_overseas_places_keep_their_time() -> None:
    row = flow(lieu_formation_code_commune_insee="97411", lieu_formation_code_postal="97400")
    assert (row.site["department"], row.site["territory"], row.site["timezone"]) == ("974", "974", "Indian/Reunion")
    old = flow(lieu_formation_code_commune_insee="98511", lieu_formation_code_postal="97600")
    assert (old.insee, old.site["timezone"]) == ("97611", "Indian/Mayotte")


def test_replaced_keys_are_read_from_json_and_csv() -> None:
    old = KEY.replace("-57316", "-57317")
    assert export(cle_me_remplace=[old, KEY]).replaced_keys == (old,)
    assert export(cle_me_remplace=f"{old}|{old.replace('#', '%23')}").replaced_keys == (old,)
    assert export(cle_me_remplace="n’importe quoi").replaced_keys == ()


def test_a_remote_training_is_known_by_its_key() -> None:
    assert export(cle_ministere_educatif=KEY.replace("#L01", "#LAD")).training["remote"] is True
    assert export(entierement_a_distance="False").training["remote"] is False


CELLS = st.one_of(
    st.none(), st.text(max_size=30), st.integers(), st.floats(), st.lists(st.text(max_size=8), max_size=2)
)


@given(st.dictionaries(st.sampled_from(sorted(invented(0))), CELLS, max_size=12))
def test_whatever_the_cells_a_row_is_whole_or_refused(cells: dict[str, Any]) -> None:
    try:
        row = read(1, {**invented(7), **cells}, EXPORT)
    except RowRefused:
        return
    assert len(row.identity) <= 400
    assert len(row.cfa_siret) == 14
    widths = {"uai": 8, "postal_code": 5, "department": 3, "territory": 20, "timezone": 40, "city": 120, "level": 40,
              "diploma": 120, "diploma_code": 10, "rncp": 12, "parcoursup_id": 20, "affelnet_id": 40, "onisep_id": 40,
              "rco_id": 120, "phone": 20, "email": 254}  # fmt: skip
    for facts in (row.cfa, row.site, row.training):
        for name, value in facts.items():
            if isinstance(value, str):
                assert 0 < len(value) <= widths.get(name, 255)
                assert "\x00" not in value
                value.encode()
