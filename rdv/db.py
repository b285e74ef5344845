"""The database: model base, column types, engine set-up per dialect, and the one transaction.

SQLite takes one writer at a time: `transaction()` begins IMMEDIATE behind a first-come lock of the process, so that
nobody starves (reference/performance.md §2.2); reads begin DEFERRED and never wait. On PostgreSQL reads commit by
themselves (READ COMMITTED sees each statement's own snapshot anyway: a BEGIN would only add round trips).
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DisconnectionError, IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from rdv import clock

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table, with constraint names that both engines and Alembic agree on."""

    metadata = sa.MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: refuses naive values, stores UTC (timestamptz, or fixed-width text on SQLite), returns aware UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime refused: an instant carries its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Turns:
    """First come, first served: threading.Lock lets a late thread overtake, which starves others under load."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._busy = False

    def acquire(self) -> None:
        with self._guard:
            if not self._busy:
                self._busy = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def release(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._busy = False


_turns = _Turns()


def is_sqlite() -> bool:
    """Say whether the application's database is SQLite."""
    return bool(db.engine.dialect.name == "sqlite")


def prepare_engine(engine: Engine, synchronous: str = "FULL") -> None:
    """Make SQLite safe for several processes (reference/dependencies.md §3.1), and PostgreSQL safe to come back."""
    if engine.dialect.name != "sqlite":
        _check_rested_connections(engine)
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours
        cursor = connection.cursor()
        # Waiting comes first: switching to WAL needs the lock when several processes start together.
        for pragma in (
            "busy_timeout=10000",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "cache_size=-8000",
            "foreign_keys=ON",
        ):
            cursor.execute("PRAGMA " + pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        if mode != "NONE":
            connection.exec_driver_sql("BEGIN " + mode)


RESTED = 10.0  # seconds a connection may lie unused before it is asked whether it still lives


def _check_rested_connections(engine: Engine) -> None:
    """Replace connections that died while they lay unused (a database that restarted).

    SQLAlchemy's own `pool_pre_ping` asks at every checkout: a sixth of the CPU of a booking.
    """

    @event.listens_for(engine, "checkin")
    def _checkin(_connection: Any, record: Any) -> None:
        record.info["rested_since"] = clock.monotonic()

    @event.listens_for(engine, "checkout")
    def _checkout(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.get("rested_since")
        if since is not None and clock.monotonic() - since > RESTED and not _lives(engine, connection):
            raise DisconnectionError  # the pool opens another and asks again


def _lives(engine: Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except engine.dialect.loaded_dbapi.Error:
        return False


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit once if the block succeeds, roll back otherwise: the only commit of the domain; it does not nest.

    The read transaction of the loaders ends first: what they loaded is read again inside, under the write lock.
    Raises RuntimeError when nested, or when rows were changed before it was opened.
    """
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("transaction() does not nest: open it in the view, the job or the command")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("rows were changed outside transaction()")
    session.rollback()
    sqlite = is_sqlite()
    if sqlite:
        _turns.acquire()
    session.info["in_transaction"] = True
    try:
        _begin_write(session)
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("in_transaction", None)
        if sqlite:
            _turns.release()


def _begin_write(session: Session) -> None:
    """Begin what reads do without: the write lock on SQLite, a transaction at all on PostgreSQL."""
    options = {"sqlite_begin": "IMMEDIATE"} if is_sqlite() else {"isolation_level": "READ COMMITTED"}
    session.connection(execution_options=options)


def execute_alone(statement: sa.Executable, parameters: dict[str, Any]) -> Sequence[Any]:
    """Run one writing statement as a transaction of its own and return its rows; one round trip on PostgreSQL.

    Raises RuntimeError inside `transaction()`, whose rollback it would escape.
    """
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("execute_alone() stands outside transaction()")
    if is_sqlite():
        with transaction():
            return session.connection().execute(statement, parameters).all()
    return session.connection().execute(statement, parameters).all()


def read_alone(statement: sa.Executable, parameters: dict[str, Any]) -> Sequence[Any]:
    """Return what one reading statement finds, without session nor transaction: for what is asked all day.

    They cost more than SQLite takes to answer a calendar's poll (bench feed-poll).
    """
    with db.engine.connect().execution_options(sqlite_begin="NONE") as connection:
        return connection.execute(statement, parameters).all()


def one_at_a_time(subject: str, *, shared: bool = False) -> None:
    """Make transactions about one subject take turns until they end, where counting is not a guard by itself.

    `shared`: those that only read what the subject is about go together, and wait for one that changes it.
    SQLite has one writer already; PostgreSQL takes an advisory lock (64 bits of the subject's hash).
    """
    if is_sqlite():
        return
    number = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big", signed=True)
    lock = sa.func.pg_advisory_xact_lock_shared if shared else sa.func.pg_advisory_xact_lock
    db.session.connection().execute(sa.select(lock(number)))


def insert_once(model: type[Base], rows: list[dict[str, Any]], *unique: str) -> int:
    """Insert rows in the current transaction, except those whose unique columns hold their values already; how many were."""
    insert = (sqlite.insert if is_sqlite() else postgresql.insert)(model)
    statement = insert.values(rows).on_conflict_do_nothing(index_elements=unique)
    counted = {"preserve_rowcount": True}  # psycopg's, which SQLAlchemy keeps of UPDATE and DELETE alone
    return int(db.session.connection().execute(statement, execution_options=counted).rowcount)


@event.listens_for(Session, "before_flush")
def _refuse_stray_writes(session: Session, _context: Any, _instances: Any) -> None:
    if not session.info.get("in_transaction"):
        raise RuntimeError("a row was written outside transaction()")


@contextmanager
def admin_write() -> Iterator[Session]:
    """Let Flask-Admin's own commit pass, on a write lock taken first: the one exception beside `transaction()`."""
    session = db.session()
    session.rollback()
    _begin_write(session)
    session.info["in_transaction"] = True
    try:
        yield session
    finally:
        session.rollback()
        session.info.pop("in_transaction", None)


def note(statement: sa.Executable, parameters: dict[str, Any] | None = None) -> bool:
    """Write telemetry in a short transaction of its own; a busy database loses the note, never the page."""
    try:
        with db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
            if connection.dialect.name == "sqlite":
                connection.connection.dbapi_connection.execute("PRAGMA busy_timeout=200")  # type: ignore[union-attr]
            try:
                with connection.begin():
                    connection.execute(statement, parameters or {})
            finally:
                if connection.dialect.name == "sqlite":
                    connection.connection.dbapi_connection.execute("PRAGMA busy_timeout=10000")  # type: ignore[union-attr]
    except OperationalError as error:
        current_app.logger.warning("telemetry lost: %s", type(error.orig).__name__)
        return False
    return True


def violated(error: IntegrityError, *constraints: str) -> bool:
    """Say whether an integrity error comes from one of these constraints or unique columns, on either engine.

    A constraint is named `uq_table_col[_col…]`; SQLite reports `table.col, table.col` instead of the name.
    """
    diagnostic = getattr(error.orig, "diag", None)
    if diagnostic is not None:
        return diagnostic.constraint_name in constraints
    message = str(error.orig)
    return any(name in message or _sqlite_columns(name) in message for name in constraints)


def _sqlite_columns(constraint: str) -> str:
    for table in db.metadata.tables.values():
        named: list[sa.UniqueConstraint | sa.PrimaryKeyConstraint | sa.Index] = [*table.indexes]
        named += [c for c in table.constraints if isinstance(c, sa.UniqueConstraint | sa.PrimaryKeyConstraint)]
        for item in named:
            if item.name == constraint:
                return ", ".join(f"{table.name}.{column.name}" for column in item.columns)
    return constraint
