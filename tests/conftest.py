"""Fixtures of every test; tests/README.md tells how to use them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache

from rdv import clock
from rdv.db import db
from tests.support import applications, databases, forks, network, postgres, report
from tests.support.browser import Client
from tests.support.frozen import FrozenClock

ENGINES = ("sqlite", "postgresql")
ON_BOTH_ENGINES = ("integration", "journeys")
ROOT = Path(__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite_only: not repeated on PostgreSQL (say why beside it)")
    config.addinivalue_line("markers", "own_app: an application of its own, to add addresses, hooks or filters to it")
    config.pluginmanager.register(report.RunReport(), "rdv-report")
    if os.environ.get(
        "RDV_FORBID_SKIPS"
    ):  # continuous integration says the same twice; elsewhere new examples are tried
        settings.load_profile("ci")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, rather than skip, what reads the real catalogues: most machines may not have them."""
    if "CATALOGUE_DATA" in os.environ:
        return
    left_out = [item for item in items if item.get_closest_marker("real_catalogue")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run whatever touches the database on both engines, in the folders where that matters."""
    if "engine_name" not in metafunc.fixturenames:
        return
    folder = Path(metafunc.definition.path).relative_to(ROOT).parts[0]
    if folder in ON_BOTH_ENGINES and not metafunc.definition.get_closest_marker("sqlite_only"):
        metafunc.parametrize("engine_name", ENGINES, indirect=True)


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """No test leaves this machine."""
    with network.loopback_only():
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, made once."""
    folder = tmp_path_factory.mktemp("sqlite")
    databases.migrate(f"sqlite:///{folder / 'template.sqlite'}", folder)
    return folder / "template.sqlite"


@pytest.fixture(scope="session")
def pg_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server; skips, with the reasons, where none can be had."""
    try:
        server = postgres.find_server()
    except postgres.NoServer as reason:
        pytest.skip(f"no PostgreSQL: {reason}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def pg_database(
    pg_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[databases.EmptiedPostgres]:
    """A PostgreSQL database migrated once, emptied after each test that uses it."""
    name = f"rdv_test_{os.getpid()}"
    url = pg_server.create_database(name)
    databases.migrate(url, tmp_path_factory.mktemp("postgresql"))
    database = databases.EmptiedPostgres(url)
    yield database
    database.close()
    pg_server.drop_database(name)


@pytest.fixture
def engine_name(request: pytest.FixtureRequest) -> str:
    """« sqlite » or « postgresql »: tests of integration/ and journeys/ get one after the other."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a clean, migrated database, which other processes may open too."""
    if engine_name == "sqlite":
        yield databases.copy_sqlite(request.getfixturevalue("sqlite_template"), tmp_path / "rdv.sqlite")
        return
    database: databases.EmptiedPostgres = request.getfixturevalue("pg_database")
    yield database.url
    database.empty()


@pytest.fixture
def empty_database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: postgres.Server = request.getfixturevalue("pg_server")
    name = f"rdv_empty_{os.getpid()}"
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture
def instance_dir(tmp_path: Path) -> Path:
    """The test's own instance/ folder; mails land in its outbox/."""
    folder = tmp_path / "instance"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Where templates stay compiled, for each application of the run."""
    folder = str(tmp_path_factory.mktemp("templates"))
    os.environ[forks.TEMPLATES] = folder  # for the processes that tests start
    return FileSystemBytecodeCache(folder)


@pytest.fixture(scope="session")
def lent_applications() -> dict[str, applications.LentApplication]:
    """The application of each engine, once it was asked for."""
    return {}


@pytest.fixture
def app(
    request: pytest.FixtureRequest, engine_name: str, database_url: str, instance_dir: Path,
    compiled_templates: FileSystemBytecodeCache, lent_applications: dict[str, applications.LentApplication],
) -> Iterator[Flask]:  # fmt: skip
    """The application on a clean database, its context pushed; as new, though other tests use it in their turn."""
    config = databases.settings(database_url, instance_dir)
    if request.node.get_closest_marker("own_app"):
        app = applications.build(config, compiled_templates)
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()
        return
    if engine_name not in lent_applications:
        lent_applications[engine_name] = applications.LentApplication(config, compiled_templates)
    with lent_applications[engine_name].lend(config) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> Client:
    """A browser without cookies; `app.test_client()` gives another."""
    client = app.test_client()
    assert isinstance(client, Client)
    return client


@pytest.fixture
def change_settings(app: Flask) -> Callable[..., None]:
    """`change_settings(limit_posts_per_contact=2)` for this test."""

    def change(**values: object) -> None:
        app.config["RDV"] = dataclasses.replace(app.config["RDV"], **values)

    return change


@pytest.fixture
def process_env(database_url: str, instance_dir: Path) -> dict[str, str]:
    """The environment of a process of ours on this test's database."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR", "TZ")}
    return {
        **kept,
        "APP_ENV": "test",
        "DATABASE_URL": database_url,
        "INSTANCE_DIR": str(instance_dir),
        "SECRET_KEY": "test-key-of-32-characters-or-more",
        "SQLITE_SYNCHRONOUS": "OFF",
        "PLATFORM_CAMPAIGNS": "0",
        "FORM_MIN_SECONDS": "0",
    }


@pytest.fixture
def freeze(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], FrozenClock]:
    """`freeze("2026-11-24T08:00Z")` stops `rdv.clock.now`; the result has `.to(…)` and `.tick(minutes=5)`."""

    def stop_at(instant: str) -> FrozenClock:
        frozen = FrozenClock(instant)
        monkeypatch.setattr(clock, "now", frozen)
        return frozen

    return stop_at
