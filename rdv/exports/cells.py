"""What a cell may hold, and the guard against formulas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

# What a spreadsheet reads as the beginning of a formula, wide forms included, and what it may skip before one.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LONGEST = 32_767  # characters of a cell of Excel


@dataclass(frozen=True)
class Share:
    """A part of a whole, shown as a percentage."""

    value: float


# Instants are local and naive: a spreadsheet knows no zone. None is an empty cell.
Cell = str | int | float | bool | date | datetime | Share | None


@dataclass(frozen=True)
class Sheet:
    """A table: a name of 31 characters at most, headings, rows that may be read one by one."""

    title: str
    headings: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[int] = ()  # of columns, in characters; 18 otherwise


def starts_a_formula(text: str) -> bool:
    """Say whether a spreadsheet would compute this text, spaces before it skipped."""
    return text.lstrip(" \u00a0").startswith(_STARTS) or text.startswith(_STARTS)


def safe(text: str) -> str:
    """Return a text that no spreadsheet computes: an apostrophe before what begins like a formula, no control character.

    « +33 6… » becomes « '+33 6… », which stays readable and a text.
    """
    clean = "".join(each for each in text if each in "\t\r\n" or each.isprintable() or each == "\u00a0")[: _LONGEST - 1]
    return f"'{clean}" if starts_a_formula(clean) else clean
