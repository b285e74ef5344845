"""Column shapes that several tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.orm import mapped_column

from rdv import clock
from rdv.db import UTCDateTime
from rdv.identifiers import new_public_id

Key = Annotated[int, mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)]
PublicId = Annotated[str, mapped_column(sa.String(16), unique=True, default=new_public_id)]
Instant = Annotated[datetime, mapped_column(UTCDateTime())]
CreatedAt = Annotated[datetime, mapped_column(UTCDateTime(), default=lambda: clock.now())]
UpdatedAt = Annotated[datetime, mapped_column(UTCDateTime(), default=lambda: clock.now(), onupdate=lambda: clock.now())]


def one_of(column: str, values: tuple[str, ...], name: str) -> sa.CheckConstraint:
    """Return a CHECK that keeps a text column within a closed list."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=name)
