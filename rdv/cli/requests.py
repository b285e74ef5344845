"""`flask rebuild-requests`: requests stand as their thread tells."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
import sqlalchemy as sa
from flask import Flask

from rdv import french
from rdv.db import db, transaction
from rdv.inbox import repair
from rdv.models import CandidateRequest


def register(app: Flask) -> None:
    """Add the command."""

    @app.cli.command("rebuild-requests")
    @click.option("--ecrire", is_flag=True, help="Corrige ; sans cette option, rien n’est écrit.")
    def rebuild_requests(ecrire: bool) -> None:
        """Compare chaque demande à son fil d’événements, et dit ce qui diffère ; --ecrire la corrige.

        Une ligne par demande, avec des identifiants publics seulement. Code de sortie 1 s’il reste des différences.
        """
        read, found = 0, 0
        for first, last, count in _ranges():
            read += count
            for difference in repair.differences(first, last):
                db.session.rollback()
                done = _put_right(difference.request_id) if ecrire else difference
                if done is not None:
                    found += 1
                    click.echo(f"{'corrigée' if ecrire else 'à corriger'}\u00a0: {done}")
            db.session.rollback()
        one, many = ("corrigée", "corrigées") if ecrire else ("à corriger", "à corriger")
        read_words = french.plural(read, "demande lue", "demandes lues")
        click.echo(f"{read_words}, {french.plural(found, one, many)}." if found else f"{read_words}, rien à corriger.")
        if found and not ecrire:
            click.echo("Rien n’a été écrit. Relancez avec --ecrire pour corriger.")
        sys.exit(1 if found and not ecrire else 0)


def _put_right(request_id: int) -> repair.Difference | None:
    with transaction():
        return repair.put_right(request_id)


def _ranges() -> Iterator[tuple[int, int, int]]:
    """Yield the first id, the last one and the number of requests of each range."""
    last = 0
    while True:
        ids = (
            sa.select(CandidateRequest.id)
            .where(CandidateRequest.id > last)
            .order_by(CandidateRequest.id)
            .limit(repair.ROWS_AT_ONCE)
            .subquery()
        )
        found = db.session.execute(sa.select(sa.func.min(ids.c.id), sa.func.max(ids.c.id), sa.func.count())).one()
        if not found[2]:
            return
        yield found[0], found[1], found[2]
        last = found[1]
