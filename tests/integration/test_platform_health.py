"""A platform that sends nothing any more, when it usually would, is told to the service team: once, and in office hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import rdv.clock
from rdv import api_keys, directory, jobs, platform_health
from rdv.db import db, transaction
from rdv.jobs import JOBS
from rdv.models import Cfa, OutgoingMail, Platform, PlatformSilence
from tests import make
from tests.support.pages import sign_in, visit

FRIDAY = "2026-11-20T15:00+01:00"
JOB = next(job for job in JOBS if job.name == "watch_platforms")


@pytest.fixture
def lba(app: Flask) -> Platform:
    found = directory.get_platform("lba")
    assert found is not None
    make.service_member(email="equipe@service.example")
    return found


@pytest.fixture
def cfa(app: Flask) -> Cfa:
    return make.cfa()


def now() -> datetime:
    return rdv.clock.now()


def ask(cfa: Cfa, platform: Platform, at: datetime) -> None:
    make.candidate_request(cfa, platform_id=platform.id, created_at=at)


def a_request_every(hours: int, cfa: Cfa, platform: Platform, until: str) -> datetime:
    """Four weeks of requests that end at an instant, so many clock hours apart."""
    last = datetime.fromisoformat(until)
    with make.writing():
        for ago in range(0, 28 * 24, hours):
            ask(cfa, platform, last - timedelta(hours=ago))
    return last


def mails() -> list[tuple[str, str]]:
    rows = db.session.execute(sa.select(OutgoingMail.kind, OutgoingMail.to_email).order_by(OutgoingMail.id))
    return [(kind, to) for kind, to in rows if kind.startswith("platform_")]


def watch() -> None:
    with transaction():
        platform_health.watch(now())


def test_a_silence_is_told_once_then_its_end(freeze: Any, lba: Platform, cfa: Cfa) -> None:
    # A request every 6 hours, 112 in 20 working days of 8 hours (one is a holiday, 11 November): 12 are 2 working days and a bit.
    clock = freeze(FRIDAY)
    a_request_every(6, cfa, lba, FRIDAY)
    watch()
    clock.to("2026-11-24T10:00+01:00")  # Tuesday: 2 + 8 + 1 working hours have passed, 8 requests expected
    watch()
    assert mails() == []
    clock.to("2026-11-25T10:00+01:00")
    watch()
    watch()
    assert mails() == [("platform_silent", "equipe@service.example")]
    silence = db.session.scalars(sa.select(PlatformSilence)).one()
    assert (silence.platform_id, silence.expected, silence.ended_at) == (lba.id, 14, None)

    ask(cfa, lba, datetime.fromisoformat("2026-11-25T10:05+01:00"))
    clock.to("2026-11-25T10:30+01:00")
    watch()
    watch()
    assert [kind for kind, _ in mails()] == ["platform_silent", "platform_heard"]
    assert db.session.scalars(sa.select(PlatformSilence.ended_at)).one() == now()


def test_a_silence_already_told_is_told_to_nobody_else(freeze: Any, lba: Platform, cfa: Cfa) -> None:
    clock = freeze(FRIDAY)
    a_request_every(6, cfa, lba, FRIDAY)
    clock.to("2026-11-25T10:00+01:00")
    watch()
    make.service_member(email="arrivee@service.example")  # who comes later reads it in /admin
    with transaction():
        db.session.execute(sa.delete(OutgoingMail))  # the silence itself is what was told, whatever the outbox keeps
    clock.to("2026-11-25T10:30+01:00")
    watch()
    assert mails() == []


def test_neither_nights_nor_week_ends_nor_holidays_are_silences(freeze: Any, lba: Platform, cfa: Cfa) -> None:
    clock = freeze("2026-12-24T16:00+01:00")  # Thursday; then Christmas, and a week-end
    a_request_every(6, cfa, lba, "2026-12-24T16:00+01:00")
    clock.to("2026-12-28T09:30+01:00")
    watch()
    assert mails() == []


def test_told_in_office_hours_only(freeze: Any, lba: Platform, cfa: Cfa) -> None:
    clock = freeze(FRIDAY)
    a_request_every(6, cfa, lba, FRIDAY)
    for closed in ("2026-11-26T22:00+01:00", "2026-11-28T10:00+01:00"):
        clock.to(closed)
        watch()
        assert mails() == []
    clock.to("2026-11-30T09:00+01:00")
    watch()
    assert [kind for kind, _ in mails()] == ["platform_silent"]


def test_who_rarely_writes_may_be_silent_for_weeks(freeze: Any, lba: Platform, cfa: Cfa) -> None:
    clock = freeze(FRIDAY)
    a_request_every(24 * 7, cfa, lba, FRIDAY)
    clock.to("2026-12-10T10:00+01:00")
    watch()
    assert mails() == []


def test_a_stopped_platform_and_one_never_heard_are_no_silence(freeze: Any, lba: Platform, cfa: Cfa) -> None:
    clock = freeze(FRIDAY)
    a_request_every(6, cfa, lba, FRIDAY)
    with make.writing():
        lba.active = False
    clock.to("2026-11-30T10:00+01:00")
    watch()
    assert mails() == []


def test_the_threshold_is_a_setting(freeze: Any, change_settings: Any, lba: Platform, cfa: Cfa) -> None:
    change_settings(platform_silence_expected=5)
    clock = freeze(FRIDAY)
    a_request_every(6, cfa, lba, FRIDAY)
    clock.to("2026-11-24T10:00+01:00")
    watch()
    assert [kind for kind, _ in mails()] == ["platform_silent"]


def test_the_job_runs_and_weeks_are_counted_in_paris(freeze: Any, lba: Platform, cfa: Cfa) -> None:
    freeze(FRIDAY)
    assert jobs.run(JOB)
    with make.writing():
        ask(cfa, lba, datetime.fromisoformat("2026-11-15T23:59+01:00"))  # Sunday night
        ask(cfa, lba, datetime.fromisoformat("2026-11-16T00:00+01:00"))  # Monday
        ask(cfa, lba, datetime.fromisoformat("2026-11-17T09:00+01:00"))
        ask(cfa, lba, datetime.fromisoformat("2026-08-30T12:00+02:00"))  # before the first of the twelve weeks
    found = next(each for each in platform_health.every(now()) if each.platform.code == "lba")
    assert list(found.weeks) == [0] * 10 + [1, 2]


def test_the_page_shows_requests_silences_and_refused_calls(freeze: Any, client: Any, lba: Platform, cfa: Cfa) -> None:
    clock = freeze(FRIDAY)
    a_request_every(6, cfa, lba, FRIDAY)
    clock.to("2026-11-25T10:00+01:00")
    watch()
    key = make.api_key().key
    for _ in range(3):
        api_keys.note_refusal(key.id, "trainings.context", 403, "platform_closed", now())
    sign_in(client, make.service_member())
    page = visit(client, "/admin/sante/", checked=False)
    assert page.all("section h2")[0].text == "La bonne alternance"  # silent ones first
    silent = page.all("section")[0].text
    assert "Silencieuse depuis vendredi 20 novembre 2026 à 15 h : environ 14 demandes attendues" in silent
    rows = [row.text for row in page.all("section")[0].all("details tbody tr")]
    assert len(rows) == 12
    refused = next(section for section in page.all("section") if "essais" in section.text)
    assert "trainings.context 403 platform_closed 3" in " ".join(refused.text.split())
