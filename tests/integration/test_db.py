"""The one transaction, and what the columns refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from rdv.db import db, execute_alone, note, transaction
from rdv.models import Cfa, JobRun
from tests import make


def test_a_transaction_commits_once_or_not_at_all(app):
    with transaction() as session:
        session.add(Cfa(siret=make.siret()))

    def fail() -> None:
        with transaction() as session:
            session.add(Cfa(siret=make.siret()))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Cfa)) == 1


def test_a_transaction_does_not_nest(app):
    with transaction(), pytest.raises(RuntimeError, match="nest"), transaction():
        pass


def test_a_row_written_outside_is_refused(app):
    db.session.add(Cfa(siret=make.siret()))
    with pytest.raises(RuntimeError, match="outside"):
        db.session.flush()
    db.session.rollback()


def test_a_change_made_before_is_refused_rather_than_lost(app):
    cfa = make.cfa()
    cfa.name = "Autre"
    with pytest.raises(RuntimeError, match="outside"), transaction():
        pass
    db.session.rollback()


def test_instants_are_aware_and_utc(app):
    plus_four = timezone(timedelta(hours=4))
    cfa = make.cfa(activated_at=datetime(2026, 11, 24, 12, tzinfo=plus_four))
    assert cfa.activated_at == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert cfa.activated_at.utcoffset() == timedelta(0)
    with pytest.raises(sa.exc.StatementError, match="naive"), transaction() as session:
        session.add(Cfa(siret=make.siret(), activated_at=datetime(2026, 11, 24, 12)))  # noqa: DTZ001


def test_telemetry_is_written_apart(app):
    with transaction():
        pass
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert note(sa.insert(JobRun).values(name="essai", slot=now, started_at=now))
    assert db.session.scalar(sa.select(JobRun.name)) == "essai"


@pytest.mark.sqlite_only
def test_a_locked_database_loses_the_note_not_the_page(app):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    with transaction() as session:
        session.add(Cfa(siret=make.siret()))
        session.flush()
        assert not note(sa.insert(JobRun).values(name="essai", slot=now, started_at=now))


def test_one_statement_alone_is_kept_and_stands_outside(app):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    statement = sa.insert(JobRun).values(slot=now, started_at=now).returning(JobRun.name)
    assert execute_alone(statement.values(name="seul"), {}) == [("seul",)]
    db.session.rollback()
    assert db.session.scalar(sa.select(JobRun.name)) == "seul"
    with transaction(), pytest.raises(RuntimeError, match="outside"):
        execute_alone(statement.values(name="dedans"), {})


def test_reads_hold_no_transaction_open_on_the_server(app, engine_name):
    db.session.scalar(sa.select(JobRun.name))
    if engine_name == "postgresql":
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert db.session.scalar(sa.text(query)) == 0


def test_a_failed_transaction_leaves_nothing_on_either_engine(app):
    cfa = make.cfa()

    def rename_then_fail() -> None:
        with transaction() as session:
            session.execute(sa.update(Cfa).values(name="Autre"))
            session.add(Cfa(siret=cfa.siret))

    with pytest.raises(sa.exc.IntegrityError):
        rename_then_fail()
    assert cfa.name != "Autre"
