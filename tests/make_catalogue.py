"""Invented catalogues in the shape of the ministries' export: same columns, same defects, any length.

`python -m tests.make_catalogue 46000 --format csv > catalogue.csv`. The same number gives the same rows. Every SIRET
begins with 999, every address is `.example`, every diploma code is made up.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from typing import IO, Any

CENTRE_TRAININGS = 15  # trainings of one centre, on its three places
_PLACES = (
    # INSEE, postal code, town, department
    ("75118", "75018", "Paris 18e Arrondissement", "75"), ("13215", "13015", "Marseille 15e Arrondissement", "13"),
    ("69123", "69002", "Lyon", "69"), ("2A004", "20090", "Ajaccio", "2A"), ("2B033", "20200", "Bastia", "2B"),
    ("67482", "67100", "Strasbourg", "67"), ("57316", "57450", "Henriville", "57"), ("97105", "97100", "Basse-Terre", "971"),
    ("97209", "97200", "Fort-de-France", "972"), ("97302", "97300", "Cayenne", "973"), ("97411", "97400", "Saint-Denis", "974"),
    ("97611", "97600", "Mamoudzou", "976"), ("98818", "98800", "Nouméa", "988"), ("25056", "25000", "Besancon", "25"),
    ("01053", "01000", "Bourg-en-Bresse", "01"),
)  # fmt: skip
_STREETS = ("rue des Tilleuls", "AVENUE DU STADE", "bd Pasteur", "place de l'Église", "chemin des Écoliers")
_DIPLOMAS = (
    ("CAP", "3 (CAP...)", "500", "CUISINIER D'ESSAI (CAP)"),
    ("BAC PROFESSIONNEL", "4 (BAC...)", "400", "TECHNICIEN D'ESSAI EN ÉLECTRICITÉ (BAC PRO)"),
    ("BREVET DE TECHNICIEN SUPERIEUR", "5 (BTS, DEUST...)", "320", "GESTION D'ESSAI (BTS)"),
)


def siret(number: int) -> str:
    """Return the n-th invented SIRET, its key right."""
    body = f"999{number:010d}"
    total = 0
    for index, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def row(number: int) -> dict[str, Any]:
    """Return the n-th training."""
    centre, rank = divmod(number, CENTRE_TRAININGS)
    insee, postal_code, town, department = _PLACES[(centre + rank % 3) % len(_PLACES)]
    diploma, level, prefix, title = _DIPLOMAS[number % len(_DIPLOMAS)]
    manager, teacher = siret(centre * 4), siret(centre * 4 + rank % 3)
    certification = f"{number % 999983:06d}"
    return {
        "cle_ministere_educatif": f"{certification}P01{1 + number % 3}X{manager}{teacher}-{insee}#L{1 + number // 999983:02d}",
        "etablissement_gestionnaire_siret": manager,
        "etablissement_gestionnaire_uai": "" if centre % 2 else "0000000A",
        "etablissement_gestionnaire_enseigne": f"CFA D'ESSAI N° {centre}",
        "etablissement_gestionnaire_entreprise_raison_sociale": f"ASSOCIATION D'ESSAI {centre}",
        "etablissement_gestionnaire_courriel": f"direction@cfa{centre}.example",
        "etablissement_formateur_siret": teacher,
        "etablissement_formateur_uai": None,
        "etablissement_formateur_enseigne": f"SITE D'ESSAI {centre}-{rank % 3}",
        "etablissement_formateur_localite": town.upper(),
        "etablissement_formateur_courriel": f"site{rank % 3}@cfa{centre}.example",
        "lieu_formation_adresse": f"{1 + centre % 90} {_STREETS[centre % len(_STREETS)]}\nBP {1000 + centre}",
        "code_postal": postal_code,
        "code_commune_insee": insee,
        "localite": town,
        "num_departement": department,
        "lieu_formation_geo_coordonnees": f"{43 + centre % 50 / 10:.4f},{2 + centre % 30 / 10:.4f}",
        "cfd": f"{prefix}{number % 100000:05d}",
        "cfd_date_fermeture": None,
        "rncp_code": f"RNCP{number % 99999}",
        "rncp_intitule": title.capitalize(),
        "intitule_long": title,
        "intitule_court": title.split(" (")[0],
        "diplome": diploma,
        "niveau": level,
        "duree": str(1 + number % 3),
        "annee": "X",
        "capacite": None,
        "periode": ["2026-09-01T00:00:00.000Z", "2027-09-01T00:00:00.000Z"],
        "tags": ["2026", "2027"],
        "entierement_a_distance": False,
        "published": True,
        "parcoursup_id": str(number) if number % 4 == 0 else None,
        "parcoursup_statut": "publié" if number % 4 == 0 else "hors périmètre",
        "affelnet_statut": "hors périmètre",
        "id_formation": f"24_{number}",
        "id_rco_formation": f"24_{number}|24_{number + 1}|{number}",
        "id_certifinfo": str(number),
        "rome_codes": ["G1602", "H1504"],
        "onisep_url": None,
        "email": f"formation{number % 5}@cfa{centre}.example" if number % 3 else None,
        "num_tel": f"01 99 00 {centre // 100 % 100:02d} {centre % 100:02d}",
        "nom_academie": "Besancon",
        "cle_me_remplace": None,
        "uai_formation": None,
    }


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield the first trainings, one by one."""
    return (row(number) for number in range(count))


def write_csv(file: IO[str], items: Iterator[dict[str, Any]], delimiter: str = ",") -> None:
    """Write rows as the catalogue does: a header, lists joined by « | », empty cells for null."""
    table = csv.writer(file, delimiter=delimiter)
    for rank, item in enumerate(items):
        if rank == 0:
            table.writerow(item)
        table.writerow("|".join(cell) if isinstance(cell, list) else cell for cell in item.values())


def write_json(file: IO[str], items: Iterator[dict[str, Any]]) -> None:
    """Write rows as one JSON list, without holding it."""
    file.write("[")
    for rank, item in enumerate(items):
        file.write(",\n" if rank else "\n")
        json.dump(item, file, ensure_ascii=False)
    file.write("\n]\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write an invented catalogue.")
    parser.add_argument("count", type=int)
    parser.add_argument("--format", choices=("csv", "json"), default="csv")
    options = parser.parse_args()
    (write_csv if options.format == "csv" else write_json)(sys.stdout, rows(options.count))
