"""What a CFA decides of online booking; the most precise rule that says something wins."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Key, UpdatedAt
from rdv.models.slot import MeetingType


class BookingRule(Base):
    """Limits of one CFA (no site, no meeting type), of a site, or of a meeting type; None: the wider rule decides."""

    __tablename__ = "booking_rule"

    id: Mapped[Key]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id", ondelete="CASCADE"))
    meeting_type_id: Mapped[int | None] = mapped_column(sa.ForeignKey("meeting_type.id", ondelete="CASCADE"))
    notice_minutes: Mapped[int | None] = mapped_column(sa.Integer)  # least time before the meeting
    horizon_days: Mapped[int | None] = mapped_column(sa.SmallInteger)  # most time before the meeting
    pause_minutes: Mapped[int | None] = mapped_column(sa.SmallInteger)  # between two meetings of an adviser
    most_a_day: Mapped[int | None] = mapped_column(sa.SmallInteger)  # meetings of an adviser in one wall day
    most_a_person: Mapped[int | None] = mapped_column(sa.SmallInteger)  # coming bookings of one person in the CFA
    opens_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # online booking begins then (open days)
    platforms: Mapped[list[str] | None] = mapped_column(sa.JSON(none_as_null=True))  # codes allowed; None: all
    version: Mapped[int] = mapped_column(sa.Integer, default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    cfa: Mapped[Cfa] = relationship()
    site: Mapped[Site | None] = relationship()
    meeting_type: Mapped[MeetingType | None] = relationship()

    __table_args__ = (
        sa.CheckConstraint("site_id IS NULL OR meeting_type_id IS NULL", name="scope"),
        sa.CheckConstraint("notice_minutes BETWEEN 0 AND 525600", name="notice"),
        sa.CheckConstraint("horizon_days BETWEEN 1 AND 550", name="horizon"),
        sa.CheckConstraint("pause_minutes BETWEEN 0 AND 240", name="pause"),
        sa.CheckConstraint("most_a_day BETWEEN 1 AND 100 AND most_a_person BETWEEN 1 AND 50", name="most"),
        # One rule for each scope; a NULL is never equal to another in a plain unique constraint.
        sa.Index(
            "uq_booking_rule_cfa_id", "cfa_id", unique=True,
            sqlite_where=sa.text("site_id IS NULL AND meeting_type_id IS NULL"),
            postgresql_where=sa.text("site_id IS NULL AND meeting_type_id IS NULL"),
        ),
        sa.Index("uq_booking_rule_cfa_id_site_id", "cfa_id", "site_id", unique=True),
        sa.Index("uq_booking_rule_cfa_id_meeting_type_id", "cfa_id", "meeting_type_id", unique=True),
    )  # fmt: skip
