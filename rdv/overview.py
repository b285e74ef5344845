"""What the service team watches: what is stuck, late or unreachable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rdv import dead_addresses, ladder
from rdv.db import db
from rdv.models import CandidateRequest, Cfa, DeadAddress, JobRun, OutgoingMail, OutgoingSms, Site, Training


@dataclass(frozen=True)
class LastRun:
    """The latest run of a job; `ok` is None while it runs, or when its worker was killed."""

    name: str
    started_at: datetime
    ok: bool | None
    note: str | None  # why it failed, or what it found wrong


@dataclass(frozen=True)
class Overview:
    """Counts of what needs a person."""

    mails_failed: int
    texts_failed: int
    mails_waiting: int  # due and not sent yet
    oldest_waiting: datetime | None
    dead_addresses: int
    dead_addresses_of_centres: int
    cfas: int
    cfas_without_address: int
    requests_late: int
    requests_told: int  # of those whose candidate was told that nobody answered
    jobs: Sequence[LastRun]


def at(now: datetime) -> Overview:
    """Return what stands now."""
    failed = _count(OutgoingMail, OutgoingMail.status == "failed")
    due = (OutgoingMail.status == "pending", OutgoingMail.not_before <= now)
    oldest = db.session.scalar(
        sa.select(OutgoingMail.not_before).where(*due).order_by(OutgoingMail.not_before).limit(1)
    )
    late = (CandidateRequest.status != "closed", CandidateRequest.due_at < now)
    return Overview(
        mails_failed=failed,
        texts_failed=_count(OutgoingSms, OutgoingSms.status == "failed"),
        mails_waiting=_count(OutgoingMail, *due),
        oldest_waiting=oldest,
        dead_addresses=_count(DeadAddress),
        dead_addresses_of_centres=db.session.scalar(dead_addresses.used_by_centres()) or 0,
        cfas=_count(Cfa, Cfa.closed_at.is_(None)),
        cfas_without_address=_count(Cfa, *without_address()),
        requests_late=_count(CandidateRequest, *late),
        requests_told=_count(
            CandidateRequest,
            sa.literal_column("status IN ('new', 'in_progress')", sa.Boolean()),
            CandidateRequest.rung >= ladder.TOLD,
        ),
        jobs=_last_runs(),
    )


def without_address() -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition on open CFAs that no living address reaches (rdv.contact_resolution reads the same columns)."""
    of_training = sa.exists().where(Training.cfa_id == Cfa.id, Training.closed_at.is_(None), _reached(Training))
    of_site = sa.exists().where(Site.cfa_id == Cfa.id, Site.closed_at.is_(None), _reached(Site))
    own = _reached(Cfa)
    return Cfa.closed_at.is_(None), ~own, ~of_training, ~of_site


def _reached(level: type[Cfa] | type[Site] | type[Training]) -> sa.ColumnElement[bool]:
    return sa.or_(
        *(sa.and_(email.is_not(None), ~dead_addresses.of(email)) for email in (level.chosen_email, level.email))
    )


def _count(model: type, *conditions: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions)) or 0


def _last_runs() -> list[LastRun]:
    latest = sa.select(JobRun.name, sa.func.max(JobRun.slot).label("slot")).group_by(JobRun.name).subquery()
    runs = db.session.scalars(
        sa.select(JobRun)
        .join(latest, sa.and_(JobRun.name == latest.c.name, JobRun.slot == latest.c.slot))
        .order_by(JobRun.name)
    )
    return [LastRun(run.name, run.started_at, run.ok, run.note) for run in runs]
