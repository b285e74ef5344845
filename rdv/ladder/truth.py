"""What became of a request, in words that its candidate may read."""

from __future__ import annotations

from rdv import clock, french
from rdv.inbox import calling
from rdv.ladder import history
from rdv.models import CandidateRequest


def promised(request: CandidateRequest) -> str | None:
    """Return until when an answer was promised: « jeudi 26 novembre à 17 h »."""
    return french.moment(request.due_at, calling.zone_of(request)) if request.due_at else None


def calls(request: CandidateRequest) -> int:
    """Return how many calls reached nobody since somebody last spoke to the candidate."""
    return len(history.calls(history.of(request)))


def what_happened(request: CandidateRequest) -> str:
    """Say honestly what the CFA did about a request that has no answer."""
    name, asked = request.cfa.shown_name, french.day(clock.to_zone(request.created_at, calling.zone_of(request)))
    called = calls(request)
    if called:
        often = "une fois" if called == 1 else f"{called}\u00a0fois"
        return f"{name} vous a appelé {often} depuis votre demande du {asked}, sans réussir à vous joindre."
    return (
        f"{name} devait répondre à votre demande du {asked} avant {promised(request)}. Personne ne l’a fait à ce jour."
    )
