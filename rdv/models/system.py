"""What keeps the house running: mails, journal, jobs, limits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.cfa import Cfa
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, one_of
from rdv.models.request import Booking, CandidateRequest, RequestEvent
from rdv.models.user import User

# What becomes of a mail once it left, as relays tell it; the last four make an address dead.
MAIL_EVENTS = ("delivered", "deferred", "soft_bounce", "hard_bounce", "blocked", "complaint", "unsubscribed")


class OutgoingMail(Base):
    """A mail to send, written with the business rows. Kind and ids first; bytes once rendered, the same at each try."""

    __tablename__ = "outgoing_mail"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    kind: Mapped[str] = mapped_column(sa.String(40))
    dedup_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    to_email: Mapped[str] = mapped_column(sa.String(254))
    request_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("candidate_request.id", ondelete="CASCADE"), index=True
    )
    booking_id: Mapped[int | None] = mapped_column(sa.ForeignKey("booking.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request_event.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id", ondelete="CASCADE"))
    cfa_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    data: Mapped[dict[str, Any]] = mapped_column(
        sa.JSON, default=dict
    )  # small facts frozen at enqueue, never free text
    not_before: Mapped[Instant]
    not_after: Mapped[datetime | None] = mapped_column(UTCDateTime())
    # pending → sent | dropped (no longer due) | failed (refused, or too many tries)
    status: Mapped[str] = mapped_column(sa.String(10), default="pending")
    attempts: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime())
    claim_token: Mapped[str | None] = mapped_column(sa.String(32))
    subject: Mapped[str | None] = mapped_column(sa.String(255))
    message_id: Mapped[str | None] = mapped_column(sa.String(120))
    message_bytes: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    last_error: Mapped[str | None] = mapped_column(sa.String(300))  # class and SMTP code, no address
    delivery: Mapped[str | None] = mapped_column(sa.String(12))  # the last thing heard of it once it left
    created_at: Mapped[CreatedAt]

    request: Mapped[CandidateRequest | None] = relationship()
    booking: Mapped[Booking | None] = relationship()
    event: Mapped[RequestEvent | None] = relationship()
    user: Mapped[User | None] = relationship()
    cfa: Mapped[Cfa | None] = relationship()

    __table_args__ = (
        one_of("status", ("pending", "sent", "dropped", "failed"), "status"),
        one_of("delivery", MAIL_EVENTS, "delivery"),
        sa.Index("ix_outgoing_mail_to_email", "to_email", "created_at"),  # how many this address had today
        sa.Index("ix_outgoing_mail_message_id", "message_id"),
        sa.Index(
            "ix_outgoing_mail_pending", "not_before", "id",
            sqlite_where=sa.text("status = 'pending'"), postgresql_where=sa.text("status = 'pending'"),
        ),
    )  # fmt: skip


class MailEvent(Base):
    """What a relay or its provider told of a mail, each once: its own identifier is unique."""

    __tablename__ = "mail_event"

    id: Mapped[Key]
    event_key: Mapped[str] = mapped_column(sa.String(160), unique=True)  # the provider's, or ours for an SMTP refusal
    mail_id: Mapped[int | None] = mapped_column(sa.ForeignKey("outgoing_mail.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    at: Mapped[Instant]
    detail: Mapped[str | None] = mapped_column(sa.String(200))  # code and class, no address
    created_at: Mapped[CreatedAt]

    mail: Mapped[OutgoingMail | None] = relationship()

    __table_args__ = (one_of("kind", MAIL_EVENTS, "kind"),)


class DeadAddress(Base):
    """An address that refuses our mails for good: nothing is sent there until the service team lifts it."""

    __tablename__ = "dead_address"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)  # lower case
    reason: Mapped[str] = mapped_column(sa.String(12))
    mail_id: Mapped[int | None] = mapped_column(sa.ForeignKey("outgoing_mail.id", ondelete="SET NULL"))
    since: Mapped[Instant]
    created_at: Mapped[CreatedAt]

    mail: Mapped[OutgoingMail | None] = relationship()

    __table_args__ = (one_of("reason", MAIL_EVENTS, "reason"),)


class OutgoingSms(Base):
    """A text message to send, written with the business rows, like a mail: kind and ids first, words once rendered."""

    __tablename__ = "outgoing_sms"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    kind: Mapped[str] = mapped_column(sa.String(40))
    dedup_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    to_phone: Mapped[str] = mapped_column(sa.String(20))  # E.164
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("candidate_request.id", ondelete="CASCADE"), index=True)
    booking_id: Mapped[int | None] = mapped_column(sa.ForeignKey("booking.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request_event.id", ondelete="CASCADE"))
    data: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    not_before: Mapped[Instant]
    not_after: Mapped[datetime | None] = mapped_column(UTCDateTime())
    status: Mapped[str] = mapped_column(sa.String(10), default="pending")
    attempts: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime())
    claim_token: Mapped[str | None] = mapped_column(sa.String(32))
    text: Mapped[str | None] = mapped_column(sa.String(480))
    provider_id: Mapped[str | None] = mapped_column(sa.String(80))
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    last_error: Mapped[str | None] = mapped_column(sa.String(300))  # class and status, no number
    created_at: Mapped[CreatedAt]

    request: Mapped[CandidateRequest] = relationship()
    booking: Mapped[Booking | None] = relationship()
    event: Mapped[RequestEvent | None] = relationship()

    __table_args__ = (
        one_of("status", ("pending", "sent", "dropped", "failed"), "status"),
        sa.Index("ix_outgoing_sms_to_phone", "to_phone", "not_before"),  # how many this number had today
        sa.Index(
            "ix_outgoing_sms_pending", "not_before", "id",
            sqlite_where=sa.text("status = 'pending'"), postgresql_where=sa.text("status = 'pending'"),
        ),
    )  # fmt: skip


class AuditEntry(Base):
    """Who did what that touches rights or personal data; append-only, without the data itself."""

    __tablename__ = "audit_entry"

    id: Mapped[Key]
    at: Mapped[Instant]
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id", ondelete="SET NULL"))
    cfa_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cfa.id", ondelete="SET NULL"), index=True)
    action: Mapped[str] = mapped_column(sa.String(60))
    object_type: Mapped[str | None] = mapped_column(sa.String(40))
    object_id: Mapped[str | None] = mapped_column(sa.String(40))  # public identifier
    data: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)

    user: Mapped[User | None] = relationship()


class JobRun(Base):
    """The claim of one run of a scheduled job: the primary key lets one worker alone have it."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    slot: Mapped[datetime] = mapped_column(UTCDateTime(), primary_key=True)  # the scheduled minute
    started_at: Mapped[Instant]
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    ok: Mapped[bool | None]
    note: Mapped[str | None] = mapped_column(sa.String(300))


class ThrottleCount(Base):
    """How many times a subject (hashed) acted in one window; shared by every worker and host."""

    __tablename__ = "throttle_count"

    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(UTCDateTime(), primary_key=True)
    count: Mapped[int] = mapped_column(sa.Integer, default=0)

    __table_args__ = (sa.Index("ix_throttle_count_window_start", "window_start"),)
