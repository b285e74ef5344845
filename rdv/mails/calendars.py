"""Mails about the calendars that members of the staff subscribe to."""

from __future__ import annotations

from datetime import datetime

from rdv import clock, feeds, french, links
from rdv.french import NBSP
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import OutgoingMail

WHY = "Vous recevez ce message parce que vous avez créé cette adresse de calendrier dans votre espace."


def calendar_forgotten(row: OutgoingMail) -> Mail:
    """A calendar that no application has read for a year is about to be closed."""
    found = feeds.unread(row.data["feed"], clock.now())
    if found is None:
        raise LookupError("this calendar is read again, or closed: nothing is left to warn of")
    feed, closes_at = found
    day = french.day(clock.to_zone(closes_at, feed.timezone), year=True)
    return Mail(
        subject=f"Votre calendrier abonné va être retiré le {day}",
        preheader="Aucune application ne le lit plus depuis un an.",
        greeting=f"Bonjour {named(row.user).first_name},",
        paragraphs=(
            f"Aucune application n’a lu ce calendrier depuis plus d’un an. Par sécurité, son adresse cessera de fonctionner le {day}.",
            "Vous vous en servez encore\u202f? Ouvrez l’application où vous l’aviez ajouté et actualisez-la"
            f"{NBSP}: la prochaine lecture le garde. Sinon, vous n’avez rien à faire.",
        ),
        facts=facts(("Calendrier", feed.name)),
        button=("Voir mes calendriers", links.staff_feeds()),
        footer_reason=WHY,
    )


def _still_unread(row: OutgoingMail, now: datetime) -> bool:
    """Worth sending while nobody has read it."""
    return named(row.user).active and feeds.unread(row.data["feed"], now) is not None


KINDS = {feeds.FORGOTTEN_KIND: Kind(calendar_forgotten, _still_unread)}
