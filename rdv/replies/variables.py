"""Variables of a text, in braces: what each stands for, and a text with them filled. Never sent as braces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rdv import french
from rdv.contacts import fold
from rdv.errors import RdvError

SLOTS = "créneaux"
# As they are written, and what they stand for.
VARIABLES: dict[str, str] = {
    "prénom": "le prénom de la personne",
    "formation": "l’intitulé de la formation",
    "centre": "le nom du centre",
    "lieu": "le nom et l’adresse du lieu",
    "téléphone": "le téléphone du lieu, sinon du centre",
    SLOTS: "les créneaux proposés dans cette réponse",
    "frais": "les frais",
    "rythme": "le rythme de l’alternance",
    "portes ouvertes": "les dates des portes ouvertes",
}
TYPED = ("frais", "rythme", "portes ouvertes")  # what the centre fills once, for itself or for one training
_BY_FOLD = {fold(name): name for name in VARIABLES}
_IN_BRACES = re.compile(r"\{([^{}\n]{1,40})\}")


@dataclass(frozen=True)
class Filled:
    """A text with its variables filled; those without a value stay in braces, and are named."""

    text: str
    missing: tuple[str, ...]  # known, and without a value here
    unknown: tuple[str, ...]  # no such variable


class Unfilled(RdvError):
    """A text still holds braces: nothing is sent."""

    status = 422

    def __init__(self, filled: Filled) -> None:
        self.filled = filled
        super().__init__(" ".join(_sentences(filled)))


def _sentences(filled: Filled) -> list[str]:
    said = []
    if SLOTS in filled.missing:
        said.append("Cochez un à trois créneaux à proposer, ou retirez {créneaux} du texte.")
    typed: list[str] = []
    others: list[str] = []
    for name in filled.missing:
        if name != SLOTS:
            (typed if name in TYPED else others).append(f"{{{name}}}")
    if typed:
        said.append(
            f"{french.enumeration(typed)}\u00a0: rien n’est rempli pour cette formation ni pour le centre. Remplissez-le dans "
            "«\u00a0Réponses types\u00a0», «\u00a0Frais, rythme, portes ouvertes\u00a0», ou écrivez-le ici à la place."
        )
    if others:
        said.append(
            f"{french.enumeration(others)}\u00a0: cette demande ne le dit pas. Écrivez-le vous-même à la place."
        )
    if filled.unknown:
        names = french.enumeration([f"{{{name}}}" for name in filled.unknown])
        known = french.enumeration([f"{{{name}}}" for name in VARIABLES])
        said.append(f"Il n’y a pas de variable {names}. Celles qui existent\u00a0: {known}.")
    return said


def fill(text: str, values: Mapping[str, str | None]) -> Filled:
    """Replace each variable by its value, whatever its capitals and accents; `values` by the names of VARIABLES."""
    missing: dict[str, None] = {}
    strange: dict[str, None] = {}

    def value(found: re.Match[str]) -> str:
        name = _BY_FOLD.get(fold(found[1]))
        if name is None:
            strange[found[1].strip()] = None
        elif values.get(name):
            return str(values[name])
        else:
            missing[name] = None
        return found[0]

    written = _IN_BRACES.sub(value, text)
    return Filled(written, tuple(missing), tuple(strange))


def unknown(text: str) -> tuple[str, ...]:
    """Return what stands in braces and is no variable."""
    return fill(text, {}).unknown
