"""Mails about trainings that their catalogue no longer holds."""

from __future__ import annotations

from datetime import datetime

from rdv import french, inbox, links, modes, notices
from rdv.catalogue.closing import KIND
from rdv.french import NBSP
from rdv.mails import people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import OutgoingMail


def training_closed(row: OutgoingMail) -> Mail:
    """The training that somebody asked about is no longer offered there; the centre still has their request."""
    request = named(row.request)
    training = named(request.training)
    place = inbox.main_site(request.cfa, training)
    reachable = any(modes.is_open(mode, request.cfa, place) for mode in modes.MODES)
    number = french.phone((place.phone if place else None) or request.cfa.phone)
    return Mail(
        subject="Une formation que vous avez demandée n’est plus proposée",
        preheader="Le centre garde votre demande et peut vous conseiller.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"La formation pour laquelle vous avez contacté {request.cfa.shown_name} n’est plus annoncée par le catalogue "
            "de l’apprentissage.",
            f"Votre demande et votre rendez-vous, si vous en avez un, ne sont pas annulés{NBSP}: demandez au centre s’il "
            "propose une formation proche, ou cherchez-en une ailleurs."
            if reachable or number
            else "Vous pouvez en chercher une autre, près de chez vous, en quelques minutes.",
        ),
        facts=facts(
            ("Formation", training.shown_title), ("Centre de formation", request.cfa.shown_name),
            ("Téléphone du centre", number), ("Référence", request.reference),
        ),
        button=(PAGE, links.personal(request, row.to_email)),
        links=(("Chercher une autre formation", links.home()),),
        footer_reason=WHY,
    )  # fmt: skip


def _still_closed(row: OutgoingMail, _now: datetime) -> bool:
    request = named(row.request)
    closed = request.training is not None and request.training.closed_at is not None
    return closed and row.to_email in notices.addresses(request)


KINDS = {KIND: Kind(training_closed, _still_closed)}
