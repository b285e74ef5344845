"""Scenario 7 `inbox`: the list of requests of a busy centre among 1,000,000 requests, page 1 against page 200, and its counters."""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.slot_page import WrongAnswer
from rdv import clock, inbox
from rdv.db import db, transaction
from rdv.identifiers import new_public_id
from rdv.models import CandidateRequest, Cfa, Site, User
from tests.support import databases
from tests.support.postgres import Server

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)  # a Tuesday, ten o'clock: mornings can be called
BUSY = 1
ME = 1  # the adviser asked about
READS = 40
DEEP = 200  # the page that is compared with the first one
COLUMNS = (
    "id", "public_id", "reference", "cfa_id", "site_id", "mode", "asker", "first_name", "last_name", "email", "phone",
    "reasons", "callback_windows", "status", "outcome", "owner_id", "due_at", "first_answered_at", "attempts",
    "next_attempt_at", "rung", "name_key", "search_text", "link_version", "version", "last_event_at", "created_at",
    "updated_at",
)  # fmt: skip
WINDOWS = ("[]", '["matin"]', '["soir"]', '["midi", "soir"]')


def _rows(total: int, centres: int, open_here: int) -> Iterator[tuple[Any, ...]]:
    """Yield requests: the busy centre's open ones first, then a few of its others, then those of all the others."""
    chance = random.Random(7)
    for number in range(1, total + 1):
        busy = number <= open_here * 12 // 10
        cfa_id = BUSY if busy else 2 + number % (centres - 1)
        arrived = NOW - timedelta(minutes=chance.randrange(5, 500_000))
        status = ("new" if number % 2 else "in_progress") if number <= open_here else _over(chance, busy)
        closed = status == "closed"
        mode = "callback" if number % 3 == 0 else "message"
        planned = status == "in_progress" and mode == "callback" and number % 10 == 0
        yield (
            number, f"r{number:015x}", f"R{number}", cfa_id, cfa_id, mode, "candidate", "Zoé", f"Lambert {number}",
            f"zoe{number}@courriel.example", f"+3319900{number % 10_000:04d}", '["place"]',
            WINDOWS[number % 4] if mode == "callback" else "[]", status, "answered" if closed else None,
            # One in a thousand is mine, nine in ten have somebody.
            ME if number % 1000 == 0 else None if number % 10 == 1 else 2, arrived + timedelta(days=2),
            arrived + timedelta(days=1) if closed else None, 0, NOW + timedelta(hours=number % 40) if planned else None, 0,
            f"zoe lambert {number}", f"zoe lambert {number} zoe{number}@courriel.example", 1, 1, arrived, arrived, arrived,
        )  # fmt: skip


def _over(chance: random.Random, busy: bool) -> str:
    return chance.choices(
        ("closed", "waiting_candidate", "new", "in_progress"), (85, 7, 0 if busy else 4, 0 if busy else 4)
    )[0]


def fill(engine: str, total: int, centres: int, open_here: int) -> None:
    """Write it all as each database likes best: COPY, or executemany in one transaction; then ANALYZE."""
    stamps = {"created_at": NOW, "updated_at": NOW}
    ids = range(1, centres + 1)
    cfas = [{"id": n, "public_id": new_public_id(), "siret": f"{n:014d}", "name": f"CFA {n}", "callback_open": True,
             "message_open": True, "sms_open": False, "answer_days": 2, "activated_at": NOW, "link_version": 1,
             "reply_values": {}, **stamps} for n in ids]  # fmt: skip
    sites = [{"id": n, "public_id": new_public_id(), "cfa_id": n, "siret": "", "name": f"Site {n}", "insee": "59350",
              "address_key": str(n), "city": "Lille", "territory": "FR", "timezone": "Europe/Paris", **stamps}
             for n in ids]  # fmt: skip
    people = [{"id": n, "public_id": new_public_id(), "email": f"a{n}@cfa.example", "first_name": "Bob", "last_name": str(n),
               "session_token": "x", "link_version": 1, "is_service_team": False, "active": True, "agenda_version": 0,
               **stamps} for n in (ME, 2)]  # fmt: skip
    with transaction() as session:
        for table, rows in ((Cfa, cfas), (Site, sites), (User, people)):
            session.connection().execute(sa.insert(table), rows)
    raw = db.engine.raw_connection()
    cursor = raw.cursor()
    rows = _rows(total, centres, open_here)
    if engine == "postgresql":
        with cursor.copy(f"COPY candidate_request ({', '.join(COLUMNS)}) FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row(row)
        raw.commit()
        raw.driver_connection.autocommit = True  # type: ignore[union-attr]
        cursor.execute("VACUUM ANALYZE")
    else:
        cursor.execute("BEGIN IMMEDIATE")
        marks = ", ".join("?" * len(COLUMNS))
        cursor.executemany(
            f"INSERT INTO candidate_request ({', '.join(COLUMNS)}) VALUES ({marks})", map(_as_text, rows)
        )
        cursor.execute("COMMIT")
        cursor.execute("ANALYZE")
    cursor.close()
    raw.close()


def _as_text(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(f"{each:%Y-%m-%d %H:%M:%S.000000}" if isinstance(each, datetime) else each for each in row)


@contextmanager
def _database(engine: str, postgres: Server | None, total: int, centres: int, open_here: int) -> Iterator[None]:
    folder = Path(tempfile.mkdtemp(prefix="rdv-bench-"))
    name = f"bench_{random.getrandbits(32):08x}"
    url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
    try:
        databases.migrate(url, folder)
        app = databases.create_app(databases.settings(url, folder))
        with app.app_context():
            begun = time.perf_counter()
            fill(engine, total, centres, open_here)
            print(
                f"  {total:,} requests of {centres:,} centres written in {time.perf_counter() - begun:.0f} s",
                flush=True,
            )
            yield
            db.session.remove()
            db.engine.dispose()
    finally:
        if postgres:
            postgres.drop_database(name)
        shutil.rmtree(folder, ignore_errors=True)


class Statements:
    """What an act sends to the database, to be sent again by the bare driver and timed."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.seen: list[tuple[str, Any]] = []
        sa.event.listen(db.engine, "before_cursor_execute", self._see)
        try:
            self.result = act()
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", self._see)
        db.session.rollback()

    def _see(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self.seen.append((statement, parameters))

    def milliseconds(self, reads: int = READS) -> float:
        """Return the median time of all of them, rows fetched."""
        cursor = db.session.connection().connection.cursor()
        times = []
        for _ in range(reads):
            begun = time.perf_counter()
            for statement, parameters in self.seen:
                cursor.execute(statement, parameters)
                cursor.fetchall()
            times.append((time.perf_counter() - begun) * 1000)
        cursor.close()
        db.session.rollback()
        return statistics.median(times)


ASKED: dict[str, inbox.Filter] = {
    "to treat": inbox.Filter(status="todo"),
    "to treat, nobody's": inbox.Filter(status="todo", owner_id=0),
    "to treat, mine": inbox.Filter(status="todo", owner_id=ME),
    "new": inbox.Filter(status="new"),
    "callbacks, reachable first": inbox.Filter(status="todo", mode="callback", reachable_first=True),
    "planned calls": inbox.Filter(status="todo", planned=True),
    "waiting for the candidate": inbox.Filter(status="waiting_candidate"),
    "over": inbox.Filter(status="closed"),
    "all": inbox.Filter(),
}


def inbox_pages(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Page 1 against page 200 of the inbox of the busy centre, for each list; then what the counters cost."""
    total, centres, open_here, deep = (20_000, 200, 4_000, 20) if quick else (1_000_000, 3_000, 100_000, DEEP)
    clock.now = lambda: NOW
    with _database(engine, postgres, total, centres, open_here):
        _check(open_here)
        for name, wanted in ASKED.items():
            cursor, number = None, 1
            while number < deep:
                following = inbox.page(BUSY, wanted, NOW, cursor).following
                if following is None:
                    break
                cursor, number = following, number + 1
            first = Statements(lambda wanted=wanted: inbox.page(BUSY, wanted, NOW))  # type: ignore[misc]
            last = Statements(lambda wanted=wanted, cursor=cursor: inbox.page(BUSY, wanted, NOW, cursor))  # type: ignore[misc]
            near, far = [], []
            for _ in range(repeat):
                near.append(first.milliseconds())
                far.append(last.milliseconds())
            one, other = statistics.median(near), statistics.median(far)
            print(
                f"  {name:<28} page 1 {one:6.2f} ms   page {number:<3} {other:6.2f} ms   ratio {other / one:.2f}"
                f"{'   (goal: <= 1.3, < 5 ms)' if name == 'to treat' else ''}",
                flush=True,
            )
        for label, team in (("counters of the centre", None), ("counters of one person", ME)):
            counted = Statements(
                lambda team=team: inbox.counters(BUSY, NOW, team, until=NOW + timedelta(hours=14))  # type: ignore[misc]
            )
            print(f"  {label:<28} {counted.milliseconds():6.2f} ms   {counted.result}", flush=True)
        plain = Statements(
            lambda: db.session.scalar(
                sa.select(sa.func.count())
                .select_from(CandidateRequest)
                .where(CandidateRequest.cfa_id == BUSY, CandidateRequest.status.in_(inbox.TO_TREAT))
            )
        )
        print(f"  counting all of them         {plain.milliseconds():6.2f} ms", flush=True)


def _check(open_here: int) -> None:
    """Every request to treat is on one page and one only, forward and back, in the order of due dates."""
    seen: list[int] = []
    cursor = None
    while len(seen) < 3_000:
        rows, cursor, _ = inbox.page(BUSY, inbox.Filter(status="todo"), NOW, cursor, size=300)
        seen += [row.id for row in rows]
        if cursor is None:
            break
    of = CandidateRequest
    wanted = db.session.scalars(
        sa.select(of.id)
        .where(of.cfa_id == BUSY, of.status.in_(inbox.TO_TREAT))
        .order_by(of.due_at, of.id)
        .limit(len(seen))
    ).all()
    if seen != list(wanted) or len(seen) < min(open_here, 3_000):
        raise WrongAnswer("pages that do not follow each other")
    back = inbox.page(BUSY, inbox.Filter(status="todo"), NOW, before=cursor, size=300) if cursor else None
    if back and [row.id for row in back.rows] != seen[-301:-1]:
        raise WrongAnswer("the page before is not the one that was seen")
