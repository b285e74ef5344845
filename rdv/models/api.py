"""Programs that speak for a platform: their keys, and what they were refused."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.columns import CreatedAt, Instant, Key, PublicId
from rdv.models.platform import Platform


class ApiKey(Base):
    """A key of the API, for one platform; only a hash is stored. Two may live at once while one replaces the other."""

    __tablename__ = "api_key"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    platform_id: Mapped[int] = mapped_column(sa.ForeignKey("platform.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # set on the former key by a rotation
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]

    platform: Mapped[Platform] = relationship()


class ApiRefusal(Base):
    """A call of a platform that was refused: what its integrators and the service team look at, without its content."""

    __tablename__ = "api_refusal"

    id: Mapped[Key]
    api_key_id: Mapped[int] = mapped_column(sa.ForeignKey("api_key.id", ondelete="CASCADE"))
    at: Mapped[Instant]
    endpoint: Mapped[str] = mapped_column(sa.String(60))
    status: Mapped[int] = mapped_column(sa.SmallInteger)
    problem: Mapped[str] = mapped_column(sa.String(60))  # last part of the RFC 9457 type

    api_key: Mapped[ApiKey] = relationship()

    __table_args__ = (sa.Index("ix_api_refusal_api_key_id_at", "api_key_id", "at"),)
