"""One run of a catalogue from its source to its end, told as it goes; the same for the command and for the night."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from rdv import clock
from rdv.catalogue import closing, fetching, intake, runs, sources
from rdv.catalogue.fetching import Limits
from rdv.catalogue.intake import BATCH, Progress
from rdv.catalogue.report import REFUSED, ImportReport
from rdv.catalogue.runs import Journal, UnitOfWork
from rdv.catalogue.sources import Gathered
from rdv.errors import CatalogueError
from rdv.settings import settings

_LASTING = 3600.0  # seconds that one answer of a server may take


def synchronise(
    source: str,
    unit_of_work: UnitOfWork,
    report: ImportReport,
    *,
    whole: bool,
    most_percent: int = closing.MOST_PERCENT,
    progress: Progress = lambda _done, _total: None,
) -> None:
    """Import a source and, when it is the whole catalogue, close what it lacks; the run says what became of it.

    Raises CatalogueError with the reason when something stays undone: another run under way, a source that cannot be read,
    closings refused. A file cut short is told by `report.stopped`.
    """
    now = clock.now()
    source = sources.named(source)
    folder = sources.spool(settings().instance_dir, source)
    journal = _begin(unit_of_work, source, whole)
    with _ending(journal, folder):
        _tell_refusals(report, journal)
        gathered = _gather(source, folder, journal, progress)
        report.places = gathered.places
        journal.read_from(gathered.digest)
        intake.import_file(gathered.source, unit_of_work, report, progress, journal)
        if report.stopped:
            with suppress(DBAPIError):  # the database may be what stopped it
                journal.end("failed" if report.cut else "interrupted", report.stopped, position=report.read)
            return
        journal.tell(position=report.read)
        if whole:
            _close(journal, unit_of_work, report, now, most_percent)
        journal.end("done")
        shutil.rmtree(folder, ignore_errors=True)


def _gather(source: str, folder: Path, journal: Journal, progress: Progress) -> Gathered:
    config = settings()
    limits = Limits(
        timeout=config.catalogue_timeout, lasting=_LASTING, most_bytes=config.catalogue_max_megabytes * 1_000_000,
        allow_private=config.catalogue_allow_private,
    )  # fmt: skip

    def told(came: int, total: int | None) -> None:
        journal.live(position=came, total=total)

    return sources.gather(source, folder, limits, told, again=journal.taken_up)


def _begin(unit_of_work: UnitOfWork, source: str, whole: bool) -> Journal:
    try:
        return runs.begin(unit_of_work, source, whole)
    except DBAPIError as error:
        raise CatalogueError(f"{intake.reason(error)}.") from error


@contextmanager
def _ending(journal: Journal, folder: Path) -> Iterator[None]:
    """End the run whatever happens; what no word was foreseen for is named by its class, never by its text."""
    try:
        yield
    except runs.Overtaken:
        raise  # the run is another's: nothing of it may be written
    except (runs.Interrupted, fetching.Unavailable) as stop:
        journal.end("interrupted", stop.message)
        raise
    except _Waiting as refusal:
        raise CatalogueError(refusal.message) from None
    except CatalogueError as refusal:
        journal.end("failed", refusal.message)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except Exception as error:
        journal.end("interrupted", f"erreur imprévue ({type(error).__name__}).")
        raise
    except BaseException:  # the keyboard
        journal.end("interrupted", "arrêt demandé au clavier.")
        raise


class _Waiting(CatalogueError):
    """The run waits for a person's word, and is written already."""


def _close(journal: Journal, unit_of_work: UnitOfWork, report: ImportReport, now: datetime, most_percent: int) -> None:
    try:
        intake.close_missing(unit_of_work, report, now, most_percent, journal)
    except closing.TooMany as refusal:
        missing = closing.digest(refusal.gone)
        if journal.allows(missing):
            intake.close_missing(unit_of_work, report, now, 100, journal)
            return
        for start in range(0, len(refusal.gone), BATCH):
            journal.tell(closing.named(refusal.gone[start : start + BATCH], "to_close"))
        journal.end(
            "waiting", refusal.message, known=refusal.known, missing_digest=missing, allowed_at=None, allowed_by_id=None
        )  # fmt: skip
        raise _Waiting(f"{refusal.message} Passage {journal.public_id}.") from None


def _tell_refusals(report: ImportReport, journal: Journal) -> None:
    told = report.listener

    def listen(number: int, nature: str, reason: str) -> None:
        told(number, nature, reason)
        if nature == REFUSED:
            journal.refuse(report.named(number), reason)

    report.listener = listen
