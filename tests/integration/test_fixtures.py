"""The ground the other tests stand on."""

import copy
import dataclasses
import socket

import pytest
import sqlalchemy as sa
from flask import current_app, g
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from rdv import clock
from rdv.db import db, transaction
from rdv.models import JobRun, Platform
from tests.support import databases
from tests.support.applications import LentApplication
from tests.support.browser import Client
from tests.support.network import NetworkRefused


def test_the_application_runs_on_the_asked_engine(app, engine_name):
    assert db.engine.dialect.name == engine_name
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Platform)) > 0


@pytest.mark.parametrize("turn", [1, 2])
def test_rows_of_one_test_are_gone_in_the_next_and_those_of_migrations_are_back(app, turn):
    assert db.session.scalar(sa.select(sa.func.count()).select_from(JobRun)) == 0
    codes = dict(db.session.execute(sa.select(Platform.code, Platform.name)).all())
    assert codes["lba"] == "La bonne alternance"
    assert "left" not in codes
    with transaction() as session:
        session.add(JobRun(name="left", slot=clock.now(), started_at=clock.now()))
        session.add(Platform(code="left", name="Laissée"))
        session.execute(sa.update(Platform).where(Platform.code == "lba").values(name="Autre"))


@pytest.fixture
def lent(engine_name, database_url, instance_dir, compiled_templates):
    """The application that tests lend to each other, and the configuration it is lent with."""
    config = databases.settings(database_url, instance_dir)
    application = LentApplication(config, compiled_templates)
    yield lambda: application.lend(config)
    with application.app.app_context():
        db.engine.dispose()


def test_what_a_test_changes_of_the_application_is_put_back(lent, engine_name, monkeypatch, capsys):
    with lent() as app:
        as_new = copy.deepcopy(dict(app.config))
        app.config["RDV"] = dataclasses.replace(app.config["RDV"], limit_posts_per_contact=2)
        app.config["SQLALCHEMY_ENGINE_OPTIONS"]["echo"] = True
        app.config["LEFT"] = "here"
        app.testing = False
        app.instance_path = "/elsewhere"
        app.test_client_class = FlaskClient
        app.logger.handlers.clear()
        g.left = "here"
        seen = []
        sa.event.listen(db.engine, "before_cursor_execute", lambda *_all: seen.append("a statement"))
        db.session.execute(sa.text("SELECT 1"))
        assert seen
        first = app.test_client()
        first.set_cookie("left", "here")
        if engine_name == "postgresql":
            with db.engine.connect() as connection:
                connection.exec_driver_sql("SET statement_timeout = 1234")
                connection.exec_driver_sql("SELECT pg_advisory_lock(1234)")
        db.session.add(JobRun(name="left", slot=clock.now(), started_at=clock.now()))  # never written
    seen.clear()
    with lent() as app:
        assert {**app.config, "RDV": None} == {**as_new, "RDV": None}
        assert app.config["RDV"] == as_new["RDV"]
        assert app.testing
        assert app.instance_path == str(app.config["RDV"].instance_dir)
        assert app.test_client_class is Client
        assert "left" not in g
        assert list(db.session.new) == []
        assert app.test_client().get_cookie("left") is None
        app.logger.warning("told again")
        assert "told again" in capsys.readouterr().err
        assert db.session.scalar(sa.select(sa.func.count()).select_from(JobRun)) == 0
        assert seen == []
        if engine_name == "postgresql":
            assert db.session.scalar(sa.text("SHOW statement_timeout")) == "0"
            held = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                           "(SELECT oid FROM pg_database WHERE datname = current_database())")  # fmt: skip
            assert db.session.scalar(held) == 0


CHANGES = {
    "addresses": lambda app: app.url_map.add(Rule("/essai", endpoint="essai")),
    "app.view_functions": lambda app: app.view_functions.update({"public.home": lambda: "autre"}),
    "app.before_request_funcs": lambda app: app.before_request_funcs.setdefault(None, []).append(lambda: None),
    "app.extensions": lambda app: app.extensions.pop("mail"),
    "app.wsgi_app": lambda app: setattr(app, "wsgi_app", lambda *_all: []),
    "jinja.filters": lambda app: app.jinja_env.filters.update(moment=str),
    "jinja.globals": lambda app: app.jinja_env.globals.update(left="here"),
}


@pytest.mark.sqlite_only  # the application's own registries
def test_what_nobody_can_put_back_fails_the_test_that_did_it(lent):
    with lent() as app:
        app.test_client().get("/nulle-part")  # what Flask fills by itself is no change
    left = []
    with pytest.raises(AssertionError, match="1 connections were left open"), lent():
        left.append(db.engine.connect())
    left[0].close()
    for what, change in CHANGES.items():
        with pytest.raises(AssertionError, match=f"{what}.*own_app"), lent() as app:
            change(app)
        with lent():  # the next test is not to blame
            pass


@pytest.mark.own_app
def test_a_request_has_its_own_context_and_the_test_reads_rows_again(app, client):
    with transaction() as session:
        platform = Platform(code="avant", name="Avant")
        session.add(platform)
    seen = []

    @app.get("/essai")
    def rename():
        seen.append(current_app.app_context)
        with transaction() as session:
            session.execute(sa.update(Platform).where(Platform.code == "avant").values(name="Après"))
        return "ok"

    assert platform.name == "Avant"
    assert client.get("/essai").status_code == 200
    assert platform.name == "Après"


def test_no_test_leaves_the_machine():
    with pytest.raises(NetworkRefused):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo("service.example", 443)
    listening = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(listening.getsockname(), timeout=1).close()
    listening.close()


def test_time_stops_and_passes(freeze):
    frozen = freeze("2026-11-24T08:00Z")
    assert clock.now().isoformat() == "2026-11-24T08:00:00+00:00"
    frozen.tick(minutes=5)
    assert clock.today("Europe/Paris").isoformat() == "2026-11-24"
    assert clock.now().minute == 5
    frozen.to("2026-12-01T00:30+04:00")
    assert clock.now().isoformat() == "2026-11-30T20:30:00+00:00"
    assert clock.today("Indian/Reunion").isoformat() == "2026-12-01"
