"""`flask worker`: the process that delivers mails and does the work of the clock.

APScheduler keeps its jobs in memory and knows no other process: claims (rdv.jobs) and the outbox's own rows decide who
does what. The main thread waits for the signal in `sigwait`; a handler could interrupt the scheduler while it holds
one of its locks, which is why this is not its BlockingScheduler.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from rdv import clock, delivery, demo, jobs, stopping, webhooks
from rdv.jobs import Job

MAIL_EVERY = 3  # seconds between two looks at the outbox, for mails and for text messages
WEBHOOK_LOOKS = 4  # looks at what platforms are told, at the same time; none takes a thread of the others' work
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def work(app: Flask) -> None:
    """Run until asked to stop; the job in hand is finished first."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # before any thread, which inherits it
    scheduler = build(app)
    scheduler.start()
    app.logger.info("worker started")
    signal.sigwait(STOP_SIGNALS)
    stopping.asked.set()  # a long import ends after the batch in hand
    scheduler.shutdown(wait=True)
    app.logger.info("worker stopped")


def build(app: Flask) -> BackgroundScheduler:
    """Return the scheduler with every job, not started."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={
            "default": ThreadPoolExecutor(4),
            "webhooks": ThreadPoolExecutor(WEBHOOK_LOOKS),
            "long": ThreadPoolExecutor(1),
        },
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 300},
    )
    scheduler.add_job(_in_context(app, deliver_mail), "interval", seconds=MAIL_EVERY, id="deliver_mail")
    scheduler.add_job(_in_context(app, deliver_texts), "interval", seconds=MAIL_EVERY, id="deliver_texts")
    # Several looks at once: one that a slow platform holds leaves the others to the next look.
    scheduler.add_job(
        _in_context(app, deliver_webhooks), "interval", seconds=MAIL_EVERY, id="deliver_webhooks", executor="webhooks",
        max_instances=WEBHOOK_LOOKS,
    )  # fmt: skip
    for job in every_job(app):
        # The first look comes at once: what was due while nobody ran is done now, or was done already (its slot is
        # claimed). Then at least one look in each slot.
        scheduler.add_job(
            _in_context(app, jobs.run, job), "interval", seconds=min(job.every, timedelta(minutes=10)).total_seconds(),
            id=job.name, next_run_time=clock.now(), executor="long" if job.long else "default",
        )  # fmt: skip
    return scheduler


def every_job(app: Flask) -> tuple[Job, ...]:
    """Return the jobs of this installation; a demonstration also keeps its agenda ahead of the date."""
    if app.config["RDV"].demo:
        return (*jobs.JOBS, Job("demo_top_up", timedelta(hours=1), _top_up_demo))
    return jobs.JOBS


def deliver_mail() -> None:
    """Send what is due; rows are claimed one by one, so this needs no claim of its own."""
    delivery.deliver_due()


def deliver_texts() -> None:
    """Send the text messages that are due, claimed in the same way."""
    delivery.deliver_texts()


def deliver_webhooks() -> None:
    """Tell platforms what happened to the requests that they sent."""
    webhooks.relay(clock.now())
    webhooks.deliver_due()


def _top_up_demo(_now: datetime) -> None:
    demo.top_up()


def _in_context(app: Flask, function: Callable[..., Any], *arguments: Any) -> Callable[[], None]:
    """Give each run a context, thus a database session, of its own; a failure is told and the next run comes."""

    def call() -> None:
        with app.app_context():
            try:
                function(*arguments)
            except Exception:
                app.logger.exception("job failed", extra={"facts": {"job": getattr(function, "__name__", "?")}})

    return call
