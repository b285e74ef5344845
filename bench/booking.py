"""Scenarios 4 `book-hot` and 5 `book-spread`: bookings through the HTTP form, against the floor of the same rows.

Each run has a database of its own; forms are fetched before the clock; what the database holds is checked after it.
"""

from __future__ import annotations

import random
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bench import server
from bench.load import Post, Result, fetch_all, post_all
from rdv.db import db
from rdv.models import Booking, CandidateRequest, OutgoingMail, RequestEvent, Slot
from tests import make
from tests.support import databases
from tests.support.postgres import Server

CLIENTS = 64
SEATS = 20
PATIENCE = 2.1  # seconds, above FORM_MIN_SECONDS
TOKEN = re.compile(r'name="form_token"[^>]*value="([^"]+)"')


@dataclass
class Run:
    """One side, once."""

    result: Result
    booked: int
    cpu_ms: float  # of the web server, per answer
    database_cpu_ms: float  # of PostgreSQL, per answer


class WrongAnswer(SystemExit):
    """The database does not hold what it must."""


@contextmanager
def database(engine: str, postgres: Server | None, slots: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a fresh database holding one CFA with this many open slots, and their public ids."""
    folder = Path(tempfile.mkdtemp(prefix="rdv-bench-"))
    name = f"bench_{random.getrandbits(32):08x}"
    url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
    try:
        databases.migrate(url, folder)
        yield url, _publish(url, folder, slots)
    finally:
        if postgres:
            postgres.drop_database(name)
        shutil.rmtree(folder, ignore_errors=True)


def _publish(url: str, folder: Path, slots: int) -> list[str]:
    app = databases.create_app(databases.settings(url, folder))
    with app.app_context():
        with make.writing() as session:
            cfa = make.cfa()
            site = make.site(cfa)
            kind = make.meeting_type(cfa)
            advisers = [make.adviser(cfa) for _ in range(20)]
            ids = []
            for number in range(slots):
                # All at different hours of the coming months, so that none is the equal of another.
                slot = make.slot(advisers[number % 20], site, kind, capacity=SEATS)
                slot.starts_at += make.timedelta(minutes=37 * number)
                slot.ends_at += make.timedelta(minutes=37 * number)
                ids.append(slot.public_id)
            session.flush()
        db.session.execute(sa.text("ANALYZE"))
        db.session.remove()
        db.engine.dispose()
    return ids


def _posts(port: int, ours: bool, lists: list[list[str]]) -> list[list[Post]]:
    flat = [slot for one in lists for slot in one]
    tokens = iter([""] * len(flat))
    if ours:
        pages = fetch_all(port, [f"/rendez-vous/{slot}" for slot in flat])
        found = [TOKEN.search(page) for page in pages]
        if not all(found):
            raise WrongAnswer("a booking page holds no form token")
        tokens = iter([match[1] for match in found if match])
    made = []
    for client, one in enumerate(lists):
        made.append(
            [
                Post(
                    f"/rendez-vous/{slot}",
                    {
                        "form_token": next(tokens),
                        "first_name": "Zoé",
                        "last_name": f"Bench {_word(client)} {_word(step)}",
                        "email": f"zoe.{client}.{step}@bench.example",
                        "asker": "candidate",
                    },
                )
                for step, slot in enumerate(one)
            ]
        )
    return made


def _word(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number))


def measure(engine: str, postgres: Server | None, ours: bool, slots: int, lists_of: str, steps: int) -> Run:
    """Run one side once: `lists_of` is « walk » (everyone the same slots, in order) or « random »."""
    with database(engine, postgres, slots) as (url, ids):
        if lists_of == "walk":
            lists = [ids for _ in range(CLIENTS)]
        else:
            chance = random.Random(7)
            lists = [chance.sample(ids, steps) for _ in range(CLIENTS)]
        with server.serving(server.OURS if ours else server.LIMIT, url) as running:
            posts = _posts(running.port, ours, lists)
            time.sleep(PATIENCE)  # the last form fetched must be old enough for the service to believe in a person
            before, database_before = running.cpu(), _database_cpu(postgres)
            result = post_all(running.port, posts)
            after, database_after = running.cpu(), _database_cpu(postgres)
        booked = check(url, result)
        answers = len(result.latencies)
        return Run(
            result, booked, (after - before) * 1000 / answers, (database_after - database_before) * 1000 / answers
        )


def _database_cpu(postgres: Server | None) -> float:
    if postgres is None or not postgres.pid:
        return 0.0
    return sum(server.cpu_seconds(pid) for pid in server.family(postgres.pid))


def check(url: str, result: Result) -> int:
    """Return how many seats are booked; WrongAnswer unless the rows say exactly what the answers said."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def count(model: type, *where: sa.ColumnElement[bool]) -> int:
            return connection.scalar(sa.select(sa.func.count()).select_from(model).where(*where)) or 0

        booked = count(Booking, Booking.status == "booked")
        taken = connection.scalar(sa.select(sa.func.sum(Slot.seats_taken))) or 0
        over = count(Slot, Slot.seats_taken > Slot.capacity)
        rows = (
            count(CandidateRequest),
            count(RequestEvent),
            count(OutgoingMail, OutgoingMail.kind == "booking_confirmed"),
        )
    engine.dispose()
    told = result.statuses[303]
    if over or taken != booked or rows != (booked, booked, booked) or told != booked:
        raise WrongAnswer(
            f"booked {booked}, told {told}, seats {taken}, above capacity {over}, rows {rows}, {result.statuses}"
        )
    unexpected = set(result.statuses) - {303, 409}
    if unexpected:
        raise WrongAnswer(f"unexpected answers: {result.statuses}")
    return booked


def _line(side: str, run: Run) -> str:
    result = run.result
    pg = f"  pg CPU {run.database_cpu_ms:5.2f} ms" if run.database_cpu_ms else ""
    return (
        f"  {side:<6} {run.booked:>6} booked  {result.statuses[303] / result.seconds:7.0f} bookings/s  "
        f"{len(result.latencies) / result.seconds:7.0f} answers/s  p50 {result.quantile(0.5):6.0f} ms  "
        f"p99 {result.quantile(0.99):6.0f} ms  CPU {run.cpu_ms:5.2f} ms{pg}"
    )


def book_hot(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """64 clients walk the same slots: each slot ends with exactly its seats."""
    slots = 10 if quick else 100
    for _ in range(repeat):
        run = measure(engine, postgres, True, slots, "walk", slots)
        print(_line("ours", run), flush=True)
        if run.booked != slots * SEATS:
            raise WrongAnswer(f"{run.booked} booked, {slots * SEATS} expected")


def book_spread(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """64 clients, random among 1,000 slots: ours against the floor."""
    slots, steps = (100, 5) if quick else (1000, 60)
    sides: dict[bool, list[Run]] = {True: [], False: []}
    for _ in range(repeat):
        for ours in (True, False):
            run = measure(engine, postgres, ours, slots, "random", steps)
            sides[ours].append(run)
            print(_line("ours" if ours else "limit", run), flush=True)

    def median(ours: bool, figure: str) -> float:
        values = {
            "rate": [run.booked / run.result.seconds for run in sides[ours]],
            "p99": [run.result.quantile(0.99) for run in sides[ours]],
            "cpu": [run.cpu_ms for run in sides[ours]],
        }
        return statistics.median(values[figure])

    print(
        f"  ratio  bookings/s {median(True, 'rate') / median(False, 'rate'):.2f} of the limit (goal >= 0.35)   "
        f"p99 {median(True, 'p99') / median(False, 'p99'):.1f} x (goal < 5)   CPU {median(True, 'cpu') / median(False, 'cpu'):.1f} x",
        flush=True,
    )
