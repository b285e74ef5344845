"""Limits hold in the database, whoever counts, and count even what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, throttle
from rdv.db import db, transaction
from rdv.errors import TooManyRequests
from rdv.models import ThrottleCount
from rdv.throttle import Limit
from tests.support import databases, forks


def test_the_limit_is_the_last_allowed(app, freeze):
    time = freeze("2026-11-24T08:10Z")
    limit = Limit("post", "192.0.2.0/24", 3)
    for _ in range(3):
        throttle.count([limit])
    with pytest.raises(TooManyRequests):
        throttle.count([limit])
    with pytest.raises(TooManyRequests):
        throttle.check(limit)
    throttle.count([Limit("post", "198.51.100.0/24", 3)])
    throttle.count([Limit("sign_in", "192.0.2.0/24", 3)])
    time.to("2026-11-24T09:00Z")
    throttle.count([limit])


def test_subjects_are_not_readable(app):
    throttle.count([Limit("contact", "zoe@exemple.fr", 5)])
    assert "zoe" not in db.session.scalar(sa.select(ThrottleCount.key))


def test_old_windows_go(app, freeze):
    time = freeze("2026-11-24T08:10Z")
    throttle.count([Limit("post", "x", 5)])
    time.tick(days=3)
    with transaction():
        assert throttle.purge(clock.now()) == 1


def _count(url: str, folder: str, times: int) -> None:
    app = forks.application(databases.settings(url, Path(folder)))
    with app.app_context():
        for _ in range(times):
            throttle.count([Limit("post", "shared", 10_000), Limit("cfa", "one", 10_000)])


@pytest.mark.concurrent
def test_no_count_is_lost_between_processes(app, database_url, instance_dir):
    context = forks.context()
    workers = [context.Process(target=_count, args=(database_url, str(instance_dir), 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
        assert worker.exitcode == 0
    # The hour may have turned while they counted: the windows add up.
    assert db.session.scalar(sa.select(sa.func.sum(ThrottleCount.count))) == 200
