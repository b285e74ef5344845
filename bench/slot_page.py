"""Scenarios 2 `slot-page` and 3 `slot-page-scale`: the page of all dates of a training, 50 slots, among many others."""

from __future__ import annotations

import os
import random
import re
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import server
from bench.load import fetch_all
from rdv.db import db
from tests.support import databases, scale
from tests.support.postgres import Server

SHOWN = 50
LIMIT = ["-c", "python:rdv.gunicorn_conf", "bench.limits.slot_page:app"]
SLOTS = re.compile(r"<h2 class=\"rdv-day\">.*</ul>", re.DOTALL)


class WrongAnswer(SystemExit):
    """A page does not show the slots it must."""


@contextmanager
def database(engine: str, postgres: Server | None, slots: int) -> Iterator[tuple[str, scale.Scale]]:
    """Yield the address of a database with this many open slots, and the centre that has 50 of them."""
    folder = Path(tempfile.mkdtemp(prefix="rdv-bench-"))
    name = f"bench_{random.getrandbits(32):08x}"
    url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
    try:
        databases.migrate(url, folder)
        app = databases.create_app(databases.settings(url, folder))
        with app.app_context():
            made = scale.fill(slots, here=SHOWN)
            db.session.remove()
            db.engine.dispose()
        yield url, made
    finally:
        if postgres:
            postgres.drop_database(name)
        shutil.rmtree(folder, ignore_errors=True)


def _cost(arguments: list[str], url: str, path: str, pages: int) -> tuple[float, str]:
    """Return the CPU of one page in milliseconds, and the page."""
    with server.serving(arguments, url) as running:
        page = fetch_all(running.port, [path] * 20)[0]  # warm
        before = running.cpu()
        fetch_all(running.port, [path] * pages)
        return (running.cpu() - before) * 1000 / pages, page


def _check(page: str, shown: int) -> None:
    found = page.count('class="rdv-slot"')
    if found != shown:
        raise WrongAnswer(f"{found} slots on the page, {shown} expected")


def slot_page(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Our page against one Flask file that shows the same bytes; sides alternate."""
    slots, pages = (2_000, 100) if quick else (100_000, 600)
    with database(engine, postgres, slots) as (url, made), tempfile.TemporaryDirectory() as folder:
        path = f"/formation/{made.training_public_id}?dates=toutes"
        ours: list[float] = []
        limit: list[float] = []
        for _ in range(repeat):
            cost, page = _cost(server.OURS, url, path, pages)
            _check(page, SHOWN)
            ours.append(cost)
            frame = Path(folder) / "frame.html"
            frame.write_text(SLOTS.sub("<!-- slots -->", page, count=1), encoding="utf-8")
            os.environ["LIMIT_FRAME"] = str(frame)
            cost, floor = _cost(LIMIT, url, path, pages)
            _check(floor, SHOWN)
            if not 0.9 < len(floor) / len(page) < 1.1:
                raise WrongAnswer(f"{len(floor)} characters against {len(page)}: not the same page")
            limit.append(cost)
            print(f"  ours {ours[-1]:5.2f} ms CPU a page   limit {limit[-1]:5.2f} ms", flush=True)
        print(f"  ratio  {statistics.median(ours) / statistics.median(limit):.2f} (goal <= 2.0)", flush=True)


def slot_page_scale(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """The same page with 1,000 and with 100,000 slots published: the index makes them equal."""
    few, many, pages = (500, 2_000, 100) if quick else (1_000, 100_000, 600)
    costs: dict[int, list[float]] = {few: [], many: []}
    with database(engine, postgres, few) as small, database(engine, postgres, many) as large:
        for _ in range(repeat):
            for slots, (url, made) in ((few, small), (many, large)):
                cost, page = _cost(server.OURS, url, f"/formation/{made.training_public_id}?dates=toutes", pages)
                _check(page, SHOWN)
                costs[slots].append(cost)
                print(f"  {slots:>7} slots  {cost:5.2f} ms CPU a page", flush=True)
    print(f"  ratio  {statistics.median(costs[many]) / statistics.median(costs[few]):.2f} (goal <= 1.2)", flush=True)
