"""A whole import: survey the file, then batches of rows, each committed whole, and the report.

The caller brings the transaction: nothing here commits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from rdv.catalogue import closing
from rdv.catalogue.formats import FileCut, Record, Source, open_source
from rdv.catalogue.importer import BatchOutcome, Settled, import_batch
from rdv.catalogue.report import ImportReport
from rdv.catalogue.rows import CatalogueRow, RowRefused, read
from rdv.catalogue.runs import Journal, UnitOfWork
from rdv.catalogue.survey import Survey, survey
from rdv.catalogue.unchanged import Unchanged
from rdv.errors import CatalogueError
from rdv.french import plural

BATCH = 400

Progress = Callable[[int, int], None]  # records read, records in the file


def import_file(
    path: Path | Source,
    unit_of_work: UnitOfWork,
    report: ImportReport,
    progress: Progress = lambda _done, _total: None,
    journal: Journal | None = None,
) -> ImportReport:
    """Import a catalogue file and return the report; raises CatalogueError when the file is no catalogue.

    A file that stops short, or a database that stops answering, ends the import: `report.stopped` says where, and
    what was committed before is whole. `journal` is told of each batch in its own transaction.
    """
    source = open_source(path) if isinstance(path, Path) else path
    report.layout, report.unit = source.layout, source.unit
    overview = survey(source)
    if journal:
        journal.tell(step="import", position=0, total=overview.total)
    skips = journal is not None and not report.thorough
    try:
        unchanged = Unchanged(source.layout.code, overview)
        intake = _Intake(unit_of_work, report, journal, unchanged)
        try:
            for record in source.records():
                report.read += 1
                if skips and unchanged.holds(report.read - 1):
                    report.skipped += 1
                elif row := _row(record, source, overview, report):
                    intake.add(row)
                if journal:
                    journal.live(position=report.read)
                progress(report.read, overview.total)
        except FileCut as cut:
            report.stopped, report.cut = cut.message, True
        intake.flush()
        if skips:
            report.seen |= closing.held(source.layout, overview, unchanged.sirets)
    except DBAPIError as error:
        report.stopped = f"{reason(error)}, {report.reached}."
    return report


def close_missing(
    unit_of_work: UnitOfWork,
    report: ImportReport,
    now: datetime,
    most_percent: int = closing.MOST_PERCENT,
    journal: Journal | None = None,
) -> None:
    """Close what the file of this report, imported whole, no longer holds, some hundreds at a time.

    Trainings that a refused row may be about stay open. Raises CatalogueError, and closes nothing, when the import stopped,
    when too many rows say nothing of themselves, or when more than a share would close.
    """
    if report.stopped or report.layout is None:
        raise CatalogueError("l’import s’est arrêté avant la fin du fichier\u00a0: aucune formation n’est fermée.")
    if report.doubts.too_many(report.read):
        obscure = plural(report.doubts.obscure, f"{report.unit} illisible")
        raise CatalogueError(
            f"{obscure}, sans clé ni SIRET\u00a0: n’importe quelle formation pourrait être concernée, aucune n’est fermée. "
            "Corrigez le fichier, puis recommencez."
        )
    gone, report.spared = closing.missing(report.layout, report.seen, report.doubts, most_percent)
    for start in range(0, len(gone), BATCH):
        part = gone[start : start + BATCH]
        with unit_of_work() as session:
            closed = closing.close(part, now)
            if journal:
                journal.write(session, closing.named(part, "closed"), step="close")
        report.closed += closed
        if journal:
            journal.keep()


def _row(record: Record, source: Source, overview: Survey, report: ImportReport) -> CatalogueRow | None:
    if record.problem:
        report.doubts.note(record.cells)
        report.refuse(record.number, record.problem)
        return None
    later = overview.repeated_by.get(record.number)
    if later:
        report.put_aside(record.number, f"même formation que {report.named(later)}, qui l’emporte")
        return None
    try:
        row = read(record.number, record.cells, source.layout)
    except RowRefused as refusal:
        report.doubts.note(record.cells)
        report.refuse(record.number, str(refusal))
        return None
    successor = overview.successions.successor(row.training_key)
    if successor:
        report.put_aside(record.number, f"clé {row.training_key} remplacée par {successor}, qui l’emporte")
        return None
    doubts = [record.doubt] if record.doubt else []
    if overview.successions.turns(row.training_key):
        doubts.append("clés qui se remplacent l’une l’autre, laissé de côté")
    replaced = tuple(dict.fromkeys((*row.replaced_keys, *overview.successions.replaced(row.training_key))))
    return replace(row, warnings=(*row.warnings, *doubts), replaced_keys=replaced)


class _Intake:
    """The rows waiting for their transaction."""

    def __init__(
        self, unit_of_work: UnitOfWork, report: ImportReport, journal: Journal | None, unchanged: Unchanged
    ) -> None:
        self._unit_of_work = unit_of_work
        self._unchanged = unchanged
        self._journal = journal
        self._report = report
        self._rows: list[CatalogueRow] = []
        self._settled = Settled()

    def add(self, row: CatalogueRow) -> None:
        """Keep a row; write the batch when it is full."""
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write the waiting rows in one transaction; when the database refuses one of them, each in its own."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            self._write(rows)
        except (IntegrityError, DataError):
            # Another import at the same moment, or a value that no check foresaw: one row must not sink the others.
            for row in rows:
                self._write_alone(row)

    def _write_alone(self, row: CatalogueRow) -> None:
        try:
            self._write([row])
        except (IntegrityError, DataError) as error:
            kind = type(error.orig).__name__
            self._report.doubts.identities.update((row.identity, *row.replaced_keys))
            self._report.refuse(row.number, f"la base de données n’accepte pas cette ligne ({kind})")

    def _write(self, rows: list[CatalogueRow]) -> None:
        with self._unit_of_work() as session:
            outcome = import_batch(session, rows, self._settled)
            self._unchanged.write(session, rows)
            if self._journal:
                self._journal.write(session, outcome.differences, position=self._report.read)
        if self._journal:
            self._journal.keep()
        self._unchanged.keep(rows)
        self._settled.merge(outcome.settled)
        self._tell(rows, outcome)
        self._report.last_committed = rows[-1].number

    def _tell(self, rows: list[CatalogueRow], outcome: BatchOutcome) -> None:
        report = self._report
        report.cfas.add(outcome.cfas)
        report.sites.add(outcome.sites)
        report.trainings.add(outcome.trainings)
        report.aliases += outcome.aliases
        report.moved += outcome.moved
        report.reopened += outcome.reopened
        report.seen |= outcome.seen
        for row in rows:
            if row.number in outcome.set_aside:
                report.put_aside(row.number, outcome.set_aside[row.number])
                continue
            for warning in row.warnings:
                report.warn(row.number, warning)


def reason(error: DBAPIError) -> str:
    """Say in French why the database did not answer."""
    text = str(error.orig)
    if "no such table" in text or "UndefinedTable" in type(error.orig).__name__:
        return "la base n’a pas encore ses tables (flask --app wsgi db upgrade)"
    if "locked" in text:
        return "la base est restée occupée par un autre programme"
    return f"la base de données n’a pas répondu ({type(error.orig).__name__})"
