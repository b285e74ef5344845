"""Programs that speak for a platform: their keys, and what they were refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

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


class ApiAnswer(Base):
    """What an act of the API answered, so that the same call again gets the same and acts once; no personal data."""

    __tablename__ = "api_answer"

    id: Mapped[Key]
    platform_id: Mapped[int] = mapped_column(sa.ForeignKey("platform.id", ondelete="CASCADE"))
    key_hash: Mapped[str] = mapped_column(sa.String(64))  # keyed, of the caller's Idempotency-Key
    digest: Mapped[str] = mapped_column(sa.String(64))  # keyed, of the address and the body
    status: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # 0: its act is not done yet
    body: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.UniqueConstraint("platform_id", "key_hash"),
        sa.Index("ix_api_answer_created_at", "created_at"),
    )


class BookableSnapshot(Base):
    """What was bookable on a platform one day (Paris), as its API told it: compressed JSON, kept for who must prove a date."""

    __tablename__ = "bookable_snapshot"

    id: Mapped[Key]
    platform_id: Mapped[int] = mapped_column(sa.ForeignKey("platform.id", ondelete="CASCADE"))
    day: Mapped[date]
    count: Mapped[int]
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[CreatedAt]

    __table_args__ = (sa.UniqueConstraint("platform_id", "day"),)
