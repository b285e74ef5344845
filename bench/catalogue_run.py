"""`python -m bench.catalogue_run FILE`: one whole synchronisation in a process of its own, and what it cost, as one line of JSON."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from config import Config
from rdv import create_app
from rdv.catalogue.report import ImportReport
from rdv.catalogue.synchronise import synchronise
from rdv.db import db, transaction


def main(path: Path) -> None:
    """Synchronise as the nightly job does, and print seconds, peak megabytes, statements and counts."""
    app = create_app(Config.from_env())
    sent = 0

    def count(*_: Any) -> None:
        nonlocal sent
        sent += 1

    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", count)
        report = ImportReport(lambda _number, _nature, _reason: None)
        began = time.perf_counter()
        synchronise(str(path), transaction, report, whole=True)
        seconds = time.perf_counter() - began
    told = {
        "seconds": seconds,
        "megabytes": _peak(),
        "statements": sent,
        "read": report.read,
        "skipped": report.skipped,
        "created": report.trainings.created,
        "updated": report.trainings.updated,
        "aliases": report.aliases,
        "closed": report.closed,
        "written": report.written,
        "refused": report.refused,
        "stopped": report.stopped,
    }
    print(json.dumps(told))


def _peak() -> float:
    """Return the peak resident megabytes of this program alone; `ru_maxrss` remembers that of the one that started it."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
