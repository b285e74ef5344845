"""The service team reads what each run of the catalogue changed, and allows closings."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv import clock, jobs
from rdv.catalogue import runs
from rdv.catalogue.report import ImportReport
from rdv.catalogue.synchronise import synchronise
from rdv.db import db, transaction
from rdv.errors import CatalogueError
from rdv.models import AuditEntry, CatalogueRun, Training
from tests import make, make_catalogue
from tests.support.browser import Client
from tests.support.pages import Page, sign_in, submit, visit

QUOTED = sorted({make_catalogue.row(number)["intitule_long"] for number in range(3)})  # as the catalogue writes them


def shown(client: Client, url: str) -> Page:
    return visit(client, url, quoted=QUOTED)


def read(path: Path, rows: list[dict[str, Any]], most_percent: int = 5) -> CatalogueRun:
    path.write_text(json.dumps(rows), encoding="utf-8")
    with contextlib.suppress(CatalogueError):
        synchronise(str(path), transaction, ImportReport(lambda *_: None), whole=True, most_percent=most_percent)
    return db.session.scalars(sa.select(CatalogueRun).order_by(CatalogueRun.id.desc()).limit(1)).one()


@pytest.fixture
def source(app: Flask, client: Client, tmp_path: Path, change_settings: Any) -> Path:
    path = tmp_path / "catalogue.json"
    change_settings(catalogue_source=str(path))
    sign_in(client, make.service_member())
    return path


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [make_catalogue.row(number) for number in numbers]


def test_runs_are_listed_and_one_shows_its_differences_by_kind(client: Client, source: Path) -> None:
    page = visit(client, "/admin/catalogue/")
    assert "Aucun passage pour l’instant" in page.text
    read(source, numbered(*range(60)))
    renamed = {**make_catalogue.row(3), "intitule_long": "CUISINE DU MONDE (CAP)"}
    found = read(source, [*numbered(0, 1, 2), renamed, *numbered(*range(4, 59))])
    page = visit(client, "/admin/catalogue/")
    assert "1 modifiée, 1 fermée" in page.text
    assert "60 ajoutées" in page.text
    page = shown(client, f"/admin/catalogue/passage/{found.public_id}?nature=changed")
    assert "Fermées (1)" in page.text
    assert make_catalogue.row(3)["intitule_long"] in page.text
    assert "Intitulé" in page.text
    assert "CUISINE DU MONDE (CAP)" in page.text
    first = db.session.scalars(sa.select(CatalogueRun).order_by(CatalogueRun.id).limit(1)).one()
    page = shown(client, f"/admin/catalogue/passage/{first.public_id}?nature=added")
    assert "Page 1 sur 2" in page.text
    assert len(page.all(".admin-changes li")) == 50
    page = shown(client, f"/admin/catalogue/passage/{first.public_id}?nature=added&page=2")
    assert len(page.all(".admin-changes li")) == 10
    for odd in ("nature=inconnue", "page=0", "page=99999999999999999999", "page=x"):
        shown(client, f"/admin/catalogue/passage/{first.public_id}?{odd}")


def test_progress_is_shown_while_a_run_is_under_way(client: Client, source: Path) -> None:
    journal = runs.begin(transaction, str(source), True)
    journal.tell(step="import", position=12_000, total=46_000)
    found = db.session.get_one(CatalogueRun, journal.run_id)
    page = shown(client, f"/admin/catalogue/passage/{found.public_id}")
    assert "Lecture : 12 000 sur 46 000" in page.text
    assert page.one("progress").get("value") == "12000"


def test_the_team_allows_what_it_was_shown(client: Client, source: Path) -> None:
    read(source, numbered(*range(10)))
    found = read(source, numbered(*range(7)))
    url = f"/admin/catalogue/passage/{found.public_id}"
    page = shown(client, url)
    assert "3 formations seraient fermées, sur 10" in page.text
    for number in (7, 8, 9):
        assert make_catalogue.row(number)["cle_ministere_educatif"] in page.text
    assert client.post(f"{url}/autoriser").status_code == 400  # no csrf_token
    after = submit(client, page, form="autoriser", quoted=QUOTED)
    assert "Retrait autorisé" in after.text
    assert not after.all("main .btn-danger")
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "catalogue_run.allowed")).one()
    assert (entry.object_id, entry.data, entry.user_id is not None) == (found.public_id, {"count": 3}, True)
    jobs.finish_catalogue(clock.now())
    query = sa.select(sa.func.count(Training.id)).where(Training.closed_at.is_(None))
    assert db.session.scalar(query) == 7
    assert "Passage du catalogue : retrait autorisé" in visit(client, "/admin/journal/", checked=False).text


def test_a_run_that_another_followed_is_not_allowed(client: Client, source: Path) -> None:
    read(source, numbered(*range(10)))
    found = read(source, numbered(*range(7)))
    page = shown(client, f"/admin/catalogue/passage/{found.public_id}")
    read(source, numbered(*range(8)))
    assert "n’attend plus d’accord" in submit(client, page, form="autoriser", quoted=QUOTED).text
    assert (
        "Resté sans accord : un passage plus récent a lu la même source"
        in shown(client, f"/admin/catalogue/passage/{found.public_id}").text
    )


def test_others_see_nothing_and_allow_nothing(app: Flask, client: Client, source: Path) -> None:
    read(source, numbered(*range(10)))
    found = read(source, numbered(*range(7)))
    staff = app.test_client()
    sign_in(staff, make.manager(make.cfa()))
    url = f"/admin/catalogue/passage/{found.public_id}"
    assert staff.get(url).status_code == 404
    assert staff.post(f"{url}/autoriser").status_code in (400, 404)
    assert visit(client, "/admin/catalogue/passage/inconnu", status=404)
    db.session.expire_all()
    assert found.allowed_at is None
