"""Rules that repeat slots, in the wall time of the site: 14:00 stays 14:00 across clock changes."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base
from rdv.models.cfa import Site
from rdv.models.columns import CreatedAt, Key, PublicId, UpdatedAt, one_of
from rdv.models.user import User

PLACES = ("on_site", "phone", "video")
TRAINING_SCOPES = ("chosen", "site", "cfa")


class SlotSeries(Base):
    """What was asked when a series was published; its slots are stored rows, which may differ since."""

    __tablename__ = "slot_series"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"), index=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id", ondelete="CASCADE"))
    adviser_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    meeting_type_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting_type.id"))
    every_weeks: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    weekdays: Mapped[list[int]] = mapped_column(sa.JSON)  # 0 = Monday
    first_day: Mapped[date]  # wall days of the site
    last_day: Mapped[date | None]  # one of both ends
    count: Mapped[int | None] = mapped_column(sa.SmallInteger)  # days asked for, those skipped included
    ranges: Mapped[list[list[str]]] = mapped_column(sa.JSON)  # [["09:00", "12:00"], ["14:00", "17:00"]], wall time
    duration_minutes: Mapped[int] = mapped_column(sa.SmallInteger)
    pause_minutes: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    place: Mapped[str] = mapped_column(sa.String(10))
    place_detail: Mapped[str | None] = mapped_column(sa.String(500))
    capacity: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    listed: Mapped[bool] = mapped_column(default=True)
    training_scope: Mapped[str] = mapped_column(sa.String(10), default="site")
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)  # title, programme… of a group session
    version: Mapped[int] = mapped_column(sa.Integer, default=1)  # two advisers who change one series take turns
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    site: Mapped[Site] = relationship()
    adviser: Mapped[User] = relationship()

    __table_args__ = (
        sa.CheckConstraint("every_weeks BETWEEN 1 AND 52", name="every_weeks"),
        sa.CheckConstraint("duration_minutes BETWEEN 5 AND 480 AND pause_minutes BETWEEN 0 AND 240", name="duration"),
        one_of("place", PLACES, "place"),
        one_of("training_scope", TRAINING_SCOPES, "training_scope"),
    )
