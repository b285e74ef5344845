"""A whole catalogue closes what it no longer holds, tells who waits, and opens again what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from rdv import clock, directory, jobs, slots
from rdv.catalogue import doubts, intake
from rdv.catalogue.intake import close_missing, import_file
from rdv.catalogue.report import ImportReport
from rdv.db import db, transaction
from rdv.errors import CatalogueError
from rdv.models import JobRun, OutgoingMail, Training
from tests import make, make_catalogue

NOW = "2026-11-24T03:00Z"


@pytest.fixture
def whole(app: Flask, tmp_path: Path, freeze: Any) -> Any:
    """`whole(rows, most_percent)`: import this catalogue, close what it lacks, return the report."""
    freeze(NOW)
    path = tmp_path / "catalogue.json"

    def run(rows: list[dict[str, Any]], most_percent: int = 100) -> ImportReport:
        path.write_text(json.dumps(rows), encoding="utf-8")
        report = ImportReport(lambda _number, _nature, _reason: None)
        import_file(path, transaction, report)
        close_missing(transaction, report, clock.now(), most_percent)
        return report

    return run


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [make_catalogue.row(number) for number in numbers]


def open_ones() -> int:
    return db.session.scalar(sa.select(sa.func.count(Training.id)).where(Training.closed_at.is_(None))) or 0


def training_of(number: int) -> Training:
    key = make_catalogue.row(number)["cle_ministere_educatif"]
    return db.session.scalars(sa.select(Training).where(Training.training_key == key)).one()


def test_what_is_gone_is_closed_not_deleted_and_opens_again(whole: Any) -> None:
    whole(rows(*range(10)))
    report = whole(rows(*range(9)))
    gone = training_of(9)
    assert (report.closed, open_ones(), gone.closed_at) == (1, 9, clock.now())
    assert whole(rows(*range(9))).closed == 0
    back = whole(rows(*range(10)))
    assert (back.reopened, open_ones(), training_of(9).id) == (1, 10, gone.id)


def test_a_file_that_would_close_too_much_closes_nothing(whole: Any) -> None:
    whole(rows(*range(20)))
    with pytest.raises(CatalogueError, match="fermerait 2 formations sur 20, plus de 5"):
        whole(rows(*range(18)), 5)
    assert open_ones() == 20
    assert whole(rows(*range(19)), 5).closed == 1


@pytest.mark.parametrize(
    "said",
    [
        {"etablissement_gestionnaire_siret": "12"},
        {"cle_ministere_educatif": None, "cfd": None, "rncp_code": None},
        {"cle_ministere_educatif": None, "cfd": None, "rncp_code": None, "etablissement_gestionnaire_siret": "12"},
    ],
    ids=["its key", "its centre", "its place"],
)
def test_a_refused_line_spares_the_trainings_that_may_be_its_own_and_no_other(whole: Any, said: dict[str, Any]) -> None:
    whole(rows(*range(60)))
    (other,) = [number for number in range(59) if training_of(number).cfa_id != training_of(59).cfa_id][-1:]
    report = whole([*rows(*(number for number in range(59) if number != other)), {**make_catalogue.row(59), **said}])
    assert training_of(59).closed_at is None, "the refused line may be this one"
    assert training_of(other).closed_at == clock.now()
    assert (report.refused, report.closed, report.spared) == (1, 1, 1)
    assert any("peut-être la leur" in line for line in report.lines())


def test_a_line_that_says_nothing_of_itself_closes_nothing_but_among_a_thousand(whole: Any, monkeypatch: Any) -> None:
    nothing = {"intitule_long": "Sans rien d’autre"}
    whole(rows(*range(10)))
    with pytest.raises(CatalogueError, match="enregistrement illisible"):
        whole([*rows(*range(9)), nothing])
    assert open_ones() == 10
    monkeypatch.setattr(doubts, "MOST_OBSCURE", 100)  # of a thousand: one of ten
    assert whole([*rows(*range(9)), nothing]).closed == 1


def test_a_line_that_the_database_refuses_is_not_closed(whole: Any, monkeypatch: Any) -> None:
    whole(rows(*range(10)))
    real = intake.import_batch

    def refusing(session: Any, batch: Any, settled: Any) -> Any:
        if any(row.training_key == make_catalogue.row(3)["cle_ministere_educatif"] for row in batch):
            raise IntegrityError("refused", {}, Exception())
        return real(session, batch, settled)

    monkeypatch.setattr(intake, "import_batch", refusing)
    report = whole(rows(*range(9)))
    assert (report.refused, report.closed, report.spared) == (1, 1, 1)
    assert training_of(3).closed_at is None


def test_a_refused_line_that_names_a_former_key_spares_the_training_that_took_another(whole: Any) -> None:
    whole(rows(0, 1, 2))
    old = make_catalogue.row(0)
    new = {**old, "cle_ministere_educatif": make_catalogue.row(50)["cle_ministere_educatif"]}
    whole([{**new, "cle_me_remplace": old["cle_ministere_educatif"]}, *rows(1, 2)])
    report = whole([*rows(1, 2), {**old, "etablissement_gestionnaire_siret": "12"}])
    assert (report.closed, report.spared) == (0, 1)


def test_a_training_that_replaces_another_takes_over_its_people_slots_and_choices(whole: Any, client: Any) -> None:
    whole(rows(0, 1, 2))
    old, new = training_of(0), training_of(1)
    assert old.cfa_id == new.cfa_id
    with transaction():
        old.chosen_email, old.message_open = "coiffure@cfa.example", False
    asked = make.candidate_request(
        old.cfa, email="attend@courriel.example", training_id=old.id, site_id=old.sites[0].id
    )
    slot = make.slot(make.adviser(old.cfa), old.sites[0], trainings=[old])
    key = old.training_key or ""
    report = whole([{**make_catalogue.row(0), "cle_me_remplace_par": new.training_key}, *rows(1, 2)])
    db.session.expire_all()
    assert (report.closed, old.closed_at) == (1, clock.now())
    assert db.session.scalar(sa.select(OutgoingMail.id).where(OutgoingMail.kind == "training_closed")) is None
    assert asked.training_id == new.id
    assert [each.public_id for each in slots.free_for_training(new, clock.now(), 5)] == [slot.public_id]
    assert (new.chosen_email, new.message_open, new.callback_open) == ("coiffure@cfa.example", False, None)
    assert [each.id for each in directory.by_key(key)] == [new.id], "the old link lives"
    answer = client.get(f"/formation/{old.public_id}")
    assert (answer.status_code, answer.location) == (301, f"/formation/{new.public_id}")


def test_trainings_that_no_catalogue_brought_stay(whole: Any) -> None:
    made = make.training(make.cfa())
    whole(rows(0))
    assert db.session.get_one(Training, made.id).closed_at is None


def test_who_waits_or_has_a_meeting_is_told_once_and_nobody_else(whole: Any) -> None:
    whole(rows(0, 1))
    gone = training_of(1)
    site = gone.sites[0]
    asked = {"training_id": gone.id, "site_id": site.id}
    make.candidate_request(gone.cfa, email="attend@courriel.example", **asked)
    make.candidate_request(gone.cfa, email="fini@courriel.example", status="closed", outcome="answered", **asked)
    slot = make.slot(make.adviser(gone.cfa), site, trainings=[gone])
    make.booking(slot, request={"email": "vient@courriel.example", "training_id": gone.id})
    past = make.slot(make.adviser(gone.cfa), site, trainings=[gone], starts_at="2026-11-20T10:00")
    make.booking(past, request={"email": "venu@courriel.example", "training_id": gone.id})
    make.candidate_request(gone.cfa, email="autre@courriel.example", training_id=training_of(0).id)
    whole(rows(0))
    whole(rows(0))
    query = sa.select(OutgoingMail.to_email).where(OutgoingMail.kind == "training_closed")
    assert sorted(db.session.scalars(query)) == ["attend@courriel.example", "vient@courriel.example"]


def test_the_night_imports_the_whole_file_and_says_why_it_closed_nothing(
    app: Flask, whole: Any, change_settings: Any, tmp_path: Path
) -> None:
    whole(rows(*range(10)))
    path = tmp_path / "nuit.json"
    change_settings(catalogue_source=str(path), catalogue_most_closed=5)
    path.write_text(json.dumps(rows(*range(8))), encoding="utf-8")
    job = next(each for each in jobs.JOBS if each.name == "sync_catalogue")
    assert jobs.run(job)
    done = db.session.scalars(sa.select(JobRun).where(JobRun.name == "sync_catalogue")).one()
    assert done.ok is False
    assert "fermerait 2" in (done.note or "")
    assert open_ones() == 10
    change_settings(catalogue_most_closed=20)
    job.work(clock.now())
    assert open_ones() == 8


@pytest.mark.parametrize(
    ("said", "parcoursup", "affelnet"),
    [
        ({"parcoursup_statut": "publié", "affelnet_statut": "publié", "bcn_mefs_10": [{"mef10": "2473360131"}]}, True, True),
        ({"parcoursup_statut": "à publier", "affelnet_statut": "à publier", "bcn_mefs_10": ["2413360121"]}, False, True),
        ({"parcoursup_statut": "", "affelnet_statut": "publié", "bcn_mefs_10": ["2463360131"]}, False, False),
        ({"affelnet_statut": "hors périmètre", "bcn_mefs_10": "2473360131"}, False, False),
        ({"parcoursup_statut": "hors périmètre", "parcoursup_perimetre_prise_rdv": True}, True, False),
        ({"affelnet_statut": "publié", "bcn_mefs_10": ["2473360131"], "affelnet_perimetre_prise_rdv": False}, False, False),
    ],
)  # fmt: skip
def test_where_the_ministries_publish_a_training(
    whole: Any, said: dict[str, Any], parcoursup: bool, affelnet: bool
) -> None:
    plain = {
        name: value
        for name, value in make_catalogue.row(0).items()
        if "parcoursup_" not in name and "affelnet_" not in name
    }
    whole([{**plain, **said}])
    found = training_of(0)
    assert (found.parcoursup_visible, found.affelnet_visible) == (parcoursup, affelnet)
