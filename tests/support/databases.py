"""One clean database a test: a copy of a migrated SQLite file, or emptied PostgreSQL tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import sqlalchemy as sa
from flask_migrate import upgrade
from psycopg import sql

from config import Config
from rdv import create_app
from rdv.db import Base, db

# Filled by migrations: reference data, the same for every test.
KEPT_TABLES = ("platform", "alembic_version")


def settings(database_url: str, instance_dir: Path, **changes: object) -> Config:
    """Return the configuration of the tests: short waits, wide limits, nothing outside `instance_dir`."""
    values: dict[str, object] = {
        "env": "test",
        "testing": True,
        "secret_key": "test-key-of-32-characters-or-more",
        "database_url": database_url,
        "instance_dir": instance_dir,
        "public_url": "http://localhost",
        "sqlite_synchronous": "OFF",
        "platform_campaigns": False,  # mails that nobody awaits: the tests of rdv.consents turn them on
        "form_min_seconds": 0,
        "limit_posts_per_address": 100_000,
        "limit_posts_per_contact": 100_000,
        "limit_posts_per_cfa": 100_000,
        "limit_failed_secrets": 100_000,
        "limit_api_per_minute": 100_000,
        "limit_api_per_hour": 100_000,
        "limit_sign_in_per_account": 100_000,
        "limit_sign_in_per_address": 100_000,
        **changes,
    }
    return Config(**values)  # type: ignore[arg-type]


def migrate(database_url: str, instance_dir: Path) -> None:
    """Bring an empty database to the newest schema, by the migrations that production runs."""
    instance_dir.mkdir(parents=True, exist_ok=True)
    app = create_app(settings(database_url, instance_dir))
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()


def copy_sqlite(template: Path, target: Path) -> str:
    """Return the address of a fresh copy of a migrated file."""
    shutil.copyfile(template, target)
    return f"sqlite:///{target}"


# How the connection that the lent application keeps is known among those of a test (tests/support/applications.py).
LENT = "rdv-tests-lent"


def made_as_new(engine: sa.Engine) -> bool:
    """Forget what a test may have told the idle connection of an engine; False when it must be closed instead."""
    if engine.dialect.name == "sqlite":
        return False  # its file is this test's alone
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("RESET ALL; SELECT pg_advisory_unlock_all()")
    except sa.exc.OperationalError:  # the test had the server close it
        return False
    return True


class EmptiedPostgres:
    """A migrated PostgreSQL database that is emptied after each test, by a connection of its own.

    Sequences go on: an id of one table mistaken for another's then fails here, where SQLite starts all at 1.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(plain, autocommit=True)
        for statement in _emptying():
            self._connection.execute(statement)
        self._connection.execute("SET lock_timeout = '10s'")

    def empty(self) -> None:
        """End every other session, delete every row of the test, and put reference rows back as migrations left them."""
        # A process that the test left behind must not make the next one wait.
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND application_name <> %s",
            [LENT],
        )
        self._connection.execute("SELECT kept.empty_tables()")

    def close(self) -> None:
        """End the session that empties."""
        self._connection.close()


def _emptying() -> Iterator[sql.Composable]:
    """Yield what makes `kept.empty_tables()`: one call, whose plans stay; DELETE of small tables is quick, TRUNCATE is not."""
    yield sql.SQL("CREATE SCHEMA kept")
    steps = []
    for table in reversed(Base.metadata.sorted_tables):
        name = sql.Identifier(table.name)
        if table.name not in KEPT_TABLES:
            steps.append(sql.SQL("DELETE FROM public.{};").format(name))
    for table_name in KEPT_TABLES:
        name = sql.Identifier(table_name)
        yield sql.SQL("CREATE TABLE kept.{} AS TABLE public.{}").format(name, name)
        steps.append(
            sql.SQL(
                "IF EXISTS ((SELECT a::text FROM public.{0} a EXCEPT SELECT b::text FROM kept.{0} b)"
                " UNION ALL (SELECT b::text FROM kept.{0} b EXCEPT SELECT a::text FROM public.{0} a))"
                " THEN DELETE FROM public.{0}; INSERT INTO public.{0} TABLE kept.{0}; END IF;"
            ).format(name)
        )
    body = sql.SQL("BEGIN {} END").format(sql.SQL(" ").join(steps))
    yield sql.SQL("CREATE FUNCTION kept.empty_tables() RETURNS void LANGUAGE plpgsql AS {}").format(
        sql.Literal(body.as_string(None))
    )
