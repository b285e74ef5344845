"""Requests of candidates on the CFA's side: open, answer, follow, close. The state moves by one table."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import asker, audit, contact_resolution, deadlines, notices, outbox, thread
from rdv.candidate import Candidate, Submission
from rdv.db import db, violated
from rdv.errors import EditedMeanwhile, ModeClosed, NotFound, RdvError, RequestReplayed, WrongTransition
from rdv.identifiers import new_public_id, new_reference
from rdv.inbox.lists import TO_TREAT as TO_TREAT
from rdv.inbox.lists import Counters as Counters
from rdv.inbox.lists import Cursor as Cursor
from rdv.inbox.lists import Filter as Filter
from rdv.inbox.lists import count as count
from rdv.inbox.lists import counters as counters
from rdv.inbox.lists import last_words as last_words
from rdv.inbox.lists import page as page
from rdv.inbox.lists import same_person as same_person
from rdv.inbox.lists import with_contact as with_contact
from rdv.models import CandidateRequest, Cfa, Membership, RequestEvent, Site, Slot, Training, User

# From each state, where an act may lead. An internal note leads nowhere: it changes no state.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "new": ("in_progress", "waiting_candidate", "closed"),
    "in_progress": ("in_progress", "waiting_candidate", "closed"),
    "waiting_candidate": ("in_progress", "waiting_candidate", "closed"),
    "closed": ("in_progress",),
}
STATUS_LABELS = {
    "new": "Nouvelle",
    "in_progress": "En cours",
    "waiting_candidate": "En attente du candidat",
    "closed": "Terminée",
}
MODE_LABELS = {"callback": "À rappeler", "message": "Message", "slot": "Rendez-vous"}
OUTCOME_LABELS = {
    "meeting_set": "Rendez-vous pris",
    "answered": "Répondu",
    "unreachable": "Injoignable",
    "not_for_us": "Ne nous concerne pas",
    "cancelled_by_candidate": "Annulé par le candidat",
    "cancelled_by_cfa": "Annulé par le centre",
    "no_follow_up": "Sans suite",
    "waitlisted": "En liste d’attente",
}
# What staff may choose when closing by hand.
CLOSING_OUTCOMES = ("answered", "meeting_set", "unreachable", "not_for_us", "no_follow_up")
# Result of a call; only a conversation is an answer (design.md §4).
CALL_RESULTS = {
    "reached": "J’ai parlé à la personne",
    "voicemail": "J’ai laissé un message vocal",
    "no_answer": "Pas de réponse",
    "wrong_number": "Mauvais numéro",
}


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

    Raises ModeClosed when the CFA keeps this mode shut, RequestReplayed on a known submission id.
    """
    if not (cfa.callback_open if mode == "callback" else cfa.message_open) or cfa.closed_at:
        raise ModeClosed
    site = main_site(cfa, training)
    reference = new_reference()
    resolved = contact_resolution.recipient_for(db.session(), training, site, cfa)
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
        due_at=deadlines.due_at(now, site, cfa.answer_days, cfa.id),
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
    thread.add(request, "created", "candidate", now, data={"mode": mode, **asker.mark(asker.present(candidate))})
    notices.of_request("request_received", request, request.public_id)
    _notify_cfa(request)
    return request


def _notify_cfa(request: CandidateRequest) -> None:
    """Tell the resolved address; without one, the managers; without any of them the request waits in the inbox."""
    addresses = (
        [request.recipient_email] if request.recipient_email else [user.email for user in managers(request.cfa_id)]
    )
    for email in addresses:
        outbox.enqueue(
            "cfa_new_request", email, f"cfa_new_request:{request.public_id}:{email}"[:160],
            request_id=request.id, cfa_id=request.cfa_id,
        )  # fmt: skip


def managers(cfa_id: int) -> list[User]:
    """Return the active managers of a CFA."""
    return list(
        db.session.scalars(
            sa.select(User)
            .join(Membership, Membership.user_id == User.id)
            .where(
                Membership.cfa_id == cfa_id, Membership.role == "manager", Membership.ended_at.is_(None),
                User.active.is_(True), User.password_hash.is_not(None),
            )
            .order_by(User.id)
        )
    )  # fmt: skip


def answerable_for(slot: Slot) -> list[User]:
    """Return who is told about a slot: its adviser, or the managers once this one has left the CFA."""
    still_there = sa.select(Membership.id).where(
        Membership.user_id == slot.adviser_id, Membership.cfa_id == slot.cfa_id, Membership.ended_at.is_(None)
    )
    return [slot.adviser] if db.session.scalar(still_there) else managers(slot.cfa_id)


def colleagues(cfa_id: int) -> list[User]:
    """Return everybody who works for a CFA now, by name."""
    return list(
        db.session.scalars(
            sa.select(User)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.cfa_id == cfa_id, Membership.ended_at.is_(None), User.active.is_(True))
            .order_by(User.first_name, User.last_name, User.id)
        )
    )


def main_site(cfa: Cfa, training: Training | None) -> Site | None:
    """Return the place a request concerns: the training's, else the CFA's first open one."""
    places = training.sites if training and training.sites else cfa.sites
    return next((site for site in places if site.closed_at is None), None)


def earlier(submission: Submission) -> CandidateRequest | None:
    """Return the request that this rendered form already made; raise RequestReplayed when its content differed."""
    found = db.session.scalar(sa.select(CandidateRequest).where(CandidateRequest.submission_id == submission.id))
    if found is not None and found.submission_digest != submission.digest:
        raise RequestReplayed
    return found


# -- loaders ----------------------------------------------------------------------------------------------------------


def get_for_cfa(cfa_id: int, public_id: str) -> CandidateRequest:
    """Return a request of this CFA, or raise NotFound."""
    found = db.session.scalar(
        sa.select(CandidateRequest).where(CandidateRequest.public_id == public_id, CandidateRequest.cfa_id == cfa_id)
    )
    if found is None:
        raise NotFound("Cette demande n’existe pas dans votre centre.")
    return found


def get_by_public_id(public_id: str) -> CandidateRequest:
    """Return a request named by a signed link, or raise NotFound: the caller has checked the link."""
    found = db.session.scalar(sa.select(CandidateRequest).where(CandidateRequest.public_id == public_id))
    if found is None:
        raise NotFound
    return found


# -- acts -------------------------------------------------------------------------------------------------------------


def _go(request: CandidateRequest, status: str) -> None:
    if status not in TRANSITIONS[request.status]:
        raise WrongTransition
    request.status = status


def _claim_version(request: CandidateRequest, version: int | None) -> None:
    """Take the row for this act, or raise EditedMeanwhile when somebody changed it since the page was shown."""
    if version is None:
        return
    changed = db.session.connection().execute(
        sa.update(CandidateRequest)
        .where(CandidateRequest.id == request.id, CandidateRequest.version == version)
        .values(version=CandidateRequest.version + 1)
    )
    if changed.rowcount != 1:
        raise EditedMeanwhile
    db.session.refresh(request)


def answer(
    request: CandidateRequest,
    text: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    version: int | None = None,
) -> RequestEvent:
    """Answer in writing: mailed to the candidate, counted as the first answer, and now their turn.

    Raises EditedMeanwhile, WrongTransition, or RdvError when the candidate gave no e-mail.
    """
    if not request.email:
        raise RdvError("Cette personne n’a pas donné d’adresse électronique\u00a0: appelez-la, puis notez l’appel.")
    _claim_version(request, version)
    if request.status == "closed":
        _go(request, "in_progress")
        request.outcome = None
    _go(request, "waiting_candidate")
    if request.first_answered_at is None:
        request.first_answered_at = now
    if user is not None and request.owner_id is None:
        request.owner_id = user.id
    event = thread.add(request, "answer", actor, now, user=user, text=text)
    notices.of_request("request_answered", request, str(event.id), event)
    return event


def log_call(
    request: CandidateRequest,
    result: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    version: int | None = None,
) -> RequestEvent:
    """Record a call. Only « reached » is an answer; the others leave the request waiting, its due date unchanged."""
    if result not in CALL_RESULTS:
        raise RdvError("Choisissez le résultat de l’appel dans la liste.")
    _claim_version(request, version)
    if request.status == "closed":
        raise WrongTransition("Cette demande est terminée. Rouvrez-la avant de noter un appel.")
    if result == "reached":
        if request.first_answered_at is None:
            request.first_answered_at = now
        _go(request, "waiting_candidate")
    else:
        _go(request, "in_progress")
    if user is not None and request.owner_id is None:
        request.owner_id = user.id
    return thread.add(request, "call", actor, now, user=user, text=text or None, data={"result": result}, internal=True)


def note(request: CandidateRequest, text: str, now: datetime, *, user: User) -> RequestEvent:
    """Add an internal note: never seen by the candidate, never an answer, no state changed."""
    return thread.add(request, "note", "staff", now, user=user, text=text, internal=True)


def assign(request: CandidateRequest, owner: User | None, now: datetime, *, user: User) -> None:
    """Give a request to a colleague, or to nobody; its due date does not move."""
    if owner is not None:
        member = db.session.scalar(
            sa.select(Membership.id).where(
                Membership.user_id == owner.id,
                Membership.cfa_id == request.cfa_id,
                Membership.ended_at.is_(None),
            )
        )
        if member is None:
            raise NotFound("Cette personne ne fait pas partie de votre centre.")
    request.owner_id = owner.id if owner else None
    thread.add(
        request,
        "assigned",
        "staff",
        now,
        user=user,
        data={"owner": owner.public_id if owner else None},
        internal=True,
    )


def close(
    request: CandidateRequest,
    outcome: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    version: int | None = None,
) -> None:
    """Close a request with an outcome that staff may choose."""
    if outcome not in CLOSING_OUTCOMES:
        raise RdvError("Choisissez le résultat dans la liste.")
    _claim_version(request, version)
    _go(request, "closed")
    request.outcome = outcome
    if outcome in ("answered", "meeting_set") and request.first_answered_at is None:
        request.first_answered_at = now
    thread.add(request, "closed", actor, now, user=user, data={"outcome": outcome}, internal=True)


def reopen(request: CandidateRequest, actor: str, now: datetime, *, user: User | None = None) -> None:
    """Take up a closed request again; a new due date runs from now. Raises WrongTransition when it is not closed.

    Otherwise a click too many would move the date that the candidate was promised.
    """
    if request.status != "closed":
        raise WrongTransition("Cette demande est déjà rouverte. Rechargez la page.")
    _go(request, "in_progress")
    request.outcome = None
    request.due_at = deadlines.due_at(now, request.site, request.cfa.answer_days, request.cfa_id)
    thread.add(request, "reopened", actor, now, user=user, internal=True)


def wake_as_call(request: CandidateRequest, now: datetime) -> None:
    """Turn a request whose person cannot be mailed into an « à appeler » task of the inbox, with a due date."""
    request.status, request.outcome = "new", None
    request.due_at = deadlines.due_at(now, request.site, request.cfa.answer_days, request.cfa_id)
    thread.add(request, "reopened", "system", now, data={"why": "no_email"}, internal=True)


def revoke_links(request: CandidateRequest, user: User) -> None:
    """Make every link already sent for this request stop working."""
    request.link_version += 1
    audit.record(
        "request.links_revoked",
        user=user,
        cfa=request.cfa,
        object_type="request",
        object_id=request.public_id,
    )
