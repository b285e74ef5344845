"""Each import writes a run: one at a time, its progress, what it changed, and how it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv import clock, jobs, stopping
from rdv.catalogue import intake, runs
from rdv.catalogue.report import ImportReport
from rdv.catalogue.synchronise import synchronise
from rdv.db import db, transaction
from rdv.errors import CatalogueError
from rdv.models import CatalogueChange, CatalogueRun, Training
from tests import make_catalogue

NOW = "2026-11-24T03:00Z"


@pytest.fixture
def catalogue(app: Flask, tmp_path: Path, freeze: Any) -> Path:
    """The path of a catalogue that a test writes with `write`."""
    freeze(NOW)
    return tmp_path / "catalogue.json"


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(rows), encoding="utf-8")


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [make_catalogue.row(number) for number in numbers]


def run(path: Path, *, whole: bool = True, most_percent: int = 100) -> ImportReport:
    report = ImportReport(lambda _number, _nature, _reason: None)
    synchronise(str(path), transaction, report, whole=whole, most_percent=most_percent)
    return report


def last() -> CatalogueRun:
    return db.session.scalars(sa.select(CatalogueRun).order_by(CatalogueRun.id.desc()).limit(1)).one()


def told(found: CatalogueRun, kind: str) -> list[CatalogueChange]:
    query = sa.select(CatalogueChange).where(CatalogueChange.run_id == found.id, CatalogueChange.kind == kind)
    return list(db.session.scalars(query.order_by(CatalogueChange.id)))


def test_a_run_tells_what_it_added_changed_closed_reopened_and_replaced(catalogue: Path) -> None:
    write(catalogue, rows(*range(6)))
    run(catalogue)
    first = last()
    assert (first.state, first.step, first.position, first.total, first.counts) == (
        "done",
        "import",
        6,
        6,
        {"added": 6},
    )
    assert (first.started_at, first.ended_at, first.whole, first.source) == (
        clock.now(),
        clock.now(),
        True,
        str(catalogue),
    )
    assert [each.key for each in told(first, "added")] == [row["cle_ministere_educatif"] for row in rows(*range(6))]

    write(catalogue, rows(0, 1, 2, 3))
    run(catalogue)
    assert last().counts == {"closed": 2}
    assert {each.key for each in told(last(), "closed")} == {row["cle_ministere_educatif"] for row in rows(4, 5)}

    changed, replacing, back = rows(0, 1, 4)
    renamed = {**changed, "intitule_long": "CUISINE DU MONDE (CAP)", "parcoursup_statut": "rejet de publication"}
    old = replacing["cle_ministere_educatif"]
    new = "999999" + old[6:]
    write(catalogue, [renamed, {**replacing, "cle_ministere_educatif": new, "cle_me_remplace": old}, *rows(2, 3), back])
    run(catalogue)
    found = last()
    assert found.counts == {"changed": 1, "replaced": 1, "reopened": 1}
    assert told(found, "changed")[0].fields["title"] == [changed["intitule_long"], "CUISINE DU MONDE (CAP)"]
    assert told(found, "changed")[0].fields["source.parcoursup_statut"][1] == "rejet de publication"
    assert told(found, "replaced")[0].fields == {"training_key": [old, new]}
    assert told(found, "reopened")[0].key == back["cle_ministere_educatif"]

    run(catalogue)
    assert (last().state, last().counts) == ("done", {})


def test_a_changed_centre_and_a_changed_place_are_told_with_their_name(catalogue: Path) -> None:
    row = make_catalogue.row(1)
    write(catalogue, [row])
    run(catalogue)
    write(catalogue, [{**row, "etablissement_gestionnaire_courriel": "autre@cfa.example", "localite": "Autreville"}])
    run(catalogue)
    assert last().counts == {"centre": 1, "place": 1}
    assert told(last(), "centre")[0].fields == {
        "email": [row["etablissement_gestionnaire_courriel"], "autre@cfa.example"]
    }
    assert told(last(), "place")[0].fields["city"][1] == "Autreville"


def test_refused_rows_are_told_and_a_part_of_the_catalogue_closes_nothing(catalogue: Path) -> None:
    write(catalogue, rows(0, 1))
    run(catalogue)
    write(catalogue, [*rows(0), {**make_catalogue.row(1), "etablissement_gestionnaire_siret": "12"}])
    run(catalogue, whole=False)
    found = last()
    assert (found.state, found.whole, found.counts) == ("done", False, {"refused": 1})
    assert told(found, "refused")[0].label == "l’enregistrement 2"
    assert "SIRET gestionnaire faux" in told(found, "refused")[0].fields["reason"][1]


def test_only_the_first_differences_are_kept_and_all_are_counted(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "CHANGES_KEPT", 4)
    monkeypatch.setattr(intake, "BATCH", 3)
    bad = [{**row, "etablissement_gestionnaire_siret": "12"} for row in rows(*range(10, 16))]
    write(catalogue, [*rows(*range(7)), *bad])
    run(catalogue, whole=False)
    assert last().counts == {"added": 7, "refused": 6}
    assert Counter(each.kind for each in db.session.scalars(sa.select(CatalogueChange))) == {"added": 4, "refused": 4}


def test_a_run_that_would_close_too_much_waits_and_says_which(catalogue: Path) -> None:
    write(catalogue, rows(*range(10)))
    run(catalogue)
    write(catalogue, rows(*range(7)))
    with pytest.raises(CatalogueError, match="fermerait 3"):
        run(catalogue, most_percent=20)
    found = last()
    assert (found.state, found.known, found.counts) == ("waiting", 10, {"to_close": 3})
    assert {each.key for each in told(found, "to_close")} == {row["cle_ministere_educatif"] for row in rows(7, 8, 9)}
    assert "fermerait 3" in (found.reason or "")


def test_a_file_that_is_none_and_a_cut_file_are_failed_runs(catalogue: Path) -> None:
    catalogue.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(CatalogueError, match="une image"):
        run(catalogue)
    assert (last().state, "une image" in (last().reason or "")) == ("failed", True)
    write(catalogue, rows(*range(10)))
    catalogue.write_bytes(catalogue.read_bytes()[:-400])
    assert run(catalogue).stopped
    assert (last().state, last().counts) == ("failed", {"added": 9})


def test_one_run_at_a_time_and_a_dead_one_is_taken_up(catalogue: Path, freeze: Any) -> None:
    write(catalogue, rows(*range(4)))
    other = runs.begin(transaction, "ailleurs.json", True)
    with pytest.raises(
        runs.Busy, match="un autre import du catalogue est en cours depuis mardi\u00a024\u00a0novembre à 4\u00a0h"
    ):
        run(catalogue)
    frozen = freeze(NOW)
    frozen.tick(minutes=4)
    with pytest.raises(runs.Busy):
        run(catalogue)
    frozen.tick(minutes=2)
    run(catalogue)
    assert [each.state for each in db.session.scalars(sa.select(CatalogueRun).order_by(CatalogueRun.id))] == [
        "interrupted", "done",
    ]  # fmt: skip
    with pytest.raises(runs.Overtaken):
        other.tell(position=3)


def test_a_process_of_this_host_that_ended_is_known_to_be_dead_at_once(catalogue: Path) -> None:
    write(catalogue, rows(*range(4)))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=30)
    runs.begin(transaction, str(catalogue), True)
    with transaction() as session:
        owner = last().owner.split(":")
        session.execute(sa.update(CatalogueRun).values(owner=f"{owner[0]}:{ended.pid}:{owner[2]}"))
    run(catalogue)
    found = last()
    assert (found.state, found.tries, found.counts) == ("done", 2, {"added": 4})


def test_an_overtaken_batch_is_rolled_back(catalogue: Path) -> None:
    write(catalogue, rows(*range(4)))
    journal = runs.begin(transaction, str(catalogue), True)
    with transaction() as session:
        session.execute(sa.update(CatalogueRun).values(owner="autre:1:abc"))
    with pytest.raises(runs.Overtaken):
        intake.import_file(catalogue, transaction, ImportReport(lambda *_: None), journal=journal)
    assert last().counts == {}


def test_a_stop_asked_between_two_rows_leaves_a_run_that_goes_on(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH", 2)
    write(catalogue, rows(*range(10)))
    real = intake.import_batch
    calls = iter(range(100))

    def stopped(*arguments: Any) -> Any:
        if next(calls) == 2:
            stopping.asked.set()
        return real(*arguments)

    monkeypatch.setattr(intake, "import_batch", stopped)
    try:
        with pytest.raises(runs.Interrupted):
            run(catalogue)
    finally:
        stopping.asked.clear()
    found = last()
    assert (found.state, found.position, found.counts) == ("interrupted", 6, {"added": 6})
    run(catalogue)
    db.session.expire_all()
    assert (found.id, found.state, found.tries, found.counts) == (last().id, "done", 2, {"added": 10})


def test_old_runs_are_purged_with_their_differences(catalogue: Path) -> None:
    write(catalogue, rows(0))
    run(catalogue)
    with transaction() as session:
        session.execute(sa.update(CatalogueRun).values(started_at=clock.now() - runs.KEPT - timedelta(days=1)))
    jobs.purge(clock.now())
    assert db.session.scalar(sa.select(sa.func.count(CatalogueRun.id))) == 0
    assert db.session.scalar(sa.select(sa.func.count(CatalogueChange.id))) == 0


# --- Closings that a person allows ---------------------------------------------------------------------------------


@pytest.fixture
def waiting(catalogue: Path, change_settings: Any) -> CatalogueRun:
    """A run that waits before closing three trainings out of ten."""
    change_settings(catalogue_source=str(catalogue), catalogue_most_closed=5)
    write(catalogue, rows(*range(10)))
    run(catalogue)
    write(catalogue, rows(*range(7)))
    with pytest.raises(CatalogueError):
        run(catalogue, most_percent=5)
    return last()


def allow(found: CatalogueRun) -> None:
    with transaction():
        runs.allow(found, clock.now(), None)


def open_keys() -> set[str | None]:
    return set(db.session.scalars(sa.select(Training.training_key).where(Training.closed_at.is_(None))))


def test_nothing_closes_before_the_word_and_what_was_shown_closes_after(catalogue: Path, waiting: CatalogueRun) -> None:
    jobs.finish_catalogue(clock.now())
    assert len(open_keys()) == 10
    allow(waiting)
    jobs.finish_catalogue(clock.now())
    assert len(open_keys()) == 7
    db.session.expire_all()
    assert (last().id, waiting.state, waiting.counts, waiting.tries) == (waiting.id, "done", {"closed": 3}, 2)
    jobs.finish_catalogue(clock.now())
    assert waiting.tries == 2


def test_a_source_that_changed_is_not_what_was_allowed(catalogue: Path, waiting: CatalogueRun) -> None:
    allow(waiting)
    write(catalogue, rows(*range(6)))
    with pytest.raises(jobs.Found, match="fermerait 4"):
        jobs.finish_catalogue(clock.now())
    assert len(open_keys()) == 10
    db.session.expire_all()
    assert (waiting.state, waiting.reason, waiting.allowed_at) == ("failed", runs.CHANGED, None)
    assert (last().state, last().counts) == ("waiting", {"to_close": 4})
    with pytest.raises(runs.NotAllowedAnyMore):
        allow(waiting)


def test_the_same_source_that_would_close_others_waits_again(catalogue: Path, waiting: CatalogueRun) -> None:
    allow(waiting)
    with transaction() as session:  # one of the three comes back by another file
        session.execute(
            sa.update(Training)
            .where(Training.training_key == make_catalogue.row(9)["cle_ministere_educatif"])
            .values(source={"catalogue": "carif-oref"})
        )
    with pytest.raises(jobs.Found, match="fermerait 2"):
        jobs.finish_catalogue(clock.now())
    db.session.expire_all()
    assert (len(open_keys()), waiting.state, waiting.allowed_at) == (10, "waiting", None)


def test_only_the_last_run_of_a_source_may_be_allowed_and_once(catalogue: Path, waiting: CatalogueRun) -> None:
    with pytest.raises(CatalogueError):
        run(catalogue, most_percent=5)
    with pytest.raises(runs.NotAllowedAnyMore):
        allow(waiting)
    allow(last())
    with pytest.raises(runs.NotAllowedAnyMore):
        allow(last())


def test_an_interrupted_night_goes_on_by_itself_after_a_rest(
    catalogue: Path, change_settings: Any, freeze: Any
) -> None:
    frozen = freeze(NOW)
    change_settings(catalogue_source=str(catalogue))
    write(catalogue, rows(*range(4)))
    runs.begin(transaction, str(catalogue), True).end("interrupted", "arrêt demandé.")
    jobs.finish_catalogue(clock.now())
    assert last().state == "interrupted"
    frozen.tick(minutes=2)
    jobs.finish_catalogue(clock.now())
    assert (last().state, last().tries) == ("done", 2)
    runs.begin(transaction, "/ailleurs/a-la-main.json", True).end("interrupted", "arrêt demandé au clavier.")
    frozen.tick(days=1)
    jobs.finish_catalogue(clock.now())
    assert last().state == "interrupted"


def test_the_command_allows_by_the_name_of_the_run(app: Flask, waiting: CatalogueRun) -> None:
    runner = app.test_cli_runner()
    unknown = runner.invoke(args=["import-catalogue", "--autoriser-retrait", "inconnu"])
    assert (unknown.exit_code, "n’existe pas" in unknown.output) == (1, True)
    assert runner.invoke(args=["import-catalogue"]).exit_code == 2
    done = runner.invoke(args=["import-catalogue", "--autoriser-retrait", waiting.public_id])
    assert done.exit_code == 0, done.output
    assert "absentes du fichier\u00a0: 3" in done.output
    again = runner.invoke(args=["import-catalogue", "--autoriser-retrait", waiting.public_id])
    assert (again.exit_code, "n’attend plus d’accord" in again.output) == (1, True)
