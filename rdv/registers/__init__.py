"""The State's registers of training organisations and of their places: what the catalogue leaves empty is completed there."""

from __future__ import annotations

from pathlib import Path

from rdv.catalogue.runs import UnitOfWork
from rdv.registers.completing import Completed, complete
from rdv.registers.reading import read
from rdv.settings import settings


def run(
    unit_of_work: UnitOfWork,
    organisations: Path | None = None,
    places: Path | None = None,
) -> Completed:
    """Complete the catalogue in one transaction, from these files, else from those of the settings; raises CatalogueError."""
    configured = settings()
    found = read(organisations or _path(configured.register_organisations), places or _path(configured.register_places))
    with unit_of_work() as session:
        return complete(session, found)


def _path(configured: str) -> Path | None:
    return Path(configured) if configured else None
