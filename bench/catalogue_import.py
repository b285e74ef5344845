"""Scenario `catalogue-import`: the national catalogue into an empty database, the same again, then a night with 1 % of changes.

46,000 trainings on the real organisations and places of the register (bench/national_catalogue.py). The floor sends the
same rows to one table by the raw driver, reading the same file: each of our runs is told as a ratio to it. A wrong count,
or memory that grows with the file, ends with a non-zero status; slowness alone does not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import national_catalogue as national
from tests import make_catalogue
from tests.support.databases import migrate
from tests.support.postgres import Server

ROOT = Path(__file__).resolve().parents[1]
SMALL = 2_000
GROWTH_LIMIT = (
    16.0  # MB between the small file and the large one: some twenty bytes a row are kept, and the driver's own
)
WRITERS = {"json": make_catalogue.write_json, "csv": make_catalogue.write_csv}


@dataclass(frozen=True)
class Night:
    """One file and what its import must find."""

    label: str
    name: str
    expected: dict[str, int]


def catalogue_import(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Import a small file, the whole, the whole as JSON, then the night; print what each cost."""
    count = 6_000 if quick else 46_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "small.csv", "csv", national.rows(SMALL))
        _write(folder / "whole.csv", "csv", national.rows(count))
        _write(folder / "whole.json", "json", national.rows(count))
        _write(folder / "night.csv", "csv", national.next_night(count))
        runs: dict[str, list[dict[str, Any]]] = {}
        floors: dict[str, list[float]] = {}
        for turn in range(repeat):
            _turn(postgres, folder, turn, count, runs, floors)
    for label, told in runs.items():
        middle = {key: statistics.median(each[key] for each in told) for key in ("seconds", "megabytes", "statements")}
        read = told[0]["read"]
        line = f"  {label}: {middle['seconds']:.1f} s, {read / middle['seconds']:.0f} rows/s"
        line += f", peak {middle['megabytes']:.0f} MB, {middle['statements'] / read:.3f} statements a row"
        if label in floors:
            line += f", {middle['seconds'] / statistics.median(floors[label]):.1f} times the floor"
        print(line, flush=True)
    growth = max(each["megabytes"] for each in runs["whole"]) - min(each["megabytes"] for each in runs["small"])
    if growth > GROWTH_LIMIT:
        sys.exit(f"memory grows with the file: {growth:.0f} MB")


def _turn(
    postgres: Server | None,
    folder: Path,
    turn: int,
    count: int,
    runs: dict[str, list[dict[str, Any]]],
    floors: dict[str, list[float]],
) -> None:
    changed = count // national.CHANGED
    replaced, gone = len(range(1, changed, 10)), len(range(0, changed, 10))
    small, main = (_database(postgres, folder, f"{name}{turn}") for name in ("small", "main"))
    nights = (
        (small, Night("small", "small.csv", {"created": SMALL, "closed": 0})),
        (main, Night("whole", "whole.csv", {"created": count, "closed": 0})),
        (main, Night("the same again", "whole.csv", {"written": 0, "closed": 0, "skipped": count})),
        (main, Night("the same as JSON", "whole.json", {"created": 0, "closed": 0})),
        (
            main,
            Night(
                "a night with 1 % of changes", "night.csv",
                {"created": gone, "closed": gone, "aliases": replaced, "updated": changed - gone},
            ),
        ),
    )  # fmt: skip
    for url, night in nights:
        told = json.loads(_timed("bench.catalogue_run", folder / night.name, url, folder)[1])
        wrong = {key: told[key] for key, value in night.expected.items() if told[key] != value}
        if wrong or told["refused"] or told["stopped"]:
            sys.exit(f"wrong counts in {night.label}: {told}, not {night.expected}")
        runs.setdefault(night.label, []).append(told)
        if night.name.endswith("csv") and night.label != "small":
            floors.setdefault(night.label, []).append(_floor(folder / night.name, url, folder))


def _floor(path: Path, url: str, folder: Path) -> float:
    """Return the seconds of the floor, without those of starting Python."""
    nothing = folder / "nothing.csv"
    nothing.write_text(path.open(encoding="utf-8").readline(), encoding="utf-8")
    start = _timed("bench.limits.catalogue", nothing, url, folder)[0]
    return _timed("bench.limits.catalogue", path, url, folder)[0] - start


def _timed(module: str, path: Path, url: str, folder: Path) -> tuple[float, str]:
    """Return the seconds and the output of one run of a module, in its own process."""
    instance = str(folder / "instance")
    env = {**os.environ, "APP_ENV": "test", "DATABASE_URL": url, "INSTANCE_DIR": instance, "SECRET_KEY": "k" * 32}
    command = [sys.executable, "-m", module, str(path), *([url] if "limits" in module else [])]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{module} failed: {done.stdout}")
    return seconds, done.stdout.splitlines()[-1] if done.stdout else ""


def _database(postgres: Server | None, folder: Path, name: str) -> str:
    url = postgres.create_database(f"bench_{name}") if postgres else f"sqlite:///{folder / name}.sqlite"
    migrate(url, folder / "instance")
    return url


def _write(path: Path, ending: str, rows: Any) -> None:
    write: Callable[..., None] = WRITERS[ending]
    with path.open("w", encoding="utf-8", newline="") as file:
        write(file, rows)
