"""What a source says as it said it costs nothing, and whatever changes, reading every row again finds nothing to do."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv.catalogue import intake, unchanged
from rdv.catalogue.report import ImportReport
from rdv.catalogue.synchronise import synchronise
from rdv.db import db, transaction
from rdv.models import CatalogueCentre, CatalogueRun, Cfa, Training
from tests import make_catalogue
from tests.support.processes import Run, wait_until
from tests.support.queries import queries

ROWS = 150


@pytest.fixture
def source(app: Flask, tmp_path: Path) -> Path:
    return tmp_path / "catalogue.json"


def read(path: Path, rows: list[dict[str, Any]], *, whole: bool = True, thorough: bool = False) -> ImportReport:
    path.write_text(json.dumps(rows), encoding="utf-8")
    report = ImportReport(lambda _number, _nature, _reason: None, thorough=thorough)
    synchronise(str(path), transaction, report, whole=whole, most_percent=100)
    assert report.stopped is None
    return report


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [make_catalogue.row(number) for number in numbers]


def open_ones() -> int:
    return db.session.scalar(sa.select(sa.func.count(Training.id)).where(Training.closed_at.is_(None))) or 0


def test_the_same_source_is_not_looked_up(source: Path) -> None:
    rows = numbered(*range(ROWS))
    read(source, rows)
    with queries() as seen:
        report = read(source, rows)
    assert (report.skipped, report.written, report.closed, open_ones()) == (ROWS, 0, 0, ROWS)
    assert len(seen) < 25, seen  # a run's own lines, whatever the length
    assert not [each for each in seen if "FROM site" in each]


def test_a_changed_row_costs_its_centre_alone(source: Path) -> None:
    rows = numbered(*range(ROWS))
    read(source, rows)
    rows[20] = {**rows[20], "intitule_long": "CUISINE DU MONDE (CAP)"}
    report = read(source, rows)
    assert (report.skipped, report.trainings.updated) == (ROWS - make_catalogue.CENTRE_TRAININGS, 1)


def test_what_the_catalogue_notes_of_its_own_housekeeping_is_no_change(source: Path) -> None:
    rows = numbered(*range(30))
    read(source, rows)
    assert read(source, [{**row, "last_update_at": "2026-11-27"} for row in rows]).skipped == 30


def test_a_new_way_of_reading_reads_all_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = numbered(*range(30))
    read(source, rows)
    monkeypatch.setattr(unchanged, "reading", lambda: b"another version")
    assert read(source, rows).skipped == 0
    assert read(source, rows).skipped == 30


def test_a_centre_that_left_and_came_back_is_open_again(source: Path) -> None:
    rows = numbered(*range(45))
    read(source, rows)
    assert read(source, rows[15:]).closed == 15
    report = read(source, rows)
    assert (report.reopened, report.skipped, open_ones()) == (15, 30, 45)


def test_a_centre_that_was_deleted_is_made_again(source: Path) -> None:
    rows = numbered(*range(30))
    read(source, rows)
    with transaction() as session:
        session.execute(sa.delete(Cfa).where(Cfa.siret == rows[0]["etablissement_gestionnaire_siret"]))
    report = read(source, rows)
    assert (report.trainings.created, report.skipped, open_ones()) == (15, 15, 30)


def test_a_training_that_waited_for_a_word_is_still_missing_the_next_night(source: Path) -> None:
    rows = numbered(*range(30))
    read(source, rows)
    read(source, rows[:-1], whole=False)  # imported, closes nothing
    assert read(source, rows[:-1]).closed == 1


def test_a_key_that_another_centre_replaces_is_closed_though_its_own_centre_is_as_it_was(source: Path) -> None:
    rows = numbered(*range(30))
    read(source, rows)
    old = rows[0]["cle_ministere_educatif"]
    rows[20] = {**rows[20], "cle_me_remplace": old}
    report = read(source, rows)
    assert (report.skipped, report.aliases, report.closed, open_ones()) == (15, 1, 1, 29)


def test_a_row_that_the_database_refused_is_tried_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = numbered(*range(30))
    real = intake.import_batch

    def picky(session: Any, batch: Any, settled: Any) -> Any:
        outcome = real(session, batch, settled)
        if any(row.number == 3 for row in batch):
            session.execute(sa.insert(Cfa.__table__).values(siret=batch[0].cfa_siret))  # breaks a unique constraint
        return outcome

    monkeypatch.setattr(intake, "import_batch", picky)
    assert read(source, rows, whole=False).refused == 1
    monkeypatch.setattr(intake, "import_batch", real)
    report = read(source, rows)
    assert (report.trainings.created, report.skipped) == (1, 15)


def test_a_stopped_import_leaves_the_centres_it_finished(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BATCH", 20)
    rows = numbered(*range(60))
    real = intake.import_batch
    calls = iter(range(100))

    def stopped(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(intake, "import_batch", stopped)
    with pytest.raises(KeyboardInterrupt):
        read(source, rows)
    monkeypatch.setattr(intake, "import_batch", real)
    report = read(source, rows)  # 40 rows were committed: two centres of fifteen, and ten rows of the third
    assert (report.skipped, report.trainings.unchanged, report.trainings.created, open_ones()) == (30, 10, 20, 60)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_changes_reading_every_row_again_finds_nothing(source: Path, seed: int) -> None:
    """Rows that leave, come, change, repeat, replace, move to another centre, in another order."""
    dice = random.Random(seed)
    rows = numbered(*range(60))
    for night in range(4):
        whole = dice.random() < 0.8
        read(source, rows, whole=whole)
        again = read(source, rows, whole=whole, thorough=True)
        assert (again.written, again.reopened, again.closed) == (0, 0, 0), f"night {night}"
        rows = _another_night(dice, rows, night)


def _another_night(dice: random.Random, rows: list[dict[str, Any]], night: int) -> list[dict[str, Any]]:
    after = [dict(row) for row in rows if dice.random() > 0.05]
    after += numbered(*(60 + 5 * night + each for each in range(dice.randrange(5))))
    for row in after:
        chance = dice.random()
        if chance < 0.04:
            row["intitule_long"] = f"INTITULÉ DE LA NUIT {night} (CAP)"
        elif chance < 0.08:
            row["etablissement_gestionnaire_courriel"] = f"nuit{night}@cfa.example"
        elif chance < 0.10:
            row["lieu_formation_adresse"] = f"{night} rue Neuve"
        elif chance < 0.12:
            row["cle_me_remplace"] = dice.choice(rows)["cle_ministere_educatif"]
        elif chance < 0.14:
            row["etablissement_gestionnaire_siret"] = dice.choice(rows)["etablissement_gestionnaire_siret"]
    after += [dict(dice.choice(after)) for _ in range(dice.randrange(3))]
    if dice.random() < 0.5:
        dice.shuffle(after)
    return after


def test_one_digest_a_centre_is_kept(source: Path) -> None:
    read(source, numbered(*range(45)))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CatalogueCentre)) == 3


@pytest.mark.parametrize("signal_sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_stopped_in_the_middle_is_taken_up_where_it_was(
    source: Path, process_env: dict[str, str], tmp_path: Path, signal_sent: signal.Signals
) -> None:
    source.write_text(json.dumps(numbered(*range(2400))), encoding="utf-8")
    command = ["import-catalogue", str(source), "--complet"]
    first = Run(command, process_env, tmp_path)

    def written() -> int:
        db.session.rollback()
        return open_ones()

    try:
        wait_until(lambda: written() >= 400, "a batch")
        first.process.send_signal(signal_sent)
        assert first.wait_for_end() != 0
    finally:
        first.kill()
    committed = written()
    assert committed < 2400
    found = db.session.scalars(sa.select(CatalogueRun)).one()
    assert found.state == ("running" if signal_sent == signal.SIGKILL else "interrupted")
    assert found.counts == {"added": committed}
    second = Run(command, process_env, tmp_path)
    assert second.wait_for_end(60) == 0, second.text
    db.session.expire_all()
    db.session.rollback()
    assert (found.state, found.tries, found.counts, open_ones()) == ("done", 2, {"added": 2400}, 2400)
    left_alone = committed - committed % make_catalogue.CENTRE_TRAININGS
    assert f"comme la dernière fois\u00a0: {left_alone}." in second.text
