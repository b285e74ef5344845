"""What platforms are told of the requests that they sent: where, and each message with what became of it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, one_of
from rdv.models.platform import Platform

# What a platform may be told of a request; « test » is asked by the service team.
WEBHOOK_TYPES = ("created", "answered", "booked", "moved", "cancelled", "attended", "erased")
DELIVERY_STATES = ("pending", "delivered", "failed", "dropped")


class WebhookEndpoint(Base):
    """An address of a platform. Its secret is derived from `secret_version`: nothing that signs is stored."""

    __tablename__ = "webhook_endpoint"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    platform_id: Mapped[int] = mapped_column(sa.ForeignKey("platform.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(sa.String(500))
    events: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    secret_version: Mapped[int] = mapped_column(sa.Integer, default=1)
    former_until: Mapped[datetime | None] = mapped_column(UTCDateTime())  # the former secret signs too until then
    active: Mapped[bool] = mapped_column(default=True)  # False: paused, what happens waits
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # dead: nothing accepted for days
    last_success_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    resting_until: Mapped[datetime | None] = mapped_column(UTCDateTime())  # after a failure
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime())  # one process at a time speaks to it
    claim_token: Mapped[str | None] = mapped_column(sa.String(32))
    created_at: Mapped[CreatedAt]

    platform: Mapped[Platform] = relationship()


class WebhookDelivery(Base):
    """One event for one address: the same bytes at each try. It names its request without a key: it outlives it."""

    __tablename__ = "webhook_delivery"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    endpoint_id: Mapped[int] = mapped_column(sa.ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    event_id: Mapped[str] = mapped_column(sa.String(24))  # what integrators deduplicate by
    kind: Mapped[str] = mapped_column(sa.String(10))
    request_public_id: Mapped[str | None] = mapped_column(sa.String(16), index=True)
    has_contacts: Mapped[bool] = mapped_column(default=False)
    body: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # None once the person it names was erased
    state: Mapped[str] = mapped_column(sa.String(10), default="pending")
    attempts: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    first_tried_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    next_attempt_at: Mapped[Instant]
    last_status: Mapped[int | None] = mapped_column(sa.SmallInteger)  # HTTP
    last_error: Mapped[str | None] = mapped_column(sa.String(60))  # class of the failure, no address
    delivered_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]

    endpoint: Mapped[WebhookEndpoint] = relationship()

    __table_args__ = (
        one_of("state", DELIVERY_STATES, "state"),
        one_of("kind", (*WEBHOOK_TYPES, "test"), "kind"),
        sa.UniqueConstraint("endpoint_id", "event_id"),
        sa.Index(
            "ix_webhook_delivery_pending", "endpoint_id", "next_attempt_at", "id",
            sqlite_where=sa.text("state = 'pending'"), postgresql_where=sa.text("state = 'pending'"),
        ),
        sa.Index("ix_webhook_delivery_created_at", "created_at"),
    )  # fmt: skip
