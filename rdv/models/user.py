"""People who sign in, and the CFAs they belong to."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Key, PublicId, UpdatedAt, one_of

ROLES = ("adviser", "manager")
# How a member hears of requests: one mail each; one mail every working morning; reminders of what is theirs alone.
NOTICES = ("each", "digest", "late")

membership_site = sa.Table(
    "membership_site",
    Base.metadata,
    sa.Column("membership_id", sa.ForeignKey("membership.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site_id", sa.ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
)


class User(Base):
    """A member of a CFA's staff or of the service team; candidates have no account."""

    __tablename__ = "user_account"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)  # lower case
    first_name: Mapped[str] = mapped_column(sa.String(80))
    last_name: Mapped[str] = mapped_column(sa.String(80))
    phone: Mapped[str | None] = mapped_column(sa.String(20))
    password_hash: Mapped[str | None] = mapped_column(sa.String(255))  # None until the invitation is accepted
    # Part of the session: changing it ends every session of this person.
    session_token: Mapped[str] = mapped_column(sa.String(32), default=lambda: secrets.token_hex(16))
    link_version: Mapped[int] = mapped_column(sa.Integer, default=1)  # raising it revokes invitation and reset links
    is_service_team: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    # Written first when slots are published, so that two publications of one adviser take turns.
    agenda_version: Mapped[int] = mapped_column(sa.Integer, default=0)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    # Meetings made or changed since then are sent as invitations; None: this person wants none.
    invitations_since: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    memberships: Mapped[list[Membership]] = relationship(back_populates="user", order_by="Membership.id")

    # What Flask-Login asks of a person read from a session.
    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Whether the account is open."""
        return self.active

    def get_id(self) -> str:
        """What the session holds: it dies with the session token."""
        return f"{self.public_id}:{self.session_token}"

    @property
    def shown_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip() or self.email


class Membership(Base):
    """A person's role in one CFA; ended rather than deleted, so that past actions keep their author."""

    __tablename__ = "membership"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id", ondelete="CASCADE"))
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(sa.String(10))
    notices: Mapped[str] = mapped_column(sa.String(10), default="digest")
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship(back_populates="memberships")
    cfa: Mapped[Cfa] = relationship()
    sites: Mapped[list[Site]] = relationship(secondary=membership_site)  # none: every site of the CFA

    __table_args__ = (
        sa.UniqueConstraint("user_id", "cfa_id"),
        one_of("role", ROLES, "role"),
        one_of("notices", NOTICES, "notices"),
    )
