"""What an import did, in French: counts at the end, each refusal with its place and reason as it comes.

Only counts and the first lines of each kind of warning stay in memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rdv.catalogue.doubts import Doubts
from rdv.catalogue.formats import Places, numbered
from rdv.catalogue.rows import Layout
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
    thorough: bool = False  # look at every row, were its centre as it was
    layout: Layout | None = None  # of the file, once it is recognised
    unit: str = "ligne"
    places: Places | None = None  # of the files of a folder
    read: int = 0
    skipped: int = 0  # rows of centres that are as they were
    refused: int = 0
    set_aside: int = 0
    cfas: Tally = field(default_factory=Tally)
    sites: Tally = field(default_factory=Tally)
    trainings: Tally = field(default_factory=Tally)
    aliases: int = 0
    moved: int = 0
    reopened: int = 0
    closed: int = 0  # no longer in the whole file
    spared: int = 0  # would have closed, had not a refused row been perhaps theirs
    doubts: Doubts = field(default_factory=Doubts)
    seen: set[int] = field(default_factory=set)  # ids of the trainings that the file holds
    last_committed: int = 0  # line or record
    cut: bool = False  # by the file itself
    stopped: str | None = None  # why the end of the file was not reached
    warnings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[int]] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """Rows written in every table."""
        tables = self.cfas.written + self.sites.written + self.trainings.written
        return tables + self.aliases + self.moved

    @property
    def reached(self) -> str:
        """Where the last committed batch ends, as words: « arrêt après la ligne 400 »."""
        if not self.last_committed:
            return "arrêt avant le premier enregistrement en base"
        return f"arrêt après {self.named(self.last_committed)}"

    def named(self, number: int) -> str:
        """Return « la ligne 12 » or « l’enregistrement 12 »."""
        if self.places and (found := self.places.of(number)):
            return found
        return numbered(self.unit, number)

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
        unit, feminine = self.unit, "e" if self.unit == "ligne" else ""
        read = plural(self.read, f"{unit} lu{feminine}", f"{unit}s lu{feminine}s")
        refused = plural(self.refused, f"{unit} refusé{feminine}", f"{unit}s refusé{feminine}s")
        set_aside = plural(self.set_aside, f"écarté{feminine}")
        found = [
            f"Catalogue lu{NBSP}: {self.layout.label if self.layout else ''}, {read}.",
            f"Formations{NBSP}: {_counts(self.trainings, 'e', self.skipped)}.",
            f"Lieux{NBSP}: {_counts(self.sites)}.",
            f"Centres{NBSP}: {_counts(self.cfas)}.",
            f"{refused}, {set_aside} (doublon ou clé remplacée).",
        ]
        if self.skipped:
            found.append(
                f"Laissées sans être relues, leur centre étant décrit comme la dernière fois{NBSP}: {self.skipped}."
            )
        if self.aliases:
            found.append(f"Anciennes clés qui restent valables{NBSP}: {self.aliases}.")
        if self.moved:
            found.append(f"Formations rattachées à un autre lieu{NBSP}: {self.moved}.")
        if self.reopened:
            found.append(f"Formations rouvertes{NBSP}: {self.reopened}.")
        if self.closed:
            found.append(
                f"Formations fermées, absentes du fichier{NBSP}: {self.closed}. Les candidats concernés sont prévenus."
            )
        if self.spared:
            found.append(
                f"Formations absentes mais laissées ouvertes, une {unit} refusé{feminine} étant peut-être la leur{NBSP}: {self.spared}."
            )
        if self.warnings:
            found.append(f"Avertissements{NBSP}: {self.warnings.total()}.")
            found += [f"  {self._warning(kind, count)}" for kind, count in self.warnings.most_common()]
        if self.stopped:
            found.append(f"Import interrompu{NBSP}: {self.stopped} Ce qui précède est enregistré, entier.")
        return found

    def _warning(self, kind: str, count: int) -> str:
        shown = self.examples[kind]
        where = ", ".join(str(number) for number in shown) + ("…" if count > len(shown) else "")
        return f"{count} × {kind} ({self.unit}{'s' if count > 1 else ''} {where})"


def _counts(tally: Tally, ending: str = "", skipped: int = 0) -> str:
    created = plural(tally.created, f"créé{ending}")
    updated = plural(tally.updated, f"mis{ending} à jour", "mises à jour" if ending else "mis à jour")
    return f"{created}, {updated}, {plural(tally.unchanged + skipped, f'inchangé{ending}')}"
