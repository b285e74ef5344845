"""The invitations of a member of the staff who asked for them: one event each, and few words around it."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from rdv import clock, french, ical, invitations, links
from rdv.mails.message import Invitation, Kind, Mail, facts, named
from rdv.models import OutgoingMail

WHY = "Vous recevez ce message parce que vous avez demandé, dans votre profil, une invitation pour chacun de vos rendez-vous."


def adviser_invitation(row: OutgoingMail) -> Mail:
    """A meeting for their calendar: new, changed, or no longer theirs."""
    found = _meeting(row)
    taken_back = row.data["method"] == "CANCEL"
    meeting = found if found is not None and not taken_back else _without_words(row)
    when = french.moment(meeting.starts_at, meeting.zone)
    first = int(row.data["sequence"]) == 0
    return Mail(
        subject=f"{'Annulé' if taken_back else 'Invitation' if first else 'Mise à jour'} : {meeting.summary}, {when}",
        preheader="Ce message met votre agenda à jour.",
        paragraphs=(
            "Ce rendez-vous n’est plus dans votre agenda : l’annulation jointe l’en retire."
            if taken_back
            else "L’invitation jointe met ce rendez-vous dans votre agenda. Y répondre ne prévient personne.",
        ),
        facts=facts(("Quand", when), ("Où", meeting.location)),
        button=(
            "Voir la demande" if "/demandes/" in meeting.url else "Voir mon agenda",
            meeting.url or links.staff_agenda(),
        ),
        after=("Vous suivez déjà un calendrier abonné ? Gardez l’un ou l’autre, dans votre profil.",),
        footer_reason=WHY,
        invitation=Invitation(meeting, invitations.organizer()),
    )


def _meeting(row: OutgoingMail) -> ical.Meeting | None:
    """Return the meeting as it is now, with the sequence that this message was given."""
    found = invitations.coming(named(row.user), clock.now()).get(row.data["uid"])
    return dataclasses.replace(found, sequence=int(row.data["sequence"])) if found else None


def _without_words(row: OutgoingMail) -> ical.Meeting:
    """What is left of a meeting that is gone, or somebody else's: nothing of the person."""
    starts_at, ends_at = (datetime.fromisoformat(row.data[name]) for name in ("starts_at", "ends_at"))
    return ical.Meeting(
        uid=row.data["uid"],
        sequence=int(row.data["sequence"]),
        created_at=row.created_at,
        updated_at=row.created_at,
        starts_at=starts_at,
        ends_at=ends_at,
        summary="Rendez-vous",
        cancelled=True,
    )


def _last_word(row: OutgoingMail, now: datetime) -> bool:
    """Worth sending while nothing later is on its way, to who still wants it."""
    user = named(row.user)
    last = invitations.last_sent(user, row.data["uid"])
    if user.invitations_since is None or not user.active:
        return False
    if row.data["method"] == "CANCEL":
        return last is None
    return last == int(row.data["sequence"]) and row.data["uid"] in invitations.coming(user, now)


KINDS = {invitations.KIND: Kind(adviser_invitation, _last_word)}
