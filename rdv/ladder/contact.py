"""« Avez-vous été contacté ? »: asked once where a request is treated by word of the CFA alone; « non » reopens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from rdv import allowance, asker, inbox, notices, sms
from rdv.db import db
from rdv.errors import WrongTransition
from rdv.inbox import calling
from rdv.ladder import history, who
from rdv.models import CandidateRequest, OutgoingMail, RequestEvent
from rdv.settings import settings

ASKED_AFTER = timedelta(days=5)
CLOSED = (
    "Ce centre n’accueille plus de candidats\u00a0: personne n’y répondra. "
    "Cherchez un autre centre qui propose cette formation."
)
TOLD = 3  # the rung at which the candidate hears that nobody answered
UNASKED = ("follow_up_candidate", "contact_check")  # what we write without being asked
_UNDECIDED = ("answered", "unreachable", "no_follow_up")  # closed by the CFA's word: the candidate may say otherwise


def ask_at(request: CandidateRequest, events: Sequence[RequestEvent]) -> datetime | None:
    """Return from when the candidate is to be asked, None when there is nothing to ask or they were asked already."""
    treated = request.status == "waiting_candidate" or request.outcome == "answered"
    if not treated or seen(events) or not notices.read(request):
        return None
    claim = next((event for event in _since_heard(events) if _claims(event)), None)
    asked = sa.select(OutgoingMail.id).where(OutgoingMail.dedup_key == f"contact_check:{request.public_id}")
    return None if claim is None or db.session.scalar(asked) is not None else claim.at + ASKED_AFTER


def seen(events: Sequence[RequestEvent]) -> bool:
    """Say whether we know of an answer ourselves since the candidate was last heard: it left from here, or they said so."""
    return any(event.kind in history.WRITTEN or event.data.get("contacted") for event in _since_heard(events))


def _since_heard(events: Sequence[RequestEvent]) -> Sequence[RequestEvent]:
    """Return what happened since a request was last taken up again."""
    for rank in range(len(events) - 1, -1, -1):
        event = events[rank]
        woken = event.kind == "reopened" or event.data.get("contacted") is False
        if woken or (event.kind in ("candidate_note", "windows") and event.data.get("due")):
            return events[rank + 1 :]
    return events


def _claims(event: RequestEvent) -> bool:
    """Say whether an event is the CFA's word, and that alone, that it answered."""
    if event.actor not in ("staff", "cfa_link"):
        return False
    return (
        event.kind == "answered_elsewhere"
        or (event.kind == "call" and event.data.get("result") == "reached")
        or (event.kind == "closed" and event.data.get("outcome") == "answered")
    )


def ask(request: CandidateRequest, now: datetime) -> bool:
    """Ask by mail, once per request; False when their addresses had their most today."""
    to = readers(request, now)
    if to is None:
        return False
    write("contact_check", request, request.public_id, to)
    return True


def reachable(request: CandidateRequest) -> bool:
    """Say whether anything that we write reaches a person of this request."""
    return bool(notices.read(request) or sms.numbers(request))


def readers(request: CandidateRequest, now: datetime) -> list[str] | None:
    """Return which addresses of a request may get one more mail that nobody asked for today; None when all did get their most.

    Each counts alone: who asks for thirty young people is no reason to leave one of them without news.
    """
    most, zone, told = settings().candidate_mails_most_per_day, calling.zone_of(request), notices.read(request)
    found = [email for email in sorted(told) if allowance.left(email, most, zone, now, UNASKED)]
    return found if found or not told else None


def write(kind: str, request: CandidateRequest, version: str, to: list[str], event: RequestEvent | None = None) -> None:
    """Write such a mail to these readers; to nobody's inbox when there is none, which texts and the CFA make up for."""
    if len(to) == len(notices.read(request)):
        notices.of_request(kind, request, version, event)
        return
    for reader in [*to, *sms.numbers(request)]:
        notices.of_request(kind, request, version, event, reader)


def may_say(request: CandidateRequest, events: Sequence[RequestEvent]) -> bool:
    """Say whether the candidate's word still counts: not once an answer left from here, nor when it ended otherwise."""
    if request.status in inbox.TO_TREAT:
        return True
    if request.status == "closed" and request.outcome not in _UNDECIDED:
        return False
    return not any(event.kind in history.WRITTEN for event in _since_heard(events))


def say(request: CandidateRequest, contacted: bool, now: datetime, *, as_asker: bool = False) -> RequestEvent | None:
    """Record the candidate's word: yes closes, no reopens with a new promise and tells the CFA. Saying it again changes nothing.

    « No » changes nothing either while a promise runs, or while the CFA is being reminded of it: saying so is no way to
    wait longer. Raises WrongTransition when their word no longer counts, or when the centre closed: nobody is there to answer.
    """
    inbox.take(request)
    events = history.of(request)
    if not may_say(request, events):
        raise WrongTransition("Cette demande a déjà sa réponse\u00a0: elle est sur votre page.")
    known = request.status == "closed" and seen(events) if contacted else _expected(request)
    if known:
        return None
    if not contacted and request.cfa.closed_at is not None:
        raise WrongTransition(CLOSED)
    due = {} if contacted else {"due": inbox.promise(request, now)}
    event = inbox.record(
        request, "contact_check", "candidate", now, data={"contacted": contacted, **due, **asker.mark(as_asker)}
    )
    if not contacted:
        inbox.tell("not_contacted", request, str(event.id), who.concerned(request, now), event)
    return event


def _expected(request: CandidateRequest) -> bool:
    """Say whether the CFA still has to answer, and the candidate was not told yet that it did not."""
    return request.status in inbox.TO_TREAT and request.rung < TOLD
