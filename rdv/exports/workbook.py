"""A workbook (XLSX) of several sheets, written row by row to a temporary file: memory does not grow with it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import IO, Any

import xlsxwriter

from rdv.exports.cells import Cell, Share, Sheet, safe, starts_a_formula

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OPTIONS = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip
_WIDTH = 18


def workbook(sheets: Sequence[Sheet], title: str, created: datetime) -> IO[bytes]:
    """Return an open file, at its beginning: who receives it closes it, and then it is gone."""
    target = tempfile.TemporaryFile()  # noqa: SIM115  it outlives this function
    book = xlsxwriter.Workbook(target, _OPTIONS)
    book.set_properties({"title": title, "created": created.replace(tzinfo=None)})
    formats = {
        "heading": book.add_format({"bold": True, "bg_color": "#DCEFEC", "text_wrap": True, "valign": "top"}),
        "text": book.add_format({"valign": "top"}),
        # Kept as a text even by who edits the cell.
        "quoted": book.add_format({"valign": "top", "quote_prefix": True}),
        "share": book.add_format({"num_format": "0.0 %", "valign": "top"}),
        "day": book.add_format({"num_format": "dd/mm/yyyy", "valign": "top"}),
        "instant": book.add_format({"num_format": "dd/mm/yyyy hh:mm", "valign": "top"}),
        "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
    }
    for sheet in sheets:
        _write(book.add_worksheet(sheet.title[:31]), sheet, formats)
    book.close()
    target.seek(0)
    return target


def _write(page: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    page.freeze_panes(1, 0)
    for column in range(len(sheet.headings)):
        page.set_column(column, column, sheet.widths[column] if column < len(sheet.widths) else _WIDTH)
    for column, heading in enumerate(sheet.headings):
        page.write_string(0, column, safe(heading), formats["heading"])
    for number, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row):
            _cell(page, number, column, cell, formats, wide=column < len(sheet.widths) and sheet.widths[column] > 60)


def _cell(page: Any, row: int, column: int, cell: Cell, formats: dict[str, Any], wide: bool) -> None:
    match cell:
        case None:
            return
        case bool():
            page.write_string(row, column, "oui" if cell else "non", formats["text"])
        case str():
            name = "quoted" if starts_a_formula(cell) else "wrapped" if wide else "text"
            page.write_string(row, column, safe(cell), formats[name])
        case Share():
            page.write_number(row, column, cell.value, formats["share"])
        case datetime():
            page.write_datetime(row, column, cell.replace(tzinfo=None), formats["instant"])
        case date():
            page.write_datetime(row, column, datetime.combine(cell, time.min), formats["day"])
        case _:
            page.write_number(row, column, cell, formats["text"])
