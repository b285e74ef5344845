"""Mails that follow what the CFA did about a request: called without reaching anybody."""

from __future__ import annotations

from datetime import datetime

from rdv import french, links
from rdv.mails import people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.day import next_slots
from rdv.mails.message import Kind, Mail, named
from rdv.models import OutgoingMail


def call_missed(row: OutgoingMail) -> Mail:
    """The CFA called and reached nobody: three real slots, and other hours to be called."""
    request = named(row.request)
    offered = next_slots(request)
    page = (PAGE, links.personal(request, row.to_email))
    wrong_number = named(row.event).data["result"] == "wrong_number"
    number = people.phone_ending(request.phone)
    return Mail(
        subject="Le centre de formation a essayé de vous appeler",
        preheader="Choisissez un moment, ou dites quand vous rappeler.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"{request.cfa.shown_name} a essayé de vous appeler, sans réussir à vous joindre."
            + (f" Le numéro qui finit par {number} ne semble pas être le bon." if wrong_number and number else ""),
            "Ces dates sont libres. Ouvrez celle qui vous convient pour la réserver."
            if offered
            else "Dites-nous quand vous êtes joignable\u00a0: le centre vous rappellera.",
        ),
        button=offered[0] if offered else page,
        links=(*offered[1:], page) if offered else (),
        after=(
            f"Référence\u00a0: {request.reference}. Le numéro du centre{french.NBSP}: {french.phone(request.cfa.phone)}.",
        )
        if request.cfa.phone
        else (f"Référence\u00a0: {request.reference}.",),
        footer_reason=WHY,
    )


def _still_missed(row: OutgoingMail, _now: datetime) -> bool:
    """Nothing was said since: the request still waits for that next call."""
    request = named(row.request)
    return request.status == "in_progress" and request.attempts > 0


KINDS = {"call_missed": Kind(call_missed, _still_missed)}
