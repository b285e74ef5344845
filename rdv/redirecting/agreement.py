"""The person's agreement before their name and contact go to another centre: said in a conversation, or asked by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rdv import inbox, notices, outbox
from rdv.db import db
from rdv.errors import NotFound, RdvError, WrongTransition
from rdv.models import CandidateRequest, RequestEvent, User
from rdv.redirecting.followed import passed_on_by
from rdv.redirecting.target import GONE, Target, find, is_open, mode_there

STAYS = "Non, je préfère que ma demande reste dans votre centre."
_SAID = ("call", "candidate_note", "redirect_asked", "redirected", "undone")


class AgreementMissing(RdvError):
    message = (
        "D’après l’historique, personne n’a encore échangé avec cette personne. Notez d’abord l’appel où elle a donné "
        "son accord, ou demandez-le-lui par courriel."
    )
    status = 409


@dataclass(frozen=True)
class Question:
    """« May we pass your request on to this centre? », not answered yet."""

    event: RequestEvent
    target: Target


def _events(request: CandidateRequest) -> list[RequestEvent]:
    query = sa.select(RequestEvent).where(RequestEvent.request_id == request.id, RequestEvent.kind.in_(_SAID))
    events = db.session.scalars(query.order_by(RequestEvent.id)).all()
    undone = inbox.state.undone_ids(events)
    return [event for event in events if event.id not in undone]


def spoken(request: CandidateRequest) -> bool:
    """Say whether the thread holds an exchange with the person since they last refused: a call, their words, a meeting."""
    if request.booking is not None and request.booking.status == "attended":
        return True
    heard = False
    for event in _events(request):
        if event.data.get("refused"):
            heard = False
        elif event.kind == "candidate_note" or event.data.get("result") == "reached":
            heard = True
    return heard


def pending(request: CandidateRequest) -> Question | None:
    """Return the question that waits for the person's answer; none once the request is over or the centre is shut."""
    asked: RequestEvent | None = None
    for event in _events(request):
        if event.kind == "redirect_asked":
            asked = event
        elif event.kind == "redirected" or event.data.get("refused"):
            asked = None
    if asked is None or request.status == "closed":
        return None
    try:
        return Question(asked, find(asked.data))
    except NotFound:
        return None


def ask(
    request: CandidateRequest,
    target: Target,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    version: int | None = None,
) -> RequestEvent:
    """Ask the person by mail whether their request may go to another centre; `text` would go with it. Nothing else changes.

    Raises EditedMeanwhile, WrongTransition, ModeClosed, or RdvError when they cannot be mailed.
    """
    if not notices.addresses(request):
        raise RdvError(
            "Cette personne n’a pas donné d’adresse électronique\u00a0: appelez-la, puis notez l’appel avant de transmettre."
        )
    inbox.take(request, version)
    check(request, target, now)
    event = inbox.record(request, "redirect_asked", actor, now, user=user, text=text or None, data=named(target))
    notices.of_request("redirect_asked", request, str(event.id), event)
    return event


def named(target: Target) -> dict[str, str]:
    """Return what an event keeps of a target: its identifiers, and its name as it was."""
    return {**target.words, "name": target.name[:300]}


def check(request: CandidateRequest, target: Target, now: datetime) -> str:
    """Return the mode in which a request may go to another centre, or raise what forbids it. Call it under the lock."""
    if request.status == "closed":
        raise WrongTransition("Cette demande est terminée. Rouvrez-la avant de la transmettre.")
    if not is_open(target):
        raise RdvError(GONE)
    held = request.booking
    if held is not None and held.status == "booked" and held.starts_at > now:
        raise WrongTransition("Cette personne a un rendez-vous chez vous. Annulez-le avant de transmettre sa demande.")
    if target.cfa.id in passed_on_by(request):
        raise RdvError(f"Cette demande vient de {target.cfa.shown_name}\u00a0: elle ne peut pas y retourner.")
    return mode_there(request, target)


def refuse(request: CandidateRequest, question: RequestEvent, now: datetime, *, as_asker: bool = False) -> None:
    """Record that the person keeps their request where it is, and tell who asked; harmless when it is known already."""
    inbox.take(request)
    current = pending(request)
    if current is None or current.event.id != question.id:
        return
    said = inbox.add_candidate_note(
        request, STAYS, now, as_asker=as_asker, data={"refused": question.id, "name": question.data.get("name")}
    )
    _tell(request, question.user, said)


def _tell(request: CandidateRequest, by: User | None, said: RequestEvent) -> None:
    """Tell who asked, else the address that received the request, else the managers."""
    if by is not None and by.active and inbox.works_for(request.cfa_id, by.id):
        told: list[tuple[str, int | None]] = [(by.email, by.id)]
    elif request.recipient_email:
        told = [(request.recipient_email, None)]
    else:
        told = [(each.email, each.id) for each in inbox.managers(request.cfa_id)]
    for email, user_id in told:
        outbox.enqueue(
            "redirect_refused", email, f"redirect_refused:{said.id}:{email}"[:160], request_id=request.id,
            event_id=said.id, user_id=user_id, cfa_id=request.cfa_id,
        )  # fmt: skip
