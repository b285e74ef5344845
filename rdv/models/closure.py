"""Days and hours at which a CFA, a site or an adviser is not there."""

from __future__ import annotations

from datetime import date, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Key, PublicId, UpdatedAt
from rdv.models.user import User


class Closure(Base):
    """A closure of a CFA (no site, no person), of a site, or an absence of an adviser; wall time of each site it touches."""

    __tablename__ = "closure"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]  # included
    # Of one day alone: from and until; None: whole days.
    starts: Mapped[time | None]
    ends: Mapped[time | None]
    label: Mapped[str | None] = mapped_column(
        sa.String(120)
    )  # « Congés d’été »; shown to candidates for a CFA or a site
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id", ondelete="SET NULL"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    cfa: Mapped[Cfa] = relationship()
    site: Mapped[Site | None] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])

    __table_args__ = (
        sa.CheckConstraint("last_day >= first_day", name="order"),
        sa.CheckConstraint("site_id IS NULL OR user_id IS NULL", name="scope"),
        sa.CheckConstraint(
            "(starts IS NULL) = (ends IS NULL) AND (starts IS NULL OR (first_day = last_day AND ends > starts))",
            name="hours",
        ),
        sa.Index("ix_closure_cfa_id_last_day", "cfa_id", "last_day"),
    )
