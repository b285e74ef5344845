"""Public holidays of each French territory, with their French names."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=256)
def holiday_names(territory: str, year: int) -> dict[date, str]:
    """Return the public holidays of a territory by day, with their names in French (« Lundi de Pâques »).

    `territory`: its subdivision code in the holidays library, FR for none.
    """
    subdivision = None if territory == "FR" else territory
    found = holidays.France(subdiv=subdivision, years=year, language="fr")
    return {day: name.replace("'", "’").replace("; ", " et ") for day, name in found.items()}


@lru_cache(maxsize=256)
def public_holidays(territory: str, year: int) -> frozenset[date]:
    """Return the public holidays of a territory."""
    return frozenset(holiday_names(territory, year))


def coming_holidays(territory: str, first: date, last: date) -> list[tuple[date, str]]:
    """Return the public holidays of a territory between two days, both included, with their French names."""
    named = [each for year in range(first.year, last.year + 1) for each in holiday_names(territory, year).items()]
    return sorted((day, name) for day, name in named if first <= day <= last)
