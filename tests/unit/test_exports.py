"""Files that Excel opens: read back by other libraries, with names that try to be formulas."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import openpyxl
import pytest

from rdv import exports
from rdv.exports import Share, Sheet, safe

NASTY = (
    '=HYPERLINK("http://mechant.example","Cliquez")', "=1+1", "+33199001234", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1",
    " =1+1", "\u00a0=1+1", "＝1+1", "=cmd|' /C calc'!A0",
)  # fmt: skip
PLAIN = ("Zoé", "O’Connor", 'L\'Hôte; "dit" Jo', "1er étage = accueil", "06 12 34 56 78", "12-13", "", "a\nb")
NOW = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)
HALF_PAST = datetime(2026, 11, 24, 14, 30, tzinfo=UTC).replace(tzinfo=None)  # local: a spreadsheet knows no zone


def read_csv(sheet: Sheet) -> list[list[str]]:
    """As Excel reads it: the mark tells UTF-8."""
    whole = "".join(exports.csv_lines(sheet)).encode()
    assert whole.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(whole.decode("utf-8-sig"), newline=""), delimiter=";"))


def read_xlsx(*sheets: Sheet) -> openpyxl.Workbook:
    with exports.workbook(sheets, "Essai", NOW) as file:
        return openpyxl.load_workbook(io.BytesIO(file.read()))


@pytest.mark.parametrize("text", NASTY)
def test_what_begins_like_a_formula_is_a_text_in_both(text):
    sheet = Sheet("Noms", ["Nom", text], [[text, 1]])
    heading, row = read_csv(sheet)
    assert heading[1][0] == row[0][0] == "'"
    assert row[0][1:] == safe(text)[1:]
    page = read_xlsx(sheet)["Noms"]
    for cell in (page["A2"], page["B1"]):
        assert cell.data_type in ("s", "inlineStr")  # never « f »
        assert cell.value.startswith("'")
    assert page["A2"].quotePrefix
    assert page["B2"].value == 1


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_formula_is_kept_as_it_is(text):
    assert safe(text) == text
    sheet = Sheet("Noms", ["Nom", "Suite"], [[text, "fin"]])
    assert read_csv(sheet)[1] == [text, "fin"]
    assert (read_xlsx(sheet)["Noms"]["A2"].value or "") == text


def test_controls_that_no_file_may_hold_are_left_out():
    assert safe("Zo\x00é\x1b[31m\x0b") == "Zoé[31m"
    assert safe("\x00=1+1") == "'=1+1"
    assert len(safe("é" * 40_000)) < 32_768


def test_numbers_dates_and_shares_read_as_such_in_french():
    row = [1234, 0.5, 12.25, Share(0.875), date(2026, 11, 24), HALF_PAST, True, None, -5]
    sheet = Sheet("Chiffres", [str(number) for number in range(len(row))], [row])
    assert read_csv(sheet)[1] == [
        "1234", "0,5", "12,25", "87,5\u00a0%", "24/11/2026", "24/11/2026 14:30", "oui", "", "-5",
    ]  # fmt: skip
    cells = read_xlsx(sheet)["Chiffres"][2]
    assert [cell.value for cell in cells] == [
        1234, 0.5, 12.25, 0.875, HALF_PAST.replace(hour=0, minute=0), HALF_PAST, "oui", None, -5,
    ]  # fmt: skip
    assert cells[3].number_format == "0.0 %"
    assert (cells[4].number_format, cells[5].number_format) == ("dd/mm/yyyy", "dd/mm/yyyy hh:mm")


def test_rows_are_taken_one_by_one():
    taken = []

    def rows():
        for number in range(3):
            taken.append(number)
            yield [number]

    lines = exports.csv_lines(Sheet("Longue", ["N"], rows()))
    next(lines)
    assert taken == []
    next(lines)
    assert taken == [0]


def test_a_workbook_holds_its_sheets_in_order_with_headings_that_stay():
    book = read_xlsx(Sheet("A" * 40, ["Un"], []), Sheet("Définitions", ["Deux"], [["x"]], widths=[90]))
    assert book.sheetnames == ["A" * 31, "Définitions"]
    assert book["Définitions"].freeze_panes == "A2"
    assert book.properties.title == "Essai"
