"""A request arrives: recorded with its due date, told to both sides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import asker, contact_resolution, deadlines, modes, notices, thread
from rdv.candidate import Candidate, Submission
from rdv.db import db, violated
from rdv.errors import ModeClosed, RequestReplayed
from rdv.identifiers import new_public_id, new_reference
from rdv.inbox import people, telling
from rdv.models import CandidateRequest, Cfa, RequestEvent, Site, Training


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
    site = open_place(mode, cfa, training)
    request = arrival(mode, cfa, site, training, candidate, now)
    request.callback_windows = callback_windows or []
    request.submission_id, request.submission_digest = submission.id, submission.digest
    db.session.add(request)
    try:
        db.session.flush()  # the thread and the mails name it by its id
    except IntegrityError as error:
        if violated(error, "uq_candidate_request_submission_id"):
            raise RequestReplayed from None
        raise
    thread.add(request, "created", "candidate", now, data=promised(request) | asker.mark(asker.present(candidate)))
    notices.of_request("request_received", request, request.public_id)
    tell_cfa(request)
    return request


def open_place(mode: str, cfa: Cfa, training: Training | None) -> Site | None:
    """Return the place that a request concerns; raise ModeClosed when the CFA keeps this mode shut there."""
    site = people.main_site(cfa, training)
    if not modes.is_open(mode, cfa, site, training):
        raise ModeClosed
    return site


def arrival(
    mode: str, cfa: Cfa, site: Site | None, training: Training | None, candidate: Candidate, now: datetime
) -> CandidateRequest:
    """Return a new request as it arrives at a place: its due date counted from now, for the address that receives there."""
    reference = new_reference()
    return CandidateRequest(
        **candidate.columns(reference),
        public_id=new_public_id(),
        reference=reference,
        cfa_id=cfa.id,
        site_id=site.id if site else None,
        training_id=training.id if training else None,
        mode=mode,
        status="new",
        due_at=deadlines.due_at(now, site, cfa.answer_days, cfa.id),
        follow_up_at=now,
        recipient_email=contact_resolution.recipient_for(db.session(), training, site, cfa).email,
        last_event_at=now,
        created_at=now,
        updated_at=now,
    )


def promised(request: CandidateRequest) -> dict[str, Any]:
    """Return what the first event of a request keeps of it."""
    return {"mode": request.mode, "due": request.due_at.isoformat() if request.due_at else None}


def tell_cfa(request: CandidateRequest, event: RequestEvent | None = None) -> None:
    """Tell the resolved address, or the managers without one, and the members of the place who want each new request.

    `event`: what brought it to another place of the same centre, or another address, which has heard nothing of it.
    """
    version = f"{request.public_id}:{event.id}" if event else request.public_id
    telling.tell("cfa_new_request", request, version, telling.receivers(request), event)


def earlier(submission: Submission) -> CandidateRequest | None:
    """Return the request that this rendered form already made; raise RequestReplayed when its content differed."""
    found = db.session.scalar(sa.select(CandidateRequest).where(CandidateRequest.submission_id == submission.id))
    if found is not None and found.submission_digest != submission.digest:
        raise RequestReplayed
    return found
