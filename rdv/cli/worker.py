"""The commands that run processes: the worker alone, or the whole service."""

from __future__ import annotations

from flask import Flask

from rdv.cli import serve


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(serve.serve)

    @app.cli.command("worker")
    def worker() -> None:
        """Envoie les courriels et fait le travail périodique, jusqu’à l’arrêt."""
        from rdv import worker

        worker.work(app)
