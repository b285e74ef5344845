"""Which request continues one that was passed on, and for whom its page may be opened by the former link."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rdv import asker
from rdv.db import db
from rdv.errors import LinkInvalid
from rdv.models import CandidateRequest


def continued(request: CandidateRequest) -> CandidateRequest | None:
    """Return the request of another centre that continues this one, the last if it was passed on again once reopened."""
    return next(iter(continuations(request)), None)


def continuations(request: CandidateRequest) -> Sequence[CandidateRequest]:
    """Return the requests of other centres that this one was passed on as, the last first."""
    return db.session.scalars(
        sa.select(CandidateRequest)
        .where(CandidateRequest.redirected_from_id == request.id)
        .order_by(CandidateRequest.id.desc())
    ).all()


def passed_on_by(request: CandidateRequest) -> set[int]:
    """Return the ids of the centres that passed a request on, one after the other: it never returns to one of them."""
    found: set[int] = set()
    before = request.redirected_from
    while before is not None:
        found.add(before.cfa_id)
        before = before.redirected_from
    return found


def followed(request: CandidateRequest, recipient: str) -> CandidateRequest:
    """Return the request that a person's link leads to: the last of those that continue theirs, while they are its contact.

    Raises LinkInvalid when the links of that one were revoked: the former link falls with them.
    """
    found = request
    while found.outcome == "redirected":
        further = continued(found)
        if further is None or recipient not in asker.contacts(further):
            break
        if further.link_version != 1:  # that of a request just made, as links.new_personal_token
            raise LinkInvalid
        found = further
    return found
