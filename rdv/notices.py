"""Who is told of what happens to a booking: the candidate, who asked for them, the staff; one producer for all acts.

The candidate and the parent or helper who gave their own address are two people: each mail names its recipient.
"""

from __future__ import annotations

from collections.abc import Iterable

from rdv import outbox
from rdv.candidate import Candidate
from rdv.models import Booking, CandidateRequest, RequestEvent, User


def addresses(person: Candidate | CandidateRequest) -> list[str]:
    """Return the mail addresses of a request: the candidate's, then that of who asks for them."""
    found = [address for address in (person.email, person.asker_email) if address]
    return list(dict.fromkeys(found))


def key(kind: str, booking_public_id: str, sequence: int, number: int = 0) -> str:
    """Return the dedup key of a mail: one for each kind, version of the booking and recipient (by rank, not by address)."""
    whose = f":{number}" if number else ""
    return f"{kind}:{booking_public_id}:{sequence}{whose}"


def to_candidate(kind: str, booking: Booking, event: RequestEvent) -> bool:
    """Tell the candidate and who asked for them; False when nobody can be written to."""
    request = booking.request
    told = addresses(request)
    for number, address in enumerate(told):
        outbox.enqueue(
            kind, address, key(kind, booking.public_id, booking.sequence, number),
            request_id=request.id, booking_id=booking.id, event_id=event.id,
        )  # fmt: skip
    return bool(told)


def of_request(
    kind: str, request: CandidateRequest, version: str, event: RequestEvent | None = None, to: str | None = None
) -> None:
    """Tell the candidate and who asked for them, or the one who reads `to`; `version` makes it told once to each."""
    for number, address in enumerate(addresses(request)):
        if to is not None and address != to:
            continue
        whose = f":{number}" if number else ""
        outbox.enqueue(
            kind, address, f"{kind}:{version}{whose}", request_id=request.id, event_id=event.id if event else None
        )


def to_staff(kind: str, booking: Booking, event: RequestEvent, people: Iterable[User]) -> None:
    """Tell members of the staff, once each."""
    for person in people:
        outbox.enqueue(
            kind, person.email, f"{kind}:{booking.public_id}:{booking.sequence}:{person.public_id}",
            request_id=booking.request_id, booking_id=booking.id, event_id=event.id, user_id=person.id,
        )  # fmt: skip
