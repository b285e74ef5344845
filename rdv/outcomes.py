"""« Qu’avez-vous fait ? »: what somebody of a CFA did about a request, the same on its page and by the link of a mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rdv import inbox
from rdv.errors import RdvError
from rdv.models import CandidateRequest, RequestEvent, User


@dataclass(frozen=True)
class Outcome:
    """One thing that may have been done: its words for a choice, for a button of a mail, and what it is in the thread."""

    label: str
    short: str
    kind: str  # of the event
    value: str = ""  # result of a call, outcome of a closing

    @property
    def needs_phone(self) -> bool:
        """Said of a call."""
        return self.kind == "call"

    @property
    def reaches_nobody(self) -> bool:
        """The next call is planned, and the person is offered dates."""
        return self.kind == "call" and self.value in inbox.NOT_REACHED


# By the word of an address (`?resultat=…`), in the order shown.
OUTCOMES: dict[str, Outcome] = {
    "joint": Outcome("J’ai parlé à la personne", "Joint", "call", "reached"),
    "message-vocal": Outcome("J’ai laissé un message vocal", "Message vocal", "call", "voicemail"),
    "pas-de-reponse": Outcome("Pas de réponse", "Pas de réponse", "call", "no_answer"),
    "rappeler": Outcome("À rappeler plus tard", "Rappeler plus tard", "call", "call_later"),
    "mauvais-numero": Outcome("Mauvais numéro", "Mauvais numéro", "call", "wrong_number"),
    "autrement": Outcome("Répondu par un autre moyen", "Répondu autrement", "answered_elsewhere"),
    "rendez-vous": Outcome("Rendez-vous pris hors de l’outil", "Rendez-vous pris", "closed", "meeting_set"),
    "pas-pour-nous": Outcome("Ne nous concerne pas", "Ne nous concerne pas", "closed", "not_for_us"),
}


def offered(request: CandidateRequest, answered: bool = False) -> dict[str, Outcome]:
    """Return what may be said of a request now: nothing once it is over or (unless `answered`) answered, no call without a number."""
    if request.status not in (*inbox.TO_TREAT, *(("waiting_candidate",) if answered else ())):
        return {}
    return {word: each for word, each in OUTCOMES.items() if request.phone or not each.needs_phone}


def record(
    request: CandidateRequest,
    word: str,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    next_at: datetime | None = None,
    version: int | None = None,
) -> RequestEvent:
    """Write what was done; `next_at`: when the next call is planned, where one is.

    Raises EditedMeanwhile, WrongTransition, or RdvError.
    """
    chosen = OUTCOMES.get(word)
    if chosen is None:
        raise RdvError("Choisissez ce que vous avez fait dans la liste.")
    if chosen.kind == "call":
        planned = next_at if chosen.reaches_nobody or chosen.value == "call_later" else None
        return inbox.log_call(
            request, chosen.value, actor, now, user=user, text=text, version=version, next_at=planned
        )  # fmt: skip
    if chosen.kind == "answered_elsewhere":
        return inbox.answered_elsewhere(request, actor, now, user=user, text=text, version=version)
    return inbox.close(request, chosen.value, actor, now, user=user, text=text, version=version)


def is_of(event: RequestEvent, word: str) -> bool:
    """Say whether an event is this very thing, said before."""
    chosen = OUTCOMES.get(word)
    if chosen is None or event.kind != chosen.kind:
        return False
    return not chosen.value or chosen.value in (event.data.get("result"), event.data.get("outcome"))
