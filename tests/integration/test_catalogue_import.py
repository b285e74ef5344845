"""Imports on both databases: what is written, what is left alone, and that a second run writes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from rdv.catalogue import intake
from rdv.catalogue.importer import CFA_COLUMNS, SITE_COLUMNS, TRAINING_COLUMNS
from rdv.catalogue.intake import import_file
from rdv.catalogue.report import REFUSED, SET_ASIDE, WARNING, ImportReport
from rdv.db import db, transaction
from rdv.errors import CatalogueError
from rdv.models import Cfa, Site, Training, TrainingAlias, training_site
from tests import make, make_catalogue

FIXTURES = Path(__file__).parents[1] / "fixtures" / "catalogue"
ROOT = Path(__file__).parents[2]
TABLES = (Cfa, Site, Training, TrainingAlias)


class Told:
    """An import's report and every line it told."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []
        self.report = ImportReport(lambda number, nature, reason: self.lines.append((number, nature, reason)))

    def of(self, nature: str) -> dict[int, str]:
        return {number: reason for number, told, reason in self.lines if told == nature}


def run(path: Path) -> Told:
    told = Told()
    import_file(path, transaction, told.report)
    report = told.report
    done = report.trainings.written + report.trainings.unchanged + report.refused + report.set_aside
    assert report.stopped or done == report.read
    return told


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """`written(row, row…)` gives a JSON catalogue of these rows."""

    def write(*rows: dict[str, Any]) -> Path:
        path = tmp_path / "catalogue.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        return path

    return write


@contextmanager
def written_statements() -> Iterator[list[str]]:
    """Collect every INSERT, UPDATE and DELETE sent to the database; what a file says of a centre, as a digest, is no row of it."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "catalogue_centre" in statement:
            return
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "WITH")):
            seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def counts() -> list[int]:
    session = db.session()
    session.rollback()
    tables: list[Any] = [*TABLES, training_site]
    return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


def training(key: str) -> Training:
    db.session().rollback()
    return db.session().scalars(sa.select(Training).where(Training.training_key == key)).one()


# --- Real and invented files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_the_export_becomes_centres_places_and_trainings(app: Flask, ending: str) -> None:
    told = run(FIXTURES / f"formations_catalogue_exemples.{ending}")

    assert counts() == [4, 7, 8, 0, 8]
    assert told.lines == []
    row = training("103425P011X4396441620003443964416200034-13215#L01")
    assert row.cfa.siret == "43964416200034"
    assert row.cfa.name == "AGCNAM DE PACA"
    assert row.title == "ASSURANCE, BANQUE, FINANCE : SUPPORTS OPERATIONNELS (LP)"
    assert row.identity == row.training_key
    [site] = row.sites
    assert (site.insee, site.department, site.territory, site.timezone) == ("13215", "13", "FR", "Europe/Paris")
    assert site.city == "Marseille 15e Arrondissement"
    moselle = training("097049P013X3495860990002134958609900021-57316#L01").sites[0]
    assert moselle.territory == "57"


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_the_flow_is_imported_with_its_defects(app: Flask, ending: str) -> None:
    told = run(FIXTURES / f"flux_invente.{ending}")

    first = 2 if ending == "csv" else 1
    shift = first + (1 if ending == "csv" else 0)  # a line break in an address above
    assert counts()[:3] == [3, 8, 10]
    assert told.report.refused == 4
    refused = told.of(REFUSED)
    assert list(refused) == [10 + shift, 11 + shift, 12 + shift, 13 + shift]
    for reason, words in zip(
        refused.values(),
        ("SIRET gestionnaire absent", "SIRET gestionnaire faux", "ni code diplôme", "lieu"),
        strict=True,
    ):
        assert words in reason
    assert list(told.of(WARNING)) == [first + 1, first + 2]
    session = db.session()
    nameless = session.scalars(sa.select(Training).where(Training.title.is_(None))).all()
    assert {row.shown_title for row in nameless} == {"Formation 26X99904", "Formation en apprentissage"}
    assert session.scalars(sa.select(Site.timezone).where(Site.insee == "97411")).one() == "Indian/Reunion"
    assert session.scalars(sa.select(Site.department).where(Site.insee == "2A004")).one() == "2A"
    assert session.scalars(sa.select(Training.diploma_code).where(Training.rncp == "RNCP99006")).one() == "01099906"
    assert session.scalars(sa.select(Cfa.name)).all() == [None] * 3


def test_no_text_says_none(app: Flask) -> None:
    run(FIXTURES / "flux_invente.json")
    for table in TABLES:
        for row in db.session().execute(sa.select(*table.__table__.columns)):
            assert not {"None", "null"} & {value for value in row._mapping.values() if isinstance(value, str)}


@pytest.mark.parametrize("name", ["formations_catalogue_exemples", "flux_invente"])
def test_a_second_run_writes_nothing_in_either_format(app: Flask, name: str) -> None:
    run(FIXTURES / f"{name}.csv")
    before = counts()
    with written_statements() as statements:
        for ending in ("csv", "json"):
            told = run(FIXTURES / f"{name}.{ending}")
            assert told.report.written == 0
            assert told.report.trainings.unchanged == before[2]
    assert statements == []
    assert counts() == before


def test_a_second_run_writes_nothing_when_rows_disagree(
    app: Flask, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH", 3)
    rows = [make_catalogue.row(number) for number in range(14)]  # one centre
    for number, row in enumerate(rows):
        row["etablissement_gestionnaire_enseigne"] = f"Nom {number}" if number else None
        row["etablissement_gestionnaire_entreprise_raison_sociale"] = None
        row["localite"] = f"Ville {number}"
        row["etablissement_formateur_courriel"] = f"site{number}@cfa.example" if number % 2 else None
    rows.append({**rows[1], "intitule_long": "La même, dernière version"})
    path = written(*rows)

    told = run(path)
    assert told.of(SET_ASIDE) == {2: "même formation que l’enregistrement 15, qui l’emporte"}
    assert training(rows[1]["cle_ministere_educatif"]).title == "La même, dernière version"
    assert db.session().scalars(sa.select(Cfa.name)).one() == "Nom 2"  # the first that the file gives
    with written_statements() as statements:
        again = run(path)
    assert statements == []
    assert again.report.written == 0
    assert again.report.cfas.unchanged == 1  # counted once, not once a batch


# --- What changes, and what does not -----------------------------------------------------------------------------


def test_only_what_changed_is_written(app: Flask, written: Any) -> None:
    rows = [make_catalogue.row(number) for number in range(30)]
    run(written(*rows))
    rows[4]["intitule_long"] = "NOUVEL INTITULÉ"
    with written_statements() as statements:
        told = run(written(*rows))
    assert len(statements) == 1
    report = told.report
    assert (report.trainings.created, report.trainings.updated, report.trainings.unchanged) == (0, 1, 29)
    assert report.sites.written == report.cfas.written == 0
    assert training(rows[4]["cle_ministere_educatif"]).title == "NOUVEL INTITULÉ"


def chosen_values(table: sa.Table, given: tuple[str, ...]) -> dict[str, Any]:
    """Return a value unlike the default for each column that is not the catalogue's."""
    kinds = {str: "choisi", bool: True, int: 3, object: datetime(2026, 1, 2, tzinfo=UTC)}
    named = {"message_open": False, "reply_values": {"fees": "choisi"}, "public_id": "choisichoisi", "link_version": 7}
    keys = {"id", "siret", "cfa_id", "insee", "address_key", "closed_at", "created_at", "updated_at"}
    return {
        column.name: named.get(column.name, kinds[column.type.python_type])
        for column in table.columns
        if column.name not in keys and column.name not in given
    }


def test_whatever_a_centre_chose_survives(app: Flask, written: Any) -> None:
    row = make_catalogue.row(0)
    run(written(row))
    levels: list[tuple[Any, tuple[str, ...]]] = [
        (Cfa, CFA_COLUMNS), (Site, SITE_COLUMNS), (Training, TRAINING_COLUMNS),
    ]  # fmt: skip
    chosen = {model: chosen_values(model.__table__, given) for model, given in levels}
    assert {"chosen_email", "callback_open"} <= set(chosen[Training]) & set(chosen[Site]) & set(chosen[Cfa])
    with transaction() as session:
        for model, values in chosen.items():
            session.execute(sa.update(model).values(values))
    row["etablissement_gestionnaire_enseigne"] = "Nouveau nom"
    row["localite"] = "Nouvelle ville"
    row["email"] = row["etablissement_gestionnaire_courriel"] = row["etablissement_formateur_courriel"] = (
        "neuf@cfa.example"
    )
    run(written(row))
    session = db.session()
    for model, values in chosen.items():
        found = session.scalars(sa.select(model)).one()
        assert {name: getattr(found, name) for name in values} == values
        assert found.email == "neuf@cfa.example", "what the catalogue gives stays beside"
    cfa, site = session.scalars(sa.select(Cfa)).one(), session.scalars(sa.select(Site)).one()
    assert (cfa.name, site.city) == ("Nouveau nom", "Nouvelle ville")


def test_a_missing_contact_erases_nothing_and_another_replaces(app: Flask, written: Any) -> None:
    row = {**make_catalogue.row(1), "num_tel": "02 61 91 00 01"}
    columns = ("email", "etablissement_gestionnaire_courriel", "etablissement_formateur_courriel", "num_tel")

    def stored() -> tuple[str | None, ...]:
        found = training(row["cle_ministere_educatif"])
        return found.email, found.cfa.email, found.sites[0].email, found.phone

    run(written(row))
    first = ("formation1@cfa0.example", "direction@cfa0.example", "site1@cfa0.example", "+33261910001")
    assert stored() == first
    for nothing in (dict.fromkeys(columns), dict.fromkeys(columns, "illisible")):
        with written_statements() as statements:
            run(written({**row, **nothing}))
        assert statements == []
    run(written({name: cell for name, cell in row.items() if name not in columns}))
    assert stored() == first
    run(written({**row, "email": "autre@cfa0.example", "etablissement_gestionnaire_courriel": "chef@cfa0.example"}))
    assert stored() == ("autre@cfa0.example", "chef@cfa0.example", *first[2:])


def test_a_platform_identifier_that_goes_is_cleared(app: Flask, written: Any) -> None:
    row = make_catalogue.row(4)
    run(written(row))
    assert training(row["cle_ministere_educatif"]).parcoursup_id == "4"
    run(written({**row, "parcoursup_id": None}))
    assert training(row["cle_ministere_educatif"]).parcoursup_id is None


def test_a_training_follows_its_place(app: Flask, written: Any) -> None:
    row = make_catalogue.row(0)
    run(written(row))
    old = training(row["cle_ministere_educatif"]).sites[0].id
    told = run(written({**row, "lieu_formation_adresse": "99 rue Neuve"}))
    assert told.report.moved == 1
    assert (told.report.trainings.updated, told.report.sites.created) == (1, 1)
    [site] = training(row["cle_ministere_educatif"]).sites
    assert site.address == "99 rue Neuve"
    assert site.id != old
    assert counts()[1] == 2


def test_rows_that_left_the_catalogue_are_not_touched(app: Flask, written: Any) -> None:
    rows = [make_catalogue.row(number) for number in range(5)]
    run(written(*rows))
    with written_statements() as statements:
        run(written(rows[0]))
    assert statements == []


# --- Replaced keys -----------------------------------------------------------------------------------------------


def successor_of(row: dict[str, Any], prefix: str = "900001") -> dict[str, Any]:
    key = prefix + row["cle_ministere_educatif"][6:]
    return {**row, "cle_ministere_educatif": key, "cle_me_remplace": [row["cle_ministere_educatif"]]}


def test_a_key_that_replaces_another_keeps_its_training(app: Flask, written: Any) -> None:
    old = make_catalogue.row(0)
    new = successor_of(old)
    run(written(old))
    before = training(old["cle_ministere_educatif"])
    before_id, public_id = before.id, before.public_id

    told = run(written(new))
    assert told.report.aliases == 1
    after = training(new["cle_ministere_educatif"])
    assert (after.id, after.public_id) == (before_id, public_id)
    alias = db.session().scalars(sa.select(TrainingAlias)).one()
    assert (alias.training_key, alias.training_id) == (old["cle_ministere_educatif"], after.id)
    assert counts()[2] == 1


@pytest.mark.parametrize("order", ["old first", "new first", "apart"])
def test_a_file_may_hold_both_keys(app: Flask, written: Any, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make_catalogue.row(0)
    new, newest = successor_of(old), successor_of(successor_of(old), "900002")
    rows = [newest, new, old] if order == "new first" else [old, new, newest]
    if order == "apart":
        monkeypatch.setattr(intake, "BATCH", 1)
    path = written(*rows)
    run(path)
    assert counts()[2:4] == [1, 2]
    assert training(newest["cle_ministere_educatif"]).id
    with written_statements() as statements:
        told = run(path)
    assert statements == []
    assert len(told.of(SET_ASIDE)) == 2
    assert f"remplacée par {newest['cle_ministere_educatif']}" in next(iter(told.of(SET_ASIDE).values()))


def replaced_by(row: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {**row, "cle_me_remplace_par": other["cle_ministere_educatif"]}


def named_apart(row: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {**row, "cle_ministere_educatif": prefix + row["cle_ministere_educatif"][6:]}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_row_that_names_only_what_replaced_it_is_carried_over(
    app: Flask, written: Any, order: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_catalogue.row(0)
    run(written(old))
    before = training(old["cle_ministere_educatif"])
    before_id, public_id = before.id, before.public_id
    new, newest = named_apart(old, "900001"), named_apart(old, "900002")
    chain = [replaced_by(old, new), replaced_by(new, newest), newest]
    monkeypatch.setattr(intake, "BATCH", 1)
    for night in range(2):
        told = run(written(*(chain[rank] for rank in order)))
        assert len(told.of(SET_ASIDE)) == 2
        after = training(newest["cle_ministere_educatif"])
        assert (after.id, after.public_id, after.closed_at) == (before_id, public_id, None)
        assert told.report.seen == {before_id}, "nothing is left to be closed"
        aliases = {alias.training_key: alias.training_id for alias in db.session().scalars(sa.select(TrainingAlias))}
        assert aliases == dict.fromkeys([each["cle_ministere_educatif"] for each in (old, new)], before_id), night
    assert counts()[2] == 1


def test_a_row_whose_successor_is_not_there_yet_waits_for_it(app: Flask, written: Any) -> None:
    old = make_catalogue.row(0)
    new = named_apart(old, "900001")
    told = run(written(replaced_by(old, new)))
    assert told.of(SET_ASIDE) == {}
    before_id = training(old["cle_ministere_educatif"]).id
    run(written(replaced_by(old, new), new))
    assert training(new["cle_ministere_educatif"]).id == before_id


def test_keys_that_replace_each_other_are_told_and_kept(app: Flask, written: Any) -> None:
    first = make_catalogue.row(0)
    second = named_apart(first, "900001")
    told = run(written(replaced_by(first, second), replaced_by(second, first)))
    assert all("se remplacent l’une l’autre" in reason for reason in told.of(WARNING).values())
    assert len(told.of(WARNING)) == 2
    assert counts()[2] == 2


def test_a_key_of_another_centre_is_not_taken_over(app: Flask, written: Any) -> None:
    old, other = make_catalogue.row(0), make_catalogue.row(15)
    run(written(old))
    other["cle_me_remplace"] = old["cle_ministere_educatif"]
    run(written(other))
    assert counts()[2:4] == [2, 1]
    assert training(old["cle_ministere_educatif"]).cfa.siret == make_catalogue.siret(0)
    alias = db.session().scalars(sa.select(TrainingAlias)).one()
    assert alias.training_id == training(other["cle_ministere_educatif"]).id


# --- Cuts, failures, concurrency ---------------------------------------------------------------------------------


def test_a_file_cut_in_the_middle_leaves_what_was_committed(
    app: Flask, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH", 4)
    path = written(*(make_catalogue.row(number) for number in range(20)))
    text = path.read_text()
    path.write_text(text[: len(text) * 6 // 10])
    told = run(path)
    stopped = told.report.stopped
    assert stopped
    assert f"après l’enregistrement {told.report.read}," in stopped
    assert 8 <= told.report.read < 20
    trainings, links = counts()[2], counts()[4]
    assert trainings == links == told.report.read
    path.write_text(text)
    again = run(path)
    assert (again.report.trainings.created, again.report.trainings.unchanged) == (20 - trainings, trainings)


def test_a_database_that_stops_leaves_whole_batches(app: Flask, written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BATCH", 4)
    calls = iter(range(100))

    @contextmanager
    def failing() -> Iterator[Session]:
        with transaction() as session:
            yield session
            if next(calls) == 2:
                raise OperationalError("COMMIT", {}, Exception("database is locked"))

    told = Told()
    import_file(written(*(make_catalogue.row(number) for number in range(20))), failing, told.report)
    assert told.report.stopped == "la base est restée occupée par un autre programme, arrêt après l’enregistrement 8."
    assert counts()[2] == counts()[4] == told.report.trainings.created == 8


def test_one_row_that_the_database_refuses_does_not_sink_the_others(
    app: Flask, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.import_batch

    def picky(session: Session, rows: Any, settled: Any) -> Any:
        outcome = real(session, rows, settled)
        if any(row.number == 3 for row in rows):
            session.execute(sa.insert(Cfa.__table__).values(siret=rows[0].cfa_siret))  # breaks a unique constraint
        return outcome

    monkeypatch.setattr(intake, "import_batch", picky)
    told = run(written(*(make_catalogue.row(number) for number in range(6))))
    assert list(told.of(REFUSED)) == [3]
    assert "n’accepte pas cette ligne" in told.of(REFUSED)[3]
    assert counts()[2] == counts()[4] == 5


def test_two_imports_at_once_write_each_row_once(app: Flask, process_env: dict[str, str], written: Any) -> None:
    path = written(*(make_catalogue.row(number) for number in range(900)))
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "import-catalogue", str(path)]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=process_env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = []
    for process in both:
        out, err = process.communicate(timeout=120)
        ended.append(process.returncode)
        assert process.returncode == 0 or "un autre import du catalogue est en cours" in err, out + err
        assert "Traceback" not in err
    assert 0 in ended
    assert counts()[2] == counts()[4] == 900
    with written_statements() as statements:
        run(path)
    assert statements == []


def test_a_batch_costs_a_handful_of_statements(app: Flask, written: Any) -> None:
    path = written(*(make_catalogue.row(number) for number in range(400)))
    seen: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda _c, _u, statement, *_r: seen.append(statement))
    run(path)
    assert len(seen) < 25


# --- The command -------------------------------------------------------------------------------------------------


def test_the_command_reports_in_french(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["import-catalogue", str(FIXTURES / "flux_invente.csv")])
    assert result.exit_code == 0
    out = result.output.replace("\u00a0", " ")
    assert "14 : refusée, SIRET gestionnaire faux : « 99800000000012 »" in out
    assert "Catalogue lu : flux Carif-Oref, 14 lignes lues." in out
    assert "Formations : 10 créées, 0 mise à jour, 0 inchangée." in out
    assert "4 lignes refusées, 0 écartée" in out
    assert "Lus : 14 sur 14" in out


def test_every_refusal_goes_to_the_report_file(app: Flask, tmp_path: Path) -> None:
    report = tmp_path / "rapport.csv"
    result = app.test_cli_runner().invoke(
        args=["import-catalogue", str(FIXTURES / "flux_invente.csv"), "--rapport", str(report)]
    )
    assert result.exit_code == 0
    lines = report.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "position;nature;motif"
    assert len(lines) == 1 + 4 + 2
    assert "refusée, " not in result.output


def test_the_command_fails_cleanly(app: Flask, tmp_path: Path) -> None:
    picture = tmp_path / "photo.json"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    cut = tmp_path / "cut.csv"
    cut.write_bytes((FIXTURES / "formations_catalogue_exemples.csv").read_bytes()[:3000])
    for path, words in (
        (picture, "une image"),
        (tmp_path / "absent.csv", "n’existe pas"),
        (cut, "s’arrête au milieu de la ligne 4. Ce qui précède est enregistré"),
    ):
        result = app.test_cli_runner().invoke(args=["import-catalogue", str(path)])
        assert result.exit_code == 1
        assert words in result.output.replace("\u00a0", " ")
        assert "Traceback" not in result.output
    unwritable = app.test_cli_runner().invoke(
        args=["import-catalogue", str(FIXTURES / "flux_invente.csv"), "--rapport", str(tmp_path / "nulle" / "part.csv")]
    )
    assert unwritable.exit_code == 1
    assert "ne peut pas être écrit" in unwritable.output


def test_a_database_without_tables_is_named(empty_database_url: str, process_env: dict[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "import-catalogue", str(FIXTURES / "flux_invente.csv")],
        cwd=ROOT,
        env={**process_env, "DATABASE_URL": empty_database_url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    assert "db upgrade" in result.stderr
    assert "Traceback" not in result.stderr


def peak_of_import(path: Path, env: dict[str, str]) -> int:
    """Return the largest resident size of an import, in kilobytes."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "import-catalogue", str(path)]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


@pytest.mark.sqlite_only  # what the process keeps does not depend on the database
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_memory_does_not_grow_with_the_file(process_env: dict[str, str], tmp_path: Path, ending: str) -> None:
    peaks = []
    for count in (1_500, 12_000):
        path = tmp_path / f"{count}.{ending}"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = make_catalogue.rows(count)
            (make_catalogue.write_csv if ending == "csv" else make_catalogue.write_json)(file, rows)
        peaks.append(peak_of_import(path, process_env))
    # Ten thousand rows held as dictionaries would weigh 40 MB; sixteen bytes a row are kept.
    assert peaks[1] - peaks[0] < 6_000, peaks


# --- The real flow, where it is at hand --------------------------------------------------------------------------


@pytest.mark.real_catalogue
def test_the_real_flow(app: Flask) -> None:
    folder = Path(os.environ["CATALOGUE_DATA"])
    told = run(folder / "formations_rco_bfc_2020.csv")
    assert counts()[:3] == [58, 126, 300]
    assert told.report.refused == 0
    with written_statements() as statements:
        run(folder / "formations_rco_bfc_2020.json")
    assert statements == []


@pytest.mark.real_catalogue
def test_other_real_files_are_refused(app: Flask) -> None:
    folder = Path(os.environ["CATALOGUE_DATA"])
    others = [
        path
        for path in folder.glob("*.*")
        if not path.name.startswith("formations_") and path.suffix in (".csv", ".json")
    ]
    assert others
    for path in others:
        with pytest.raises(CatalogueError, match="Format inconnu"):
            run(path)
    assert counts() == [0, 0, 0, 0, 0]


@pytest.mark.sqlite_only  # a signal, whatever the database
def test_an_import_stopped_from_the_keyboard_says_where(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BATCH", 2)
    real = intake.import_batch
    calls = iter(range(100))

    def interrupted(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(intake, "import_batch", interrupted)
    result = app.test_cli_runner().invoke(
        args=["import-catalogue", str(FIXTURES / "formations_catalogue_exemples.json")]
    )
    assert result.exit_code == 1
    assert "demande au clavier, arrêt après l’enregistrement 4." in result.output
    assert counts()[2] == 4


def test_calendars_see_a_place_that_the_catalogue_renames(app: Flask, written: Any) -> None:
    row = make_catalogue.row(1)
    run(written(row))
    site = db.session.scalars(sa.select(Site)).one()
    slot = make.slot(make.adviser(site.cfa), site)
    booked = make.booking(slot)
    run(written(row))
    assert (slot.version, booked.sequence) == (1, 0)
    run(written({**row, "localite": "Autreville"}))
    assert site.city == "Autreville"
    assert (slot.version, booked.sequence) == (2, 1)
