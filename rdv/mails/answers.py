"""Mails that follow what the CFA did about a request: called without reaching anybody."""

from __future__ import annotations

from datetime import datetime

from rdv import french, links
from rdv.mails import dates, people
from rdv.mails.candidate import WHY
from rdv.mails.message import Kind, Mail, named
from rdv.models import OutgoingMail


def call_missed(row: OutgoingMail) -> Mail:
    """The CFA called and reached nobody: three real slots, and other hours to be called."""
    request = named(row.request)
    offered = dates.to_take(request, row.to_email)
    page = links.personal(request, row.to_email)
    wrong_number = named(row.event).data["result"] == "wrong_number"
    number = people.phone_ending(request.phone)
    return Mail(
        subject="Le centre de formation a essayé de vous appeler",
        preheader="Choisissez un moment, ou dites quand vous rappeler.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"{request.cfa.shown_name} a essayé de vous appeler, sans réussir à vous joindre."
            + (f" Le numéro qui finit par {number} ne semble pas être le bon." if wrong_number and number else ""),
            "Ces dates sont libres. Choisissez celle qui vous convient\u00a0: un bouton la réserve, rien à remplir."
            if offered
            else "Dites-nous quand vous êtes joignable\u00a0: le centre vous rappellera.",
        ),
        choices=offered,
        button=None if offered else ("Dire quand m’appeler", page),
        links=(
            ("Choisir une autre date", links.choose_slot(request, row.to_email)),
            ("Dire plutôt quand m’appeler", page),
        )
        if offered
        else (),
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
