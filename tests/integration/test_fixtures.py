"""The ground the other tests stand on."""

import socket

import pytest
import sqlalchemy as sa
from flask import current_app

from rdv import clock
from rdv.db import db, transaction
from rdv.models import JobRun, Platform
from tests.support.network import NetworkRefused


def test_the_application_runs_on_the_asked_engine(app, engine_name):
    assert db.engine.dialect.name == engine_name
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Platform)) > 0


@pytest.mark.parametrize("turn", [1, 2])
def test_rows_of_one_test_are_gone_in_the_next(app, turn):
    assert db.session.scalar(sa.select(sa.func.count()).select_from(JobRun)) == 0
    with transaction() as session:
        session.add(JobRun(name="left", slot=clock.now(), started_at=clock.now()))


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
    try:
        assert client.get("/essai").status_code == 200
        assert platform.name == "Après"
    finally:
        with transaction() as session:  # `platform` is kept between tests
            session.execute(sa.delete(Platform).where(Platform.code == "avant"))


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
