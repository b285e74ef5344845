"""`flask --app wsgi import-catalogue FICHIER` and `completer-catalogue`: the catalogue of trainings and what registers add to it."""

from __future__ import annotations

import csv
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask

from rdv import clock, french, registers, stopping
from rdv.catalogue import closing, runs
from rdv.catalogue.intake import Progress
from rdv.catalogue.report import WARNING, ImportReport, Listener
from rdv.catalogue.synchronise import synchronise
from rdv.db import transaction
from rdv.errors import CatalogueError, NotFound, RdvError
from rdv.french import NBSP

_STEP = 1000  # records between two lines of progress


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(import_catalogue)
    app.cli.add_command(complete_catalogue)


@click.command("import-catalogue")
@click.argument("source", required=False)
@click.option(
    "--rapport",
    type=click.Path(path_type=Path),
    help="Fichier CSV qui reçoit chaque refus et chaque avertissement, avec sa ligne : toutes sont relues.",
)
@click.option(
    "--complet",
    is_flag=True,
    help="Le fichier est le catalogue entier : fermer les formations qui n’y sont plus et prévenir leurs candidats.",
)
@click.option(
    "--part-fermee",
    type=click.IntRange(0, 100),
    default=closing.MOST_PERCENT,
    show_default=True,
    help="Avec --complet, pour cent des formations que le fichier peut fermer au plus.",
)
@click.option(
    "--autoriser-retrait",
    metavar="PASSAGE",
    help="Fermer les formations que ce passage attend de pouvoir fermer, si sa source est toujours la même.",
)
def import_catalogue(
    source: str | None, rapport: Path | None, complet: bool, part_fermee: int, autoriser_retrait: str | None
) -> None:
    """Importer le catalogue des formations : un fichier CSV ou JSON, un dossier de ces fichiers, ou une adresse https."""
    if (source is None) == (autoriser_retrait is None):
        raise click.UsageError("Indiquez une source, ou --autoriser-retrait avec le passage qui attend.")
    if autoriser_retrait:
        source, complet = _allowed(autoriser_retrait), True
    try:
        with _listener(rapport) as listener, _stoppable():
            report = ImportReport(listener, thorough=rapport is not None)
            refusal = _run(source or "", report, complet, part_fermee)
    except CatalogueError as error:
        click.echo(f"Import impossible{NBSP}: {error.message}", err=True)
        sys.exit(1)
    for line in report.lines():
        click.echo(line)
    if refusal:
        click.echo(f"Import incomplet{NBSP}: {refusal}", err=True)
    if report.stopped or refusal:
        sys.exit(1)


@click.command("completer-catalogue")
@click.option(
    "--organismes", type=click.Path(path_type=Path), help="Registre des organismes, à la place de celui des réglages."
)
@click.option("--lieux", type=click.Path(path_type=Path), help="Registre des lieux, à la place de celui des réglages.")
def complete_catalogue(organismes: Path | None, lieux: Path | None) -> None:
    """Compléter adresses, UAI et positions que le catalogue laisse vides, d’après les registres des organismes et des lieux."""
    try:
        done = registers.run(transaction, organismes, lieux)
    except CatalogueError as error:
        click.echo(f"Rien n’est complété{NBSP}: {error.message}", err=True)
        sys.exit(1)
    for line in done.lines():
        click.echo(line)


def _allowed(public_id: str) -> str:
    """Allow the closings that a run waits with; return its source."""
    try:
        with transaction():
            found = runs.get(public_id)
            runs.allow(found, clock.now(), None)
            return found.source
    except RdvError as refusal:
        message = (
            f"Le passage «{NBSP}{public_id}{NBSP}» n’existe pas." if isinstance(refusal, NotFound) else refusal.message
        )
        click.echo(message, err=True)
        sys.exit(1)


def _run(source: str, report: ImportReport, whole: bool, most_percent: int) -> str | None:
    """Import; return why something stays undone although rows were read. Raises CatalogueError when none was."""
    try:
        synchronise(source, transaction, report, whole=whole, most_percent=most_percent, progress=_progress())
    except CatalogueError as error:
        if not report.read:
            raise
        return error.message
    except KeyboardInterrupt:
        report.stopped = f"demande au clavier, {report.reached}."
    return None


def _progress() -> Progress:
    """Return what tells, from time to time, how many rows were read, and how fast."""
    begun = clock.monotonic()

    def tell(done: int, total: int) -> None:
        if done % _STEP == 0 or done == total:
            pace = round(done / max(clock.monotonic() - begun, 0.001))
            part = f"{100 * done // total}{NBSP}%, " if total else ""
            told = f"({part}{french.number(pace)} par seconde)"
            click.echo(f"Lus{NBSP}: {french.number(done)} sur {french.number(total)} {told}", err=True)

    return tell


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end the import after the batch in hand."""
    former = signal.signal(signal.SIGTERM, lambda *_: stopping.asked.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def _listener(path: Path | None) -> Iterator[Listener]:
    """Give what is told each refusal at once: the terminal, or the report file, which has the warnings too."""
    if path is None:
        yield _tell
        return
    try:
        file = path.open("w", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise CatalogueError(
            f"le rapport «{NBSP}{path}{NBSP}» ne peut pas être écrit{NBSP}: {error.strerror}."
        ) from None
    with file:
        table = csv.writer(file, delimiter=";")
        table.writerow(("position", "nature", "motif"))

        def write(number: int, nature: str, reason: str) -> None:
            table.writerow((number, nature, reason))

        yield write


def _tell(number: int, nature: str, reason: str) -> None:
    if nature != WARNING:  # counted by kind at the end; each of them would hide the refusals
        click.echo(f"{number}{NBSP}: {nature}, {reason}")
