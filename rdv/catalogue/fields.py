"""One cell of a catalogue, cleaned: what spreadsheets and transports broke is repaired, what cannot be is named.

`None` is an empty cell. `BadField` carries the French reason; the caller decides whether it refuses the row or warns.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import unquote

from rdv import clock
from rdv.contacts import normalise_email, normalise_phone
from rdv.french import NBSP
from rdv.identifiers import is_siret, is_uai

T = TypeVar("T")

# What exports write for « nothing »; a person must never read « None ».
_NOTHING = {"", "-", "none", "null", "nan", "nil", "undefined", "n/a", "#n/a", "#ref!", "#valeur!", "[]", "{}"}
# PostgreSQL refuses NUL, UTF-8 refuses lone surrogates, and a line break in an address is only a space.
_BLANKS = re.compile("[\\s\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufffe\\uffff\\u200b\\ufeff]+")
_SHOWN = 40

_KEY = re.compile(
    r"[0-9]{6}P[0-9]{2}[0-9X]{2}"  # Certif Info, plan, duration and year, either of which may be X
    r"(?P<manager>[0-9]{14})(?P<teacher>[0-9]{14})-(?P<insee>[0-9][0-9AB][0-9]{3})"
    r"(?P<place>#L(?:[0-9]{2,3}|AD))?"
)


class BadField(ValueError):
    """A cell that cannot be used; the text says why, in French."""


def text(value: Any, limit: int = 255) -> str | None:
    """Return a cell as one trimmed line of at most `limit` characters, None when it says nothing."""
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, list):
        value = " ".join(part for item in value if (part := text(item, limit)))
    elif isinstance(value, (float, Decimal)):
        value = str(int(value)) if _is_whole(value) else str(value)
    flat = _BLANKS.sub(" ", str(value)).strip()
    if flat.lower() in _NOTHING:
        return None
    return flat[:limit].rstrip() or None


def _is_whole(value: float | Decimal) -> bool:
    return math.isfinite(value) and value == int(value)


def quoted(value: str) -> str:
    """Return a cell as a report quotes it: short, in French quotation marks."""
    shown = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
    return f"«{NBSP}{shown}{NBSP}»"


def items(value: Any) -> list[str]:
    """Return the parts of a list, whether JSON kept it a list or CSV joined it by « | », « ## », « , » or « ; »."""
    if isinstance(value, list):
        return [part for item in value if (part := text(item))]
    flat = text(value, 4000)
    if not flat:
        return []
    if flat.startswith("["):
        try:
            decoded = json.loads(flat)
        except ValueError:
            decoded = None
        if isinstance(decoded, list):
            return items(decoded)
    return [part for piece in re.split(r"\||##|[,;]", flat) if (part := text(piece))]


def truth(value: Any) -> bool | None:
    """Return a yes or no cell, None when it says neither."""
    if isinstance(value, bool):
        return value
    return {
        "true": True, "vrai": True, "oui": True, "1": True, "false": False, "faux": False, "non": False, "0": False,
    }.get((text(value) or "").lower())  # fmt: skip


def siret(value: Any, label: str) -> str | None:
    """Return 14 checked digits, None for an empty cell or « 0 »; a spreadsheet's lost zeros come back.

    Raises BadField when the digits are not a SIRET.
    """
    flat = text(value)
    if flat is None:
        return None
    digits = re.sub(r"[ .\-_/]", "", flat.removesuffix(".0"))
    if digits.isdigit() and not digits.strip("0"):
        return None
    if digits.isascii() and digits.isdigit() and 9 < len(digits) <= 14 and is_siret(digits.zfill(14)):
        return digits.zfill(14)
    raise BadField(f"{label} faux{NBSP}: {quoted(flat)}")


def or_none(read: Callable[[Any], T | None], value: Any) -> T | None:
    """Return what a reader of cells makes of a value, None where it raises BadField."""
    try:
        return read(value)
    except BadField:
        return None


def siret_or_none(value: Any) -> str | None:
    """Return the SIRET in a cell, None when none there holds."""
    return or_none(partial(siret, label=""), value)


def uai(value: Any, label: str) -> tuple[str | None, str | None]:
    """Return the UAI to keep and a warning: a wrong key letter is kept (real ones fail), another shape is not."""
    flat = text(value)
    if flat is None:
        return None, None
    code = flat.replace(" ", "").upper().zfill(8)
    if is_uai(code):
        return code, None
    if re.fullmatch(r"[0-9]{7}[A-Z]", code):
        return code, f"{label} dont la lettre de contrôle est fausse{NBSP}: {quoted(code)}, gardé tel quel"
    return None, f"{label} illisible{NBSP}: {quoted(flat)}, laissé de côté"


def insee(value: Any) -> str | None:
    """Return a commune code, those of Mayotte before 2011 in their present form. Raises BadField."""
    flat = text(value)
    if flat is None:
        return None
    code = flat.upper().zfill(5)
    if re.fullmatch(r"985(0[1-9]|1[0-7])", code):
        return "976" + code[3:]
    if re.fullmatch(r"[0-9][0-9AB][0-9]{3}", code) and code.strip("0"):
        return code
    raise BadField(f"code commune illisible{NBSP}: {quoted(flat)}")


def postal_code(value: Any) -> str | None:
    """Return five digits. Raises BadField."""
    flat = text(value)
    if flat is None:
        return None
    code = flat.replace(" ", "").zfill(5)
    if re.fullmatch(r"[0-9]{5}", code) and code.strip("0"):
        return code
    raise BadField(f"code postal illisible{NBSP}: {quoted(flat)}")


def city(value: Any) -> str | None:
    """Return the name of a town, without « CEDEX 05 »."""
    flat = text(value, 120)
    return text(re.sub(r"(?i)\bcedex\b.*$", "", flat)) if flat else None


def diploma_code(value: Any) -> str | None:
    """Return eight letters or digits, the lost first zero back. Raises BadField."""
    flat = text(value)
    if flat is None or flat == "0":
        return None
    code = flat.replace(" ", "").upper()
    if len(code) == 7:
        code = "0" + code
    if re.fullmatch(r"[0-9A-Z]{8}", code) and code.isascii():
        return code
    raise BadField(f"code diplôme illisible{NBSP}: {quoted(flat)}")


def rncp(value: Any) -> str | None:
    """Return « RNCP12345 » or « RS1234 ». Raises BadField."""
    flat = text(value)
    if flat is None or flat == "0":
        return None
    code = flat.replace(" ", "").upper()
    if re.fullmatch(r"[0-9]{1,6}", code):
        code = "RNCP" + code
    if re.fullmatch(r"(RNCP|RS)[0-9]{1,6}", code):
        return code
    raise BadField(f"code RNCP illisible{NBSP}: {quoted(flat)}")


def training_key(value: Any) -> re.Match[str] | None:
    """Return a key taken apart (managing and teaching SIRET, commune, place); « %23 » is read as « # ».

    Raises BadField when the cell holds something else.
    """
    flat = text(value, 400)
    if flat is None:
        return None
    found = _KEY.fullmatch(unquote(flat).replace(" ", "").upper())
    if not found:
        raise BadField(f"clé ministères éducatifs illisible{NBSP}: {quoted(flat)}")
    return found


def coordinates(value: Any) -> tuple[float, float] | None:
    """Return latitude and longitude from « 48.77,5.16 », None when they are absent or stand nowhere."""
    parts = value if isinstance(value, list) else (text(value) or "").split(",")
    if len(parts) != 2:
        return None
    try:
        latitude, longitude = float(parts[0]), float(parts[1])
    except (TypeError, ValueError, OverflowError):
        return None
    # NaN fails both comparisons; (0, 0) is what a missing position becomes.
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or not (latitude or longitude):
        return None
    return latitude, longitude


def intakes(value: Any) -> list[str]:
    """Return first days (« 2026-09-01 »), months or years of intakes, sorted and once each."""
    return sorted({day for part in items(value) if (day := _intake(part))})


def _intake(part: str) -> str | None:
    if re.fullmatch(r"20[0-9]{2}(-(0[1-9]|1[0-2]))?", part):
        return part
    french = re.fullmatch(r"([0-3][0-9])/([01][0-9])/(20[0-9]{2})", part)
    if french:
        part = f"{french[3]}-{french[2]}-{french[1]}"
    try:
        moment = datetime.fromisoformat(part)
        # « 2025-08-30T22:00Z » is 31 August where the catalogue is kept.
        return (clock.to_zone(moment, clock.PARIS) if moment.tzinfo else moment).date().isoformat()
    except (ValueError, OverflowError):
        return None


def email(value: Any) -> tuple[str | None, bool]:
    """Return the first address that mail can reach, and whether the cell held something unreadable instead."""
    return _first_contact(value, _known_email)


def phone(value: Any) -> tuple[str | None, bool]:
    """Return the first number that can be called, in E.164, and whether the cell held something unreadable instead."""
    return _first_contact(value, _known_phone)


def _first_contact(value: Any, read: Any) -> tuple[str | None, bool]:
    some = False
    for part in _contact_parts(value):
        some = True
        if found := read(part):
            return found, False
    return None, some


def _contact_parts(value: Any) -> Iterator[str]:
    for part in items(value):
        yield from (piece for piece in re.split(r"\s*/\s*|\s+ou\s+", part) if piece)


# One centre's address comes back on each of its rows; both libraries cost more than the rest of the row.
@lru_cache(maxsize=2048)
def _known_email(part: str) -> str | None:
    return normalise_email(part)


@lru_cache(maxsize=2048)
def _known_phone(part: str) -> str | None:
    return normalise_phone(part)
