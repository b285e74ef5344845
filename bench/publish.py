"""Scenario `publish-1000`: a series of 1,000 slots planned, previewed and published, against its rows alone.

The limit writes the same 1,000 slots by one executemany of the driver, in one transaction: no rule, no check, no object.
"""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import time as wall_time
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rdv import clock, series, slots
from rdv.db import db, transaction
from rdv.models import Slot
from tests import make
from tests.support import databases
from tests.support.postgres import Server

MANY = 1000


class WrongAnswer(SystemExit):
    """The database does not hold what was published."""


def publish_1000(engine: str, postgres: Server | None, quick: bool, repeats: int) -> None:
    """Publish as the page does (preview, then publication), alternating with the limit; print the medians."""
    count = 10 if quick else MANY
    ours, limit = [], []
    for _ in range(repeats):
        ours.append(_measured(engine, postgres, count, _ours))
        limit.append(_measured(engine, postgres, count, _limit))
    (wall, cpu), (floor_wall, floor_cpu) = (
        [statistics.median(run[of] for run in side) * 1000 for of in (0, 1)] for side in (ours, limit)
    )
    print(f"  ours  {wall:5.0f} ms, of our CPU {cpu:5.0f} ms, for {count} slots")
    print(f"  limit {floor_wall:5.0f} ms, of our CPU {floor_cpu:5.0f} ms")
    print(f"  ratio {wall / floor_wall:.1f} (CPU {cpu / floor_cpu:.1f}); goal: under 2,000 ms", flush=True)


def _measured(engine: str, postgres: Server | None, count: int, side: Callable[..., None]) -> tuple[float, float]:
    """Return the seconds, and those of CPU, that one side takes on its own database; WrongAnswer unless each slot is there."""
    with _database(postgres) as (url, folder):
        app = databases.create_app(databases.settings(url, folder))
        with app.app_context():
            cfa = make.cfa()
            site, adviser, kind = make.site(cfa), make.adviser(cfa), make.meeting_type(cfa)
            warm = clock.today(site.timezone) + timedelta(days=540)
            side(cfa, site, adviser, kind, _rule(warm, 1))  # compiled statements, loaded holidays
            began, cpu_began = time.perf_counter(), time.process_time()
            side(cfa, site, adviser, kind, _rule(clock.today(site.timezone) + timedelta(days=1), count // 10))
            spent = time.perf_counter() - began, time.process_time() - cpu_began
            stored = db.session.scalar(sa.select(sa.func.count()).select_from(Slot)) or 0
            db.session.remove()
            db.engine.dispose()
    if stored != count + 10:
        raise WrongAnswer(f"{stored} slots stored instead of {count + 10}")
    return spent


def _rule(first_day: Any, days: int) -> series.Rule:
    """Ten slots of an hour a day."""
    ranges = (series.Range(wall_time(8), wall_time(18)),)
    return series.Rule(first_day, ranges, 60, weekdays=tuple(range(7)), count=days)


def _ours(cfa: Any, site: Any, adviser: Any, kind: Any, rule: series.Rule) -> None:
    offer = slots.Offer(site, kind, "on_site", None, 1, listed=True, training_scope="site")
    now = clock.now()
    planned = series.plan(rule, offer, now)
    found = series.preview(cfa.id, adviser, planned, now)
    keep, seen = {each.key for each in found}, series.fingerprint(found)
    with transaction():
        series.publish(cfa, adviser, planned, now, by=adviser, keep=keep, seen=seen, rule=rule)


def _limit(cfa: Any, site: Any, adviser: Any, kind: Any, rule: series.Rule) -> None:
    offer = slots.Offer(site, kind, "on_site", None, 1, listed=True, training_scope="site")
    spans = [series.dated(each).span for each in series.plan(rule, offer, clock.now())]
    rows = [
        {
            "public_id": f"b{random.getrandbits(48):012x}", "cfa_id": cfa.id, "site_id": site.id,
            "adviser_id": adviser.id, "meeting_type_id": kind.id, "place": "on_site", "starts_at": span.starts_at,
            "ends_at": span.ends_at,
        }
        for span in spans
        if span
    ]  # fmt: skip
    with transaction() as session:
        session.connection().execute(sa.insert(Slot.__table__), rows)


@contextmanager
def _database(postgres: Server | None) -> Iterator[tuple[str, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="rdv-bench-"))
    name = f"bench_{random.getrandbits(32):08x}"
    url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
    try:
        databases.migrate(url, folder)
        yield url, folder
    finally:
        if postgres:
            postgres.drop_database(name)
        shutil.rmtree(folder, ignore_errors=True)
