"""Scenario 11 `stats`: the median answer time of each month, at the busiest site and over the whole service.

Against the plain percentile over requests: the hours between two columns of `candidate_request`, sorted at each read, with
the index that its own table would have (reference/performance.md §5).
"""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rdv import clock, stats
from rdv.db import db, transaction
from rdv.models import CandidateRequest, FirstAnswer, Site
from rdv.stats import medians, quantiles
from tests.support import databases, scale
from tests.support.postgres import Server

RUNS = 15  # of each read, within a repetition
BUSIEST = 9_256  # answers a year, as measured in reference/performance.md §5


class WrongAnswer(SystemExit):
    """A figure is not what Python computes of the same rows."""


@contextmanager
def database(postgres: Server | None, answered: int, busiest: int) -> Iterator[None]:
    """Open an application on a database with this many answered requests."""
    folder = Path(tempfile.mkdtemp(prefix="rdv-bench-"))
    name = f"bench_{random.getrandbits(32):08x}"
    url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
    try:
        databases.migrate(url, folder)
        app = databases.create_app(databases.settings(url, folder))
        with app.app_context():
            scale.fill(0, answered=answered, busiest=busiest)
            with transaction() as session:
                # What the plain way would have: its own index, so that only the sort is compared.
                session.execute(
                    sa.text("CREATE INDEX bench_plain ON candidate_request (site_id, created_at, first_answered_at)")
                )
                session.execute(sa.text("ANALYZE"))
            if postgres:  # as autovacuum leaves it: both sides may read their index alone
                db.session.execute(sa.text("VACUUM ANALYZE"))
            yield
            db.session.remove()
            db.engine.dispose()
    finally:
        if postgres:
            postgres.drop_database(name)
        shutil.rmtree(folder, ignore_errors=True)


def _plain(engine: str, where: str) -> str:
    """The plain statement: minutes between two instants, grouped by the month of the first."""
    if engine == "postgresql":
        return (
            "SELECT date_trunc('month', created_at), count(*), percentile_cont(0.5) WITHIN GROUP "
            "(ORDER BY extract(epoch FROM first_answered_at - created_at)) FROM candidate_request "
            f"WHERE {where} AND first_answered_at IS NOT NULL GROUP BY 1"
        )
    return (
        "SELECT month, max(size), avg(minutes) FROM (SELECT month, minutes, row_number() OVER (PARTITION BY month ORDER BY minutes) "
        "AS rank, count(*) OVER (PARTITION BY month) AS size FROM (SELECT substr(created_at, 1, 7) AS month, "
        f"julianday(first_answered_at) - julianday(created_at) AS minutes FROM candidate_request WHERE {where} "
        "AND first_answered_at IS NOT NULL)) WHERE rank IN ((size + 1) / 2, (size + 2) / 2) GROUP BY month"
    )


def _median_ms(read: Callable[[], Any]) -> float:
    read()
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        read()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def _check(conditions: tuple[Any, ...], found: dict[date, stats.Spread]) -> None:
    by_month: dict[date, list[int]] = {}
    for month, minutes in db.session.execute(sa.select(FirstAnswer.month, FirstAnswer.minutes).where(*conditions)):
        by_month.setdefault(month, []).append(minutes)
    expected = {
        month: (len(minutes), sorted(minutes)[quantiles.ranks(len(minutes))[0] - 1])
        for month, minutes in by_month.items()
        if len(minutes) >= quantiles.MEDIAN_FROM
    }
    told = {month: (one.answers, one.median) for month, one in found.items() if one.median is not None}
    if not told or told != expected:
        raise WrongAnswer("the medians are not those of the rows")


def stats_scenario(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Our months against the plain statement, at one site and everywhere; then the night's medians."""
    answered, busiest = (20_000, 1_000) if quick else (200_000, BUSIEST)
    with database(postgres, answered, busiest):
        today = clock.today(clock.PARIS)
        first = stats.months_before(today.replace(day=1), 11)
        site = (FirstAnswer.site_id == 1, FirstAnswer.month >= first)
        month = stats.months_before(today.replace(day=1), 1)
        whole = (FirstAnswer.month == month,)
        since, until = first.isoformat(), today.replace(day=1).isoformat()
        plain = {
            "busiest site, 12 months": (site, _plain(engine, f"site_id = 1 AND created_at >= '{since}'")),
            "whole service, a month": (
                whole, _plain(engine, f"created_at >= '{month.isoformat()}' AND created_at < '{until}'"),
            ),
        }  # fmt: skip
        for name, (conditions, statement) in plain.items():
            ours, theirs = [], []
            _check(conditions, quantiles.by_month(conditions))
            for _ in range(repeat):
                ours.append(_median_ms(lambda conditions=conditions: quantiles.by_month(conditions)))  # type: ignore[misc]
                theirs.append(_median_ms(lambda statement=statement: db.session.execute(sa.text(statement)).all()))  # type: ignore[misc]
            mine, plainly = statistics.median(ours), statistics.median(theirs)
            print(
                f"  {name:<24} ours {mine:7.2f} ms  plain {plainly:7.2f} ms  ratio {mine / plainly:.2f} (goal <= 0.4)",
                flush=True,
            )
        begun = time.perf_counter()
        changed = list(medians.changes(clock.now()))
        read = time.perf_counter() - begun
        for table, found in changed:
            with transaction():
                medians.write(table, found)
        written = sum(len(found) for _, found in changed)
        print(
            f"  the night's medians: {read:.2f} s to read, {time.perf_counter() - begun - read:.2f} s to write {written}"
        )
        begun = time.perf_counter()
        told = stats.service(clock.now())
        print(
            f"  the service in short: {(time.perf_counter() - begun) * 1000:.0f} ms for {told.total.received} requests"
        )
        stored = db.session.scalar(sa.select(sa.func.count()).select_from(Site).where(Site.answer_median.is_not(None)))
        there = db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest))
        if not stored or there != answered:
            raise WrongAnswer("no median was written")
