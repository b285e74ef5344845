"""The runs of a catalogue: one at a time by the database's own word, with their progress and their differences.

A run writes its place in the transaction of each batch: what it tells is what was committed. A run whose process died
is taken over; were it alive after all, its next batch finds that the run is another's, and is rolled back.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from rdv import audit, clock, french, stopping
from rdv.catalogue.differences import Difference
from rdv.db import db, violated
from rdv.errors import CatalogueError, NotFound
from rdv.identifiers import new_public_id
from rdv.models import CatalogueChange, CatalogueRun, User

SILENT = timedelta(minutes=5)  # without a sign of life a run is taken over
CHANGES_KEPT = 1000  # of each kind; the run tells how many there were
KEPT = timedelta(days=90)
GOES_ON = timedelta(days=1)  # later, an interrupted run is not taken up: its source is of another day
MOST_TRIES = 6  # of an interrupted run, by itself; the next night begins anew
_BEAT = 2.0  # seconds between two signs of life when nothing is written

UnitOfWork = Callable[[], AbstractContextManager[Session]]


class Busy(CatalogueError):
    """Another run is under way."""


class Overtaken(CatalogueError):
    """This run seemed dead and another process took it."""

    message = "un autre import a pris la suite de celui-ci, resté trop longtemps sans signe de vie."


class NotAllowedAnyMore(CatalogueError):
    """Nothing of this run waits for a word."""

    message = (
        "Ce passage n’attend plus d’accord\u00a0: un autre l’a suivi, ou quelqu’un a déjà répondu. Rechargez la page."
    )
    status = 409


class Interrupted(CatalogueError):
    """The process was asked to stop."""

    message = "arrêt demandé. Ce qui précède est enregistré, le prochain import reprendra là."


class Journal:
    """Where a run tells what it does; every write of it is guarded by its owner's name."""

    def __init__(self, unit_of_work: UnitOfWork, run_id: int, owner: str, counts: dict[str, int] | None = None) -> None:
        self.run_id = run_id
        self.taken_up = counts is not None
        self._unit_of_work = unit_of_work
        self._owner = owner
        self._counts: Counter[str] = Counter(counts or {})
        self._pending = self._counts
        self._refused: list[Difference] = []
        self._refused_beyond = 0
        self._place: dict[str, Any] = {}
        self._beat = clock.monotonic()

    @property
    def public_id(self) -> str:
        """The name of the run, by which its closings are allowed."""
        found = db.session.scalar(sa.select(CatalogueRun.public_id).where(CatalogueRun.id == self.run_id))
        return str(found)

    def refuse(self, where: str, reason: str) -> None:
        """Keep a refused row for the next write."""
        if len(self._refused) < CHANGES_KEPT:
            self._refused.append(Difference("refused", where, None, {"reason": [None, reason]}))
        else:
            self._refused_beyond += 1

    def write(self, session: Session, differences: Iterable[Difference], **columns: Any) -> None:
        """Tell differences and progress in the caller's transaction; `keep` follows once it is committed.

        Raises Overtaken when the run is another's by now.
        """
        counts = self._counts.copy()
        rows = []
        for each in (*self._refused, *differences):
            counts[each.kind] += 1
            if counts[each.kind] <= CHANGES_KEPT:
                rows.append(
                    {
                        "run_id": self.run_id, "kind": each.kind, "label": each.label[:300], "key": each.key,
                        "fields": each.fields,
                    }
                )  # fmt: skip
        if self._refused_beyond:
            counts["refused"] += self._refused_beyond
        self._guarded(session, {**columns, "counts": dict(counts)})
        if rows:
            session.execute(sa.insert(CatalogueChange), rows)
        self._pending = counts

    def keep(self) -> None:
        """Remember what the last `write` told, now that it is committed."""
        self._counts, self._refused, self._refused_beyond = self._pending, [], 0
        self._beat = clock.monotonic()

    def tell(self, differences: Iterable[Difference] = (), **columns: Any) -> None:
        """Write in a transaction of its own."""
        with self._unit_of_work() as session:
            self.write(session, differences, **columns)
        self.keep()

    def live(self, **columns: Any) -> None:
        """Give a sign of life from time to time; raises Interrupted when the process was asked to stop."""
        self._place = columns
        if stopping.asked.is_set():
            raise Interrupted
        if clock.monotonic() - self._beat >= _BEAT:
            self.tell(**columns)

    def end(self, state: str, reason: str | None = None, **columns: Any) -> None:
        """Close the run, where it last told that it was."""
        ending = {"state": state, "reason": reason[:500] if reason else None, "ended_at": clock.now()}
        self.tell(**{**self._place, **ending, **columns})

    def read_from(self, digest: str) -> None:
        """Say which content is read: a run that was taken up goes on with the same one, another content is a new run."""
        with self._unit_of_work() as session:
            run = session.execute(
                sa.select(CatalogueRun.digest, CatalogueRun.source, CatalogueRun.whole).where(
                    CatalogueRun.id == self.run_id
                )
            ).one()
            if run.digest in (None, digest):
                self._guarded(session, {"digest": digest})
                return
            now = clock.now()
            self._guarded(session, {"state": "failed", "ended_at": now, "reason": CHANGED, "allowed_at": None})
            self.run_id = _insert(session, self._owner, run.source, run.whole, now, digest)
        self._counts = Counter()

    def allows(self, missing_digest: str) -> bool:
        """Say whether a person allowed the closing of exactly these trainings."""
        with self._unit_of_work() as session:
            run = session.execute(
                sa.select(CatalogueRun.allowed_at, CatalogueRun.missing_digest).where(CatalogueRun.id == self.run_id)
            ).one()
        return run.allowed_at is not None and run.missing_digest == missing_digest

    def _guarded(self, session: Session, columns: dict[str, Any]) -> None:
        guarded = (
            sa.update(CatalogueRun)
            .where(
                CatalogueRun.id == self.run_id, CatalogueRun.owner == self._owner,
                CatalogueRun.state == sa.literal_column("'running'"),
            )
            .values(beat_at=clock.now(), **columns)
            .returning(CatalogueRun.id)
        )  # fmt: skip
        if session.connection().execute(guarded).scalar() is None:
            raise Overtaken


FOLLOWED = "resté sans accord\u00a0: un passage plus récent a lu la même source."
CHANGED = "la source a changé depuis\u00a0: un nouveau passage l’a lue."


def begin(unit_of_work: UnitOfWork, source: str, whole: bool) -> Journal:
    """Begin a run, or go on with the one that this source left unfinished; raises Busy when one is under way.

    Unfinished: interrupted, or stopped before closings that a person allowed since.
    """
    now = clock.now()
    owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(8)}"
    try:
        with unit_of_work() as session:
            _release(session, now)
            found = _unfinished(session, source[:500], whole, now)
            if found is None:
                return Journal(unit_of_work, _insert(session, owner, source[:500], whole, now), owner)
            values = {"state": "running", "owner": owner, "beat_at": now, "ended_at": None, "reason": None}
            taken = (
                sa.update(CatalogueRun)
                .where(CatalogueRun.id == found.id, CatalogueRun.state == found.state)
                .values(**values, tries=CatalogueRun.tries + 1)
                .returning(CatalogueRun.id)
            )
            if session.connection().execute(taken).scalar() is None:
                raise Busy(_busy(None))
            return Journal(unit_of_work, found.id, owner, _taken_up(session, found))
    except IntegrityError as error:
        if not violated(error, "uq_catalogue_run_state"):
            raise
    with unit_of_work() as session:
        running = session.execute(_RUNNING).first()
    raise Busy(_busy(running.started_at if running else None))


_RUNNING = sa.select(
    CatalogueRun.id, CatalogueRun.owner, CatalogueRun.beat_at, CatalogueRun.started_at
).where(CatalogueRun.state == sa.literal_column("'running'"))  # fmt: skip


def _busy(since: datetime | None) -> str:
    told = f" depuis {french.moment(since)}" if since else ""
    return f"un autre import du catalogue est en cours{told}. Attendez sa fin, puis recommencez."


def _insert(session: Session, owner: str, source: str, whole: bool, now: datetime, digest: str | None = None) -> int:
    values = {
        "public_id": new_public_id(), "source": source, "whole": whole, "state": "running", "step": "fetch", "owner": owner,
        "started_at": now, "beat_at": now, "position": 0, "tries": 1, "counts": {}, "created_at": now, "digest": digest,
    }  # fmt: skip
    # What waited for a word showed another state of the source.
    session.connection().execute(
        sa.update(CatalogueRun)
        .where(
            CatalogueRun.source == source, CatalogueRun.whole == whole, CatalogueRun.state == sa.literal_column("'waiting'")
        )
        .values(state="failed", reason=FOLLOWED)
    )  # fmt: skip
    made = session.connection().execute(sa.insert(CatalogueRun).values(**values).returning(CatalogueRun.id))
    return int(made.scalar_one())


def _release(session: Session, now: datetime) -> None:
    """Call a run interrupted when its process is no more, or gave no sign of life for long."""
    for run in session.execute(_RUNNING).all():
        if run.beat_at >= now - SILENT and not _is_dead(run.owner):
            continue
        session.connection().execute(
            sa.update(CatalogueRun)
            .where(
                CatalogueRun.id == run.id, CatalogueRun.owner == run.owner,
                CatalogueRun.state == sa.literal_column("'running'"),
            )
            .values(state="interrupted", ended_at=now, reason="le programme s’est arrêté sans le dire.")
        )  # fmt: skip


def _is_dead(owner: str) -> bool:
    """Say whether a process of this host has ended; of another host nothing is known."""
    host, _, process = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname()[:60]:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False


def _unfinished(session: Session, source: str, whole: bool, now: datetime) -> Any:
    """Return the last run of this source when it was interrupted, or waited and was allowed."""
    last = session.execute(
        sa.select(
            CatalogueRun.id, CatalogueRun.counts, CatalogueRun.state, CatalogueRun.allowed_at, CatalogueRun.beat_at
        )
        .where(CatalogueRun.source == source, CatalogueRun.whole == whole)
        .order_by(CatalogueRun.id.desc())
        .limit(1)
    ).first()
    if last and last.state == "interrupted" and last.beat_at > now - GOES_ON:
        return last
    return last if last and last.state == "waiting" and last.allowed_at else None


# Found again by each reading of the whole source.
_FOUND_AGAIN = ("refused", "to_close")


def _taken_up(session: Session, run: Any) -> dict[str, int]:
    """Forget what this run will find again, and return the counts that stay."""
    session.execute(
        sa.delete(CatalogueChange).where(CatalogueChange.run_id == run.id, CatalogueChange.kind.in_(_FOUND_AGAIN))
    )
    return {kind: count for kind, count in run.counts.items() if kind not in _FOUND_AGAIN}


def get(public_id: str) -> CatalogueRun:
    """Return a run by its public identifier, or raise NotFound."""
    found = db.session.scalar(sa.select(CatalogueRun).where(CatalogueRun.public_id == public_id))
    if found is None:
        raise NotFound
    return found


def allow(run: CatalogueRun, now: datetime, by: User | None) -> None:
    """Allow the closings that a run waits with: those that it showed, and no other; raises NotAllowedAnyMore.

    In the caller's transaction. The next run of the source does it, where its content is still the same.
    """
    allowed = (
        sa.update(CatalogueRun)
        .where(
            CatalogueRun.id == run.id, CatalogueRun.state == sa.literal_column("'waiting'"),
            CatalogueRun.allowed_at.is_(None),
        )
        .values(allowed_at=now, allowed_by_id=by.id if by else None)
        .returning(CatalogueRun.id)
    )  # fmt: skip
    if db.session.connection().execute(allowed).scalar() is None:
        raise NotAllowedAnyMore
    audit.record(
        "catalogue_run.allowed", user=by, object_type="catalogue_run", object_id=run.public_id,
        data={"count": run.counts.get("to_close", 0)},
    )  # fmt: skip


def to_finish(source: str, now: datetime) -> list[str]:
    """Return the sources of the whole catalogues to read again now: those allowed, and this one where it was interrupted."""
    later = aliased(CatalogueRun)
    superseded = sa.exists().where(
        later.source == CatalogueRun.source, later.whole == CatalogueRun.whole, later.id > CatalogueRun.id
    )
    query = sa.select(
        CatalogueRun.source, CatalogueRun.state, CatalogueRun.tries, CatalogueRun.ended_at
    ).where(
        CatalogueRun.whole, ~superseded,
        sa.or_(
            sa.and_(CatalogueRun.state == sa.literal_column("'waiting'"), CatalogueRun.allowed_at.is_not(None)),
            sa.and_(CatalogueRun.state == sa.literal_column("'interrupted'"), CatalogueRun.source == source),
        ),
    )  # fmt: skip
    return [
        run.source
        for run in db.session.execute(query)
        if run.state == "waiting" or (run.tries <= MOST_TRIES and run.ended_at + _rest(run.tries) <= now)
    ]


def _rest(tries: int) -> timedelta:
    """How long an interrupted run is left alone: each time longer, since what stopped it may last."""
    return timedelta(minutes=2**tries)


def purge(session: Session, now: datetime) -> None:
    """Delete old runs with their differences."""
    session.execute(
        sa.delete(CatalogueRun).where(
            CatalogueRun.started_at < now - KEPT, CatalogueRun.state != sa.literal_column("'running'")
        )
    )
