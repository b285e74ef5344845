"""Runs migrations on SQLite and PostgreSQL alike.

SQLite rebuilds tables in batch mode, which would cascade-delete children while foreign keys are on
(reference/dependencies.md, finding 4): they are off during the run and checked after it.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

migrate = current_app.extensions["migrate"]
target = migrate.db


def include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")


def run() -> None:
    engine = target.engine
    with engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        raw = connection.connection.dbapi_connection
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        else:
            connection = connection.execution_options(isolation_level="READ COMMITTED")  # all or nothing
        options = dict(migrate.configure_args)
        options.update(connection=connection, target_metadata=target.metadata, include_object=include_object)
        context.configure(**options)
        try:
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
            if sqlite:
                broken = raw.execute("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise RuntimeError(f"foreign keys broken by the migration: {broken[:5]}")
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


if context.is_offline_mode():
    raise RuntimeError("offline migrations are not offered: give DATABASE_URL")
run()
