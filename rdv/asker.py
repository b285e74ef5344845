"""The two people of a request: the candidate, and the parent or helper who asks for them and gave a contact of their own.

The asker's contact also stands as the candidate's where the latter gave none, so that somebody can always be reached; an
address or a number that is the asker's is read by the asker.
"""

from __future__ import annotations

from typing import Any

from rdv.candidate import Candidate
from rdv.models import CandidateRequest, RequestEvent

Person = Candidate | CandidateRequest


def present(person: Person) -> bool:
    """Say whether somebody asks for the candidate and can be reached by themselves."""
    return bool(person.asker_email or person.asker_phone)


def reads(person: Person, contact: str | None) -> bool:
    """Say whether what goes to this address or number is read by the asker."""
    return bool(contact) and contact in (person.asker_email, person.asker_phone)


def contacts(person: Person) -> tuple[str, ...]:
    """Return every address and number of a request: a link is bound to one of them."""
    found = (person.email, person.phone, person.asker_email, person.asker_phone)
    return tuple(dict.fromkeys(contact for contact in found if contact))


def who_asks(person: Person) -> str | None:
    """Return the contact of whoever filled the form: their page is the one to show next."""
    return person.asker_email or person.asker_phone or person.email or person.phone


def mark(as_asker: bool) -> dict[str, Any]:
    """Return what an event keeps of who acted on the candidate's side."""
    return {"by": "asker"} if as_asker else {}


def acted(event: RequestEvent | None) -> bool:
    """Say whether an event of the candidate's side is an act of the asker."""
    return event is not None and event.actor == "candidate" and event.data.get("by") == "asker"
