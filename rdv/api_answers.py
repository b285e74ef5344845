"""The same call of a platform twice acts once: what the first answered is kept a week with the digest of what it asked."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv.candidate import Submission
from rdv.db import db, violated
from rdv.errors import RequestReplayed
from rdv.models import ApiAnswer
from rdv.tokens import keyed_hash

KEPT = timedelta(days=7)


class KeyReused(RequestReplayed):
    """The same Idempotency-Key for another content."""


def submission(platform_id: int, key: str, content: str) -> Submission:
    """Return what the domain knows this call by: its platform and key, and the digest of its address and body."""
    return Submission(keyed_hash("api.key", f"{platform_id}\n{key}")[:32], keyed_hash("api.body", content))


def earlier(platform_id: int, sent: Submission) -> ApiAnswer | None:
    """Return what the same call was answered, None when it is the first; raise KeyReused when its content differs."""
    found = db.session.scalar(
        sa.select(ApiAnswer).where(ApiAnswer.platform_id == platform_id, ApiAnswer.key_hash == sent.id)
    )
    if found is not None and found.digest != sent.digest:
        raise KeyReused
    return found


def claim(platform_id: int, sent: Submission, now: datetime) -> ApiAnswer:
    """Take a call for this transaction, which writes its answer; raise RequestReplayed when another has it.

    The unique key decides: who comes second waits for the first to end, and takes the call if it failed.
    """
    row = ApiAnswer(platform_id=platform_id, key_hash=sent.id, digest=sent.digest, created_at=now)
    db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_api_answer_platform_id_key_hash"):
            raise RequestReplayed from None
        raise
    return row


def purge(now: datetime) -> None:
    """Forget the calls that nobody repeats any more."""
    db.session.execute(sa.delete(ApiAnswer).where(ApiAnswer.created_at < now - KEPT))
