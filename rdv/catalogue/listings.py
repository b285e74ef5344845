"""Where the ministries publish a training: on Parcoursup, on Affelnet (reference/predecessor.md §7.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rdv.catalogue import fields

_PARCOURSUP = frozenset({"publié"})
_AFFELNET = frozenset({"publié", "prêt pour intégration", "à publier"})
# Of the school modules (MEF, 10 digits) that pupils are assigned to after the third year.
_AFFELNET_MODULES = re.compile(r"247\d{5}31|276\d{5}31|241\d{5}21|242\d{5}31|271\d{5}21")


def listed(cells: Mapping[str, Any]) -> dict[str, bool]:
    """Return where the catalogue says that a training is published; what it does not say is absent, and changes nothing."""
    found: dict[str, bool] = {}
    scope = fields.truth(cells.get("parcoursup_perimetre_prise_rdv"))
    if scope is not None:
        found["parcoursup_visible"] = scope
    elif "parcoursup_statut" in cells:
        found["parcoursup_visible"] = fields.text(cells["parcoursup_statut"]) in _PARCOURSUP
    scope = fields.truth(cells.get("affelnet_perimetre_prise_rdv"))
    if scope is not None:
        found["affelnet_visible"] = scope
    elif "affelnet_statut" in cells:
        open_there = fields.text(cells["affelnet_statut"]) in _AFFELNET
        found["affelnet_visible"] = open_there and any(map(_AFFELNET_MODULES.fullmatch, _modules(cells)))
    return found


def _modules(cells: Mapping[str, Any]) -> Iterator[str]:
    """Walk the MEF codes of a row: a list of codes, or of objects that hold one; a text in a CSV file."""
    said = cells.get("bcn_mefs_10")
    for each in said if isinstance(said, list) else [said]:
        code = each.get("mef10") if isinstance(each, Mapping) else each
        yield from re.findall(r"\d{10}", str(code or ""))
