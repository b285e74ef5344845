"""A run of a job belongs to one worker, a failure is recorded, and a stopped worker finishes what it holds."""

import signal
import sys
import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from config import Config
from rdv import clock, jobs, worker
from rdv.db import db, transaction
from rdv.jobs import Job
from rdv.models import JobRun, ThrottleCount
from tests.support import forks, frozen

RUNS = 40


def claim_all() -> None:
    """Claim each run, once told to begin; print the number of those that were free."""
    start = frozen.parse("2026-11-24T00:00Z")
    with forks.application(Config.from_env()).app_context():
        print("ready", flush=True)  # noqa: T201
        sys.stdin.readline()
        for number in range(RUNS):
            slot = start + timedelta(hours=number)
            if jobs.claim("essai", slot, slot):
                print(number, flush=True)  # noqa: T201


@pytest.mark.concurrent
def test_each_run_is_claimed_exactly_once_by_several_processes(app, process_env):
    workers = [forks.Process(claim_all, env=process_env) for _ in range(4)]
    for process in workers:
        assert process.stdout.readline() == "ready\n"
    for process in workers:
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = []
    for process in workers:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        taken += [int(line) for line in output.split()]
    assert sorted(taken) == list(range(RUNS))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(JobRun)) == RUNS


def test_a_slot_runs_once_and_the_next_one_again(app, freeze):
    now = freeze("2026-11-24T08:20Z")
    ran = []
    job = Job("essai", timedelta(hours=1), ran.append)
    assert jobs.run(job)
    now.tick(minutes=30)
    assert not jobs.run(job)
    now.tick(minutes=30)
    assert jobs.run(job)
    assert [at.isoformat() for at in ran] == ["2026-11-24T08:20:00+00:00", "2026-11-24T09:20:00+00:00"]
    rows = db.session.scalars(sa.select(JobRun).order_by(JobRun.slot)).all()
    assert [(row.slot.hour, row.ok, row.note) for row in rows] == [(8, True, None), (9, True, None)]


def test_a_failure_is_recorded_without_the_words_of_the_error(app, freeze):
    freeze("2026-11-24T08:20Z")

    def fail(_now):
        raise ValueError("zoe.lambert@courriel.example")

    assert jobs.run(Job("essai", timedelta(days=1), fail))
    row = db.session.scalars(sa.select(JobRun)).one()
    assert (row.ok, row.note) == (False, "ValueError")
    assert row.finished_at == clock.now()


def test_an_error_that_is_not_a_claim_is_raised(app):
    with pytest.raises(sa.exc.IntegrityError):
        jobs.claim("essai", clock.now(), None)


def test_purge_deletes_what_is_old_and_keeps_the_rest(app, freeze):
    now = freeze("2026-11-24T08:00Z")
    with transaction() as session:
        for days in (1, 3, 29, 31):
            at = now() - timedelta(days=days)
            session.add(ThrottleCount(key=f"{days}", window_start=at, count=1))
            session.add(JobRun(name="essai", slot=at, started_at=at))
    jobs.purge(now())
    assert db.session.scalars(sa.select(ThrottleCount.key)).all() == ["1"]
    days_kept = [
        (now() - slot).days for slot in db.session.scalars(sa.select(JobRun.slot).order_by(JobRun.slot.desc()))
    ]
    assert days_kept == [1, 3, 29]


def test_slots_of_a_job():
    at = frozen.parse("2026-11-24T08:20:30Z")
    for every, slot in ((timedelta(minutes=15), "08:15"), (timedelta(hours=1), "08:00"), (timedelta(days=1), "00:00")):
        assert Job("essai", every, print).slot(at).isoformat() == f"2026-11-24T{slot}:00+00:00"


def work_slowly() -> None:
    """Be the worker, with one job that takes its time."""

    def slow(_now):
        print("begun", flush=True)  # noqa: T201
        time.sleep(1.5)

    jobs.JOBS = (Job("lent", timedelta(days=1), slow),)
    worker.work(forks.application(Config.from_env()))


def test_sigterm_lets_the_job_in_hand_finish(app, process_env):
    process = forks.Process(work_slowly, env=process_env)
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    row = db.session.scalars(sa.select(JobRun)).one()
    assert (row.name, row.ok) == ("lent", True)


def test_long_work_holds_none_of_the_threads_of_the_rest(app, monkeypatch):
    over, mails_left = threading.Event(), threading.Event()
    held = tuple(Job(f"long{number}", timedelta(days=1), lambda _now: over.wait(20), long=True) for number in range(6))
    monkeypatch.setattr(jobs, "JOBS", (*held, Job("mails", timedelta(minutes=1), lambda _now: mails_left.set())))
    scheduler = worker.build(app)
    for other in ("deliver_mail", "deliver_texts", "deliver_webhooks"):
        scheduler.remove_job(other)
    scheduler.start()
    try:
        assert mails_left.wait(10), "a catalogue that takes an hour delays nobody's mail"
    finally:
        over.set()
        scheduler.shutdown(wait=True)


def test_the_catalogue_is_long_work():
    assert {job.name for job in jobs.JOBS if job.long} == {"sync_catalogue", "finish_catalogue", "complete_catalogue"}
