"""Replies that the staff of a CFA keep ready, shared by all of them."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base
from rdv.models.cfa import Cfa
from rdv.models.columns import CreatedAt, Key, PublicId, UpdatedAt
from rdv.models.user import User


class SavedReply(Base):
    """A text for one reason or for any, with variables in braces; prices age, so it says when it was last reread."""

    __tablename__ = "saved_reply"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str | None] = mapped_column(sa.String(20))  # a key of candidate.REASONS; None: any
    text: Mapped[str] = mapped_column(sa.Text)
    reviewed_on: Mapped[date]
    reviewed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id", ondelete="SET NULL"))
    used: Mapped[int] = mapped_column(sa.Integer, default=0)  # answers sent from it
    version: Mapped[int] = mapped_column(sa.Integer, default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    cfa: Mapped[Cfa] = relationship()
    reviewed_by: Mapped[User | None] = relationship()

    __table_args__ = (sa.UniqueConstraint("cfa_id", "title"),)
