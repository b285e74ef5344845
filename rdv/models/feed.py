"""Calendars that leave the house: addresses that are polled, events already rendered, invitations already sent."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.clock import PARIS
from rdv.db import Base, UTCDateTime
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, one_of
from rdv.models.user import User

FEED_SCOPES = ("adviser", "site", "cfa")


class CalendarFeed(Base):
    """A secret calendar address: one per device, stored hashed, revoked alone."""

    __tablename__ = "calendar_feed"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )  # whose device
    # None: this person's own meetings, in whatever CFA they work for.
    cfa_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"), index=True)
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id", ondelete="CASCADE"), index=True)
    scope: Mapped[str] = mapped_column(sa.String(10))  # adviser: this person's meetings; site, cfa: everybody's there
    name: Mapped[str] = mapped_column(sa.String(80))
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    detail: Mapped[str] = mapped_column(sa.String(10), default="minimal")
    shows_due: Mapped[bool] = mapped_column(default=False)  # requests to answer, on the day their answer is due
    shows_free: Mapped[bool] = mapped_column(default=False)  # slots that nobody has booked, as free time
    shows_closures: Mapped[bool] = mapped_column(default=False)
    shows_cancelled: Mapped[bool] = mapped_column(default=True)  # for a while, without anything of the person
    timezone: Mapped[str] = mapped_column(sa.String(40), default=PARIS)  # whose midnight begins another day
    generation: Mapped[int] = mapped_column(sa.Integer, default=1)  # rises when options or secret change
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    last_used_by: Mapped[str | None] = mapped_column(sa.String(40))  # family of the application
    # What was last served, and since when: a date that only rises, for applications that compare dates.
    served_etag: Mapped[str | None] = mapped_column(sa.String(32))
    changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship()
    cfa: Mapped[Cfa | None] = relationship()
    site: Mapped[Site | None] = relationship()

    __table_args__ = (
        one_of("scope", FEED_SCOPES, "scope"),
        one_of("detail", ("minimal", "full"), "detail"),
        sa.CheckConstraint("(scope = 'site') = (site_id IS NOT NULL)", name="site"),
        sa.CheckConstraint("cfa_id IS NOT NULL OR scope = 'adviser'", name="cfa"),
    )


class RenderedEvent(Base):
    """The bytes of an event as a feed shows it: of a booking, or of a slot. Droppable: it is rendered again when missing.

    It goes with the person: erasing their request erases the bytes that name them.
    """

    __tablename__ = "rendered_event"

    id: Mapped[Key]
    booking_id: Mapped[int | None] = mapped_column(sa.ForeignKey("booking.id", ondelete="CASCADE"))
    slot_id: Mapped[int | None] = mapped_column(sa.ForeignKey("slot.id", ondelete="CASCADE"))
    variant: Mapped[str] = mapped_column(sa.String(10))  # how much it says
    stamp: Mapped[str] = mapped_column(sa.String(32))  # digest of the versions of all that it shows
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    rendered_at: Mapped[Instant]

    __table_args__ = (
        sa.UniqueConstraint("booking_id", "variant"),
        sa.UniqueConstraint("slot_id", "variant"),
        sa.CheckConstraint("(booking_id IS NULL) <> (slot_id IS NULL)", name="subject"),
        sa.Index("ix_rendered_event_rendered_at", "rendered_at"),
    )


class SentInvitation(Base):
    """The last invitation that a member of the staff received for an event: a later change is another, a loss a CANCEL."""

    __tablename__ = "sent_invitation"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(sa.String(80))
    sequence: Mapped[int] = mapped_column(sa.Integer)  # below zero: known before they asked, and never sent
    digest: Mapped[str] = mapped_column(sa.String(32))  # of when and where
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.UniqueConstraint("user_id", "uid"),
        sa.Index("ix_sent_invitation_ends_at", "ends_at"),
    )
