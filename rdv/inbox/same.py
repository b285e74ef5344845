"""One history: the other requests of the same person in a CFA, by their contacts, then by their name alone.

A helper (youth worker, teacher) asks for many young people: their own address says nothing of who these are.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.models import Booking, CandidateRequest


def same_person(request: CandidateRequest, limit: int = 10) -> list[CandidateRequest]:
    """Return the other requests of this CFA with an e-mail or a phone of this one's people, newest first."""
    theirs = request.asker != "helper"
    emails = [request.email, request.asker_email] if theirs else [_own(request.email, request.asker_email)]
    phones = [request.phone, request.asker_phone] if theirs else [_own(request.phone, request.asker_phone)]
    return _by_contact(request.cfa_id, emails, phones, request.id, limit)


def same_name(request: CandidateRequest, limit: int = 10) -> list[CandidateRequest]:
    """Return the requests of this CFA under the same name, accents and case aside, with other contacts, newest first.

    Perhaps the same person, perhaps not: shown apart.
    """
    if not request.name_key:
        return []
    known = {each.id for each in same_person(request, limit=50)} | {request.id}
    named = sa.select(CandidateRequest.id).where(
        CandidateRequest.cfa_id == request.cfa_id,
        CandidateRequest.name_key == request.name_key,
        CandidateRequest.id.not_in(known),
    )
    return _shown(named.order_by(CandidateRequest.id.desc()).limit(limit), limit)


def with_contact(
    cfa_id: int, email: str | None, phone: str | None, but: int | None = None, limit: int = 10
) -> list[CandidateRequest]:
    """Return the requests of a CFA with this e-mail, the candidate's or the asker's, or this phone, newest first."""
    return _by_contact(cfa_id, [email], [phone], but, limit)


def _own(contact: str | None, helpers: str | None) -> str | None:
    return contact if contact != helpers else None


def _by_contact(
    cfa_id: int, emails: Iterable[str | None], phones: Iterable[str | None], but: int | None, limit: int
) -> list[CandidateRequest]:
    mails, numbers = sorted(set(filter(None, emails))), sorted(set(filter(None, phones)))
    helped = CandidateRequest.asker == "helper"
    asked = CandidateRequest
    # An index read for each column, joined: an OR of several columns is none.
    reads = []
    if mails:
        of_helper = sa.and_(helped, sa.func.coalesce(asked.asker_email, "") == asked.email)
        reads.append(sa.select(asked.id).where(asked.email.in_(mails), asked.cfa_id == cfa_id, ~of_helper))
        reads.append(sa.select(asked.id).where(asked.asker_email.in_(mails), asked.cfa_id == cfa_id, ~helped))
    if numbers:
        of_helper = sa.and_(helped, sa.func.coalesce(asked.asker_phone, "") == asked.phone)
        reads.append(sa.select(asked.id).where(asked.phone.in_(numbers), asked.cfa_id == cfa_id, ~of_helper))
    if not reads:
        return []
    found = sa.union(*reads).subquery()
    newest = sa.select(found.c.id).where(found.c.id != (but or 0)).order_by(found.c.id.desc()).limit(limit)
    return _shown(newest, limit)


def _shown(ids: sa.Select[int], limit: int) -> list[CandidateRequest]:
    """Return these requests with what their lines show, newest first."""
    chosen = db.session.scalars(ids).all()
    if not chosen:
        return []
    query = (
        sa.select(CandidateRequest)
        .options(
            joinedload(CandidateRequest.training),
            joinedload(CandidateRequest.site),
            joinedload(CandidateRequest.owner),
            joinedload(CandidateRequest.booking).joinedload(Booking.slot),
        )
        .where(CandidateRequest.id.in_(chosen))
        .order_by(CandidateRequest.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))
