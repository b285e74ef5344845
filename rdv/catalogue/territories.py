"""Where a department lies: the territory whose public holidays apply, and its IANA time zone.

Territories are the subdivisions that the `holidays` library knows for France; « FR » is the mainland without its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rdv.clock import PARIS


@dataclass(frozen=True, slots=True)
class Territory:
    """A holiday calendar and a time zone."""

    code: str
    timezone: str


MAINLAND = Territory("FR", PARIS)

_TERRITORIES = {
    "57": Territory("57", PARIS),  # Alsace-Moselle: Good Friday and 26 December
    "67": Territory("6AE", PARIS),
    "68": Territory("6AE", PARIS),
    "971": Territory("971", "America/Guadeloupe"),
    "972": Territory("972", "America/Martinique"),
    "973": Territory("973", "America/Cayenne"),
    "974": Territory("974", "Indian/Reunion"),
    "975": Territory("PM", "America/Miquelon"),
    "976": Territory("976", "Indian/Mayotte"),
    "977": Territory("BL", "America/St_Barthelemy"),
    "978": Territory("MF", "America/Marigot"),
    "986": Territory("WF", "Pacific/Wallis"),
    "987": Territory("PF", "Pacific/Tahiti"),
    "988": Territory("NC", "Pacific/Noumea"),
}

# Two archipelagos of French Polynesia keep their own time; their communes are known by INSEE code.
_POLYNESIAN_ZONES = {
    "98718": "Pacific/Marquesas", "98723": "Pacific/Marquesas", "98731": "Pacific/Marquesas",
    "98746": "Pacific/Marquesas", "98756": "Pacific/Marquesas", "98757": "Pacific/Marquesas",
    "98719": "Pacific/Gambier",
}  # fmt: skip

_MAINLAND_DEPARTMENT = re.compile(r"0[1-9]|[1-8][0-9]|9[0-5]|2[AB]")
# Islands that left Guadeloupe kept its postal codes.
_POSTAL_EXCEPTIONS = {"97133": "977", "97150": "978"}


def territory_of(department: str | None, insee: str = "") -> Territory:
    """Return the territory of a department; the mainland when it is unknown."""
    found = _TERRITORIES.get(department or "", MAINLAND)
    zone = _POLYNESIAN_ZONES.get(insee)
    return Territory(found.code, zone) if zone else found


def department_of_insee(insee: str) -> str | None:
    """Return the department of a commune code, overseas on three characters, Corsica as 2A or 2B."""
    if insee.startswith(("97", "98")):
        return insee[:3] if insee[:3] in _TERRITORIES else None
    return insee[:2] if _MAINLAND_DEPARTMENT.fullmatch(insee[:2]) else None


def department_of_postal_code(code: str) -> str | None:
    """Return the department that a postal code announces, None when it announces none."""
    if code in _POSTAL_EXCEPTIONS:
        return _POSTAL_EXCEPTIONS[code]
    if code.startswith("985"):  # Mayotte until 2011
        return "976"
    if code.startswith(("97", "98")):
        return code[:3] if code[:3] in _TERRITORIES else None
    if code.startswith("20"):
        return "2A" if code[2] in "01" else "2B"
    return code[:2] if _MAINLAND_DEPARTMENT.fullmatch(code[:2]) else None


def department_from(text: str) -> str | None:
    """Return a department as catalogues write it (« 6 », « 06 », « 2a », « 974 », « 02A »), None when it is none."""
    flat = text.strip().upper()
    if len(flat) == 3 and flat.startswith("0"):
        flat = flat[1:]
    flat = flat.zfill(2)
    if flat == "985":
        return "976"
    return flat if flat in _TERRITORIES or _MAINLAND_DEPARTMENT.fullmatch(flat) else None
