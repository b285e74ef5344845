"""Mails about mails: the centre did not receive a request at its address."""

from __future__ import annotations

from datetime import datetime

from rdv import french, links, notices
from rdv.clock import PARIS
from rdv.mails import people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import OutgoingMail

_DONE = {
    "address": "Nous venons de l’envoyer à une autre adresse du centre.",
    "managers": "Nous venons de prévenir les responsables du centre\u00a0: ils la lisent dans leur espace.",
    "nobody": "Nous n’avons pas d’autre adresse pour ce centre, et notre équipe en est informée.",
}


def centre_unreached(row: OutgoingMail) -> Mail:
    """The centre's address is dead: what we did about it, and the number to call."""
    request, event = named(row.request), named(row.event)
    next_way = event.data["next"]
    number = french.phone((request.site.phone if request.site else None) or request.cfa.phone)
    zone = request.site.timezone if request.site else PARIS
    if number:
        call = f"Pour ne pas attendre, appelez le centre au {number} et donnez la référence {request.reference}."
    else:
        call = f"Gardez votre référence\u00a0: {request.reference}."
    return Mail(
        subject="Le centre n’a pas reçu votre demande à son adresse habituelle",
        preheader=_DONE[next_way],
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"Votre demande à {request.cfa.shown_name} n’est pas arrivée\u00a0: l’adresse électronique de ce centre ne "
            "fonctionne plus. Ce n’est pas une erreur de votre part.",
            _DONE[next_way],
            call,
        ),
        facts=facts(
            ("Centre de formation", request.cfa.shown_name),
            ("Formation", request.training.shown_title if request.training else None),
            ("Votre demande", french.moment(request.created_at, zone)),
            ("Téléphone du centre", number),
            ("Référence", request.reference),
        ),
        button=(PAGE, links.personal(request, row.to_email)),
        after=("Vous n’avez rien à refaire\u00a0: votre demande est gardée.",) if next_way != "nobody" else (),
        links=(("Chercher un autre centre", links.home()),) if next_way == "nobody" else (),
        footer_reason=WHY,
    )


def _still_waits(row: OutgoingMail, _now: datetime) -> bool:
    request = named(row.request)
    return row.to_email in notices.addresses(request) and request.status in ("new", "in_progress")


KINDS = {"centre_unreached": Kind(centre_unreached, _still_waits)}
