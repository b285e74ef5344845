"""Filling what is empty, and only that: UAI, address, town and position of places; UAI and town of centres.

What recognises a place (SIRET, commune, normalised address) is never written: the next import must find it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from rdv import booking, clock
from rdv.catalogue import territories
from rdv.french import NBSP, plural
from rdv.models import Cfa, Site, Slot
from rdv.registers.reading import KnownPlace, Registers

_TOLD = {
    "uai": "UAI", "address": "adresse", "postal_code": "code postal", "city": "commune", "department": "département",
    "latitude": "position",
}  # fmt: skip


_PART = 400  # places named in one statement


@dataclass(slots=True)
class Completed:
    """What was filled, by column, and what stays empty."""

    cfas: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    ambiguous: int = 0  # places that several places of a register may be
    unknown: int = 0  # places that no register knows
    unreadable: int = 0  # rows of the registers

    @property
    def written(self) -> int:
        """How many values were filled."""
        return self.cfas.total() + self.sites.total()

    def lines(self) -> list[str]:
        """Return the French report, line by line."""
        found = [
            f"Centres complétés{NBSP}: {_counts(self.cfas)}.",
            f"Lieux complétés{NBSP}: {_counts(self.sites)}.",
            f"Lieux restés incomplets{NBSP}: {plural(self.unknown, 'inconnu')} des registres, "
            f"{plural(self.ambiguous, 'ambigu')}.",
        ]
        if self.unreadable:
            found.append(f"Lignes de registre sans SIRET valable{NBSP}: {self.unreadable}.")
        return found


def complete(session: Session, registers: Registers) -> Completed:
    """Fill what open centres and places lack, in the caller's transaction; each value is written only where none stands."""
    done = Completed(unreadable=registers.unreadable)
    for cfa_id, siret, uai, city in session.execute(
        sa.select(Cfa.id, Cfa.siret, Cfa.uai, Cfa.city)
        .where(Cfa.closed_at.is_(None), sa.or_(Cfa.uai.is_(None), Cfa.city.is_(None)))
        .order_by(Cfa.id)
    ).all():
        known = registers.organisations.get(siret)
        if known:
            _fill(session, Cfa, cfa_id, {"uai": (uai, known.uai), "city": (city, known.city)}, done.cfas)
    shown: list[int] = []
    for site, cfa_siret in session.execute(_incomplete()).all():
        known, several = _same_place(site, cfa_siret, registers)
        done.ambiguous += several
        done.unknown += known is None and not several
        if known and not _ON_CALENDARS.isdisjoint(_fill(session, Site, site.id, _wanted(site, known), done.sites)):
            shown.append(site.id)
    now = clock.now()
    for start in range(0, len(shown), _PART):
        places = shown[start : start + _PART]
        booking.touch(Slot.site_id.in_(places), now)
    return done


def _incomplete() -> sa.Select[Site, str]:
    lacking = (Site.uai, Site.address, Site.postal_code, Site.city, Site.latitude)
    return (
        sa.select(Site, Cfa.siret)
        .join(Cfa, Cfa.id == Site.cfa_id)
        .where(Site.closed_at.is_(None), Cfa.closed_at.is_(None), sa.or_(*(column.is_(None) for column in lacking)))
        .order_by(Site.id)
    )


def _same_place(site: Site, cfa_siret: str, registers: Registers) -> tuple[KnownPlace | None, bool]:
    """Return the place of the registers that this one is, and whether several might be.

    The same address in the same commune; without an address, the only place of its establishment in its commune.
    """
    siret = site.siret or cfa_siret
    own = registers.organisations.get(siret)
    listed = [*registers.places.get(siret, ()), *([own] if own else [])]
    near = [each for each in listed if _same_town(site, each)]
    if site.address_key:
        # A centre may declare the places of its other establishments as its own.
        near += [each for each in registers.places.get(cfa_siret, ()) if siret != cfa_siret and _same_town(site, each)]
        same = [each for each in near if each.key == site.address_key]
        return (_merged(same), False) if same else (None, False)
    different = {each.key for each in near}
    return (_merged(near), False) if len(different) == 1 else (None, len(different) > 1)


def _same_town(site: Site, known: KnownPlace) -> bool:
    if site.insee:
        return known.insee == site.insee
    return site.postal_code is not None and known.postal_code == site.postal_code


def _merged(same: Iterable[KnownPlace]) -> KnownPlace:
    """Return one place of what several rows say of it, the first that says something."""
    found = list(same)

    def first(name: str) -> Any:
        return next((value for each in found if (value := getattr(each, name)) is not None), None)

    return KnownPlace(**{name: first(name) for name in KnownPlace.__slots__})


def _wanted(site: Site, known: KnownPlace) -> dict[str, tuple[Any, Any]]:
    """Return for each column what stands and what the register says; a position is one value, not two."""
    wanted = {name: (getattr(site, name), getattr(known, name)) for name in ("uai", "address", "postal_code", "city")}
    if site.department is None and known.department:
        territory = territories.territory_of(known.department, site.insee)
        wanted |= {"department": (None, known.department)}
        wanted |= {"territory": (None, territory.code), "timezone": (None, territory.timezone)}
    if site.latitude is None and known.position:
        wanted |= {"latitude": (None, known.position[0]), "longitude": (None, known.position[1])}
    return wanted


# What a meeting's calendar event says of its place: whoever follows it must see the change.
_ON_CALENDARS = frozenset({"address", "postal_code", "city"})


def _fill(
    session: Session,
    model: type[Cfa] | type[Site],
    row_id: int,
    wanted: dict[str, tuple[Any, Any]],
    counts: Counter[str],
) -> set[str]:
    """Write what no one gave meanwhile, and return which columns."""
    values = {name: given for name, (stands, given) in wanted.items() if stands is None and given is not None}
    if not values:
        return set()
    # An import at the same moment may have given a value since: it stands.
    columns = model.__table__.c
    still_empty = [columns[name].is_(None) for name in values if columns[name].nullable]
    changed = session.execute(sa.update(model).where(columns.id == row_id, *still_empty).values(values))
    if not changed.rowcount:  # type: ignore[attr-defined]
        return set()
    counts.update(name for name in values if name in _TOLD)
    return set(values)


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{_TOLD[name]} {count}" for name, count in counts.most_common()) or "rien"
