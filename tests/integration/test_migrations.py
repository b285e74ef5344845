"""The migrations make exactly the models' schema, on both engines, undo themselves, and lose no row."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask_migrate import check, downgrade, upgrade

from rdv import create_app
from rdv.db import db
from tests.support import databases

SCRIPTS = ScriptDirectory(str(Path(__file__).resolve().parents[2] / "migrations"))
EARLIER = [script.revision for script in SCRIPTS.walk_revisions()][:0:-1]  # from the first to the last but one

# Columns whose CHECK does not accept the filler's value.
CHOSEN = {
    "opening_hours": {"closes_minute": 600},
    "membership": {"role": "adviser", "notices": "digest"},
    "meeting_type": {"default_place": "phone", "duration_minutes": 30},
    "slot": {
        "place": "phone", "status": "open", "training_scope": "site", "ends_at": datetime(2026, 12, 1, 14, tzinfo=UTC),
    },
    "candidate_request": {
        "mode": "callback", "asker": "candidate", "status": "closed", "outcome": "answered",
        "email_state": None,
    },
    "request_event": {"kind": "created", "actor": "candidate"},
    "booking": {"status": "booked"},
    "outgoing_mail": {"status": "pending", "delivery": None},
    "closure": {"starts": None, "ends": None, "site_id": None, "user_id": None},
    "seat_hold": {"kind": "proposal", "status": "live"},
    "slot_series": {
        "place": "phone", "training_scope": "site", "duration_minutes": 30, "every_weeks": 1, "pause_minutes": 0,
    },
    "waitlist_entry": {"kind": "full", "status": "waiting", "booking_id": None},
    "outgoing_sms": {"status": "pending"},
    "booking_rule": {"site_id": None, "meeting_type_id": None, "notice_minutes": 1},
    "first_answer": {"mode": "callback"},
    "dead_address": {"reason": "hard_bounce"},
    "mail_event": {"kind": "delivered"},
    "platform": {"life_cycle": "always"},
    "platform_consent": {"state": "active"},
    "webhook_delivery": {"kind": "created", "state": "pending"},
    "calendar_feed": {"scope": "adviser", "detail": "minimal", "site_id": None},
    "rendered_event": {"slot_id": None},
    "catalogue_run": {"state": "done", "step": "close"},
    "catalogue_change": {"kind": "closed"},
}  # fmt: skip


@pytest.fixture
def empty_app(empty_database_url, instance_dir):
    """The application on a database without any table."""
    app = create_app(databases.settings(empty_database_url, instance_dir))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def tables():
    """Return the tables of the database as they are now."""
    found = sa.MetaData()
    found.reflect(db.engine)
    return {table.name: table for table in found.sorted_tables if table.name != "alembic_version"}


def counts():
    """Return how many rows each table holds."""
    with db.engine.connect() as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table)) for name, table in tables().items()
        }


def test_there_is_one_head():
    assert len(SCRIPTS.get_heads()) == 1


def test_the_migrations_make_the_schema_of_the_models(empty_app):
    upgrade()
    check()  # exits when autogeneration would write anything
    assert set(tables()) == set(db.metadata.tables)


def test_checks_and_partial_indexes_are_those_of_the_models(empty_app):
    """Autogeneration does not compare them."""
    upgrade()
    inspector = sa.inspect(db.engine)
    for table in db.metadata.tables.values():
        wanted = {item.name for item in table.constraints if isinstance(item, sa.CheckConstraint)}
        assert {item["name"] for item in inspector.get_check_constraints(table.name)} >= wanted, table.name
        for index in table.indexes:
            found = {item["name"]: item for item in inspector.get_indexes(table.name)}[index.name]
            where = index.dialect_options[db.engine.dialect.name]["where"]
            kept = str(found.get("dialect_options", {}).get(f"{db.engine.dialect.name}_where", ""))
            assert (where is not None) == bool(kept), f"{index.name}: {where} / {kept}"


def test_the_migrations_undo_themselves(empty_app):
    upgrade()
    downgrade(revision="base")
    assert tables() == {}
    upgrade()
    assert set(tables()) == set(db.metadata.tables)


@pytest.mark.parametrize("revision", EARLIER)
def test_an_upgrade_loses_no_row(empty_app, revision):
    upgrade(revision=revision)
    before_fill = counts()
    fill()
    before = counts()
    assert all(before[name] == before_fill[name] + 1 for name in before)
    upgrade()
    after = counts()
    lost = {name: (number, after.get(name, 0)) for name, number in before.items() if after.get(name, 0) < number}
    assert not lost


@pytest.mark.parametrize("state", ["new", "waiting_candidate"])
def test_who_waited_before_there_were_follow_ups_is_looked_at(empty_app, state):
    upgrade(revision="0003")
    fill()
    request = tables()["candidate_request"]
    with db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        connection.execute(request.update().values(status=state, outcome=None, due_at=None))
        connection.commit()
    upgrade()
    with db.engine.connect() as connection:
        looked_at = connection.execute(sa.select(tables()["candidate_request"].c.follow_up_at)).scalars().all()
    assert looked_at
    assert None not in looked_at


def fill():
    """Write one row in each table, each pointing at the first row of those it refers to."""
    with db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        for name, table in tables().items():
            values = {}
            for column in table.columns:
                if column.primary_key and not column.foreign_keys and isinstance(column.type, sa.Integer):
                    continue
                if column.foreign_keys:
                    values[column.name] = connection.scalar(
                        sa.select(sa.func.min(next(iter(column.foreign_keys)).column))
                    )
                else:
                    values[column.name] = filler(column)
            chosen = {key: value for key, value in CHOSEN.get(name, {}).items() if key in table.columns}
            connection.execute(table.insert().values({**values, **chosen}))
        connection.commit()


def filler(column):
    """Return any value of the column's type."""
    if isinstance(column.type, sa.JSON):
        return []
    if isinstance(column.type, sa.LargeBinary):
        return b"x"
    if isinstance(column.type, sa.Boolean):
        return True
    if isinstance(column.type, sa.Date):
        return date(2026, 12, 1)
    if isinstance(column.type, sa.Time):
        return time(9)
    if isinstance(column.type, sa.DateTime):
        instant = datetime(2026, 12, 1, 13, tzinfo=UTC)
        return instant if db.engine.dialect.name == "postgresql" else instant.replace(tzinfo=None)
    return "x" if isinstance(column.type, sa.String) else 1
