"""What follows when a mail reaches nobody: a request of a centre goes to its next address, a candidate is reached another way.

Lock order: requests ascending by id, one event a request.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import asker, contact_resolution, dead_addresses, inbox, notices
from rdv.db import db
from rdv.mails import KINDS
from rdv.models import CandidateRequest, OutgoingMail, RequestEvent


def address_died(email: str, why: str, now: datetime) -> None:
    """Send the open requests of a centre's dead address elsewhere, and mark those of a candidate whose address it is."""
    for request in _waiting_at(email):
        _elsewhere(request, email, why, now)
    theirs = sa.select(CandidateRequest.id).where(
        CandidateRequest.email == email, sa.func.coalesce(CandidateRequest.email_state, "") != "dead"
    )
    ids = db.session.scalars(theirs.order_by(CandidateRequest.id).with_for_update()).all()
    if ids:
        db.session.execute(sa.update(CandidateRequest).where(CandidateRequest.id.in_(ids)).values(email_state="dead"))


def follow(mail: OutgoingMail, why: str, now: datetime) -> None:
    """Tell the thread that a mail for the people of a request reached nobody; what they must know is told another way.

    By text message where one can be sent; else, when nobody else of the request reads it, the centre is to call.
    """
    request = mail.request
    if request is None or mail.user_id is not None or mail.to_email not in notices.addresses(request):
        return
    kind = KINDS[mail.kind]
    inbox.take(request)
    told = kind.call_instead and kind.still_due(mail, now)
    who = "asker" if asker.reads(request, mail.to_email) else "candidate"
    if not told and _said(request, who):
        return
    data = {"why": why, "to": who, "mail": mail.kind}
    inbox.record(request, "mail_failed", "system", now, data=data, internal=True)
    if not told or notices.by_text(mail) or any(each != mail.to_email for each in notices.read(request)):
        return
    if request.status not in inbox.TO_TREAT:
        inbox.wake_as_call(request, now, "mail_failed")


def _waiting_at(email: str) -> list[CandidateRequest]:
    """Return the requests that wait for an answer from whoever reads an address: found by the mails it was sent."""
    sent = sa.select(OutgoingMail.request_id).where(
        OutgoingMail.to_email.in_({email, email.lower()}), OutgoingMail.request_id.is_not(None)
    )
    query = sa.select(CandidateRequest).where(
        CandidateRequest.id.in_(sent),
        CandidateRequest.status.in_(inbox.TO_TREAT),
        sa.func.lower(CandidateRequest.recipient_email) == email.lower(),
    )
    return list(db.session.scalars(query.order_by(CandidateRequest.id)))


def _elsewhere(request: CandidateRequest, email: str, why: str, now: datetime) -> None:
    """Find the next address of a request, tell it, and tell the candidate once. The links sent to the dead one end."""
    inbox.take(request)
    if request.status not in inbox.TO_TREAT or (request.recipient_email or "").lower() != email.lower():
        return  # answered, or sent elsewhere meanwhile
    found = contact_resolution.recipient_for(db.session(), request.training, request.site, request.cfa)
    request.recipient_email = found.email
    if found.email is not None:
        now_with = "address"
    else:
        now_with = "managers" if dead_addresses.living(inbox.managers(request.cfa_id)) else "nobody"
    data = {"why": why, "to": "centre", "next": now_with}
    event = inbox.record(request, "mail_failed", "system", now, data=data, internal=True)
    inbox.tell_cfa(request, event)
    notices.of_request("centre_unreached", request, request.public_id, event)


def _said(request: CandidateRequest, who: str) -> bool:
    """Say whether the thread tells already that this person's address fails."""
    events = db.session.scalars(
        sa.select(RequestEvent).where(RequestEvent.request_id == request.id, RequestEvent.kind == "mail_failed")
    )
    return any(event.data.get("to") == who for event in events)
