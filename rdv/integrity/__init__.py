"""Proof, on a live database, that what is stored holds together: seats, meetings, offers, requests, rules, mails.

It writes nothing, reads the tables by ranges of ids (memory does not grow with them), and each range in a snapshot of
its own: nobody who books is ever kept waiting, and what is compared was written together. Findings name public
identifiers, never a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from rdv import french
from rdv.db import db, is_sqlite
from rdv.integrity.outbox import CHECKS as OUTBOX
from rdv.integrity.range import Check, Range
from rdv.integrity.requests import CHECKS as REQUESTS
from rdv.integrity.seats import CHECKS as SEATS

CHECKS: Sequence[Check] = (*SEATS, *REQUESTS, *OUTBOX)
ROWS_AT_ONCE = 1000
TOLD = 50  # findings of one check that are told; the others are counted


@dataclass(frozen=True)
class Finding:
    """Something that does not hold: which check, which row, what was read."""

    check: str
    told: str

    def __str__(self) -> str:
        return f"{self.check}\u00a0: {self.told}"


@dataclass
class Report:
    """What a check of the whole database found."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)  # findings by check
    findings: list[Finding] = field(default_factory=list)  # the first ones of each

    def note(self, check: str, told: Iterable[str]) -> None:
        """Count what a check tells, and keep the first of it."""
        for each in told:
            self.counts[check] += 1
            if self.counts[check] <= TOLD:
                self.findings.append(Finding(check, each))

    @property
    def sound(self) -> bool:
        return not self.counts

    @property
    def summary(self) -> str:
        """« 12 345 lignes lues, 16 contrôles, aucune anomalie »; with counts by check otherwise."""
        read = f"{french.plural(self.rows, 'ligne lue', 'lignes lues')}, {french.plural(len(CHECKS), 'contrôle')}"
        if self.sound:
            return f"{read}, aucune anomalie"
        by_check = ", ".join(f"{name}\u00a0: {count}" for name, count in sorted(self.counts.items()))
        return f"{read}, {french.plural(self.counts.total(), 'anomalie')} ({by_check})"


def check(now: datetime) -> Report:
    """Read the whole database and return what does not hold. Raises RuntimeError inside `transaction()`."""
    report = Report()
    by_table: dict[type, list[Check]] = {}
    for one in CHECKS:
        by_table.setdefault(one.table, []).append(one)
    for table, checks in by_table.items():
        read, last = ROWS_AT_ONCE, 0
        while read == ROWS_AT_ONCE:
            with _snapshot():
                span = _range(table, last, now)
                for one in checks if span.rows else ():
                    report.note(one.name, one.look(span))
            report.rows += span.rows
            read, last = span.rows, span.last
    return report


def _range(table: type, after: int, now: datetime) -> Range:
    """Return the next ids of a table, at most ROWS_AT_ONCE."""
    key: sa.ColumnElement[int] = sa.inspect(table).primary_key[0]
    ids = sa.select(key).where(key > after).order_by(key).limit(ROWS_AT_ONCE).subquery()
    last, count = db.session.connection().execute(sa.select(sa.func.max(ids.c[0]), sa.func.count(ids.c[0]))).one()
    return Range(after + 1, last or after, count, now)


@contextmanager
def _snapshot() -> Iterator[None]:
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("the check stands outside transaction(): it reads in transactions of its own")
    session.rollback()
    if not is_sqlite():  # where a read sees its own snapshot anyway, a transaction of several does not
        session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    try:
        yield
    finally:
        session.rollback()
