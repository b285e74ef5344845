"""What is done to a request. Each act takes the row first, then appends an event; the columns are the fold of events.

Who loses a race reads EditedMeanwhile, and nothing typed is lost: the page comes again with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import asker, audit, clock, deadlines, notices, seats, thread
from rdv.db import db
from rdv.errors import EditedMeanwhile, NotFound, RdvError, RequestErased, WrongTransition
from rdv.inbox import calling, first_answers, people, state
from rdv.inbox.words import CALL_RESULTS, CLOSING_OUTCOMES, NOT_REACHED, TOLD_WHEN_CLOSED, TRANSITIONS
from rdv.models import CandidateRequest, RequestEvent, User

UNDO = timedelta(seconds=20)  # an answer leaves no sooner: until then its author may take it back
_REPLACES = ("answer", "answered_elsewhere")  # what an earlier answer proposed is no longer kept
FARTHEST_CALL = timedelta(days=60)  # a call is planned no later


def _undo_over(now: datetime) -> datetime:
    """Return when the mail of an act may leave; at once for an act of long ago that is written now (imports, demonstration)."""
    return max(now + UNDO, clock.now())


def take(request: CandidateRequest, version: int | None = None) -> None:
    """Lock the row for this act; raise EditedMeanwhile when somebody changed it since the page of that version.

    Raises RequestErased when its person was erased: nothing more is written of them.
    """
    db.session.flush()
    db.session.refresh(request, with_for_update={"of": CandidateRequest})
    if request.erased_at is not None:
        raise RequestErased(request)
    if version is not None and request.version != version:
        raise EditedMeanwhile


def record(
    request: CandidateRequest,
    kind: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    data: dict[str, Any] | None = None,
    internal: bool = False,
) -> RequestEvent:
    """Append an event that may change the state, write the state it leads to, and let the ladder look again."""
    before = state.of(request)
    event = thread.add(request, kind, actor, now, user=user, text=text, data=data, internal=internal)
    reached = state.after(before, event)
    if kind in _REPLACES or (reached is not None and reached.status == "closed"):
        seats.let_proposals_lapse(request.id, now)
    if reached is not None and reached != before:
        reached.write(request)
        request.follow_up_at = now
        if before.first_answered_at is None and reached.first_answered_at is not None:
            first_answers.record(request, now, user)
    return event


def _allow(request: CandidateRequest, status: str, refusal: str | None = None) -> None:
    if status not in TRANSITIONS[request.status]:
        raise WrongTransition(refusal)


def _own(request: CandidateRequest, user: User | None) -> dict[str, Any]:
    """Whoever acts first on a request follows it; return what the event keeps of it, should it be taken back."""
    if user is None or request.owner_id is not None:
        return {}
    request.owner_id = user.id
    return {"took": True}


def promise(request: CandidateRequest, now: datetime) -> str:
    """Return a new due date counted from now, as events keep it."""
    return deadlines.due_at(now, request.site, request.cfa.answer_days, request.cfa_id).isoformat()


def answer(
    request: CandidateRequest,
    text: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    version: int | None = None,
    data: dict[str, Any] | None = None,
    undoable: bool = False,
) -> RequestEvent:
    """Answer in writing: mailed to the candidate, counted as the first answer, and now their turn.

    `data`: what goes with the words (slots proposed). `undoable`: the mail leaves after UNDO, in case it is taken back.
    Raises EditedMeanwhile, WrongTransition, or RdvError when the candidate gave no e-mail.
    """
    if not request.email:
        raise RdvError("Cette personne n’a pas donné d’adresse électronique\u00a0: appelez-la, puis notez l’appel.")
    if not notices.read(request):
        raise RdvError(
            "L’adresse électronique de cette personne est en erreur : nos courriels n’y arrivent plus. Appelez-la, puis "
            "notez l’appel."
        )
    take(request, version)
    data = {**(data or {}), **_own(request, user)}
    event = record(request, "answer", actor, now, user=user, text=text, data=data)
    notices.of_request(
        "request_answered", request, str(event.id), event, not_before=_undo_over(now) if undoable else None
    )  # fmt: skip
    return event


def answered_elsewhere(
    request: CandidateRequest,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    version: int | None = None,
) -> RequestEvent:
    """Record that somebody answered in writing by another way (their own mailbox): an answer, and no mail of ours."""
    take(request, version)
    _allow(request, "waiting_candidate", "Cette demande est terminée. Rouvrez-la avant de noter une réponse.")
    took = _own(request, user)
    return record(request, "answered_elsewhere", actor, now, user=user, text=text or None, data=took, internal=True)


def log_call(
    request: CandidateRequest,
    result: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    version: int | None = None,
    next_at: datetime | None = None,
) -> RequestEvent:
    """Record a call. Only « reached » is an answer; the others leave the request waiting, its due date unchanged.

    Once the candidate had an answer, another call that misses them is the CFA's turn again, with a new promise.
    Not reached: the next attempt is planned (`next_at`, else within the person's windows), and the candidate is offered
    slots. Asked to be called later: at `next_at`, and the answer is due that day if that is later than promised.
    Its mail leaves after UNDO, in case the call is taken back.
    """
    if result not in CALL_RESULTS:
        raise RdvError("Choisissez le résultat de l’appel dans la liste.")
    take(request, version)
    if request.status == "closed":
        raise WrongTransition("Cette demande est terminée. Rouvrez-la avant de noter un appel.")
    data: dict[str, Any] = {"result": result}
    if result == "call_later":
        data |= _agreed(request, next_at, now)
    elif result in NOT_REACHED:
        planned = _sound(next_at, now) if next_at else calling.next_attempt(request, now)
        data["next"] = planned.isoformat()
        if request.status not in state.TO_TREAT:
            data["due"] = promise(request, now)
    data |= _own(request, user)
    event = record(request, "call", actor, now, user=user, text=text or None, data=data, internal=True)
    if result in NOT_REACHED:
        notices.of_request("call_missed", request, str(event.id), event, not_before=_undo_over(now))
    return event


def _agreed(request: CandidateRequest, next_at: datetime | None, now: datetime) -> dict[str, str]:
    """Return what an event keeps of a call agreed for later: its hour, and the due date that follows it."""
    if next_at is None:
        raise RdvError("Indiquez le jour et l’heure auxquels la personne veut être rappelée.")
    at = _sound(next_at, now)
    data = {"next": at.isoformat()}
    hours = deadlines.Hours(request.site, request.cfa_id, clock.to_zone(at, calling.zone_of(request)).date())
    end = next((closes for _, closes in hours.after(at)), at)
    if request.due_at is None or end > request.due_at:
        data["due"] = end.isoformat()
    return data


def _sound(next_at: datetime, now: datetime) -> datetime:
    if not now < next_at <= now + FARTHEST_CALL:
        raise RdvError("Choisissez un moment à venir, dans les soixante prochains jours.")
    return next_at


def note(request: CandidateRequest, text: str, now: datetime, *, user: User) -> RequestEvent:
    """Add an internal note: never seen by the candidate, never an answer, no state changed."""
    take(request)
    return record(request, "note", "staff", now, user=user, text=text, internal=True)


def assign(
    request: CandidateRequest, owner: User | None, now: datetime, *, user: User, version: int | None = None
) -> None:
    """Give a request to a colleague, or to nobody; its due date does not move."""
    if owner is not None and not people.works_for(request.cfa_id, owner.id):
        raise NotFound("Cette personne ne fait pas partie de votre centre.")
    take(request, version)
    request.owner_id = owner.id if owner else None
    data = {"owner": owner.public_id if owner else None}
    record(request, "assigned", "staff", now, user=user, data=data, internal=True)


def close(
    request: CandidateRequest,
    outcome: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    version: int | None = None,
) -> RequestEvent:
    """Close a request with an outcome that staff may choose; the person hears of one that leaves them without an answer."""
    if outcome not in CLOSING_OUTCOMES:
        raise RdvError("Choisissez le résultat dans la liste.")
    take(request, version)
    _allow(request, "closed")
    event = record(
        request, "closed", actor, now, user=user, text=text or None, data={"outcome": outcome}, internal=True
    )
    if outcome in TOLD_WHEN_CLOSED:
        notices.of_request("request_closed", request, str(event.id), event, not_before=_undo_over(now))
    return event


def reopen(request: CandidateRequest, actor: str, now: datetime, *, user: User | None = None) -> None:
    """Take up a closed request again; a new due date runs from now. Raises WrongTransition when it is not closed.

    Otherwise a click too many would move the date that the candidate was promised.
    """
    take(request)
    if request.status != "closed":
        raise WrongTransition("Cette demande est déjà rouverte. Rechargez la page.")
    record(request, "reopened", actor, now, user=user, data={"due": promise(request, now)}, internal=True)


def wake_as_call(request: CandidateRequest, now: datetime, why: str = "no_email") -> None:
    """Turn a request whose person cannot be mailed into an « à appeler » task of the inbox, with a due date.

    `why`: no_email, or mail_failed when a mail of ours did not arrive.
    """
    data = {"why": why, "due": promise(request, now)}
    record(request, "reopened", "system", now, data=data, internal=True)


def add_candidate_note(
    request: CandidateRequest,
    text: str | None,
    now: datetime,
    *,
    as_asker: bool = False,
    data: dict[str, Any] | None = None,
    windows: list[str] | None = None,
) -> RequestEvent:
    """Add what the person writes on their page: it wakes a request that waited for them, or was over.

    One that waits for the CFA keeps its due date: writing again is no way to wait longer. `data["public"]`: it came by the
    public form, and nobody has verified who wrote it. `windows`: they are called then from now on.
    """
    take(request)
    if windows is not None:
        data = {**(data or {}), **_called_then(request, windows, now)}
    return _from_candidate(request, "candidate_note", now, text=text or None, as_asker=as_asker, data=data)


def change_windows(
    request: CandidateRequest,
    windows: list[str],
    now: datetime,
    *,
    as_asker: bool = False,
    data: dict[str, Any] | None = None,
) -> RequestEvent:
    """Change when the person can be called; it wakes the request like a note, and plans the next attempt anew."""
    take(request)
    kept = {**(data or {}), **_called_then(request, windows, now)}
    return _from_candidate(request, "windows", now, as_asker=as_asker, data=kept)


def _called_then(request: CandidateRequest, windows: list[str], now: datetime) -> dict[str, Any]:
    """Take new windows, and return what an event keeps of them."""
    request.callback_windows = windows
    data: dict[str, Any] = {"windows": windows}
    if request.next_attempt_at is not None:
        data["next"] = calling.next_attempt(request, now).isoformat()
    return data


def _from_candidate(
    request: CandidateRequest,
    kind: str,
    now: datetime,
    *,
    text: str | None = None,
    as_asker: bool = False,
    data: dict[str, Any] | None = None,
) -> RequestEvent:
    wakes = {} if request.status in state.TO_TREAT else {"due": promise(request, now)}
    return record(
        request, kind, "candidate", now, text=text, data={**(data or {}), **wakes, **asker.mark(as_asker)}
    )  # fmt: skip


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


def rebuild(request: CandidateRequest) -> state.State | None:
    """Return the state that the stored events of a request lead to."""
    events = db.session.scalars(
        sa.select(RequestEvent).where(RequestEvent.request_id == request.id).order_by(RequestEvent.id)
    ).all()
    return state.rebuilt(events)
