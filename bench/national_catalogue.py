"""A catalogue of any length on the real organisations and places of the State's register (rdv/data/registers).

Establishments, communes and addresses are real; trainings, diploma codes, keys' first parts and contacts are invented
(every address is `.example`). The same number gives the same row.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from config import REGISTERS
from tests import make_catalogue

CHANGED = 100  # one row in this many changes from a night to the next


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield the first trainings, grouped by centre as the catalogue's export is."""
    places = _places()
    each, more = divmod(count, len(places))
    number = 0
    for rank, place in enumerate(places):
        for _ in range(each + (rank < more)):
            yield row(number, place)
            number += 1


def next_night(count: int) -> Iterator[dict[str, Any]]:
    """Yield the same catalogue a night later: of each hundred rows one changed, was replaced, went or came, anywhere."""
    chosen = random.Random(20261127).sample(range(count), count // CHANGED)
    changes = dict(zip(chosen, range(len(chosen)), strict=True))
    for number, each in enumerate(rows(count)):
        turn = changes.get(number)
        if turn is None:
            yield each
        elif turn % 10 == 0:
            yield _named(each, 500_000 + number)  # one went, one came
        elif turn % 10 == 1:
            yield {**_named(each, 600_000 + number), "cle_me_remplace": [each["cle_ministere_educatif"]]}
        else:
            yield {**each, "intitule_long": f"{each['intitule_long']} – NOUVEAU", "capacite": "24"}


def row(number: int, place: dict[str, str]) -> dict[str, Any]:
    """Return the n-th training, taught at this place."""
    teacher = place["siret_organisme"]
    manager = _managers().get(teacher, teacher)
    invented = make_catalogue.row(number)
    title = invented["intitule_long"]
    return {
        **invented,
        "cle_ministere_educatif": f"{number:06d}P01{1 + number % 3}X{manager}{teacher}-{place['code_commune_insee']}#L01",
        "etablissement_gestionnaire_siret": manager,
        "etablissement_gestionnaire_uai": None,
        "etablissement_gestionnaire_enseigne": f"ÉTABLISSEMENT {manager}",
        "etablissement_gestionnaire_entreprise_raison_sociale": None,
        "etablissement_gestionnaire_courriel": f"direction@e{manager}.example",
        "etablissement_formateur_siret": teacher,
        "etablissement_formateur_enseigne": f"SITE {teacher}",
        "etablissement_formateur_localite": place["localite"].upper(),
        "etablissement_formateur_courriel": f"site@e{teacher}.example",
        "lieu_formation_adresse": place["adresse"],
        "code_postal": place["code_postal"],
        "code_commune_insee": place["code_commune_insee"],
        "localite": place["localite"],
        "num_departement": place["departement"],
        "lieu_formation_geo_coordonnees": None,
        "intitule_court": title.split(" (")[0],
        "email": f"formation{number % 5}@e{teacher}.example" if number % 3 else None,
    }  # fmt: skip


def _named(each: dict[str, Any], certification: int) -> dict[str, Any]:
    return {**each, "cle_ministere_educatif": f"{certification:06d}{each['cle_ministere_educatif'][6:]}"}


@cache
def _places() -> list[dict[str, str]]:
    with (REGISTERS / "lieux.csv").open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda each: (each["siret_organisme"], each["code_lieu"]))


@cache
def _managers() -> dict[str, str]:
    """Return the establishment that answers for each one, where another does."""
    with (REGISTERS / "organismes.csv").open(encoding="utf-8", newline="") as file:
        return {
            each["siret"]: each["siret_responsables"].split("|")[0]
            for each in csv.DictReader(file)
            if each["siret_responsables"]
        }
