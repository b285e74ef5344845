"""Time that advances only through the worker's tick: the frozen clock jumps, then everything the worker does is done once.

What is done is read from the scheduler of `flask worker` itself (`rdv.worker.build`), so that a job added there is ticked
here. `Workers` are real processes, each with the whole worker, ticked at the same instant and at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import sqlalchemy as sa
from flask import Flask

from rdv import worker
from rdv.db import db
from rdv.models import JobRun
from tests.support import forks
from tests.support.frozen import FrozenClock
from tests.support.smtp import SmtpSink


def tick(app: Flask) -> None:
    """Do once everything that the worker would do now: what waited leaves, every job, what they wrote leaves.

    Fails when a job failed; the nightly check may find mails that wait, since tests stop relays for days.
    """
    jobs = worker.build(app).get_jobs()
    deliveries = [job for job in jobs if job.id.startswith("deliver")]
    for job in (*deliveries, *(job for job in jobs if job not in deliveries), *deliveries):
        job.func()
    db.session.rollback()
    failed = sa.select(JobRun.name).where(JobRun.ok.is_(False), JobRun.name != "check_integrity")
    assert db.session.scalars(failed).all() == []


class Received:
    """What a sink got since the last look."""

    def __init__(self, sink: SmtpSink) -> None:
        self.sink = sink
        self.seen = len(sink.mails)

    def new(self) -> list[EmailMessage]:
        """Return the mails that arrived since the last call, parsed, in order."""
        mails = self.sink.mails
        fresh, self.seen = mails[self.seen :], len(mails)
        return [message_from_bytes(mail, policy=SMTP) for mail in fresh]  # type: ignore[misc]


def live(
    app: Flask, frozen: FrozenClock, received: Received, instants: list[datetime]
) -> list[tuple[datetime, EmailMessage]]:
    """Tick at each instant and return what the mailboxes got, with the instant."""
    got = []
    for instant in instants:
        frozen.to(instant)
        tick(app)
        got += [(instant, mail) for mail in received.new()]
    return got


class Workers:
    """Several worker processes whose clock the test sets."""

    def __init__(self, processes: list[forks.Process]) -> None:
        self.processes = processes

    def tick(self, instant: datetime) -> None:
        """Let all of them tick at this instant, at the same time, and wait for the last."""
        for process in self.processes:
            process.stdin.write(instant.isoformat() + "\n")
            process.stdin.flush()
        for process in self.processes:
            assert process.stdout.readline() == "done\n", process.communicate()


@contextmanager
def workers(count: int, env: dict[str, str]) -> Iterator[Workers]:
    """Run worker processes until the end of the block."""
    running: list[forks.Process] = []
    try:
        for _ in range(count):
            running.append(forks.python("tests.support.ticking_worker", env=env))
        yield Workers(running)
    finally:
        for process in running:
            process.kill()
            process.communicate()
