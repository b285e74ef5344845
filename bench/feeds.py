"""Scenarios 8 `feed-build` and 9 `feed-poll`: calendars of 100 to 10,000 meetings, and 20,000 of them polled all day."""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import icalendar
import sqlalchemy as sa
from flask import Flask

from bench import server
from bench.limits import ical_writer
from bench.load import Client, polls
from rdv import clock, feeds, ical
from rdv.db import db, transaction
from rdv.identifiers import new_public_id, new_uid
from rdv.models import Booking, CalendarFeed, CandidateRequest, RenderedEvent, Slot
from rdv.tokens import hash_secret
from tests import make
from tests.support import databases, scale
from tests.support.postgres import Server

HELLO = ["-c", "python:rdv.gunicorn_conf", "bench.limits.hello:app"]
CONDITIONAL = 0.95


class WrongAnswer(SystemExit):
    """A calendar does not hold what it must, or a poll failed."""


@contextmanager
def application(engine: str, postgres: Server | None) -> Iterator[tuple[str, Flask]]:
    """Yield the address of a fresh database and an application on it, its context pushed."""
    folder = Path(tempfile.mkdtemp(prefix="rdv-bench-"))
    name = f"bench_{random.getrandbits(32):08x}"
    url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'bench.sqlite'}"
    try:
        databases.migrate(url, folder)
        app = databases.create_app(databases.settings(url, folder))
        with app.app_context():
            yield url, app
            db.session.remove()
            db.engine.dispose()
    finally:
        if postgres:
            postgres.drop_database(name)
        shutil.rmtree(folder, ignore_errors=True)


# -- 8 ----------------------------------------------------------------------------------------------------------------


def feed_build(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """Build a feed from the database, against the library, a writer by hand, and the mere join of what is rendered."""
    for count in (100,) if quick else (100, 1_000, 10_000):
        with application(engine, postgres):
            _build(count, repeat)


def _build(count: int, repeat: int) -> None:
    feed = feed_of(count)
    now = clock.now()
    first = _milliseconds(lambda: feeds.body(feed, now))  # renders everything, and keeps it
    meetings = feeds.meetings(feed, now)
    db.session.rollback()  # see what was kept
    whole = feeds.body(feed, now)
    _check(whole, meetings, count)
    fragments = [ical.event(one) for one in meetings]
    name = feeds.calendar_name(feed)
    if ical.joined(fragments, name) != whole:
        raise WrongAnswer("what is kept is not what is rendered")
    sides: dict[str, Callable[[], bytes]] = {
        "ours": lambda: feeds.body(feed, now),
        "join": lambda: ical.joined(fragments, name),
        "by hand": lambda: ical_writer.write(meetings),
        "icalendar": lambda: ical.calendar(meetings, name),
    }
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeat):
        for side, build in sides.items():
            times[side].append(_milliseconds(build))
    told = {side: statistics.median(found) for side, found in times.items()}
    print(f"  {count:>6} meetings, {len(whole) // 1000} kB   " + "   ".join(f"{k} {v:.1f} ms" for k, v in told.items())
          + f"   (first time {first:.0f} ms)", flush=True)  # fmt: skip
    print(
        f"  ratio to icalendar  ours {told['ours'] / told['icalendar']:.3f}   "
        f"join {told['join'] / told['icalendar']:.3f} (goal <= 0.02)   "
        f"ours to by hand {told['ours'] / told['by hand']:.2f}",
        flush=True,
    )


def _milliseconds(build: Callable[[], bytes]) -> float:
    db.session.rollback()
    begun = time.perf_counter()
    build()
    return (time.perf_counter() - begun) * 1000


def feed_of(count: int) -> CalendarFeed:
    """Write an adviser with so many meetings, a third of them past, and return their feed."""
    with make.writing() as session:
        cfa = make.cfa(name="CFA de l’Académie des métiers, Lille")
        site = make.site(cfa, name="Site de l’Écluse", address="3 rue des Frères-Lumière")
        adviser, kind = make.adviser(cfa), make.meeting_type(cfa, title="Entretien d’orientation et de motivation")
        training = make.training(cfa, site, title="CAP Équipier polyvalent du commerce")
        session.flush()
        now = clock.now().replace(minute=0, second=0, microsecond=0)
        step = timedelta(minutes=20)
        start = now - min(step * (count // 3), timedelta(days=25))
        slots, requests, bookings = [], [], []
        for number in range(1, count + 1):
            starts_at = start + step * number
            slots.append({
                "id": number, "public_id": new_public_id(), "cfa_id": cfa.id, "site_id": site.id, "adviser_id": adviser.id,
                "meeting_type_id": kind.id, "place": "on_site", "starts_at": starts_at, "ends_at": starts_at + step,
                "capacity": 1, "seats_taken": 1, "version": 2,
            })  # fmt: skip
            requests.append({
                "id": number, "public_id": new_public_id(), "reference": f"R{number}", "cfa_id": cfa.id, "site_id": site.id,
                "training_id": training.id, "mode": "slot", "first_name": "Zoé", "last_name": f"Lambert-{number}",
                "email": f"zoe{number}@courriel.example", "status": "closed", "outcome": "meeting_set",
                "owner_id": adviser.id, "last_event_at": now,
            })  # fmt: skip
            bookings.append({
                "id": number, "public_id": new_public_id(), "request_id": number, "slot_id": number, "cfa_id": cfa.id,
                "starts_at": starts_at, "uid": new_uid(), "person_key": f"{number:064d}",
            })  # fmt: skip
        for model, rows in ((Slot, slots), (CandidateRequest, requests), (Booking, bookings)):
            for begin in range(0, count, 5_000):
                session.execute(sa.insert(model), rows[begin : begin + 5_000])
        feeds.create(adviser, cfa, feeds.Choice(detail="full"), "Banc d’essai")
    with transaction() as session:
        session.connection().execute(sa.text("ANALYZE"))
    return db.session.scalars(sa.select(CalendarFeed)).one()


def _check(body: bytes, meetings: list[ical.Meeting], count: int) -> None:
    """Read the calendar back with the library: every meeting, at its instant."""
    read = {str(event["uid"]): event.start for event in icalendar.Calendar.from_ical(body).events}
    if read != {one.uid: one.starts_at.replace(microsecond=0) for one in meetings} or len(read) != count:
        raise WrongAnswer(f"{len(read)} meetings read back, {count} expected")
    kept = db.session.scalar(sa.select(sa.func.count()).select_from(RenderedEvent))
    if kept != count:
        raise WrongAnswer(f"{kept} rendered events kept, {count} expected")


# -- 9 ----------------------------------------------------------------------------------------------------------------


def feed_poll(engine: str, postgres: Server | None, quick: bool, repeat: int) -> None:
    """20,000 feeds polled in an open loop, 95 % of the polls with the validator; then the CPU of a 304."""
    count, seconds, rates = (200, 2, (22,)) if quick else (20_000, 30, (22, 220))
    with application(engine, postgres) as (url, _app):
        held = _feeds(count)
        with server.serving(server.OURS, url) as running:
            for rate in rates:
                chance = random.Random(rate)
                wanted = [
                    (f"/flux/{secret}.ics", {"If-None-Match": f'"{etag}"'} if chance.random() < CONDITIONAL else {})
                    for secret, etag in (held[chance.randrange(count)] for _ in range(rate * seconds))
                ]
                found = polls(running.port, wanted, rate)
                unchanged = sum("If-None-Match" in headers for _, headers in wanted)
                if found.statuses[304] != unchanged or found.statuses[200] != len(wanted) - unchanged:
                    raise WrongAnswer(f"{dict(found.statuses)} for {unchanged} conditional polls of {len(wanted)}")
                print(
                    f"  {rate:>4} polls/s   304 {found.statuses[304] / len(wanted):.1%}   p50 {found.quantile(0.5):.1f} ms   "
                    f"p99 {found.quantile(0.99):.1f} ms from the intended start   0 errors",
                    flush=True,
                )
        ours, hello = [], []
        conditional = [(f"/flux/{secret}.ics", {"If-None-Match": f'"{etag}"'}) for secret, etag in held]
        for _ in range(repeat):
            ours.append(_cost(server.OURS, url, conditional, 304, 200 if quick else 1_500))
            hello.append(_cost(HELLO, url, [("/bonjour", {})], 200, 200 if quick else 1_500))
            print(f"  ours {ours[-1]:5.2f} ms CPU a 304   Flask hello {hello[-1]:5.2f} ms", flush=True)
        print(f"  ratio  {statistics.median(ours) / statistics.median(hello):.2f} (goal <= 2.0)", flush=True)


def _feeds(count: int) -> list[tuple[str, str]]:
    """Write feeds over 600 advisers with some sixty meetings each, all read within the hour; return secrets and ETags."""
    slots = 2_000 if count < 1_000 else 40_000
    scale.fill(slots, booked=slots, here=60)
    now = clock.now()
    members = scale.CFAS * scale.ADVISERS
    found = [secrets.token_urlsafe(24) for _ in range(count)]
    rows: list[dict[str, Any]] = [
        {"public_id": new_public_id(), "user_id": 1 + number % members, "cfa_id": 1 + (number % members) // scale.ADVISERS,
         "scope": "adviser", "name": "Téléphone", "secret_hash": hash_secret(secret), "last_used_at": now,
         "last_used_by": "Thunderbird"}
        for number, secret in enumerate(found)
    ]  # fmt: skip
    with transaction() as session:
        for begin in range(0, count, 5_000):
            session.execute(sa.insert(CalendarFeed), rows[begin : begin + 5_000])
        session.connection().execute(sa.text("ANALYZE"))
    etags = []
    for secret in found:
        polled = feeds.poll(secret, now)
        if polled is None:
            raise WrongAnswer("a feed just made cannot be read")
        etags.append((polled.feed.id, polled.etag, polled.changed_at))
    with transaction() as session:
        session.execute(
            sa.update(CalendarFeed),
            [{"id": key, "served_etag": etag, "changed_at": since} for key, etag, since in etags],
        )
    return [(secret, etag) for secret, (_, etag, _) in zip(found, etags, strict=True)]


def _cost(arguments: list[str], url: str, wanted: list[tuple[str, dict[str, str]]], status: int, times: int) -> float:
    """Return the CPU of one answer in milliseconds, over eight connections that ask without pause."""

    async def walk(port: int, start: int, most: int) -> None:
        client = Client(port)
        for index in range(start, most, 8):
            path, headers = wanted[index % len(wanted)]
            found, _ = await client.request("GET", path, headers=headers)
            if found != status:
                raise WrongAnswer(f"{found} instead of {status}")

    async def ask(port: int, most: int) -> None:
        await asyncio.gather(*(walk(port, start, most) for start in range(8)))

    with server.serving(arguments, url) as running:
        asyncio.run(ask(running.port, 200))  # warm
        before = running.cpu()
        asyncio.run(ask(running.port, times))
        return (running.cpu() - before) * 1000 / times
