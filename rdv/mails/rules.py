"""Mails that the rules of a CFA lead to: move the meeting you have; your link has no slot left."""

from __future__ import annotations

from datetime import datetime

from rdv import clock, links, shortage
from rdv.mails import meeting, people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import Booking, OutgoingMail


def move_instead(row: OutgoingMail) -> Mail:
    """Somebody with this contact asked for one meeting more than the CFA allows: the one they have can be moved."""
    booking, who = _booking(row), people.reader(row)
    slot, request = booking.slot, booking.request
    return Mail(
        subject=f"Déplacer {'le' if who.is_asker else 'votre'} rendez-vous plutôt qu’en prendre un autre",
        preheader=f"{who.meeting} : {meeting.start(slot)}.",
        greeting=who.greeting,
        paragraphs=(
            f"{slot.cfa.shown_name} limite le nombre de rendez-vous à venir d’une même personne. "
            "Celui-ci est déjà réservé : vous pouvez le déplacer.",
        ),
        facts=facts(("Quand", meeting.when(slot)), ("Rendez-vous", slot.shown_title), ("Référence", request.reference)),
        button=("Déplacer ce rendez-vous", links.move(request, row.to_email)),
        after=("Vous n’avez rien demandé ? Ignorez ce message : votre rendez-vous n’a pas changé.",),
        links=((PAGE, links.personal(request, row.to_email)),),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def no_slot_left(row: OutgoingMail) -> Mail:
    """Candidates who open the link of a site see no date any more."""
    user, cfa = named(row.user), named(row.cfa)
    sites = [site.shown_name for site in shortage.still_short(row.data["sites"], clock.now())]
    where = sites[0] if len(sites) == 1 else f"{len(sites)} de vos lieux"
    modes = [
        label
        for label, opened in (("demander à être rappelés", cfa.callback_open), ("vous écrire", cfa.message_open))
        if opened
    ]
    return Mail(
        subject=f"Plus aucun créneau à réserver – {where}",
        preheader="Les candidats qui ouvrent votre lien ne voient plus de date.",
        greeting=f"Bonjour {user.first_name},",
        paragraphs=(
            "Les candidats qui ouvrent votre lien ne voient plus aucune date. "
            + (f"Ils peuvent encore {' ou '.join(modes)}." if modes else "Ils ne peuvent que vous appeler."),
        ),
        facts=facts(("Centre", cfa.shown_name), ("Lieu" if len(sites) == 1 else "Lieux", ", ".join(sites))),
        button=("Publier des créneaux", links.staff_publish()),
        after=("Ce message part une seule fois, jusqu’à ce que des créneaux soient de nouveau publiés.",),
        links=(
            ("Répéter la semaine dernière", links.staff_repeat_week()),
            ("Comprendre pourquoi votre lien n’affiche rien", links.staff_diagnosis()),
        ),
        footer_reason="Vous recevez ce message parce que vous faites partie de l’équipe de ce centre de formation.",
    )


def _booking(row: OutgoingMail) -> Booking:
    return named(named(row.request).booking)


def _can_move(row: OutgoingMail, now: datetime) -> bool:
    request = named(row.request)
    held = request.booking
    theirs = row.to_email in (request.email, request.asker_email)
    return theirs and held is not None and held.status == "booked" and held.slot.starts_at > now


def _still_short(row: OutgoingMail, now: datetime) -> bool:
    user = named(row.user)
    works_there = any(each.cfa_id == row.cfa_id and each.ended_at is None for each in user.memberships)
    return user.active and works_there and bool(shortage.still_short(row.data["sites"], now))


KINDS = {
    "move_instead": Kind(move_instead, _can_move),
    "no_slot_left": Kind(no_slot_left, _still_short),
}
