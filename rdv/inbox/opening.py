"""A request arrives: recorded with its due date, told to both sides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import asker, contact_resolution, deadlines, modes, notices, outbox, thread
from rdv.candidate import Candidate, Submission
from rdv.db import db, violated
from rdv.errors import ModeClosed, RequestReplayed
from rdv.identifiers import new_public_id, new_reference
from rdv.inbox import people
from rdv.models import CandidateRequest, Cfa, Training


def open_request(
    mode: str,
    cfa: Cfa,
    candidate: Candidate,
    submission: Submission,
    now: datetime,
    *,
    training: Training | None = None,
    callback_windows: list[str] | None = None,
) -> CandidateRequest:
    """Record a callback or a message, with its due date, and tell both sides.

    Raises ModeClosed when the CFA keeps this mode shut there, RequestReplayed on a known submission id.
    """
    site = people.main_site(cfa, training)
    if not modes.is_open(mode, cfa, site, training):
        raise ModeClosed
    reference = new_reference()
    resolved = contact_resolution.recipient_for(db.session(), training, site, cfa)
    due_at = deadlines.due_at(now, site, cfa.answer_days, cfa.id)
    request = CandidateRequest(
        **candidate.columns(reference),
        public_id=new_public_id(),
        reference=reference,
        cfa_id=cfa.id,
        site_id=site.id if site else None,
        training_id=training.id if training else None,
        mode=mode,
        callback_windows=callback_windows or [],
        status="new",
        due_at=due_at,
        follow_up_at=now,
        recipient_email=resolved.email,
        submission_id=submission.id,
        submission_digest=submission.digest,
        last_event_at=now,
        created_at=now,
        updated_at=now,
    )
    db.session.add(request)
    try:
        db.session.flush()  # the thread and the mails name it by its id
    except IntegrityError as error:
        if violated(error, "uq_candidate_request_submission_id"):
            raise RequestReplayed from None
        raise
    data = {"mode": mode, "due": due_at.isoformat(), **asker.mark(asker.present(candidate))}
    thread.add(request, "created", "candidate", now, data=data)
    notices.of_request("request_received", request, request.public_id)
    tell_cfa(request)
    return request


def tell_cfa(request: CandidateRequest) -> None:
    """Tell the resolved address; without one, the managers; without any of them the request waits in the inbox."""
    addresses = (
        [request.recipient_email]
        if request.recipient_email
        else [user.email for user in people.managers(request.cfa_id)]
    )
    for email in addresses:
        outbox.enqueue(
            "cfa_new_request", email, f"cfa_new_request:{request.public_id}:{email}"[:160],
            request_id=request.id, cfa_id=request.cfa_id,
        )  # fmt: skip


def earlier(submission: Submission) -> CandidateRequest | None:
    """Return the request that this rendered form already made; raise RequestReplayed when its content differed."""
    found = db.session.scalar(sa.select(CandidateRequest).where(CandidateRequest.submission_id == submission.id))
    if found is not None and found.submission_digest != submission.digest:
        raise RequestReplayed
    return found
