"""What an import did, in French: counts at the end, each refusal with its place and reason as it comes.

Only counts and the first lines of each kind of warning stay in memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rdv.french import NBSP, plural

REFUSED = "refusée"
SET_ASIDE = "écartée"
WARNING = "avertissement"

_EXAMPLES = 3
_QUOTED = re.compile(f"«{NBSP}.*?{NBSP}»|[0-9]+")

Listener = Callable[[int, str, str], None]  # number, nature, reason


@dataclass(slots=True)
class Tally:
    """How many rows of one table were created, updated or found as they should be."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, other: Tally) -> None:
        """Add another count to this one."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged

    @property
    def written(self) -> int:
        """Rows that the database had to write."""
        return self.created + self.updated


@dataclass(slots=True)
class ImportReport:
    """Counts of one import; `listener` is told every refusal and warning at once."""

    listener: Listener
    source: str = ""
    unit: str = "ligne"
    read: int = 0
    refused: int = 0
    set_aside: int = 0
    cfas: Tally = field(default_factory=Tally)
    sites: Tally = field(default_factory=Tally)
    trainings: Tally = field(default_factory=Tally)
    aliases: int = 0
    moved: int = 0
    stopped: str | None = None  # why the end of the file was not reached
    warnings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[int]] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """Rows written in every table."""
        tables = self.cfas.written + self.sites.written + self.trainings.written
        return tables + self.aliases + self.moved

    def refuse(self, number: int, reason: str) -> None:
        """Count a row that could not be imported, and tell it."""
        self.refused += 1
        self.listener(number, REFUSED, reason)

    def put_aside(self, number: int, reason: str) -> None:
        """Count a row that another one replaces, and tell it."""
        self.set_aside += 1
        self.listener(number, SET_ASIDE, reason)

    def warn(self, number: int, reason: str) -> None:
        """Count an imported row's defect under its kind, and tell it."""
        kind = _QUOTED.sub("…", reason)
        self.warnings[kind] += 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(number)
        self.listener(number, WARNING, reason)

    def lines(self) -> list[str]:
        """Return the French report, line by line."""
        found = [
            f"Catalogue lu{NBSP}: {self.source}.",
            f"{plural(self.read, f'{self.unit} lue', f'{self.unit}s lues' if self.unit == 'ligne' else f'{self.unit}s lus')}."
            if self.unit == "ligne"
            else f"{plural(self.read, 'enregistrement lu', 'enregistrements lus')}.",
            _tally("Formations", self.trainings),
            _tally("Lieux", self.sites),
            _tally("Centres", self.cfas),
            f"Refusées{NBSP}: {self.refused}. Écartées (doublon ou clé remplacée){NBSP}: {self.set_aside}.",
        ]
        if self.aliases:
            found.append(f"Clés remplacées qui restent valables{NBSP}: {self.aliases}.")
        if self.moved:
            found.append(f"Formations rattachées à un autre lieu{NBSP}: {self.moved}.")
        if self.warnings:
            found.append(f"Avertissements{NBSP}: {self.warnings.total()}.")
            for kind, count in self.warnings.most_common():
                where = ", ".join(str(number) for number in self.examples[kind])
                more = "…" if count > len(self.examples[kind]) else ""
                found.append(
                    f"  {count} × {kind} ({self.unit}s {where}{more})"
                    if count > 1
                    else f"  {kind} ({self.unit} {where})"
                )
        if self.stopped:
            found.append(f"Import interrompu{NBSP}: {self.stopped} Ce qui précède est enregistré, entier.")
        return found


def _tally(name: str, tally: Tally) -> str:
    masculine = name != "Formations"
    created, updated, unchanged = (
        ("créés", "mis à jour", "inchangés") if masculine else ("créées", "mises à jour", "inchangées")
    )
    return f"{name}{NBSP}: {tally.created} {created}, {tally.updated} {updated}, {tally.unchanged} {unchanged}."
