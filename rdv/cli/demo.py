"""`flask --app wsgi seed-demo` and `demo-facts`: the demonstration, refused elsewhere."""

from __future__ import annotations

import json
import sys

import click
from flask import Flask

from rdv import demo
from rdv.demo.facts import facts


def register(app: Flask) -> None:
    """Add the commands."""

    def only_demo() -> None:
        if not app.config["RDV"].demo:
            click.echo("Commande réservée à la démonstration : relancez avec DEMO=1 (jamais en production).", err=True)
            sys.exit(1)

    @app.cli.command("seed-demo")
    def seed_demo() -> None:
        """Remplit une base vide d’une démonstration, ou complète ses créneaux à venir."""
        only_demo()
        for line in demo.prepare():
            click.echo(line)

    @app.cli.command("demo-facts")
    def demo_facts() -> None:
        """Écrit en JSON où regarder dans la démonstration ; crée un nouveau flux « démo » à chaque appel."""
        only_demo()
        click.echo(json.dumps(facts(), ensure_ascii=False, indent=1))
