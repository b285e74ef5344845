"""Who is told of what happens to a booking: the candidate, who asked for them, the staff; one producer for all acts.

The candidate and the parent or helper who gave their own contact are two people: each message names its recipient.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rdv import clock, dead_addresses, outbox, reminder_windows, sms
from rdv.candidate import Candidate
from rdv.models import Booking, CandidateRequest, OutgoingMail, RequestEvent, User

# What is also told by text message, to who reads no mail or when the CFA turned it on.
TEXTS = {
    "booking_confirmed": "confirmed",
    "booking_moved": "moved",
    "booking_changed": "changed",
    "booking_cancelled": "cancelled",
    "seat_offered": "seat_offered",
    "centre_unreached": "centre_unreached",
    "follow_up_candidate": "unanswered",
    "call_missed": "call_missed",
    "request_closed": "closed",
}


def addresses(person: Candidate | CandidateRequest) -> list[str]:
    """Return the mail addresses of a request: the candidate's, then that of who asks for them."""
    found = [address for address in (person.email, person.asker_email) if address]
    return list(dict.fromkeys(found))


def read(person: CandidateRequest) -> list[str]:
    """Return the addresses of a request that take our mails."""
    told = addresses(person)
    dead = dead_addresses.among(told)
    return [address for address in told if address.lower() not in dead]


def key(kind: str, booking_public_id: str, sequence: int, number: int = 0) -> str:
    """Return the dedup key of a mail: one for each kind, version of the booking and recipient (by rank, not by address)."""
    whose = f":{number}" if number else ""
    return f"{kind}:{booking_public_id}:{sequence}{whose}"


def reachable(person: Candidate | CandidateRequest) -> bool:
    """Say whether anything can be written to the people of a request, by mail or by text message."""
    return bool(addresses(person) or sms.numbers(person))


def texted(kind: str, person: Any, sms_open: bool, starts_at: datetime, zone: str, now: datetime) -> list[str]:
    """Return the mobiles that a kind of message goes to now (see `sms.numbers`).

    A confirmation that is mailed too leaves by text message at the last minute only, when it is the reminder as well.
    """
    late = reminder_windows.last_minute(starts_at, zone, now)
    return sms.numbers(person, sms_open and (kind != "booking_confirmed" or late))


def to_candidate(kind: str, booking: Booking, event: RequestEvent) -> bool:
    """Tell the candidate and who asked for them, by mail and by text message; False when neither reaches anybody."""
    request = booking.request
    told = addresses(request)
    for number, address in enumerate(told):
        outbox.enqueue(
            kind, address, key(kind, booking.public_id, booking.sequence, number),
            request_id=request.id, booking_id=booking.id, event_id=event.id,
        )  # fmt: skip
    zone = booking.slot.site.timezone
    phones = texted(kind, request, request.cfa.sms_open, booking.slot.starts_at, zone, clock.now())
    for number, phone in enumerate(phones):
        outbox.enqueue_sms(
            TEXTS[kind], phone, key(kind, booking.public_id, booking.sequence, number), request_id=request.id,
            booking_id=booking.id, event_id=event.id, data=answer_to(event.actor == "candidate", zone),
        )  # fmt: skip
    return bool(told or phones)


def answer_to(own_act: bool, zone: str) -> dict[str, Any]:
    """Return what a text message keeps to choose its hour: at night it leaves only as an answer to the person's own act."""
    return {"zone": zone, **({"answer": True} if own_act else {})}


def of_request(
    kind: str,
    request: CandidateRequest,
    version: str,
    event: RequestEvent | None = None,
    to: str | None = None,
    *,
    not_before: datetime | None = None,
) -> None:
    """Tell the candidate and who asked for them, or the one who reads `to`; `version` makes it told once to each."""
    for number, address in enumerate(addresses(request)):
        if to is not None and address != to:
            continue
        whose = f":{number}" if number else ""
        outbox.enqueue(
            kind, address, f"{kind}:{version}{whose}", request_id=request.id, event_id=event.id if event else None,
            not_before=not_before,
        )  # fmt: skip
    if kind in TEXTS and event is not None:
        _text_of_request(TEXTS[kind], request, version, event, to, not_before)


def link_by_text(request: CandidateRequest, version: str, to: str | None = None) -> None:
    """Send the personal link by text message to who reads no mail about a request: all of them, or the one of `to`.

    `to`: a number, or an address of theirs that fails. Never at night: whoever asks for it was not verified.
    """
    zone = request.site.timezone if request.site else clock.PARIS
    for phone in sms.numbers(request):
        if to in (None, phone) or (to == request.email and phone == request.phone):
            outbox.enqueue_sms(
                "personal_link", phone, f"personal_link:{version}:{phone}", request_id=request.id,
                data=answer_to(False, zone),
            )  # fmt: skip


def by_text(mail: OutgoingMail) -> bool:
    """Send by text message what a mail that reached nobody told, unless it was; False when no mobile can read it.

    Under the keys of `to_candidate` and `of_request`, so that who had the message already has it once.
    """
    request, event = mail.request, mail.event
    if request is None or event is None or mail.kind not in TEXTS:
        return False
    phones = sms.numbers(request, request.cfa.sms_open)
    rank = addresses(request).index(mail.to_email)
    version = mail.dedup_key.removesuffix(f":{rank}") if rank else mail.dedup_key
    zone = mail.booking.slot.site.timezone if mail.booking else request.site.timezone if request.site else clock.PARIS
    facts = {} if mail.booking else event.data
    for number, phone in enumerate(phones):
        outbox.enqueue_sms(
            TEXTS[mail.kind], phone, version + (f":{number}" if number else ""), request_id=request.id,
            booking_id=mail.booking_id, event_id=event.id, data=facts | answer_to(False, zone), not_after=mail.not_after,
        )  # fmt: skip
    return bool(phones)


def _text_of_request(
    kind: str, request: CandidateRequest, version: str, event: RequestEvent, to: str | None, not_before: datetime | None
) -> None:
    for number, phone in enumerate(sms.numbers(request, request.cfa.sms_open)):
        if to is None or phone == to:
            data = event.data | answer_to(False, request.site.timezone if request.site else clock.PARIS)
            outbox.enqueue_sms(
                kind, phone, f"{kind}:{version}" + (f":{number}" if number else ""), request_id=request.id,
                event_id=event.id, data=data, not_before=not_before,
            )  # fmt: skip


def to_staff(kind: str, booking: Booking, event: RequestEvent, people: Iterable[User]) -> None:
    """Tell members of the staff, once each."""
    for person in people:
        outbox.enqueue(
            kind, person.email, f"{kind}:{booking.public_id}:{booking.sequence}:{person.public_id}",
            request_id=booking.request_id, booking_id=booking.id, event_id=event.id, user_id=person.id,
        )  # fmt: skip
