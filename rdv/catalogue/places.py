"""The key that says « same place »: an address without what writers vary (case, accents, abbreviations, postal boxes)."""

from __future__ import annotations

import re
from functools import lru_cache

from rdv.contacts import fold

KEY_LENGTH = 255

_ABBREVIATIONS = {
    "all": "allee", "av": "avenue", "ave": "avenue", "bat": "batiment", "bd": "boulevard", "bld": "boulevard",
    "blvd": "boulevard", "boul": "boulevard", "ch": "chemin", "che": "chemin", "chem": "chemin", "crs": "cours",
    "dr": "docteur", "fbg": "faubourg", "fg": "faubourg", "gal": "general", "gen": "general", "imp": "impasse",
    "lot": "lotissement", "mal": "marechal", "pl": "place", "pdt": "president", "pr": "professeur", "qu": "quai",
    "qrt": "quartier", "r": "rue", "res": "residence", "rte": "route", "sq": "square", "st": "saint",
    "ste": "sainte",
}  # fmt: skip
# A box number or « Cedex » routes mail; it does not move the building.
_ROUTING = re.compile(r"\b(?:bp|cs|tsa|boite postale)\s*\d[\d ]*\b|\bcedex(?: \d+)?\b")
_NUMBER_SUFFIX = re.compile(r"^(\d+)\s*(bis|ter|quater|b)\b")


@lru_cache(maxsize=4096)  # read twice, and on each row of a place
def address_key(address: str | None, insee: str, postal_code: str | None) -> str:
    """Return the normalised address; without a commune code, the postal code stands in for it."""
    text = fold(address or "")
    if postal_code and postal_code in text:
        # « 12 rue Paul-Dopff 67100 Strasbourg »: what follows the postal code is the town.
        text = text.split(postal_code, 1)[0]
    text = _ROUTING.sub(" ", text)
    text = _NUMBER_SUFFIX.sub(_spelled_suffix, text.strip())
    words = [_ABBREVIATIONS.get(word, word) for word in text.split()]
    if not insee and postal_code:
        words.append(postal_code)
    return " ".join(words)[:KEY_LENGTH].rstrip()


def _spelled_suffix(match: re.Match[str]) -> str:
    return f"{match[1]} {'bis' if match[2] == 'b' else match[2]}"
