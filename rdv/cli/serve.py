"""`flask serve`: prepares the database, then runs the web server and the worker together."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from config import ROOT
from rdv import demo, supervisor
from rdv.db import db
from rdv.parentage import die_with_parent


@click.command("serve")
@click.option(
    "--port", type=click.IntRange(1, 65535), envvar="PORT", default=5000, show_default=True, help="Port local."
)
@click.option("--with-parent", is_flag=True, help="S’arrête avec le programme qui l’a lancée (make run).")
@with_appcontext
def serve(port: int, with_parent: bool) -> None:
    """Lance tout le service sur cette machine : pages, envois et travail périodique."""
    if with_parent:
        die_with_parent(os.getppid(), signal.SIGTERM)
    try:
        listener = supervisor.listen(port)
    except supervisor.PortBusy:
        click.echo(
            f"Le port {port} est déjà utilisé par un autre programme. Arrêtez-le, "
            f"ou choisissez un autre port : make run PORT={port + 1 if port < 65535 else port - 1}",
            err=True,
        )
        sys.exit(1)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    accounts = prepare(app)
    click.echo(f"\nRDV Apprentissage est prêt : http://127.0.0.1:{port}")
    for line in accounts:
        click.echo(line)
    click.echo("Ctrl-C pour arrêter. Les données restent dans " + str(app.config["RDV"].instance_dir) + ".\n")
    sys.stdout.flush()
    environ = {
        **os.environ,
        "PORT": str(port),
        "PUBLIC_URL": os.environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}",
    }
    sys.exit(supervisor.Supervisor(ROOT, environ).run(listener))


def prepare(app: Flask) -> list[str]:
    """Migrate, fill the demonstration if this is one; return the lines that tell its accounts."""
    folder = Path(app.config["RDV"].instance_dir)
    folder.mkdir(parents=True, exist_ok=True)
    told: list[str] = []
    # Two first starts at the same time would create the same tables.
    with (folder / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        upgrade()
        if app.config["RDV"].demo:
            told = demo.prepare()
    db.session.remove()
    db.engine.dispose()  # no connection is shared with the children
    return told
