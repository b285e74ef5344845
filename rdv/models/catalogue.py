"""What each reading of a catalogue did, and the digest by which the next one knows what is as it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, one_of
from rdv.models.user import User

# running → done | interrupted (goes on) | waiting (would close too much: a person's word is awaited) | failed
RUN_STATES = ("running", "done", "interrupted", "waiting", "failed")
RUN_STEPS = ("fetch", "import", "close")
CHANGE_KINDS = ("added", "changed", "place", "centre", "reopened", "replaced", "closed", "to_close", "refused")


class CatalogueRun(Base):
    """One reading of a catalogue; a partial unique index lets one alone be under way."""

    __tablename__ = "catalogue_run"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    source: Mapped[str] = mapped_column(sa.String(500))  # path or address, without its secrets
    whole: Mapped[bool]  # what it lacks is closed
    state: Mapped[str] = mapped_column(sa.String(12), default="running")
    step: Mapped[str] = mapped_column(sa.String(8), default="fetch")
    owner: Mapped[str] = mapped_column(sa.String(120))  # host and process
    started_at: Mapped[Instant]
    beat_at: Mapped[Instant]  # last sign of life
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    digest: Mapped[str | None] = mapped_column(sa.String(64))  # of the whole source, once it is here
    position: Mapped[int] = mapped_column(sa.Integer, default=0)  # rows fetched, then rows read
    total: Mapped[int | None] = mapped_column(sa.Integer)
    tries: Mapped[int] = mapped_column(sa.Integer, default=1)  # how often it was begun or taken up again
    counts: Mapped[dict[str, int]] = mapped_column(sa.JSON, default=dict)  # kind of difference → how many, all of them
    reason: Mapped[str | None] = mapped_column(sa.String(500))  # why it did not end well, in French
    known: Mapped[int | None] = mapped_column(sa.Integer)  # open trainings of the catalogue, before what would close
    missing_digest: Mapped[str | None] = mapped_column(sa.String(64))  # of what would close: this alone is allowed
    allowed_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    allowed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id", ondelete="SET NULL"))
    created_at: Mapped[CreatedAt]

    allowed_by: Mapped[User | None] = relationship()

    __table_args__ = (
        one_of("state", RUN_STATES, "state"),
        one_of("step", RUN_STEPS, "step"),
        sa.Index(
            "uq_catalogue_run_state", "state", unique=True,
            sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"),
        ),
        sa.Index("ix_catalogue_run_started_at", "started_at"),
    )  # fmt: skip


class CatalogueChange(Base):
    """One difference that a run made, or would make; the first of each kind are kept, all are counted in the run."""

    __tablename__ = "catalogue_change"

    id: Mapped[Key]
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("catalogue_run.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(10))
    label: Mapped[str] = mapped_column(sa.String(300))
    key: Mapped[str | None] = mapped_column(sa.String(400))  # of the training, or the SIRET of the centre
    fields: Mapped[dict[str, list[Any]]] = mapped_column(sa.JSON, default=dict)  # column → before, after

    __table_args__ = (
        one_of("kind", CHANGE_KINDS, "kind"),
        sa.Index("ix_catalogue_change_run_id", "run_id", "kind", "id"),
    )


class CatalogueCentre(Base):
    """The digest of all that a catalogue last said of one centre: while it says the same, nothing is looked up or written."""

    __tablename__ = "catalogue_centre"

    catalogue: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    siret: Mapped[str] = mapped_column(sa.String(14), primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(32))
