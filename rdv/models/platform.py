"""Sites that send us candidates."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from rdv.db import Base
from rdv.models.columns import Key


class Platform(Base):
    """A site on which « Prendre rendez-vous » stands; its code is the `origine` of our links."""

    __tablename__ = "platform"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(sa.String(30), unique=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    url: Mapped[str | None] = mapped_column(sa.String(255))
