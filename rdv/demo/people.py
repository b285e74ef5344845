"""Invented people of the demonstration: names say so, mail at `.example`, phones kept for fiction (01 99 00, 02 61 91)."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "Tournesol-Bleu-26"  # noqa: S105  printed by `make run`; the demonstration is refused in production


@dataclass(frozen=True)
class Staff:
    """One person who signs in."""

    email: str
    first_name: str
    last_name: str
    memberships: tuple[tuple[str, str], ...]  # (SIRET, role)
    service_team: bool = False


DEUX_RIVES = "99900001100018"
RAVINE = "99900002200015"
VERGER = "99900003300012"

MANAGER = Staff(
    "responsable@deux-rives.example", "Nadia", "Démonstration", ((DEUX_RIVES, "manager"), (RAVINE, "manager"))
)
ADVISER = Staff("conseillere@deux-rives.example", "Camille", "Démonstration", ((DEUX_RIVES, "adviser"),))
COLLEAGUE = Staff("conseiller@deux-rives.example", "Yanis", "Démonstration", ((DEUX_RIVES, "adviser"),))
OVERSEAS = Staff("conseillere@ravine.example", "Marie-Line", "Démonstration", ((RAVINE, "adviser"),))
ADMIN = Staff("equipe@rdv-apprentissage.example", "Dominique", "Démonstration", (), service_team=True)
STAFF = (MANAGER, ADVISER, COLLEAGUE, OVERSEAS, ADMIN)

FIRST_NAMES = (
    "Zoé", "Lina", "Noah", "Inès", "Tom", "Aya", "Hugo", "Jade", "Malo", "Sarah", "Enzo", "Chloé", "Rayan", "Manon", "Léo",
)  # fmt: skip

LAST_NAMES = ("Démonstration", "Exemple", "Essai", "Modèle", "Témoin")  # plainly invented


def candidate_name(number: int) -> tuple[str, str]:
    """Return the first and last name of an invented candidate."""
    rank = number // len(FIRST_NAMES)
    return FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[rank % len(LAST_NAMES)]


def candidate_email(number: int) -> str:
    """Return the address of an invented candidate."""
    return f"candidat{number}@demonstration.example"


def candidate_phone(number: int, overseas: bool = False) -> str:
    """Return a number kept for fiction, in E.164."""
    return f"+33{'26191' if overseas else '19900'}{4000 + number:04d}"
