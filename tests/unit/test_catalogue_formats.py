"""Files: each format is recognised and streamed, a cut is said where it stands, the rest is refused in French."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rdv.catalogue.formats import FileCut, Record, Source, open_source
from rdv.catalogue.rows import EXPORT, FLOW
from rdv.errors import CatalogueError

FIXTURES = Path(__file__).parents[1] / "fixtures" / "catalogue"
EXPORT_CSV = (FIXTURES / "formations_catalogue_exemples.csv").read_text(encoding="utf-8")
EXPORT_JSON = json.loads((FIXTURES / "formations_catalogue_exemples.json").read_text(encoding="utf-8"))


def written(tmp_path: Path, content: str | bytes, name: str = "fichier") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def keys(records: Iterator[Record]) -> list[Any]:
    return [record.cells.get("cle_ministere_educatif") for record in records]


def read_to_the_end(source: Source) -> tuple[list[Record], str | None]:
    """Return the records, and the message of the cut if there is one."""
    seen: list[Record] = []
    try:
        seen.extend(source.records())
    except FileCut as cut:
        return seen, cut.message
    return seen, None


def semicolons() -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(csv.reader(io.StringIO(EXPORT_CSV)))
    return out.getvalue()


SHAPES = {
    "comma": (EXPORT_CSV.encode(), "ligne"),
    "byte order mark": (b"\xef\xbb\xbf" + EXPORT_CSV.encode(), "ligne"),
    "semicolon of a French spreadsheet": (semicolons().encode("cp1252"), "ligne"),
    "tab": (semicolons().replace(";", "\t").encode(), "ligne"),
    "carriage returns": (EXPORT_CSV.replace("\r\n", "\n").replace("\n", "\r\n").encode(), "ligne"),
    "list": (json.dumps(EXPORT_JSON).encode(), "enregistrement"),
    "list with a byte order mark": (b"\xef\xbb\xbf" + json.dumps(EXPORT_JSON).encode(), "enregistrement"),
    "one object a line": ("\n".join(json.dumps(row) for row in EXPORT_JSON).encode(), "ligne"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_records(shape: str, tmp_path: Path) -> None:
    content, unit = SHAPES[shape]
    source = open_source(written(tmp_path, content))
    assert source.layout is EXPORT
    assert source.unit == unit
    records = list(source.records())
    assert keys(iter(records)) == [row["cle_ministere_educatif"] for row in EXPORT_JSON]
    assert records[0].cells["intitule_long"] == EXPORT_JSON[0]["intitule_long"]
    assert records[5].cells["lieu_formation_adresse"].startswith("225 avenue Saint Exupéry Bât 9")
    assert [record.problem for record in records] == [None] * 8
    assert keys(source.records()) == keys(iter(records))  # it can be read again


def test_the_flow_is_told_from_the_export() -> None:
    assert open_source(FIXTURES / "flux_invente.csv").layout is FLOW
    assert open_source(FIXTURES / "flux_invente.json").layout is FLOW


def test_a_line_number_is_that_of_the_file(tmp_path: Path) -> None:
    source = open_source(FIXTURES / "flux_invente.csv")
    numbers = [record.number for record in source.records()]
    assert numbers[:8] == [2, 3, 4, 5, 6, 7, 8, 10]  # the seventh row holds a line break


UNKNOWN = {
    "nothing": (b"", "vide"),
    "blanks": (b"\xef\xbb\xbf \n\n", "vide"),
    "image": (b"\x89PNG\r\n\x1a\n\x00\x01", "une image"),
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "workbook": (b"PK\x03\x04rest", "classeur"),
    "compressed": (b"\x1f\x8b\x08", "compressée"),
    "bytes": (bytes(range(256)) * 4, "pas du texte"),
    "UTF-16": (EXPORT_CSV.encode("utf-16"), "UTF-16"),
    "page": (b"<!doctype html>\n<html><body>404</body></html>", "page web"),
    "prose": (b"Bonjour, voici le catalogue", "colonnes attendues"),
    "other columns": (b"nom,prenom\nMartin,Alice\n", "Colonnes trouvées : nom, prenom"),
    "object": (json.dumps({"formations": EXPORT_JSON}, indent=1).encode(), "objet JSON isolé"),
    "object on a line": (b'{"formations": []}', "colonnes attendues"),
    "numbers": (b"[1, 2, 3]", "aucune formation"),
    "empty list": (b"[]", "aucune formation"),
    "other objects": (b'[{"nom": "Martin"}]', "Colonnes trouvées : nom"),
    "broken list": (b"[", "avant le premier enregistrement"),
    "broken object": (b"{nom: 1}", "objet JSON"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_unknown_file_is_refused_in_french(kind: str, tmp_path: Path) -> None:
    content, words = UNKNOWN[kind]
    with pytest.raises(CatalogueError) as refused:
        open_source(written(tmp_path, content))
    assert words in refused.value.message.replace("\u00a0", " ")


def test_no_file_or_a_folder_is_refused_in_french(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="n’existe pas"):
        open_source(tmp_path / "absent.csv")
    with pytest.raises(CatalogueError, match="dossier"):
        open_source(tmp_path)


@pytest.mark.parametrize("shape", ["comma", "list", "one object a line", "semicolon of a French spreadsheet"])
def test_wherever_a_file_is_cut_only_whole_records_come_out(shape: str, tmp_path: Path) -> None:
    content, _ = SHAPES[shape]
    whole = list(open_source(written(tmp_path, content, "entier")).records())
    for size in range(2600, len(content) - 1, 97):
        source = open_source(written(tmp_path, content[:size], "coupé"))
        seen, cut = read_to_the_end(source)
        if cut:
            assert cut.startswith("Le fichier s’arrête")
        else:
            # Nothing tells a cut at the end of a line, or inside the last cell: that cell is left out.
            assert shape != "list"
            assert content[:size].endswith((b"\n", b"}")) or seen[-1].doubt
        for found, expected in zip(seen, whole, strict=False):
            assert found.number == expected.number
            assert {name: expected.cells[name] for name in found.cells} == found.cells


def test_the_place_of_the_cut_is_said(tmp_path: Path) -> None:
    listed = json.dumps(EXPORT_JSON, indent=1)
    cut = listed[: listed.index("Avignon")]
    with pytest.raises(FileCut, match="après l’enregistrement 4, avant la fin"):
        list(open_source(written(tmp_path, cut)).records())
    lines = EXPORT_CSV.splitlines()
    cut = "\r\n".join(lines[:4]) + "\r\n" + lines[4][:100]
    with pytest.raises(FileCut, match="au milieu de la ligne 5"):
        list(open_source(written(tmp_path, cut)).records())


def test_a_json_that_breaks_is_read_up_to_there(tmp_path: Path) -> None:
    text = json.dumps(EXPORT_JSON[:2])[:-1] + ", {oups}]"
    seen, cut = read_to_the_end(open_source(written(tmp_path, text)))
    assert cut == "Le JSON n’est plus lisible après l’enregistrement 2."
    assert len(seen) == 2


def test_a_bad_line_does_not_stop_the_file(tmp_path: Path) -> None:
    lines = EXPORT_CSV.splitlines()
    bad = [lines[0], lines[1], "trop,peu", '"guillemet"mal,placé', lines[2], ",".join(["x"] * 99), "", lines[3], ""]
    records = list(open_source(written(tmp_path, "\n".join(bad))).records())
    assert [record.number for record in records if not record.problem] == [2, 5, 8]
    assert [record.problem for record in records if record.problem] == [
        "2 cellules pour 50 colonnes",
        "guillemets mal placés ou cellule démesurée",
        "99 cellules pour 50 colonnes",
    ]
    objects = [json.dumps(EXPORT_JSON[0]), "{oups}", "12", json.dumps(EXPORT_JSON[1]), ""]
    records = list(open_source(written(tmp_path, "\n".join(objects))).records())
    assert [record.problem for record in records] == [
        None,
        "JSON illisible",
        "l’enregistrement n’est pas un objet",
        None,
    ]


def test_a_last_line_without_its_end_loses_only_the_cell_that_may_be_cut(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, EXPORT_CSV.rstrip("\r\n")))
    *_, last = source.records()
    assert "uai_formation" not in last.cells
    assert last.cells["cfd"] == "36321401"
    assert last.doubt
    assert "uai_formation" in last.doubt


def test_a_last_cell_that_may_be_cut_never_identifies_a_row(tmp_path: Path) -> None:
    content = "cfd,etablissement_gestionnaire_siret,lieu_formation_code_commune_insee\n40025411,34958609900021,5731"
    records = list(open_source(written(tmp_path, content)).records())
    assert records[0].problem
    assert "lieu_formation_code_commune_insee" in records[0].problem
