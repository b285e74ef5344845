"""What advisers publish: meeting types and dated slots."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, UpdatedAt, one_of
from rdv.models.series import PLACES, TRAINING_SCOPES, SlotSeries
from rdv.models.training import Training
from rdv.models.user import User

SLOT_STATUSES = ("open", "closed", "cancelled")


class MeetingType(Base):
    """A kind of meeting that a CFA offers, with the defaults of its slots."""

    __tablename__ = "meeting_type"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    description: Mapped[str | None] = mapped_column(sa.Text)
    instructions: Mapped[str | None] = mapped_column(sa.Text)  # how to come, what will happen
    what_to_bring: Mapped[str | None] = mapped_column(sa.Text)
    duration_minutes: Mapped[int] = mapped_column(sa.SmallInteger, default=30)
    default_capacity: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    default_place: Mapped[str] = mapped_column(sa.String(10), default="on_site")
    guests_allowed: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # people one may come with
    guests_counted: Mapped[bool] = mapped_column(default=False)  # True: each of them takes a seat
    archived_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        sa.CheckConstraint("duration_minutes BETWEEN 5 AND 480", name="duration"),
        sa.CheckConstraint("default_capacity BETWEEN 1 AND 500", name="capacity"),
        sa.CheckConstraint("guests_allowed BETWEEN 0 AND 20", name="guests"),
        one_of("default_place", PLACES, "place"),
    )


class Slot(Base):
    """A dated, stored offer of an adviser. `seats_taken` is written by rdv.seats alone."""

    __tablename__ = "slot"

    id: Mapped[Key]
    # Sentinel: on SQLite a thousand rows are inserted in one statement, and told apart by it.
    public_id: Mapped[PublicId] = mapped_column(insert_sentinel=True)
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id", ondelete="CASCADE"))
    adviser_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    meeting_type_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting_type.id"), index=True)
    place: Mapped[str] = mapped_column(sa.String(10))
    place_detail: Mapped[str | None] = mapped_column(sa.String(500))  # room, or video address
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    capacity: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    extra_seats: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # raised by an audited staff action only
    seats_taken: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    status: Mapped[str] = mapped_column(sa.String(10), default="open")
    listed: Mapped[bool] = mapped_column(default=True)  # False: bookable by its link only
    training_scope: Mapped[str] = mapped_column(sa.String(10), default="site")
    # What this session says of itself; None: what its meeting type says.
    title: Mapped[str | None] = mapped_column(sa.String(120))
    programme: Mapped[str | None] = mapped_column(sa.Text)
    what_to_bring: Mapped[str | None] = mapped_column(sa.Text)
    # The rules of the CFA as instants (rdv.rules writes them): the public books between both. None: no such bound.
    opens_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    closes_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    day_full: Mapped[bool] = mapped_column(default=False)  # the adviser has had enough meetings that day
    series_id: Mapped[int | None] = mapped_column(sa.ForeignKey("slot_series.id", ondelete="SET NULL"), index=True)
    edited_alone: Mapped[bool] = mapped_column(default=False)  # changes of the whole series leave it as it is
    closure_id: Mapped[int | None] = mapped_column(  # shut by this closure, opened again with its end
        sa.ForeignKey("closure.id", ondelete="SET NULL"), index=True
    )
    version: Mapped[int] = mapped_column(sa.Integer, default=1)  # rises with every visible change: feeds read it
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    cfa: Mapped[Cfa] = relationship()
    site: Mapped[Site] = relationship()
    adviser: Mapped[User] = relationship()
    meeting_type: Mapped[MeetingType] = relationship()
    trainings: Mapped[list[Training]] = relationship(secondary="slot_training", viewonly=True)
    series: Mapped[SlotSeries | None] = relationship()

    __table_args__ = (
        sa.CheckConstraint("seats_taken BETWEEN 0 AND capacity + extra_seats", name="seats"),
        sa.CheckConstraint("capacity BETWEEN 1 AND 500 AND extra_seats >= 0", name="capacity"),
        sa.CheckConstraint("ends_at > starts_at", name="order"),
        one_of("status", SLOT_STATUSES, "status"),
        one_of("place", PLACES, "place"),
        one_of("training_scope", TRAINING_SCOPES, "training_scope"),
        # Public lists: literal conditions, so that SQLite and generic PostgreSQL plans match them.
        sa.Index(
            "ix_slot_open_site", "site_id", "starts_at", "id",
            sqlite_where=sa.text("status = 'open' AND training_scope = 'site'"),
            postgresql_where=sa.text("status = 'open' AND training_scope = 'site'"),
        ),
        sa.Index(
            "ix_slot_open_cfa", "cfa_id", "starts_at", "id",
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        ),
        sa.Index("ix_slot_adviser_id_starts_at", "adviser_id", "starts_at"),
        sa.Index("ix_slot_cfa_id_starts_at", "cfa_id", "starts_at"),
    )  # fmt: skip

    @property
    def shown_title(self) -> str:
        """The title of this session, else of its meeting type."""
        return self.title or self.meeting_type.title

    @property
    def shown_programme(self) -> str | None:
        """What will happen: this session's own words, else its meeting type's."""
        return self.programme or self.meeting_type.description

    @property
    def shown_what_to_bring(self) -> str | None:
        """What to bring: this session's own words, else its meeting type's."""
        return self.what_to_bring or self.meeting_type.what_to_bring

    @property
    def is_group(self) -> bool:
        """True for a group session."""
        return self.capacity > 1

    @property
    def seats_left(self) -> int:
        """Seats the public may still take."""
        return max(self.capacity - self.seats_taken, 0)


class SlotTraining(Base):
    """A training that a slot is published for; starts_at is repeated so that its next slots are one index read."""

    __tablename__ = "slot_training"

    training_id: Mapped[int] = mapped_column(sa.ForeignKey("training.id", ondelete="CASCADE"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime(), primary_key=True)
    slot_id: Mapped[int] = mapped_column(sa.ForeignKey("slot.id", ondelete="CASCADE"), primary_key=True, index=True)
