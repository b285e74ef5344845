"""Managing establishments and the places where they teach."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.models.columns import CreatedAt, Key, PublicId, UpdatedAt


class Cfa(Base):
    """A managing establishment (établissement gestionnaire), known by its SIRET."""

    __tablename__ = "cfa"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    siret: Mapped[str] = mapped_column(sa.String(14), unique=True)
    uai: Mapped[str | None] = mapped_column(sa.String(8))
    name: Mapped[str | None] = mapped_column(sa.String(255))
    chosen_name: Mapped[str | None] = mapped_column(sa.String(255))  # by its managers; imports leave it alone
    email: Mapped[str | None] = mapped_column(sa.String(254))  # decision-maker, from the catalogue
    chosen_email: Mapped[str | None] = mapped_column(
        sa.String(254)
    )  # where people want requests; imports leave it alone
    phone: Mapped[str | None] = mapped_column(sa.String(20))  # E.164
    city: Mapped[str | None] = mapped_column(sa.String(120))
    disability_contact: Mapped[str | None] = mapped_column(sa.String(255))  # référent handicap, as shown
    # Modes that the CFA keeps open; « réserver » is open as soon as a slot is.
    callback_open: Mapped[bool] = mapped_column(default=True)
    message_open: Mapped[bool] = mapped_column(default=True)
    answer_days: Mapped[int] = mapped_column(sa.SmallInteger, default=2)  # working days promised
    sms_open: Mapped[bool] = mapped_column(default=False)  # True: text messages beside mails, for who gave a mobile
    # What saved replies say of the centre: fees, rhythm, open_days; a training may say otherwise.
    reply_values: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    # Median working minutes to the first answer over 90 days; None: too few answers to promise anything.
    answer_median: Mapped[int | None]
    link_seen_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # the public page was reached from a site…
    link_seen_host: Mapped[str | None] = mapped_column(sa.String(120))  # …of this name
    activated_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # first manager's sign-up
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    link_version: Mapped[int] = mapped_column(
        sa.Integer, default=1
    )  # raising it revokes « activer notre espace » links
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    sites: Mapped[list[Site]] = relationship(back_populates="cfa", order_by="Site.id")

    __table_args__ = (sa.CheckConstraint("answer_days BETWEEN 1 AND 4", name="answer_days"),)

    @property
    def shown_name(self) -> str:
        """The name people read, never empty: « Centre de formation – Belfort » when the catalogue gives none."""
        if self.chosen_name or self.name:
            return self.chosen_name or self.name or ""
        return f"Centre de formation – {self.city}" if self.city else "Centre de formation"


class Site(Base):
    """A teaching place (lieu de formation) of one CFA; its zone dates everything that happens there."""

    __tablename__ = "site"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    siret: Mapped[str] = mapped_column(sa.String(14), default="")  # teaching establishment; '' when unknown
    uai: Mapped[str | None] = mapped_column(sa.String(8))
    name: Mapped[str | None] = mapped_column(sa.String(255))
    chosen_name: Mapped[str | None] = mapped_column(sa.String(255))  # by the CFA's managers
    address: Mapped[str | None] = mapped_column(sa.String(255))
    postal_code: Mapped[str | None] = mapped_column(sa.String(5))
    city: Mapped[str | None] = mapped_column(sa.String(120))
    insee: Mapped[str] = mapped_column(sa.String(5), default="")
    address_key: Mapped[str] = mapped_column(
        sa.String(255), default=""
    )  # normalised address: the identity of the place
    department: Mapped[str | None] = mapped_column(sa.String(3))
    territory: Mapped[str] = mapped_column(sa.String(20), default="FR")  # subdivision whose holidays apply
    timezone: Mapped[str] = mapped_column(sa.String(40), default="Europe/Paris")  # IANA
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    email: Mapped[str | None] = mapped_column(sa.String(254))
    chosen_email: Mapped[str | None] = mapped_column(sa.String(254))  # as Cfa.chosen_email
    phone: Mapped[str | None] = mapped_column(sa.String(20))
    # Modes open here; None: as the CFA.
    callback_open: Mapped[bool | None]
    message_open: Mapped[bool | None]
    answer_median: Mapped[int | None]  # as Cfa.answer_median
    no_slot_told_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # the team knows that nothing is bookable
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    cfa: Mapped[Cfa] = relationship(back_populates="sites")
    opening_hours: Mapped[list[OpeningHours]] = relationship(cascade="all, delete-orphan")

    __table_args__ = (sa.UniqueConstraint("cfa_id", "siret", "insee", "address_key"),)

    @property
    def shown_name(self) -> str:
        """The name people read, never empty."""
        given = self.chosen_name or self.name or self.cfa.chosen_name or self.cfa.name
        return given or (f"Site de {self.city}" if self.city else "Site principal")

    @property
    def shown_address(self) -> str:
        """The postal address on one line, empty when unknown."""
        town = " ".join(part for part in (self.postal_code, self.city) if part)
        return ", ".join(part for part in (self.address, town) if part)


class OpeningHours(Base):
    """Hours at which a site answers; none at all means Monday to Friday, 9 to 17 (rdv.deadlines)."""

    __tablename__ = "opening_hours"

    id: Mapped[Key]
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int] = mapped_column(sa.SmallInteger)  # 0 = Monday
    opens_minute: Mapped[int] = mapped_column(sa.SmallInteger)  # minutes after local midnight
    closes_minute: Mapped[int] = mapped_column(sa.SmallInteger)

    __table_args__ = (
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        sa.CheckConstraint(
            "opens_minute >= 0 AND opens_minute < closes_minute AND closes_minute <= 1440", name="range"
        ),
    )
