"""Who waits for a seat, and seats held for somebody while they answer."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, UpdatedAt, one_of
from rdv.models.request import Booking, CandidateRequest
from rdv.models.slot import Slot

HOLD_KINDS = ("waitlist", "earlier", "proposal")
HOLD_STATUSES = ("live", "used", "expired", "released")
WAIT_KINDS = ("full", "earlier")
WAIT_STATUSES = ("waiting", "offered", "accepted", "left", "closed")


class SeatHold(Base):
    """Seats kept for one person until an instant, counted in `slot.seats_taken` while live; rdv.seats alone writes it."""

    __tablename__ = "seat_hold"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    slot_id: Mapped[int] = mapped_column(sa.ForeignKey("slot.id", ondelete="CASCADE"))
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("candidate_request.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    seats: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    until: Mapped[Instant]
    status: Mapped[str] = mapped_column(sa.String(10), default="live")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    slot: Mapped[Slot] = relationship()
    request: Mapped[CandidateRequest] = relationship()

    __table_args__ = (
        one_of("kind", HOLD_KINDS, "kind"),
        one_of("status", HOLD_STATUSES, "status"),
        sa.CheckConstraint("seats BETWEEN 1 AND 21", name="seats"),
        sa.Index(
            "uq_seat_hold_slot_id_request_id", "slot_id", "request_id", unique=True,
            sqlite_where=sa.text("status = 'live'"), postgresql_where=sa.text("status = 'live'"),
        ),
        sa.Index(
            "ix_seat_hold_until", "until", "id",
            sqlite_where=sa.text("status = 'live'"), postgresql_where=sa.text("status = 'live'"),
        ),
    )  # fmt: skip


class WaitlistEntry(Base):
    """A person's turn: for a seat of a full session, or for an earlier meeting than the one they hold."""

    __tablename__ = "waitlist_entry"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    kind: Mapped[str] = mapped_column(sa.String(10))
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("candidate_request.id", ondelete="CASCADE"))
    slot_id: Mapped[int | None] = mapped_column(sa.ForeignKey("slot.id", ondelete="CASCADE"))  # the full session
    booking_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("booking.id", ondelete="CASCADE")
    )  # the one to bring forward
    person_key: Mapped[str | None] = mapped_column(sa.String(64))  # as Booking.person_key
    guests: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # as Booking.guests
    seats: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    status: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    hold_id: Mapped[int | None] = mapped_column(sa.ForeignKey("seat_hold.id", ondelete="SET NULL"))  # the live offer
    offers: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # made so far
    last_offered_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    request: Mapped[CandidateRequest] = relationship()
    slot: Mapped[Slot | None] = relationship()
    booking: Mapped[Booking | None] = relationship()
    hold: Mapped[SeatHold | None] = relationship()

    __table_args__ = (
        one_of("kind", WAIT_KINDS, "kind"),
        one_of("status", WAIT_STATUSES, "status"),
        sa.CheckConstraint("(kind = 'full') = (slot_id IS NOT NULL)", name="slot"),
        sa.CheckConstraint("(kind = 'earlier') = (booking_id IS NOT NULL)", name="booking"),
        sa.CheckConstraint("guests BETWEEN 0 AND 20 AND seats BETWEEN 1 AND 21", name="seats"),
        # The turn is the order of arrival: the id.
        sa.Index(
            "ix_waitlist_entry_slot_id", "slot_id", "id",
            sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"),
        ),
        sa.Index(
            "ix_waitlist_entry_earlier", "cfa_id", "id",
            sqlite_where=sa.text("status = 'waiting' AND kind = 'earlier'"),
            postgresql_where=sa.text("status = 'waiting' AND kind = 'earlier'"),
        ),
        sa.Index("ix_waitlist_entry_request_id", "request_id"),
        sa.Index(
            "uq_waitlist_entry_slot_id_person_key", "slot_id", "person_key", unique=True,
            sqlite_where=sa.text("status IN ('waiting', 'offered')"),
            postgresql_where=sa.text("status IN ('waiting', 'offered')"),
        ),
        sa.Index(
            "uq_waitlist_entry_booking_id", "booking_id", unique=True,
            sqlite_where=sa.text("status IN ('waiting', 'offered')"),
            postgresql_where=sa.text("status IN ('waiting', 'offered')"),
        ),
    )  # fmt: skip
