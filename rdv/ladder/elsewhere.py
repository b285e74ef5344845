"""Who had no answer sends their request to another place that teaches the same, by their own choice."""

from __future__ import annotations

from datetime import datetime

from rdv import asker, inbox, modes, nearby, redirecting
from rdv.errors import WrongTransition
from rdv.ladder.contact import TOLD
from rdv.models import CandidateRequest

GONE = "Votre demande a changé depuis\u00a0: votre page montre où elle en est."


def can_send(request: CandidateRequest, place: nearby.Place) -> bool:
    """Say whether a request may be sent to a place: a way that reaches this person is open there."""
    ways = (("callback", request.phone), ("message", request.email))
    return any(contact and modes.is_open(mode, place.cfa, place.site, place.training) for mode, contact in ways)


def send(request: CandidateRequest, place: nearby.Place, now: datetime, *, as_asker: bool = False) -> CandidateRequest:
    """Send a request to another place and return the one that continues it; it has a promise of its own there.

    A second click finds what the first made. Raises WrongTransition once it was answered, RdvError where it cannot go.
    """
    inbox.take(request)
    made = redirecting.continued(request)
    if made is None and (request.status not in inbox.TO_TREAT or request.rung < TOLD):
        raise WrongTransition(GONE)
    target = redirecting.Target(place.cfa, place.site, place.training)
    sent = redirecting.redirect(request, target, "candidate", now, as_asker=as_asker)
    if sent.id == request.id:  # another place of the same centre: its people begin now
        data = {"due": inbox.promise(request, now), "why": "elsewhere", **asker.mark(as_asker)}
        inbox.record(request, "reopened", "candidate", now, data=data, internal=True)
    return sent
