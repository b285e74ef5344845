"""Work done by the clock. Each run is claimed by a row, so that two workers by mistake do it once; each is harmless
if it runs twice, because a killed worker may not have told that it had finished."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import (
    api_answers,
    api_keys,
    attendance,
    bookable_lists,
    clock,
    consents,
    delivery_events,
    erasure,
    feeds,
    integrity,
    invitations,
    ladder,
    platform_health,
    registers,
    reminders,
    rendered,
    shortage,
    stats,
    throttle,
    viewers,
    waitlist,
    webhooks,
)
from rdv.catalogue import runs as catalogue_runs
from rdv.catalogue import sources
from rdv.catalogue.report import ImportReport
from rdv.catalogue.synchronise import synchronise
from rdv.db import db, transaction, violated
from rdv.errors import CatalogueError
from rdv.models import JobRun
from rdv.settings import settings

log = logging.getLogger(__name__)

RUNS_KEPT = timedelta(days=30)
NOTE_LENGTH = 300  # characters, as the column


class Found(Exception):
    """What a job found wrong, having done its work: counts and names of checks, never a person; the service team reads it."""


@dataclass(frozen=True)
class Job:
    """One kind of work and its rhythm: `every` divides time since midnight UTC into slots, one run each."""

    name: str
    every: timedelta
    work: Callable[[datetime], None]
    long: bool = False  # it may take an hour: it has a thread of its own, and holds none of the others'

    def slot(self, now: datetime) -> datetime:
        """Return the beginning of the slot that holds this instant; a late run takes the same."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (now - midnight) // self.every * self.every


def claim(name: str, slot: datetime, now: datetime) -> bool:
    """Take one run of a job; False when another worker has it."""
    try:
        with transaction() as session:
            session.execute(sa.insert(JobRun).values(name=name, slot=slot, started_at=now))
    except IntegrityError as error:
        if violated(error, "pk_job_run"):
            return False
        raise
    return True


def run(job: Job, now: datetime | None = None) -> bool:
    """Do the work of the present slot unless it is taken; a failure is recorded, never raised. True if it ran."""
    now = now or clock.now()
    slot = job.slot(now)
    if db.session.get(JobRun, (job.name, slot)):  # the usual case, without an error in the database's log
        return False
    if not claim(job.name, slot, now):
        return False
    failure: str | None = None
    try:
        job.work(now)
    except Found as found:
        failure = str(found)[:NOTE_LENGTH]
        log.error("job found something wrong", extra={"facts": {"job": job.name, "found": failure}})
    except Exception as error:
        failure = type(error).__name__  # the exception's own text may quote a row
        log.exception("job failed", extra={"facts": {"job": job.name}})
    with transaction() as session:
        done = {"finished_at": clock.now(), "ok": failure is None, "note": failure}
        session.execute(sa.update(JobRun).where(JobRun.name == job.name, JobRun.slot == slot).values(**done))
    return True


def purge(now: datetime) -> None:
    """Delete what nobody reads any more: old counts of the limits, old claims, rendered events, what old mails said and became; close
    forgotten calendars, and warn of those that will be."""
    with transaction() as session:
        throttle.purge(now)
        delivery_events.purge(now)
        rendered.purge(now)
        webhooks.purge(now)
        erasure.forget_words(now)
        feeds.close_forgotten(now)
        feeds.warn_forgotten(now)
        viewers.purge(now)
        consents.purge(now)
        api_keys.purge(now)
        api_answers.purge(now)
        bookable_lists.purge(now)
        catalogue_runs.purge(session, now)
        session.execute(sa.delete(JobRun).where(JobRun.slot < now - RUNS_KEPT))


def erase_old(now: datetime) -> None:
    """Erase the people of requests that are kept no longer; killed, it goes on the next time from what is left."""
    failed = _each(erasure.due(now), erasure.keep_no_longer, now)
    if failed:
        raise Found(f"{failed} requests not erased")


def recall_outcomes(now: datetime) -> None:
    """Remind advisers of past meetings on which nobody has said who came."""
    with transaction():
        attendance.recall(now)


def tell_no_slot(now: datetime) -> None:
    """Tell the teams whose link has no slot left."""
    with transaction():
        shortage.tell(now)


def end_offers(now: datetime) -> None:
    """Give seats that nobody accepted in time to the next one, and close the lists of sessions that begin."""
    failed = _each(waitlist.lapsed(now), waitlist.lapse, now)
    failed += _each(waitlist.begun(now), waitlist.close_begun, now)
    failed += _each(waitlist.too_late(now), waitlist.forget_wish, now)
    if failed:
        raise Found(f"{failed} offers or lists not ended")


def offer_overlooked(now: datetime) -> None:
    """Offer the seats that somebody waits for and nobody was asked about: freed at night, or opened again."""
    failed = _each(waitlist.overlooked(now), waitlist.offer_overlooked, now)
    if failed:
        raise Found(f"{failed} slots not offered")


def refresh_medians(now: datetime) -> None:
    """Write anew how long each centre and each place usually takes to answer."""
    for table, medians in list(stats.changes(now)):
        with transaction():
            stats.write(table, medians)


def follow_up(now: datetime) -> None:
    """Look at each request whose turn has come: remind, tell the team, tell the candidate, ask, or close."""
    failed = _each(ladder.to_look(now), ladder.look, now)
    if failed:
        raise Found(f"{failed} requests not followed up")


def write_digests(now: datetime) -> None:
    """Write to each person what waits for them, every working morning."""
    failed = _each(ladder.digest.cfas_in_the_morning(now), ladder.digest.write, now)
    if failed:
        raise Found(f"{failed} centres without their digests")


def invite_advisers(now: datetime) -> None:
    """Write the invitations of the members of the staff who asked for them."""
    failed = _each(invitations.wanted_by(), invitations.invite, now)
    if failed:
        raise Found(f"{failed} people not invited")


def watch_platforms(now: datetime) -> None:
    """Tell the service team of platforms that fell silent, and of those that are heard again."""
    with transaction():
        platform_health.watch(now)


def open_platforms(now: datetime) -> None:
    """Open the platforms that centres were told of and did not refuse, and start seasons anew."""
    with transaction():
        consents.reset(now)
    failed = _each(consents.to_activate(now), consents.activate, now)
    if failed:
        raise Found(f"{failed} centres not opened on platforms")


def invite_to_platforms(now: datetime) -> None:
    """Tell or ask the centres that have not been, follow up once, and repeat the yearly commitment."""
    if not settings().platform_campaigns:
        return
    failed = _each(consents.to_invite_opt_out(now), consents.invite_opt_out, now)
    failed += _each(consents.to_follow_up(now), consents.follow_up, now)
    failed += _each(consents.to_invite_premium(now), consents.invite_premium, now)
    with transaction():
        consents.remind(now)
    if failed:
        raise Found(f"{failed} centres not told of platforms")


Row = TypeVar("Row", int, tuple[int, int])


def _each(ids: Iterable[Row], act: Callable[[Row, datetime], None], now: datetime) -> int:
    """Act on each of these rows in a transaction of its own; return how many failed, each of which stops no other."""
    failed = 0
    for row_id in ids:
        try:
            with transaction():
                act(row_id, now)
        except Exception:
            log.exception("row left as it is", extra={"facts": {"act": act.__name__, "row": row_id}})
            failed += 1
    return failed


def keep_bookable(now: datetime) -> None:
    """Keep what is bookable today on each platform that its API may be asked about."""
    failed = _each(bookable_lists.to_keep(now), bookable_lists.keep, now)
    if failed:
        raise Found(f"{failed} platforms whose list of today is not kept")


def sync_catalogue(_now: datetime) -> None:
    """Import the whole catalogue, where one is configured, and close what it no longer holds."""
    source = settings().catalogue_source
    if source:
        _synchronise(source)


def complete_catalogue(_now: datetime) -> None:
    """Fill from the registers what the catalogue leaves empty."""
    try:
        done = registers.run(transaction)
    except CatalogueError as refusal:
        raise Found(refusal.message) from None
    log.info("registers", extra={"facts": {"written": done.written, "unknown": done.unknown}})


def finish_catalogue(now: datetime) -> None:
    """Go on with a catalogue that was interrupted, and close what the service team allowed."""
    configured = settings().catalogue_source
    for source in catalogue_runs.to_finish(sources.named(configured) if configured else "", now):
        _synchronise(source)


def _synchronise(source: str) -> None:
    report = ImportReport(lambda _number, _nature, _reason: None)
    try:
        synchronise(source, transaction, report, whole=True, most_percent=settings().catalogue_most_closed)
    except CatalogueError as refusal:
        raise Found(refusal.message) from None
    if report.stopped:
        raise Found(report.stopped)
    log.info("catalogue", extra={"facts": {"read": report.read, "written": report.written, "closed": report.closed}})


def check_integrity(now: datetime) -> None:
    """Read the whole database and say what does not hold: each finding in the log, the summary to the service team."""
    report = integrity.check(now)
    for finding in report.findings:
        log.error("integrity", extra={"facts": {"finding": str(finding)}})
    if not report.sound:
        raise Found(report.summary)


JOBS = (
    Job("purge", timedelta(days=1), purge),
    Job("erase_old", timedelta(hours=6), erase_old),
    Job("remind", timedelta(minutes=5), reminders.remind),
    Job("recall_outcomes", timedelta(minutes=30), recall_outcomes),
    Job("invite_advisers", timedelta(minutes=1), invite_advisers),
    Job("end_offers", timedelta(minutes=1), end_offers),
    Job("offer_overlooked", timedelta(minutes=10), offer_overlooked),
    Job("follow_up", timedelta(minutes=5), follow_up),
    Job("write_digests", timedelta(minutes=30), write_digests),
    Job("tell_no_slot", timedelta(hours=1), tell_no_slot),
    Job("watch_platforms", timedelta(minutes=30), watch_platforms),
    Job("refresh_medians", timedelta(days=1), refresh_medians),
    Job("open_platforms", timedelta(days=1), open_platforms),
    Job("invite_to_platforms", timedelta(days=1), invite_to_platforms),
    Job("keep_bookable", timedelta(hours=6), keep_bookable),
    Job("sync_catalogue", timedelta(days=1), sync_catalogue, long=True),
    Job("finish_catalogue", timedelta(minutes=1), finish_catalogue, long=True),
    Job("complete_catalogue", timedelta(hours=6), complete_catalogue, long=True),
    Job("check_integrity", timedelta(days=1), check_integrity),
)
