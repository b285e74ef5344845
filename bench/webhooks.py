"""Scenario `webhooks`: events relayed and told to four platforms' addresses, against the same bytes posted by nothing but http.client.

Both sides open a connection for each post, from as many threads as there are addresses, to the same server in the same run.
"""

from __future__ import annotations

import http.client
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from rdv import clock, webhooks
from rdv.db import db, transaction
from rdv.models import CandidateRequest, RequestEvent, WebhookDelivery
from tests import make
from tests.support import databases
from tests.support.postgres import Server

CODES = ("lba", "onisep", "parcoursup", "affelnet")


class WrongAnswer(SystemExit):
    """An event was lost, or told twice."""


def webhooks_scenario(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Tell events, alternating with the limit; print the medians."""
    count = 40 if quick else 2000
    ours, relayed, limit = [], [], []
    with _sink() as port, _application(postgres):
        cfa = make.cfa()
        site = make.site(cfa)
        training = make.training(cfa, site)
        with transaction():
            for code in CODES:
                webhooks.create(make.platform(code), f"http://127.0.0.1:{port}/", ["created"], clock.now())
        for _ in range(repeat):
            _write(count, cfa.id, site.id, training.id)
            began = time.perf_counter()
            while webhooks.relay(clock.now()):
                pass
            relayed.append(count / (time.perf_counter() - began))
            bodies = list(db.session.scalars(sa.select(WebhookDelivery.body).filter_by(state="pending")))
            db.session.rollback()
            began = time.perf_counter()
            while webhooks.deliver_due():
                pass
            ours.append(count / (time.perf_counter() - began))
            _check(port, count, count)
            began = time.perf_counter()
            with ThreadPoolExecutor(len(CODES)) as pool:
                list(pool.map(lambda body: _post(port, body), bodies))
            limit.append(count / (time.perf_counter() - began))
            _check(port, count, 1)
    rate, floor = statistics.median(ours), statistics.median(limit)
    print(f"  relay {statistics.median(relayed):6.0f} events/s written as deliveries")
    print(f"  ours  {rate:6.0f} deliveries/s, claimed, signed, posted and marked, {len(CODES)} addresses")
    print(f"  limit {floor:6.0f} posts/s of the same bytes")
    print(f"  ratio {rate / floor:.2f}", flush=True)


def _write(count: int, cfa_id: int, site_id: int, training_id: int) -> None:
    now = clock.now()
    platforms = [make.platform(code).id for code in CODES]
    with transaction() as session:
        rows = [
            CandidateRequest(
                cfa_id=cfa_id, site_id=site_id, training_id=training_id, platform_id=platforms[number % len(CODES)],
                mode="callback", first_name="Zoé", last_name="Essai", email="zoe@courriel.example", last_event_at=now,
            )
            for number in range(count)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        session.add_all(RequestEvent(request_id=row.id, kind="created", actor="candidate", at=now) for row in rows)


def _post(port: int, body: bytes | None) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body, {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()


def _check(port: int, posts: int, different: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        told = answer.read().decode()
    if told != f"{posts} {different}":
        raise WrongAnswer(f"posts and different events: {told} instead of {posts} {different}")


@contextmanager
def _sink() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-m", "bench.limits.sink"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def _application(postgres: Server | None) -> Iterator[None]:
    folder = Path(tempfile.mkdtemp(prefix="rdv-bench-"))
    name = f"bench_{random.getrandbits(32):08x}"
    url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
    try:
        databases.migrate(url, folder)
        settings = databases.settings(url, folder, webhook_allow_private=True, sqlite_synchronous="FULL")
        app = databases.create_app(settings)
        with app.app_context():
            yield
            db.session.remove()
            db.engine.dispose()
    finally:
        if postgres:
            postgres.drop_database(name)
        shutil.rmtree(folder, ignore_errors=True)
