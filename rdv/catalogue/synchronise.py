"""One run of a catalogue from its source to its end, told as it goes; the same for the command and for the night."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from rdv import clock
from rdv.catalogue import closing, intake, runs
from rdv.catalogue.intake import Progress, UnitOfWork
from rdv.catalogue.report import REFUSED, ImportReport
from rdv.catalogue.runs import Journal
from rdv.errors import CatalogueError

_PART = 400  # trainings named in one statement


def synchronise(
    source: Path,
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
    journal = _begin(unit_of_work, source, whole)
    with _ending(journal):
        _tell_refusals(report, journal)
        digest = _digest(source)
        if digest:
            journal.read_from(digest)
        intake.import_file(source, unit_of_work, report, progress, journal)
        if report.stopped:
            with suppress(DBAPIError):  # the database may be what stopped it
                journal.end("failed" if report.cut else "interrupted", report.stopped, position=report.read)
            return
        journal.tell(position=report.read)
        if whole:
            _close(journal, unit_of_work, report, now, most_percent)
        journal.end("done")


def _begin(unit_of_work: UnitOfWork, source: Path, whole: bool) -> Journal:
    try:
        return runs.begin(unit_of_work, str(source.absolute()), whole)
    except DBAPIError as error:
        raise CatalogueError(f"{intake.reason(error)}.") from error


@contextmanager
def _ending(journal: Journal) -> Iterator[None]:
    """End the run whatever happens; what no word was foreseen for is named by its class, never by its text."""
    try:
        yield
    except runs.Overtaken:
        raise  # the run is another's: nothing of it may be written
    except runs.Interrupted as stop:
        journal.end("interrupted", stop.message)
        raise
    except _Waiting as refusal:
        raise CatalogueError(refusal.message) from None
    except CatalogueError as refusal:
        journal.end("failed", refusal.message)
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
        for start in range(0, len(refusal.gone), _PART):
            journal.tell(closing.named(refusal.gone[start : start + _PART], "to_close"))
        journal.end(
            "waiting", refusal.message, known=refusal.known, missing_digest=missing, allowed_at=None, allowed_by_id=None
        )  # fmt: skip
        raise _Waiting(f"{refusal.message} Passage {journal.public_id}.") from None


def _digest(path: Path) -> str | None:
    """Return what stands for the whole content, None when it cannot be read: the import says why."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _tell_refusals(report: ImportReport, journal: Journal) -> None:
    told = report.listener

    def listen(number: int, nature: str, reason: str) -> None:
        told(number, nature, reason)
        if nature == REFUSED:
            journal.refuse(report.named(number), reason)

    report.listener = listen
