"""Figures against Python's own count of the same rows: on both databases, by every part, month and period."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, stats
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import Booking, CandidateRequest, FirstAnswer, Platform
from tests import make
from tests.support.pages import sign_in, visit

NOW = "2026-11-24T08:00Z"
TODAY = date(2026, 11, 24)
YEAR = stats.Period(date(2025, 12, 1), TODAY, TODAY)
SOME_DAYS = stats.Period(date(2026, 3, 9), date(2026, 10, 20), TODAY)


@pytest.fixture
def cfa(app, freeze):
    freeze(NOW)
    return make.cfa()


@dataclass
class Row:
    request: CandidateRequest
    answer: FirstAnswer | None = None
    booking: Booking | None = None


def write_world(cfa) -> list[Row]:
    """Write four hundred requests of two centres over fifteen months, where everything may be missing."""
    chance = random.Random(4)
    other = make.cfa()
    rows = []
    with make.writing() as session:
        sites, elsewhere = [make.site(cfa), make.site(cfa), None], make.site(other)
        trainings = [make.training(cfa), make.training(cfa, title="BTS Commerce"), None]
        people = [make.adviser(cfa), make.adviser(cfa, first_name="Carla"), None]
        stranger = make.adviser(other)
        platforms = [make.platform("lba"), make.platform("parcoursup"), None]
        slots = [
            make.slot(who, place, starts_at=datetime(2025, 9, 1, 9, tzinfo=UTC) + timedelta(days=9 * n), capacity=50)
            for n in range(50)
            for who, place in [(people[n % 2], sites[n // 2 % 2])]
        ]
        for number in range(400):
            here = number % 5 > 0
            place, training = (chance.choice(sites), chance.choice(trainings)) if here else (elsewhere, None)
            platform, mode = chance.choice(platforms), chance.choice(["callback", "message", "message", "slot"])
            at = datetime(2025, 8, 20, tzinfo=UTC) + timedelta(minutes=chance.randrange(460 * 24 * 60))
            values = {
                "site_id": place and place.id, "training_id": training and training.id,
                "platform_id": platform and platform.id, "created_at": at, "last_event_at": at,
            }  # fmt: skip
            if mode == "slot":
                slot = chance.choice(slots) if here else make.slot(stranger, elsewhere, starts_at=at, capacity=9)
                status = chance.choice(["booked", "cancelled", "attended", "attended", "no_show", "excused"])
                by = chance.choice(["candidate", "staff", "system"]) if status == "cancelled" else None
                booking = make.booking(slot, status=status, cancelled_by=by, request=values)
                rows.append(Row(booking.request, None, booking))
                continue
            due = {"due_at": at + timedelta(days=2)}
            request = make.candidate_request(cfa if here else other, mode=mode, **values, **due)
            row = Row(request)
            if chance.random() < 0.7:
                minutes, who = int(chance.expovariate(1 / 400)), chance.choice(people) if here else stranger
                row.answer = FirstAnswer(
                    request_id=request.id, cfa_id=request.cfa_id, site_id=request.site_id, mode=mode,
                    training_id=request.training_id, platform_id=request.platform_id, user_id=who and who.id,
                    month=clock.to_zone(at, clock.PARIS).date().replace(day=1), minutes=minutes,
                    on_time=chance.random() < 0.7, answered_at=at + timedelta(minutes=minutes),
                )  # fmt: skip
                session.add(row.answer)
                request.status, request.first_answered_at = "waiting_candidate", row.answer.answered_at
            elif chance.random() < 0.5:
                request.status, request.outcome = "closed", "unreachable"
            rows.append(row)
    return rows


def kept(rows: list[Row], wanted: stats.Filters) -> list[Row]:
    """The rows that arrived in the period, by their own columns."""
    named = {
        name: value for name in ("site_id", "training_id", "platform_id", "mode") if (value := getattr(wanted, name))
    }
    return [
        row for row in rows
        if row.request.cfa_id == wanted.cfa_id
        and wanted.period.first <= clock.to_zone(row.request.created_at, clock.PARIS).date() <= wanted.period.last
        and all(getattr(row.request, name) == value for name, value in named.items())
    ]  # fmt: skip


def spread(rows: list[Row]) -> stats.Spread:
    """Sorted in Python: the value at rank ⌈n/2⌉, and at rank ⌈0.9 n⌉."""
    minutes = sorted(row.answer.minutes for row in rows if row.answer)
    found = [minutes[math.ceil(share * len(minutes)) - 1] if minutes else None for share in (0.5, 0.9)]
    return stats.Spread(len(minutes), found[0] if len(minutes) >= 5 else None, found[1] if len(minutes) >= 10 else None)


def received(rows: list[Row], now: datetime) -> stats.Received:
    asked = [row for row in rows if row.request.mode != "slot"]
    waiting = [row.request for row in asked if not row.answer and row.request.status != "closed"]
    return stats.Received(
        received=len(asked),
        answered=sum(row.answer is not None for row in asked),
        on_time=sum(row.answer is not None and row.answer.on_time for row in asked),
        waiting=len(waiting),
        late=sum(request.due_at < now for request in waiting),
        people=len(rows),
        met=sum(row.booking is not None and row.booking.status != "cancelled" for row in rows),
        attended=sum(row.booking is not None and row.booking.status == "attended" for row in rows),
    )


def met(rows: list[Row], wanted: stats.Filters, now: datetime) -> stats.Met:
    """Those of the period by the hour of the meeting, whenever they were asked for."""
    start, end = wanted.period.bounds
    held = [
        row.booking for row in rows
        if row.booking and row.booking.cfa_id == wanted.cfa_id and start <= row.booking.starts_at < end
    ]  # fmt: skip
    counted = [booking.status for booking in held]
    over = [booking.slot.ends_at <= now for booking in held if booking.status == "booked"]
    by_candidate = sum(booking.cancelled_by == "candidate" for booking in held)
    return stats.Met(
        len(held), by_candidate, counted.count("cancelled") - by_candidate, counted.count("attended"),
        counted.count("no_show"), counted.count("excused"), sum(over), len(over) - sum(over),
    )  # fmt: skip


def test_every_figure_is_what_python_counts_of_the_same_rows(cfa):
    rows, now = write_world(cfa), clock.now()
    whole = stats.Filters(cfa.id, YEAR)
    some = next(row.request for row in rows if row.request.training_id and row.request.site_id and row.answer)
    filters = [
        whole, stats.Filters(cfa.id, SOME_DAYS), replace(whole, site_id=some.site_id), replace(whole, mode="callback"),
        replace(whole, training_id=some.training_id, platform_id=make.platform("lba").id),
        stats.Filters(cfa.id, SOME_DAYS, site_id=some.site_id),
    ]  # fmt: skip
    for wanted in filters:
        mine = kept(rows, wanted)
        total = stats.total(wanted, now)
        assert (total.received, total.spread) == (received(mine, now), spread(mine)), wanted
        assert total.received.received > total.received.answered > 0
        for month in stats.trend(replace(wanted, period=wanted.period.trend), now):
            of_month = [
                row for row in kept(rows, replace(wanted, period=wanted.period.trend))
                if clock.to_zone(row.request.created_at, clock.PARIS).date().replace(day=1) == month.month
            ]  # fmt: skip
            assert (month.received, month.spread) == (received(of_month, now), spread(of_month)), (wanted, month.month)
    for wanted in filters[:2]:
        assert stats.total(wanted, now).met == met(rows, wanted, now)
        for by, column in (
            ("site", "site_id"),
            ("training", "training_id"),
            ("platform", "platform_id"),
            ("mode", "mode"),
        ):
            mine = kept(rows, wanted)
            parts = [
                [row for row in mine if getattr(row.request, column) == key]
                for key in {getattr(row.request, column) for row in mine}
            ]
            lines = stats.lines(wanted, by, now)
            by_numbers = lambda one: (one[0].people, one[0].answered, one[1].answers)  # noqa: E731
            assert sorted(
                [(line.received, line.spread) for line in lines if line.received.people], key=by_numbers
            ) == sorted([(received(part, now), spread(part)) for part in parts], key=by_numbers), by
            assert sum(line.on_time for line in lines) == received(mine, now).on_time
            assert sum(line.met.booked for line in lines) == met(rows, wanted, now).booked
    lines = stats.lines(whole, "adviser", now)
    for line in lines:
        user_id = next(
            (user.id for user in inbox.colleagues(cfa.id) if user.shown_name == line.label), None
        )  # None: by the link of a mail
        given = [row for row in kept(rows, whole) if row.answer and row.answer.user_id == user_id]
        assert line.spread == spread(given), line.label
        assert line.received is None
    assert [line.label for line in lines] == sorted(line.label for line in lines)  # by name: no table of honour
    alone = stats.lines(whole, "adviser", now, only_user_id=inbox.colleagues(cfa.id)[0].id)
    assert [line.label for line in alone] == [inbox.colleagues(cfa.id)[0].shown_name]
    assert alone[0] in lines
    assert stats.total(stats.Filters(make.cfa().id, YEAR), now) == stats.Total(
        stats.Received(), stats.Spread(), stats.Met()
    )
    assert [row.id for row, _ in stats.listed(whole, most=7)] == [
        row.request.id
        for row in sorted(kept(rows, whole), key=lambda row: (row.request.created_at, row.request.id))[:7]
    ]


def test_the_list_goes_on_from_batch_to_batch(cfa, monkeypatch):
    monkeypatch.setattr("rdv.stats.listing.AT_ONCE", 3)
    made = [make.candidate_request(cfa).id for _ in range(8)]
    period = stats.Period(TODAY, TODAY, TODAY)
    assert [row.id for row, _ in stats.listed(stats.Filters(cfa.id, period))] == made
    assert [row.id for row, _ in stats.listed(stats.Filters(cfa.id, period), most=4)] == made[:4]
    assert stats.count(stats.Filters(cfa.id, period)) == 8


def test_what_is_no_answer_counts_for_none_and_what_is_undone_neither(cfa, freeze):
    site, person = make.site(cfa), make.adviser(cfa)
    training = make.training(cfa, site)
    wanted = stats.Filters(cfa.id, stats.Period(TODAY, TODAY, TODAY))
    zoe = Candidate("Zoé", "Lambert", "zoe@courriel.example", "+33199000001")
    with transaction():
        request = inbox.open_request("callback", cfa, zoe, Submission("a" * 24, "d"), clock.now(), training=training)
    frozen = freeze("2026-11-24T09:30Z")
    with transaction():
        inbox.note(request, "À rappeler demain.", clock.now(), user=person)
        inbox.log_call(request, "voicemail", "staff", clock.now(), user=person)
    assert stats.total(wanted, clock.now()).received == stats.Received(received=1, waiting=1, people=1)
    with transaction():
        answer = inbox.answer(request, "Bonjour, avec plaisir.", "staff", clock.now(), user=person, undoable=True)
    total = stats.total(wanted, clock.now())
    assert total.received == stats.Received(received=1, answered=1, on_time=1, people=1)
    assert total.spread == stats.Spread(1)  # too few for a median
    assert db.session.scalar(sa.select(FirstAnswer.minutes)) == 90
    frozen.tick(seconds=5)
    with transaction():
        inbox.undo(request, answer.id, clock.now(), person)
    assert stats.total(wanted, clock.now()).received.answered == 0
    assert stats.total(wanted, clock.now()).spread == stats.Spread(0)


@pytest.mark.sqlite_only  # a date compared in Python
@pytest.mark.parametrize("agreed", [False, True])
def test_a_promise_made_anew_does_not_make_up_for_the_one_that_was_missed(cfa, freeze, agreed):
    site, person = make.site(cfa), make.adviser(cfa)
    training = make.training(cfa, site)
    zoe = Candidate("Zoé", "Lambert", "zoe@courriel.example", "+33199000001")
    with transaction():
        request = inbox.open_request("callback", cfa, zoe, Submission("a" * 24, "d"), clock.now(), training=training)
        if agreed:
            next_at = datetime.fromisoformat("2026-12-07T10:00+01:00")
            inbox.log_call(request, "call_later", "staff", clock.now(), user=person, next_at=next_at)
    frozen = freeze("2026-12-04T09:00Z")
    with transaction():
        inbox.close(request, "no_follow_up", "staff", clock.now(), user=person)
        inbox.add_candidate_note(request, "Toujours intéressée !", clock.now())
    frozen.tick(hours=1)
    with transaction():
        inbox.answer(request, "Oui.", "staff", clock.now(), user=person)
    assert clock.now() < request.due_at
    assert db.session.scalar(sa.select(FirstAnswer.on_time)) is agreed


def test_the_service_team_reads_the_whole_by_origin(cfa, client):
    rows, now = write_world(cfa), clock.now()
    since = date(2026, 10, 1)
    found = stats.service(now)
    recent = [
        row for row in rows
        if row.request.mode != "slot" and clock.to_zone(row.request.created_at, clock.PARIS).date() >= since
    ]  # fmt: skip
    assert found.since == since
    assert found.total.received == len(recent) > 20
    assert found.total.answered == sum(row.answer is not None for row in recent)
    assert found.total.spread == spread(recent)
    names = {None: "Origine inconnue", **{row.id: row.name for row in db.session.scalars(sa.select(Platform))}}
    assert {one.label: (one.received, one.spread) for one in found.origins} == {
        names[key]: (len(part), spread(part))
        for key in {row.request.platform_id for row in recent}
        for part in [[row for row in recent if row.request.platform_id == key]]
    }
    sign_in(client, make.service_member())
    page = visit(client, "/admin/", checked=False)
    assert "Réponses depuis le 1er octobre 2026" in page.text
    cells = [cell.text for cell in page.all("tbody tr")[0].all("th, td")]
    assert cells[:2] == ["Tout le service", str(found.total.received)]
