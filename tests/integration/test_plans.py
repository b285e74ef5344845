"""How the database reads what is asked all day, among 30,000 slots and 20,000 bookings: by an index, never a whole table.

The statements are those that the functions really send (reference/performance.md §5); EXPLAIN tells how they are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from rdv import (
    agenda,
    booking,
    clock,
    delivery_events,
    diagnosis,
    feeds,
    inbox,
    ladder,
    nearby,
    rules,
    seats,
    slots,
    stats,
)
from rdv.candidate import Candidate
from rdv.db import db, transaction
from rdv.delivery_events import undelivered
from rdv.inbox import asking_again
from rdv.models import BookingRule, CalendarFeed, CandidateRequest, Cfa, RequestEvent, Slot, Training, User
from rdv.tokens import hash_secret
from rdv.webhooks import relaying
from tests.support import scale

BIG = ("slot", "booking", "candidate_request", "request_event", "slot_training", "first_answer")


@pytest.fixture
def large(app, freeze) -> scale.Scale:
    freeze("2026-11-24T08:00Z")
    return scale.fill(25_000, past=5_000, booked=20_000, asked=6_000, answered=20_000, busiest=20)


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def see(_connection, _cursor, statement, parameters, _context, _many):
        seen.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", see)
    yield seen
    sa.event.remove(db.engine, "before_cursor_execute", see)


def whole_tables(statement: str, parameters: Any) -> list[str]:
    """Return the large tables that a statement reads from end to end."""
    sqlite = db.engine.dialect.name == "sqlite"
    raw = db.session.connection().connection.dbapi_connection
    cursor = raw.cursor()
    cursor.execute(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + statement, parameters)
    lines = [" ".join(map(str, row)) for row in cursor.fetchall()]
    cursor.close()
    pattern = r"\bSCAN (\w+)(?! USING (?:COVERING )?INDEX)" if sqlite else r"Seq Scan on (\w+)"
    # A covering read of a whole index is a whole table too, unless the index is a partial one made for it.
    read = [name for line in lines for name in re.findall(pattern, line)]
    if sqlite:
        read += [
            name for line in lines for name in re.findall(r"\bSCAN (\w+) USING COVERING INDEX (?!ix_\w+_open)", line)
        ]
    return [name for name in read if name in BIG]


def check(statements: list[tuple[str, Any]], act: Callable[[], Any]) -> None:
    statements.clear()
    act()
    asked = [
        (text, values) for text, values in statements if text.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE"))
    ]
    assert asked
    for text, values in asked:
        assert whole_tables(text, values) == [], text


def check_what_platforms_were_not_told_is_found_by_its_own_index(statements, now):
    with transaction() as session:
        session.execute(sa.update(RequestEvent).values(relayed=True))
    with transaction() as session:
        session.execute(sa.text("ANALYZE request_event"))
    statements.clear()
    assert db.session.scalars(relaying._waiting(now, 0)).all() == []
    ((text, values),) = [each for each in statements if "relayed" in each[0]]
    cursor = db.session.connection().connection.dbapi_connection.cursor()
    cursor.execute(("EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN ") + text, values)
    assert "ix_request_event_to_relay" in str(cursor.fetchall())
    cursor.close()


def asked_of(cfa: Cfa, training: Training) -> CandidateRequest:
    """A request that is not stored: what is near its place is read all the same."""
    return CandidateRequest(cfa_id=cfa.id, site_id=training.sites[0].id, site=training.sites[0], training=training)


def test_no_large_table_is_read_whole(large, statements):  # one test: filling takes longer than asking
    now = clock.now()
    training, cfa = db.session.get_one(Training, large.training_id), db.session.get_one(Cfa, large.cfa_id)
    adviser, slot = db.session.get_one(User, large.adviser_id), scale.first_slot(large)
    feed = CalendarFeed(
        public_id="x", user_id=adviser.id, cfa_id=cfa.id, scope="adviser", detail="full", name="x", secret_hash="x",
        generation=1, created_at=now, user=adviser, cfa=cfa, timezone="Europe/Paris",
    )  # fmt: skip
    today = now.date()
    asked_before = db.session.scalars(
        sa.select(CandidateRequest)
        .where(CandidateRequest.cfa_id == cfa.id, CandidateRequest.email.is_not(None))
        .limit(1)
    ).one()
    span = slots.Span(now + timedelta(days=2), now + timedelta(days=2, hours=1))
    asked: dict[str, Callable[[], Any]] = {
        "next slots of a training": lambda: slots.free_for_training(training, now),
        "next slots of a centre": lambda: slots.free_for_cfa(cfa, now),
        "next slots of a training on a platform": lambda: slots.free_for_training(training, now, platform="lba"),
        "next slots of a centre on its own page": lambda: slots.free_for_cfa(cfa, now, platform=rules.OWN_PAGE),
        "why a link shows nothing": lambda: diagnosis.diagnose(cfa, training, rules.OWN_PAGE, now),
        "what a rule is about": lambda: rules.concerned(cfa, now),
        "slots near a full one": lambda: slots.near(slot, now, training=training),
        "a slot's page": lambda: slots.get_public(slot.public_id),
        "equal slots": lambda: booking.equal_slots(slot, now),
        "does this person hold a seat": lambda: booking.live_booking_of(
            slot, Candidate("Zoé", "Lambert", "zoe@courriel.example", None)
        ),
        "a week of the agenda": lambda: agenda.slots_of_days(cfa.id, today, today + timedelta(days=7)),
        "who is booked that week": lambda: agenda.bookings([slot]),
        "next meetings": lambda: agenda.upcoming(cfa.id, now),
        "free slots of the week": lambda: agenda.count_free(cfa.id, now, now + timedelta(days=7)),
        "an adviser's overlaps": lambda: slots.overlapping(adviser, [span]),
        "one history of a person": lambda: (inbox.same_person(asked_before), inbox.same_name(asked_before)),
        "who calls": lambda: inbox.with_contact(cfa.id, asked_before.email, asked_before.phone),
        "did this person ask lately": lambda: asking_again._first("0" * 64, cfa, training, now),
        "what waits at an address": lambda: undelivered._waiting_at("direction@cfa.example"),
        "did it come back before": lambda: delivery_events._always_full("direction@cfa.example", now),
        "the inbox": lambda: inbox.page(cfa.id, inbox.Filter(status="todo"), now),
        "the inbox's counters": lambda: inbox.counters(cfa.id, now, adviser.id),
        "requests that the ladder looks at": lambda: ladder.to_look(now),
        "other places nearby": lambda: nearby.places(asked_of(cfa, training), now),
        "a feed": lambda: feeds.meetings(feed, now),
        **{
            f"the poll of a feed: {scope}, {detail}": partial(feeds.poll, f"{scope} {detail}", now)
            for scope in ("adviser", "site", "cfa")
            for detail in ("minimal", "full")
        },
    }
    # Rules that shut some platforms out: lists leave slots aside by ids computed from them.
    decided = ({}, {"site_id": slot.site_id}, {"meeting_type_id": slot.meeting_type_id})
    with transaction() as session:
        session.add_all(BookingRule(cfa_id=cfa.id, platforms=["lba"], most_a_day=8, **scope) for scope in decided)
        for scope, detail in (
            (scope, detail) for scope in ("adviser", "site", "cfa") for detail in ("minimal", "full")
        ):
            choice = feeds.Choice(
                site=slot.site if scope == "site" else None, whole_cfa=scope == "cfa", detail=detail, shows_due=True,
                shows_free=True, shows_closures=True,
            )  # fmt: skip
            feeds.create(adviser, cfa, choice, "Téléphone")
            session.execute(
                sa.update(CalendarFeed)
                .where(CalendarFeed.scope == scope, CalendarFeed.detail == detail)
                .values(secret_hash=hash_secret(f"{scope} {detail}"))
            )
    assert all(feeds.poll(f"{scope} full", now) for scope in ("adviser", "site", "cfa"))
    for name, act in asked.items():
        try:
            check(statements, act)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    with transaction():
        check(statements, lambda: seats.take(slot.id, now))
        check(statements, lambda: rules.day_changed(slot.adviser_id, slot, now))
    if db.engine.dialect.name == "postgresql":
        # As docs/operations.md asks on disks without moving parts: a year of a centre is two hundred rows of twenty thousand.
        db.session.execute(sa.text("SET random_page_cost = 1.1"))
    figures: dict[str, Callable[[], Any]] = {}
    year = stats.Period(date(2025, 12, 1), today, today)
    days = stats.Period(date(2026, 10, 26), today, today)
    for named, filters in {
        "of a year": stats.Filters(cfa.id, year),
        "of thirty days": stats.Filters(cfa.id, days),
        "of a place": stats.Filters(cfa.id, year, site_id=slot.site_id),
        "of a training": stats.Filters(cfa.id, days, training_id=training.id, mode="message"),
    }.items():
        figures[f"the figures {named}"] = partial(stats.total, filters, now)
        figures[f"the months {named}"] = partial(stats.trend, replace(filters, period=filters.period.trend), now)
        figures[f"the requests {named}"] = lambda filters=filters: list(stats.listed(filters, most=60))
        for by in stats.DIMENSIONS:
            figures[f"the figures {named} by {by}"] = partial(stats.lines, filters, by, now)
    for name, act in figures.items():
        try:
            check(statements, act)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    # The guard itself tells when there is no index.
    by_place = sa.select(Slot.id).where(Slot.place_detail == "x")
    text = str(by_place.compile(db.engine, compile_kwargs={"literal_binds": True}))
    assert whole_tables(text, ()) == ["slot"]
    check_what_platforms_were_not_told_is_found_by_its_own_index(statements, now)
