"""The floor of an import: the rows of a file, sent whole to one table by the raw driver, with no rule and no look at what stands.

`python -m bench.limits.catalogue FILE URL`: CSV as the catalogue writes it; four hundred rows a transaction.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

COLUMNS = (
    "cle_ministere_educatif", "etablissement_gestionnaire_siret", "etablissement_formateur_siret", "intitule_long", "cfd",
    "rncp_code", "lieu_formation_adresse", "code_postal", "code_commune_insee", "localite", "email", "num_tel",
)  # fmt: skip


def main(path: Path, url: str) -> None:
    """Create the table if need be, then insert or replace every row."""
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA journal_mode = WAL")
        mark = "?"
    else:
        connection = psycopg.connect(url.replace("postgresql+psycopg", "postgresql"))
        mark = "%s"
    names, key = ", ".join(COLUMNS), COLUMNS[0]
    given = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
    statement = (
        f"INSERT INTO floor ({names}) VALUES ({', '.join([mark] * len(COLUMNS))}) "
        f"ON CONFLICT ({key}) DO UPDATE SET {given}"
    )
    cursor = connection.cursor()
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS floor ({key} TEXT PRIMARY KEY, {', '.join(f'{n} TEXT' for n in COLUMNS[1:])})"
    )
    connection.commit()
    rows = _rows(path)
    while batch := list(islice(rows, 400)):
        cursor.executemany(statement, batch)
        connection.commit()
    connection.close()


def _rows(path: Path) -> Iterator[Sequence[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield [row[name] for name in COLUMNS]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
