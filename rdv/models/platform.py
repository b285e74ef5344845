"""Sites that send us candidates: what each may show, and which centres said yes to it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, one_of

# How a platform comes to show a centre (reference/predecessor.md §7.4, §7.5):
# always: as soon as the training is open; opt_out: after notice, unless refused; premium: after an explicit yes;
# own_site: a manager turns it on, and lists the domains.
LIFE_CYCLES = ("always", "opt_out", "premium", "own_site")
CONSENT_STATES = ("invited", "active", "refused")


class Platform(Base):
    """A site on which « Prendre rendez-vous » stands; its code is the `origine` of our links."""

    __tablename__ = "platform"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(sa.String(30), unique=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    url: Mapped[str | None] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)  # False: nothing is shown there any more
    life_cycle: Mapped[str] = mapped_column(sa.String(10), default="always")
    # Origins (https://host) whose pages may frame our button's pages and call the API from a browser.
    origins: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    # Days of every year, « MM-DD » in Paris: the service team changes them, no release does.
    campaign_from: Mapped[str | None] = mapped_column(sa.String(5))  # first day that invites
    campaign_to: Mapped[str | None] = mapped_column(sa.String(5))  # last one
    reminder_on: Mapped[str | None] = mapped_column(sa.String(5))  # who said yes is told again
    reset_on: Mapped[str | None] = mapped_column(sa.String(5))  # who did not say yes may be asked again
    gets_contacts: Mapped[bool] = mapped_column(default=False)  # entitled to candidates' details in webhooks

    __table_args__ = (one_of("life_cycle", LIFE_CYCLES, "life_cycle"),)


class PlatformConsent(Base):
    """What a centre answered about one platform, for all its trainings, those to come too."""

    __tablename__ = "platform_consent"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    platform_id: Mapped[int] = mapped_column(sa.ForeignKey("platform.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(sa.String(10))
    invited_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    activates_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # opt_out: silence until then is a yes
    followed_up_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    reminded_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    decided_by: Mapped[str | None] = mapped_column(sa.String(10))  # link | manager | silence | team
    link_version: Mapped[int] = mapped_column(sa.Integer, default=1)
    created_at: Mapped[CreatedAt]

    cfa: Mapped[Cfa] = relationship()
    platform: Mapped[Platform] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("cfa_id", "platform_id"),
        sa.Index("ix_platform_consent_state_activates_at", "state", "activates_at"),
        one_of("state", CONSENT_STATES, "state"),
    )


class PlatformQuestion(Base):
    """What a centre asked the service team about an invitation; its mail is written from here."""

    __tablename__ = "platform_question"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    consent_id: Mapped[int] = mapped_column(sa.ForeignKey("platform_consent.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(sa.Text)
    email: Mapped[str] = mapped_column(sa.String(254))  # who waits for the answer
    created_at: Mapped[CreatedAt]

    consent: Mapped[PlatformConsent] = relationship()


class PlatformSite(Base):
    """A place that shows, or hides, on one platform whatever its centre chose; no row: as the centre."""

    __tablename__ = "platform_site"

    id: Mapped[Key]
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id", ondelete="CASCADE"))
    platform_id: Mapped[int] = mapped_column(sa.ForeignKey("platform.id", ondelete="CASCADE"), index=True)
    shown: Mapped[bool]

    site: Mapped[Site] = relationship()
    platform: Mapped[Platform] = relationship()

    __table_args__ = (sa.UniqueConstraint("site_id", "platform_id"),)


class CfaDomain(Base):
    """A web site of a centre on which its button may stand: a host name, without scheme nor path."""

    __tablename__ = "cfa_domain"

    id: Mapped[Key]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    host: Mapped[str] = mapped_column(sa.String(253), index=True)
    created_at: Mapped[CreatedAt]

    cfa: Mapped[Cfa] = relationship()

    __table_args__ = (sa.UniqueConstraint("cfa_id", "host"),)


class PlatformSilence(Base):
    """A platform that usually sends requests and sent none any more: each silence is told once, and so is its end."""

    __tablename__ = "platform_silence"

    id: Mapped[Key]
    platform_id: Mapped[int] = mapped_column(sa.ForeignKey("platform.id", ondelete="CASCADE"))
    since: Mapped[Instant]  # its last request
    expected: Mapped[int] = mapped_column(sa.Integer)  # requests that its usual rhythm would have brought by then
    told_at: Mapped[Instant]
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # a request came again

    platform: Mapped[Platform] = relationship()

    __table_args__ = (sa.UniqueConstraint("platform_id", "since"),)
