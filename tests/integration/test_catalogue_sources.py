"""A folder, and addresses: what comes whole is imported, what stops in between closes nothing and goes on later."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv import outgoing_http
from rdv.catalogue import fetching
from rdv.catalogue.report import REFUSED, ImportReport
from rdv.catalogue.synchronise import synchronise
from rdv.db import db, transaction
from rdv.errors import CatalogueError
from rdv.models import CatalogueRun, Training
from rdv.settings import settings
from tests import make_catalogue
from tests.support.catalogue_server import Catalogue, serving
from tests.support.processes import Run, wait_until

FIXTURES = Path(__file__).parents[1] / "fixtures" / "catalogue"


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [make_catalogue.row(number) for number in numbers]


def read(source: object, most_percent: int = 100) -> ImportReport:
    report = ImportReport(lambda *_: None)
    synchronise(str(source), transaction, report, whole=True, most_percent=most_percent)
    return report


def last() -> CatalogueRun:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(sa.select(CatalogueRun).order_by(CatalogueRun.id.desc()).limit(1)).one()


def open_ones() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count(Training.id)).where(Training.closed_at.is_(None))) or 0


def written_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    make_catalogue.write_csv(text, iter(rows))
    return text.getvalue().encode()


# --- Folders -------------------------------------------------------------------------------------------------------


def test_a_folder_is_one_catalogue_in_the_order_of_its_names(app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "b.json").write_text(json.dumps([{**make_catalogue.row(5), "intitule_long": "LE DERNIER (CAP)"}]))
    wrong = {**make_catalogue.row(9), "etablissement_gestionnaire_siret": "12"}
    (folder / "a.csv.gz").write_bytes(gzip.compress(written_csv([*numbered(*range(6)), wrong])))
    (folder / "LISEZMOI.txt").write_text("rien")
    lines: list[tuple[str, str]] = []
    report = ImportReport(lambda number, nature, _reason: lines.append((nature, report.named(number))))
    synchronise(str(folder), transaction, report, whole=True)
    assert (open_ones(), report.set_aside, report.refused, report.read) == (6, 1, 1, 8)
    assert (REFUSED, "la ligne 14 de a.csv.gz") in [(nature, where) for nature, where in lines if nature == REFUSED]
    title = sa.select(Training.title).where(Training.training_key == make_catalogue.row(5)["cle_ministere_educatif"])
    assert db.session.scalar(title) == "LE DERNIER (CAP)"


def test_a_folder_that_lost_a_file_closes_its_trainings(app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, part in (("a.json", range(5)), ("b.json", range(5, 10))):
        (folder / name).write_text(json.dumps(numbered(*part)))
    read(folder)
    (folder / "b.json").unlink()
    assert (read(folder).closed, open_ones()) == (5, 5)


def test_folders_that_are_no_catalogue_are_told(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="aucun fichier"):
        read(tmp_path)
    shutil.copy(FIXTURES / "flux_invente.csv", tmp_path / "a.csv")
    (tmp_path / "b.json").write_text(json.dumps(numbered(0)))
    with pytest.raises(CatalogueError, match="mélange deux catalogues"):
        read(tmp_path)
    (tmp_path / "b.json").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(CatalogueError, match=r"b\.json.*une image"):
        read(tmp_path)
    assert (last().state, open_ones()) == ("failed", 0)


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.fixture
def server(app: Flask, change_settings: Any) -> Iterator[Catalogue]:
    change_settings(catalogue_allow_private=True, catalogue_timeout=5.0)
    with serving() as found:
        found.rows = numbered(*range(35))
        yield found


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Rests that were asked for, none of them slept."""
    found: list[float] = []
    monkeypatch.setattr(fetching, "pause", lambda seconds: bool(found.append(seconds)))
    return found


def pages(server: Catalogue) -> str:
    return f"{server.url}/api/v1/entity/formations?limit=10"


def test_the_pages_of_the_public_api_are_read_to_the_last(server: Catalogue) -> None:
    report = read(pages(server))
    assert (report.read, open_ones(), server.asked) == (35, 35, ["1", "2", "3", "4"])
    assert (last().state, last().position, last().source) == ("done", 35, pages(server))
    server.rows = server.rows[:-1]
    assert (read(pages(server)).closed, open_ones()) == (1, 34)
    assert not list((Path(settings().instance_dir) / "catalogue").glob("*"))


def test_a_total_that_changes_during_the_reading_imports_nothing(server: Catalogue) -> None:
    server.totals = {3: 36}
    with pytest.raises(CatalogueError, match="a changé pendant sa lecture"):
        read(pages(server))
    assert (last().state, open_ones()) == ("failed", 0)


def test_fewer_trainings_than_announced_close_nothing(server: Catalogue) -> None:
    read(pages(server))
    server.rows = server.rows[:30]
    server.totals = dict.fromkeys(range(1, 5), 35)
    with pytest.raises(CatalogueError, match="annonce 35 formations et en donne 30"):
        read(pages(server))
    server.rows, server.totals = [], {}
    with pytest.raises(CatalogueError, match="en donne 0"):
        read(pages(server))
    assert open_ones() == 35


def test_a_page_cut_short_is_asked_again_then_the_run_goes_on_from_it(server: Catalogue, pauses: list[float]) -> None:
    server.cut_pages = {3}
    with pytest.raises(fetching.Unavailable, match="IncompleteRead"):
        read(pages(server))
    assert (server.asked, pauses) == (["1", "2", *["3"] * 5], [1.0, 2.0, 4.0, 8.0])
    assert (last().state, last().step, last().position, open_ones()) == ("interrupted", "fetch", 20, 0)
    server.cut_pages, server.asked = set(), []
    read(pages(server))
    assert (server.asked, last().state, last().tries, open_ones()) == (["3", "4"], "done", 2, 35)


def test_what_came_before_another_total_is_read_again(server: Catalogue, pauses: list[float]) -> None:
    server.cut_pages = {3}
    with pytest.raises(fetching.Unavailable):
        read(pages(server))
    server.cut_pages, server.asked, server.rows = set(), [], numbered(*range(36))
    read(pages(server))
    assert (server.asked, open_ones()) == (["3", "1", "2", "3", "4"], 36)


def test_a_busy_server_is_waited_for_as_it_asks(server: Catalogue, pauses: list[float]) -> None:
    server.failures = [(503, {}), (429, {"Retry-After": "7"})]
    read(pages(server))
    assert (pauses, open_ones()) == ([1.0, 7.0], 35)
    server.failures = [(429, {"Retry-After": "3600"})]
    with pytest.raises(fetching.Unavailable, match="statut 429"):
        read(pages(server))
    server.failures = [(403, {})]
    with pytest.raises(CatalogueError, match="statut 403"):
        read(pages(server))
    assert (last().state, open_ones()) == ("failed", 35)


@pytest.mark.parametrize("name", ["formations.json", "formations.csv", "formations.csv.gz", "formations.json.gz"])
def test_whole_files_are_read_from_an_address(server: Catalogue, name: str) -> None:
    plain = written_csv(server.rows) if ".csv" in name else json.dumps(server.rows).encode()
    body = gzip.compress(plain) if name.endswith(".gz") else plain
    server.files[f"/{name}"] = body
    server.redirects["/ici.json"] = f"{server.url}/{name}"
    read(f"{server.url}/ici.json")
    assert open_ones() == 35
    server.files[f"/{name}"] = body[: len(body) * 2 // 3]
    if name.endswith(".gz"):
        with pytest.raises(CatalogueError, match="coupée ou abîmée"):
            read(f"{server.url}/{name}")
    else:
        assert read(f"{server.url}/{name}").stopped
    assert (last().state, open_ones()) == ("failed", 35)


def test_a_shape_that_is_not_the_apis_is_told(server: Catalogue) -> None:
    server.redirects["/entity/formations"] = f"{server.url}/autre.json"
    server.files["/autre.json"] = b'{"erreur": 1}'
    with pytest.raises(CatalogueError, match="n’a pas la forme attendue"):
        read(f"{server.url}/entity/formations")


def test_sizes_and_redirections_have_an_end(server: Catalogue, change_settings: Any) -> None:
    server.redirects["/a.json"] = "/a.json"
    with pytest.raises(CatalogueError, match="redirige sans fin"):
        read(f"{server.url}/a.json")
    change_settings(catalogue_max_megabytes=0)
    server.files["/b.json"] = json.dumps(server.rows).encode()
    for url in (f"{server.url}/b.json", pages(server)):
        with pytest.raises(CatalogueError, match="dépasse 0\u00a0Mo"):
            read(url)


def test_private_and_plain_addresses_are_refused_also_behind_a_redirection(
    server: Catalogue, change_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CatalogueError, match="mot de passe"):
        read(pages(server).replace("http://", "http://nom:secret@"))
    change_settings(catalogue_allow_private=False)
    with pytest.raises(CatalogueError, match="PlainHttp"):
        read(pages(server))
    with pytest.raises(CatalogueError, match="PrivateAddress"):
        read(pages(server).replace("http://", "https://"))
    real = outgoing_http.get

    def public_first(url: str, headers: Any, **options: Any) -> Any:
        return real(url, headers, **{**options, "allow_private": url.endswith("/public.json")})

    monkeypatch.setattr(outgoing_http, "get", public_first)
    server.redirects["/public.json"] = f"{server.url.replace('http://', 'https://')}/interne.json"
    with pytest.raises(CatalogueError, match="PrivateAddress"):
        read(f"{server.url}/public.json")
    assert "/interne.json" not in server.asked


def test_a_process_killed_between_two_pages_asks_for_the_next(
    server: Catalogue, process_env: dict[str, str], tmp_path: Path
) -> None:
    server.hold = 3
    server.held.clear()
    env = {**process_env, "CATALOGUE_ALLOW_PRIVATE": "1"}
    command = ["import-catalogue", pages(server), "--complet"]
    first = Run(command, env, tmp_path)
    try:
        wait_until(lambda: "3" in server.asked, "the third page is asked for")
        first.process.send_signal(signal.SIGKILL)
        first.wait_for_end()
    finally:
        first.kill()
    server.asked = []
    server.held.set()
    second = Run(command, env, tmp_path)
    assert second.wait_for_end(60) == 0, second.text
    assert (server.asked, last().state, last().tries, open_ones()) == (["3", "4"], "done", 2, 35)
