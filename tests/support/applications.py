"""One application an engine in each process of the tests, lent to one test after the other as if it were new.

To build one takes longer than most tests: two hundred addresses are compiled, and a new engine compiles every
statement again, as no process of the service does. What a test may change of it is put back before the next one:
settings, database, folder, log handlers, listeners of its engine. What nobody can put back (an address, a hook, a
filter that was added, a connection left open) fails the test that did it: `@pytest.mark.own_app` gives it its own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from types import NoneType
from typing import Any

import flask
import sqlalchemy as sa
from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from config import Config
from rdv import create_app, logs
from rdv.db import db
from tests.support import databases
from tests.support.browser import Client

# Set for each test, or by Flask itself at the first request.
_SET_ANEW = ("config", "instance_path", "test_client_class", "_got_first_request")


def build(config: Config, templates: BytecodeCache | None) -> Flask:
    """Return a new application, its templates compiled once a run."""
    app = create_app(config)
    app.jinja_env.bytecode_cache = templates
    app.test_client_class = Client
    return app


class LentApplication:
    """The application of one engine."""

    def __init__(self, config: Config, templates: BytecodeCache | None) -> None:
        self.app = build(config, templates)
        self._defaults = copy.deepcopy(dict(self.app.config))
        with self.app.app_context():
            self._engine = db.engine
        event.listen(self._engine, "do_connect", self._connect)
        self._made_of = _outline(self.app)
        self._built_with = _built_in(config)
        self._name = ""

    def suits(self, config: Config) -> bool:
        """Say whether an application built with this configuration would be the same."""
        return _built_in(config) == self._built_with

    def take(self, config: Config) -> Flask:
        """Return the application with this configuration, as new."""
        assert self.suits(config), "what differs was read when the application was built"
        app = self.app
        app.config.clear()
        app.config.update(copy.deepcopy(self._defaults))
        app.config.from_mapping(config.flask())
        app.instance_path = str(config.instance_dir.resolve())
        app.test_client_class = Client
        logs.configure(app)
        self._engine.url = sa.make_url(config.database_url)
        return app

    @contextmanager
    def lend(self, config: Config) -> Iterator[Flask]:
        """Give it to a test, its context pushed; AssertionError if it comes back changed."""
        app = self.take(config)
        self._name = databases.LENT
        with app.app_context():
            # Listeners of a test are those of an engine of its own, over the same connections and compiled statements.
            db.engines[None] = self._engine.execution_options()  # type: ignore[index]
            try:
                yield app
            finally:
                db.session.remove()
                still_open = self._rest()
        assert not still_open, f"{still_open} connections were left open"
        changed = _differences(self._made_of, _outline(app))
        if changed:
            self._made_of = _outline(app)  # the next test is not to blame
        assert not changed, f"the application, which other tests use, was changed ({changed}): mark this test own_app"

    def _connect(self, _dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> None:
        """Open the database of the present test, whatever the address was when the engine was made."""
        if self._engine.dialect.name == "sqlite":
            arguments[0] = self._engine.url.database
            return
        _, parameters_of_test = self._engine.dialect.create_connect_args(self._engine.url)
        parameters.clear()
        parameters.update(parameters_of_test, application_name=self._name)

    def _rest(self) -> int:
        """Leave at most one connection, idle and as new, for the next test; return how many are in use still."""
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        in_use = pool.checkedout()
        if in_use or pool.checkedin() != 1 or not databases.made_as_new(self._engine):
            self._engine.dispose()
        return in_use


def _built_in(config: Config) -> tuple[object, ...]:
    """Return what `create_app` reads of a configuration, and keeps."""
    secure = config.public_url.startswith("https://")
    dialect = sa.make_url(config.database_url).drivername
    return config.env, config.proxy_hops, secure, config.sqlite_synchronous, dialect


def _outline(app: Flask) -> dict[str, Any]:
    """Return what an application is made of: its attributes, and what its registries hold."""
    found = {
        f"app.{name}": value
        for name, value in vars(app).items()
        # A property is kept from its first reading on.
        if name not in _SET_ANEW and not isinstance(getattr(type(app), name, None), property)
    }
    found |= {f"jinja.{name}": getattr(app.jinja_env, name) for name in ("globals", "filters", "tests")}
    found["addresses"] = len(list(app.url_map.iter_rules()))
    return {name: _held(value) for name, value in found.items()}


def _held(value: Any) -> Any:
    """Return something that differs as soon as a registry gets, loses or changes an entry."""
    kind = type(value)  # not that of what stands behind Flask's proxies, which templates are given
    if issubclass(kind, dict) and not issubclass(kind, flask.Config):
        held = {key: _held(each) for key, each in value.items()}
        return {key: each for key, each in held.items() if each not in ({}, [])}  # a defaultdict that was only read
    if issubclass(kind, list | tuple):
        return [_held(each) for each in value]
    return value if issubclass(kind, str | int | NoneType) else id(value)


def _differences(before: dict[str, Any], after: dict[str, Any]) -> str:
    return ", ".join(name for name in sorted({**before, **after}) if before.get(name) != after.get(name))
