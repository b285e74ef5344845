"""CSV as a French Excel opens it on a double click: UTF-8 with its mark, semicolons, decimal commas, French dates."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime

from rdv.exports.cells import Cell, Share, Sheet, safe

CSV = "text/csv"
BOM = "\ufeff"


def csv_lines(sheet: Sheet) -> Iterator[str]:
    """Yield the lines of a table one by one, so that a long one is never held whole."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow([safe(heading) for heading in sheet.headings])
    yield BOM + buffer.getvalue()
    for row in sheet.rows:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([_text(cell) for cell in row])
        yield buffer.getvalue()


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "oui" if cell else "non"
        case str():
            return safe(cell)
        case Share():
            return f"{cell.value * 100:.1f}".replace(".", ",") + "\u00a0%"
        case float():
            return f"{cell:.2f}".rstrip("0").rstrip(".").replace(".", ",")
        case datetime():
            return cell.strftime("%d/%m/%Y %H:%M")
        case date():
            return cell.strftime("%d/%m/%Y")
    return str(cell)
