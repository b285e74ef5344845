"""Tables as files that a French Excel opens right: given data, it writes, and asks nothing of anybody.

What a stranger typed is never a formula: see `cells.safe`. CSV for every tool, a workbook for several sheets.
"""

from __future__ import annotations

from rdv.exports.cells import Cell as Cell
from rdv.exports.cells import Share as Share
from rdv.exports.cells import Sheet as Sheet
from rdv.exports.cells import safe as safe
from rdv.exports.csv_file import CSV as CSV
from rdv.exports.csv_file import csv_lines as csv_lines
from rdv.exports.workbook import XLSX as XLSX
from rdv.exports.workbook import workbook as workbook
