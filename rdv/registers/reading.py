"""Reading both registers (rdv/data/registers/README.md): whole in memory, some thousands of rows a country."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdv.catalogue import fields, places, territories
from rdv.errors import CatalogueError
from rdv.french import NBSP

_MAINLAND = (41.0, 51.5, -5.5, 10.0)  # latitudes, longitudes, Corsica included
_ORGANISATIONS = frozenset({"siret", "uai", "code_commune_insee", "adresse"})
_PLACES = frozenset({"siret_organisme", "uai_lieu", "code_commune_insee", "adresse"})


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A place as a register says it; what is unreadable or implausible there is left out."""

    uai: str | None
    address: str | None
    postal_code: str | None
    insee: str | None
    city: str | None
    department: str | None
    position: tuple[float, float] | None  # latitude, longitude

    @property
    def key(self) -> str:
        """The normalised address, as that of rdv.models.Site."""
        return places.address_key(self.address, self.insee or "", self.postal_code)


@dataclass(slots=True)
class Registers:
    """Both registers by SIRET; `unreadable` counts the rows without a SIRET that holds."""

    organisations: dict[str, KnownPlace] = field(default_factory=dict)
    places: dict[str, list[KnownPlace]] = field(default_factory=lambda: defaultdict(list))
    unreadable: int = 0


def read(organisations: Path | None, teaching_places: Path | None) -> Registers:
    """Return what the files say, without the organisations that closed; raises CatalogueError naming a file that is no register."""
    found = Registers()
    for row in _rows(organisations, _ORGANISATIONS):
        siret = fields.siret_or_none(row.get("siret"))
        if siret is None:
            found.unreadable += 1
        elif row.get("etat_administratif") != "fermé":
            found.organisations[siret] = _place(row, row.get("uai"))
    for row in _rows(teaching_places, _PLACES):
        siret = fields.siret_or_none(row.get("siret_organisme"))
        if siret is None:
            found.unreadable += 1
        else:
            sure = str(row.get("uai_fiable")).lower() == "true"
            found.places[siret].append(_place(row, row.get("uai_lieu") if sure else None))
    return found


def _place(row: Mapping[str, Any], uai: Any) -> KnownPlace:
    insee = fields.or_none(fields.insee, row.get("code_commune_insee"))
    postal_code = fields.or_none(fields.postal_code, row.get("code_postal"))
    department = territories.department_of_insee(insee) if insee else None
    if department is None and postal_code:
        department = territories.department_of_postal_code(postal_code)
    return KnownPlace(
        uai=fields.uai(uai, "UAI")[0],
        address=_street(fields.text(row.get("adresse")), postal_code),
        postal_code=postal_code,
        insee=insee,
        city=fields.city(row.get("localite")),
        department=department,
        position=_position(row, department),
    )


def _street(address: str | None, postal_code: str | None) -> str | None:
    """Leave out the town that registers repeat after the postal code."""
    if address and postal_code:
        address = address.split(postal_code, 1)[0].strip(" ,")
    return address or None


def _position(row: Mapping[str, Any], department: str | None) -> tuple[float, float] | None:
    """Return a position that may be in its department: on the mainland's map or, overseas, off it."""
    found = fields.coordinates([row.get("latitude") or "", row.get("longitude") or ""])
    if found is None or department is None:
        return None
    south, north, west, east = _MAINLAND
    on_mainland = south <= found[0] <= north and west <= found[1] <= east
    return found if on_mainland != department.startswith(("97", "98")) else None


def _rows(path: Path | None, needs: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    if path is None:
        return
    try:
        if path.suffix == ".json":
            rows = json.loads(path.read_text(encoding="utf-8-sig"))
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
    except OSError as error:
        raise CatalogueError(f"le registre «{NBSP}{path}{NBSP}» ne peut pas être lu{NBSP}: {error.strerror}.") from None
    except (ValueError, csv.Error):
        raise CatalogueError(f"le registre «{NBSP}{path}{NBSP}» n’est ni un CSV en UTF-8 ni une liste JSON.") from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and needs <= row.keys() for row in rows):
        columns = ", ".join(sorted(needs))
        raise CatalogueError(f"le registre «{NBSP}{path}{NBSP}» n’a pas les colonnes attendues{NBSP}: {columns}.")
    yield from rows
