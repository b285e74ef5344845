"""What a run tells of one thing that it changed: how it is named, and its columns before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Numbers of rows, and what follows from other columns.
_UNTOLD = frozenset({"cfa_id", "identity", "closed_at"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a run changed."""

    kind: str
    label: str
    key: str | None = None  # of the training, or SIRET
    fields: dict[str, list[Any]] = field(default_factory=dict)


def columns_told(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the changed columns that people read, before and after; of what is kept as the catalogue says it, each part."""
    told: dict[str, list[Any]] = {}
    for name, after in changes.items():
        before = stored.get(name)
        if name == "source":
            before = before or {}
            told |= {
                f"source.{part}": [before.get(part), after.get(part)]
                for part in sorted({*before, *after})
                if before.get(part) != after.get(part)
            }
        elif name not in _UNTOLD:
            told[name] = [before, after]
    return told
