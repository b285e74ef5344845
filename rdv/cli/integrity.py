"""`flask check-integrity`: proof that the database holds together, while it is in use."""

from __future__ import annotations

import sys

import click
from flask import Flask

from rdv import clock, integrity


def register(app: Flask) -> None:
    """Add the command."""

    @app.cli.command("check-integrity")
    def check_integrity() -> None:
        """Vérifie les places, les rendez-vous, les demandes et les envois, sans rien écrire ni bloquer.

        Une ligne par anomalie, avec des identifiants publics seulement. Code de sortie 1 s’il y en a.
        """
        report = integrity.check(clock.now())
        for finding in report.findings:
            click.echo(str(finding))
        click.echo(f"{report.summary}.")
        sys.exit(0 if report.sound else 1)
