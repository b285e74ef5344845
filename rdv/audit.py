"""The journal: who did what that touches rights, personal data or what the public sees."""

from __future__ import annotations

from typing import Any

from rdv import clock
from rdv.db import db
from rdv.models import AuditEntry, Cfa, User


def record(
    action: str,
    *,
    user: User | None = None,
    cfa: Cfa | None = None,
    object_type: str | None = None,
    object_id: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Add a line to the journal, in the transaction of the act; never with the personal data itself."""
    db.session.add(
        AuditEntry(
            at=clock.now(),
            user_id=user.id if user else None,
            cfa_id=cfa.id if cfa else None,
            action=action,
            object_type=object_type,
            object_id=object_id,
            data=data or {},
        )
    )
