"""Scenario 6 `book-core`: the booking function without HTTP, 16 threads, against the raw statement of the same rows."""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from importlib import import_module, reload
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from flask import Flask

from bench.booking import SEATS, WrongAnswer, database
from rdv import booking, clock
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import SlotUnavailable
from rdv.models import Booking, Slot
from tests.support import databases
from tests.support.postgres import Server

THREADS = 16


def book_core(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Bookings per second of `rdv.booking.book` in one transaction each, over those of the limit's own statement."""
    each = 10 if quick else 150
    rates: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(repeat):
        for ours in (True, False):
            with database(engine, postgres, 300) as (url, ids):
                rate = _ours(url, ids, each) if ours else _limit(url, ids, each)
                _check(url, THREADS * each)
            rates[ours].append(rate)
            print(f"  {'ours ' if ours else 'limit'} {rate:7.0f} bookings/s", flush=True)
    ratio = statistics.median(rates[True]) / statistics.median(rates[False])
    print(f"  ratio  {ratio:.2f} of the limit (goal >= 0.3)", flush=True)


def _ours(url: str, ids: list[str], each: int) -> float:
    with TemporaryDirectory() as folder:
        app = databases.create_app(databases.settings(url, Path(folder), sqlite_synchronous="FULL"))
        with app.app_context():
            by_id = {row.public_id: row.id for row in db.session.execute(sa.select(Slot.public_id, Slot.id))}
            db.session.remove()
        rate = _run(lambda thread: _book_some(app, thread, [by_id[one] for one in ids], each), each)
        with app.app_context():
            db.engine.dispose()
        return rate


def _book_some(app: Flask, thread: int, slot_ids: list[int], each: int) -> None:
    chance = random.Random(thread)
    with app.app_context():
        for step, slot_id in enumerate(chance.sample(slot_ids, each)):
            person = Candidate(
                "Zoé", f"Bench {_word(thread)} {_word(step)}", f"zoe.{thread}.{step}@bench.example", None
            )
            slot = db.session.get_one(Slot, slot_id)
            try:
                with transaction():
                    booking.book(slot, person, Submission(f"{thread}.{step}", "digest"), clock.now())
            except SlotUnavailable:
                raise WrongAnswer("a slot of 20 seats was full before its time") from None
            db.session.remove()


def _limit(url: str, ids: list[str], each: int) -> float:
    os.environ["DATABASE_URL"] = url  # the limit reads it once, as its server does
    limit = reload(import_module("bench.limits.booking"))

    def some(thread: int) -> None:
        chance = random.Random(thread)
        for step, slot in enumerate(chance.sample(ids, each)):
            form = {
                "first_name": "Zoé",
                "last_name": f"Bench {thread} {step}",
                "email": f"z{thread}.{step}@bench.example",
            }
            with limit.app.test_request_context(method="POST", data=form):
                values = limit.facts(slot)
            (limit.on_sqlite if limit.SQLITE else limit.on_postgresql)(values)

    return _run(some, each)


def _run(work: Callable[[int], None], each: int) -> float:
    failed: list[BaseException] = []

    def guarded(thread: int) -> None:
        try:
            work(thread)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(THREADS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return THREADS * each / (time.perf_counter() - begun)


def _word(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number))


def _check(url: str, expected: int) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        booked = connection.scalar(sa.select(sa.func.count()).select_from(Booking))
        taken = connection.scalar(sa.select(sa.func.sum(Slot.seats_taken)))
        most = connection.scalar(sa.select(sa.func.max(Slot.seats_taken)))
    engine.dispose()
    if booked != expected or taken != expected or (most or 0) > SEATS:
        raise WrongAnswer(f"{booked} booked, {taken} seats taken, {expected} expected")
