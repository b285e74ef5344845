"""Scenario `catalogue-import`: a whole catalogue into an empty database, twice, CSV and JSON.

Prints rows per second and the peak memory of each run beside that of a small file; a second run must write nothing.
A wrong count or memory that grows with the file ends with a non-zero status; slowness alone does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import make_catalogue
from tests.support.databases import migrate
from tests.support.postgres import Server

ROOT = Path(__file__).resolve().parents[1]
SMALL = 2_000
GROWTH_LIMIT = 12.0  # MB between the small file and the large one


def catalogue_import(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Import a small file, then the large one twice; the second time writes nothing."""
    rows = 6_000 if quick else 46_000
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for count in (SMALL, rows):
                for ending, write in (("csv", make_catalogue.write_csv), ("json", make_catalogue.write_json)):
                    with (folder / f"{count}.{ending}").open("w", encoding="utf-8", newline="") as file:
                        write(file, make_catalogue.rows(count))
            url = postgres.create_database("bench_catalogue") if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
            measure(url, folder, rows)


def measure(url: str, folder: Path, rows: int) -> None:
    """Import a small file, then the large one as CSV and again as JSON, and print what each cost."""
    migrate(url, folder / "instance")
    peaks = []
    for name, written in (
        (f"{SMALL}.csv", SMALL),
        (f"{rows}.csv", rows - SMALL),
        (f"{rows}.csv", 0),
        (f"{rows}.json", 0),
    ):
        seconds, megabytes, output = timed_import(folder / name, url, folder / "instance")
        count = int(name.split(".")[0])
        print(f"  {name}: {seconds:.1f} s, {count / seconds:.0f} rows/s, peak {megabytes:.0f} MB", flush=True)
        peaks.append(megabytes)
        if f"Formations\u00a0: {written}\u00a0créée" not in output:
            sys.exit(f"wrong counts:\n{output}")
    if max(peaks) - peaks[0] > GROWTH_LIMIT:
        sys.exit(f"memory grows with the file: {peaks}")


def timed_import(path: Path, url: str, instance: Path) -> tuple[float, float, str]:
    """Return the seconds, the peak resident megabytes and the report of one import in its own process."""
    env = {**os.environ, "APP_ENV": "test", "DATABASE_URL": url, "INSTANCE_DIR": str(instance), "SECRET_KEY": "k" * 32}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "import-catalogue", str(path)]
    with tempfile.TemporaryFile("w+") as output:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        report = output.read()
    if process.returncode:
        sys.exit(f"the import failed:\n{report}")
    return seconds, usage.ru_maxrss / 1024, report
