"""Every column that says something of the person of a request, emptied; a test looks for them in the whole database."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from rdv import dead_addresses, rendered
from rdv.db import db
from rdv.models import (
    CandidateRequest,
    DeadAddress,
    Membership,
    OutgoingMail,
    OutgoingSms,
    RequestEvent,
    RequestViewer,
    User,
    WaitlistEntry,
)

# What people read where a name stood. Two words, as a first and a last name, so that every list and calendar says it.
NAME = ("Demande", "effacée")
# Of the facts of events, those that say nothing of the person; what is not named here goes.
KEPT_FACTS = frozenset((
    "agreed", "at", "by", "choice", "contacted", "due", "event", "followed_by", "former", "free_choice", "from", "hold",
    "kept", "mail", "minutes", "mode", "name", "next", "outcome", "owner", "public", "refused", "result", "rung", "site",
    "slot", "slots", "to", "took", "unreachable", "why",
))  # fmt: skip
# The adviser still has to hear that the seat is free; rendered when it leaves, it names nobody any more.
STILL_TOLD = "adviser_booking_cancelled"
MAILS_KEPT = timedelta(days=31)  # as long as their words are (rdv.erasure.retention), and a day


def scrub(request: CandidateRequest, now: datetime) -> None:
    """Empty what names or quotes the person of a request, which the caller holds locked. Figures and dates stay."""
    db.session.flush()
    addresses = {each.lower() for each in (request.email, request.asker_email) if each}
    _events(request)
    _mails(request, now)
    _texts(request)
    session = db.session
    session.execute(
        sa.update(WaitlistEntry).where(WaitlistEntry.request_id == request.id).values(person_key=None, updated_at=now)
    )
    session.execute(sa.delete(RequestViewer).where(RequestViewer.request_id == request.id))
    if request.booking is not None:
        held = request.booking
        held.person_key = held.cancel_reason = None
        held.updated_at = now
        rendered.forget(held.id)
    request.first_name, request.last_name = NAME
    request.email = request.phone = request.text = request.email_state = None
    request.asker_first_name = request.asker_last_name = request.asker_email = request.asker_phone = None
    request.reasons, request.callback_windows = [], []
    request.person_key = request.submission_id = request.submission_digest = request.recipient_email = None
    request.name_key = ""
    request.search_text = request.reference.lower()
    request.next_attempt_at = request.follow_up_at = None
    request.link_version += 1
    request.version += 1
    request.erased_at = request.updated_at = now
    session.flush()
    _dead_addresses(addresses)


def _events(request: CandidateRequest) -> None:
    """What was written goes; what happened, and when, stays: the state of the request is still the fold of it."""
    rows = db.session.execute(
        sa.select(RequestEvent.id, RequestEvent.data).where(RequestEvent.request_id == request.id)
    ).all()
    for event_id, data in rows:
        kept = {name: value for name, value in (data or {}).items() if name in KEPT_FACTS}
        db.session.execute(
            sa.update(RequestEvent).where(RequestEvent.id == event_id).values(text=None, data=kept, relayed=True)
        )


def _mails(request: CandidateRequest, now: datetime) -> None:
    """What waits is not sent; nothing of what left is kept. Lists of several requests lose their words, and leave anew."""
    told = OutgoingMail.kind == STILL_TOLD
    to_staff = sa.or_(OutgoingMail.user_id.is_not(None), OutgoingMail.to_email == request.recipient_email)
    dropped = sa.and_(OutgoingMail.status == "pending", ~told)
    db.session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.request_id == request.id)
        .values(
            to_email=sa.case((sa.func.coalesce(to_staff, False), OutgoingMail.to_email), else_=""), subject=None,
            message_bytes=None, data={}, status=sa.case((dropped, "dropped"), else_=OutgoingMail.status),
        )
    )  # fmt: skip
    team = sa.select(User.email).join(Membership, Membership.user_id == User.id)
    db.session.execute(
        sa.update(OutgoingMail)
        .where(
            OutgoingMail.to_email.in_(team.where(Membership.cfa_id == request.cfa_id)),
            OutgoingMail.created_at > now - MAILS_KEPT,
            OutgoingMail.request_id.is_(None),
            OutgoingMail.message_bytes.is_not(None),
        )
        .values(message_bytes=None)
    )


def _texts(request: CandidateRequest) -> None:
    db.session.execute(
        sa.update(OutgoingSms)
        .where(OutgoingSms.request_id == request.id)
        .values(
            to_phone="", text=None, data={}, dedup_key=sa.literal("erased:") + OutgoingSms.public_id,
            status=sa.case((OutgoingSms.status == "pending", "dropped"), else_=OutgoingSms.status),
        )
    )  # fmt: skip


def _dead_addresses(addresses: set[str]) -> None:
    """Forget that an address refuses our mails, unless a centre uses it or another request still does."""
    for address in sorted(addresses):
        asks = sa.or_(CandidateRequest.email == address, CandidateRequest.asker_email == address)
        if dead_addresses.centres_of([address]) or db.session.scalar(
            sa.select(CandidateRequest.id).where(asks).limit(1)
        ):
            continue
        db.session.execute(sa.delete(DeadAddress).where(DeadAddress.email == address))
