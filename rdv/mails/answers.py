"""Mails that follow what the CFA did about a request: called without reaching anybody."""

from __future__ import annotations

from datetime import datetime

from rdv import french, links, notices
from rdv.mails import dates, people
from rdv.mails.candidate import WHY
from rdv.mails.message import Kind, Mail, facts, named
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


CLOSED = {
    "not_for_us": (
        "Votre demande ne concerne pas ce centre de formation",
        "{name} indique que votre demande ne le concerne pas. Un autre centre peut y répondre.",
    ),
    "unreachable": (
        "Le centre de formation n’a pas réussi à vous joindre",
        "{name} a essayé de vous joindre, sans succès, et a terminé votre demande. Un mot sur votre page suffit pour la reprendre.",
    ),
    "no_follow_up": (
        "Votre demande est terminée",
        "{name} a terminé votre demande. Un mot sur votre page suffit pour la reprendre, si elle est toujours d’actualité.",
    ),
}


def request_closed(row: OutgoingMail) -> Mail:
    """The CFA ended the request without an answer: said honestly, with what can still be done."""
    request = named(row.request)
    subject, words = CLOSED[named(row.event).data["outcome"]]
    page = ("Ouvrir ma page personnelle", links.personal(request, row.to_email))
    elsewhere = ("Chercher un autre centre de formation", links.home())
    not_for_us = named(row.event).data["outcome"] == "not_for_us"
    return Mail(
        subject=subject,
        preheader=f"Demande {request.reference}.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(words.format(name=request.cfa.shown_name),),
        facts=facts(
            ("Formation", request.training.shown_title if request.training else None),
            ("Téléphone du centre", french.phone((request.site.phone if request.site else None) or request.cfa.phone)),
            ("Référence", request.reference),
        ),
        button=elsewhere if not_for_us else page,
        links=(page if not_for_us else elsewhere,),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def _still_closed(row: OutgoingMail, _now: datetime) -> bool:
    request = named(row.request)
    theirs = row.to_email in notices.addresses(request)
    return theirs and request.status == "closed" and request.outcome == named(row.event).data["outcome"]


def _still_missed(row: OutgoingMail, _now: datetime) -> bool:
    """Nothing was said since: the request still waits for that next call."""
    request = named(row.request)
    return request.status == "in_progress" and request.attempts > 0


KINDS = {"call_missed": Kind(call_missed, _still_missed), "request_closed": Kind(request_closed, _still_closed)}
