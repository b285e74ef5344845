"""Trainings that CFAs declare to their Carif-Oref."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Key, PublicId, UpdatedAt

training_site = sa.Table(
    "training_site",
    Base.metadata,
    sa.Column("training_id", sa.ForeignKey("training.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site_id", sa.ForeignKey("site.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Training(Base):
    """One diploma taught by one CFA at one place (usually); known by its key, else by `identity`."""

    __tablename__ = "training"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"), index=True)
    training_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True)  # clé ministères éducatifs
    # The key itself, or managing SIRET | teaching SIRET | INSEE | normalised address | diploma code or RNCP.
    identity: Mapped[str] = mapped_column(sa.String(400), unique=True)
    title: Mapped[str | None] = mapped_column(sa.String(255))
    diploma: Mapped[str | None] = mapped_column(sa.String(120))
    level: Mapped[str | None] = mapped_column(sa.String(40))
    diploma_code: Mapped[str | None] = mapped_column(sa.String(10), index=True)  # CFD
    rncp: Mapped[str | None] = mapped_column(sa.String(12), index=True)
    parcoursup_id: Mapped[str | None] = mapped_column(sa.String(20), index=True)
    affelnet_id: Mapped[str | None] = mapped_column(sa.String(40), index=True)
    onisep_id: Mapped[str | None] = mapped_column(sa.String(40), index=True)
    # Listed there, as the catalogue's perimeters say (reference/predecessor.md §7.6).
    parcoursup_visible: Mapped[bool] = mapped_column(default=False)
    affelnet_visible: Mapped[bool] = mapped_column(default=False)
    rco_id: Mapped[str | None] = mapped_column(sa.String(120), index=True)  # deprecated, still resolved
    email: Mapped[str | None] = mapped_column(sa.String(254))  # contact of this training
    phone: Mapped[str | None] = mapped_column(sa.String(20))
    starts_on: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  # first days or years of its intakes
    remote: Mapped[bool] = mapped_column(default=False)
    # Decided by the CFA, never by an import. Modes: None means as its place.
    chosen_email: Mapped[str | None] = mapped_column(sa.String(254))  # as Cfa.chosen_email
    callback_open: Mapped[bool | None]
    message_open: Mapped[bool | None]
    reply_values: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)  # as Cfa.reply_values
    published: Mapped[bool] = mapped_column(default=True)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    source: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)  # statuses kept as the catalogue says them
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    cfa: Mapped[Cfa] = relationship()
    sites: Mapped[list[Site]] = relationship(secondary=training_site, order_by=Site.id)

    @property
    def shown_title(self) -> str:
        """The title people read, never empty: the diploma code when the catalogue gives no title."""
        if self.title:
            return self.title
        return f"Formation {self.diploma_code}" if self.diploma_code else "Formation en apprentissage"


class TrainingAlias(Base):
    """A key that another replaced: its links keep working."""

    __tablename__ = "training_alias"

    id: Mapped[Key]
    training_key: Mapped[str] = mapped_column(sa.String(80), unique=True)
    training_id: Mapped[int] = mapped_column(sa.ForeignKey("training.id", ondelete="CASCADE"), index=True)
