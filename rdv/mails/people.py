"""How mails name and call people: an unverified mailbox never receives what a stranger typed (design.md §5.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rdv import asker, french
from rdv.mails.message import named
from rdv.models import CandidateRequest, OutgoingMail, RequestEvent

# Letters, hyphens, apostrophes and spaces alone: no address, no number and no sentence with a link fits in.
_PLAIN = re.compile(r"[^\W\d_]+(?:[ \-’'][^\W\d_]+)*")
_LONGEST = 40


def plain_name(typed: str | None) -> str | None:
    """Return a typed name when it can only be a name, else None."""
    name = (typed or "").strip().replace("'", "’")
    return name if len(name) <= _LONGEST and _PLAIN.fullmatch(name) else None


def first_name(typed: str | None) -> str | None:
    """Return a first name that a sentence may hold: « Marie Anne » is one, « Gagnez mille euros » is not."""
    name = plain_name(typed)
    return name if name and len(name.split()) <= 2 else None


def greeting(request: CandidateRequest, to: str | None = None) -> str:
    """« Bonjour Zoé, » to the reader of an address by their own name; « Bonjour, » when whose it is is not sure."""
    if asker.reads(request, to):
        name = first_name(request.asker_first_name)
    else:
        # A parent who gave their address as the candidate's is not called by the candidate's name.
        own = request.asker == "candidate" or asker.present(request)
        name = first_name(request.first_name) if own else None
    return f"Bonjour {name}," if name else "Bonjour,"


def candidate_name(request: CandidateRequest) -> str:
    """The name as the CFA reads it in a mail; an odd one is left to the request's page."""
    first, last = plain_name(request.first_name), plain_name(request.last_name)
    return f"{first} {last}" if first and last else "à lire dans la demande"


def asker_name(request: CandidateRequest) -> str | None:
    """The name of who asks for the candidate, when they gave one that can only be a name."""
    names = [plain_name(request.asker_first_name), plain_name(request.asker_last_name)]
    return " ".join(name for name in names if name) or None


def phone_ending(e164: str | None) -> str | None:
    """« 56 78 »: enough to recognise one's own number, useless to anybody else."""
    return f"{e164[-4:-2]} {e164[-2:]}" if e164 else None


@dataclass(frozen=True)
class Reader:
    """Who reads a mail about a request: the candidate, or the parent or helper who asks for them."""

    request: CandidateRequest
    address: str

    @property
    def is_asker(self) -> bool:
        """True for the parent or helper."""
        return asker.reads(self.request, self.address)

    @property
    def greeting(self) -> str:
        """« Bonjour Zoé, », by the reader's own name."""
        return greeting(self.request, self.address)

    @property
    def candidate(self) -> str:
        """« Zoé », or « la personne concernée » when the typed name cannot stand in a mail."""
        return first_name(self.request.first_name) or "la personne concernée"

    @property
    def meeting(self) -> str:
        """« Votre rendez-vous », or « Le rendez-vous de Zoé » for the asker; begins a sentence."""
        if not self.is_asker:
            return "Votre rendez-vous"
        name = first_name(self.request.first_name)
        return f"Le rendez-vous {french.of_name(name)}" if name else "Le rendez-vous"

    def acted(self, event: RequestEvent | None) -> bool:
        """Say whether this very person did what an event tells; who asks without a contact of their own is the reader."""
        return event is not None and event.actor == "candidate" and asker.acted(event) == self.is_asker

    @property
    def other(self) -> str:
        """Name the other of the two people, as the subject of a sentence."""
        if self.is_asker:
            return self.candidate
        return first_name(self.request.asker_first_name) or "la personne qui a fait la demande"


def reader(row: OutgoingMail) -> Reader:
    """Return who reads a mail about a request."""
    return Reader(named(row.request), row.to_email)
