"""What candidates of the demonstration asked: one request in every state, by the functions the pages call."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import booking, inbox, ladder, slots, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db
from rdv.demo.people import (
    ADVISER,
    COLLEAGUE,
    DEUX_RIVES,
    RAVINE,
    VERGER,
    candidate_email,
    candidate_name,
    candidate_phone,
)
from rdv.ladder import history, times
from rdv.models import CandidateRequest, Cfa, Platform, Training, User

MOTHER = {  # who asks for her child and is told too
    "asker": "parent", "asker_first_name": "Sophie", "asker_last_name": "Démonstration",
    "asker_email": "sophie@demonstration.example",
}  # fmt: skip


class Crowd:
    """Invented candidates, one after the other."""

    def __init__(self) -> None:
        self.number = 0
        self.platforms = list(db.session.scalars(sa.select(Platform).order_by(Platform.id)))

    def candidate(self, *, email: bool = True, phone: bool = True, overseas: bool = False, **facts: Any) -> Candidate:
        """Return the next one."""
        self.number += 1
        first, last = candidate_name(self.number)
        return Candidate(
            first, last,
            candidate_email(self.number) if email else None,
            candidate_phone(self.number, overseas) if phone else None,
            platform_id=self.platforms[self.number % len(self.platforms)].id,
            **facts,
        )  # fmt: skip

    @staticmethod
    def form() -> Submission:
        """Return the identity of a form sent once."""
        return Submission(secrets.token_hex(12), secrets.token_hex(32))


def training_of(cfa: Cfa, rank: int = 0) -> Training:
    """Return one training of a CFA."""
    found = db.session.scalars(sa.select(Training).where(Training.cfa_id == cfa.id).order_by(Training.id)).all()
    return found[rank % len(found)]


def ask(cfas: dict[str, Cfa], users: dict[str, User], now: datetime) -> None:
    """Write the requests of the demonstration, from four days ago to a moment ago."""
    crowd = Crowd()
    deux_rives, ravine, verger = cfas[DEUX_RIVES], cfas[RAVINE], cfas[VERGER]
    adviser, colleague = users[ADVISER.email], users[COLLEAGUE.email]

    def callback(cfa: Cfa, ago: timedelta, rank: int = 0, **facts: Any) -> CandidateRequest:
        # Whatever the hour of the demonstration, somebody can be called and somebody cannot.
        windows = (["matin", "soir"], ["midi", "apres-midi"], ["matin", "midi"])[crowd.number % 3]
        overseas = cfa is ravine
        return inbox.open_request(
            "callback", cfa, crowd.candidate(overseas=overseas, **facts), crowd.form(), now - ago,
            training=training_of(cfa, rank), callback_windows=windows,
        )  # fmt: skip

    def message(cfa: Cfa, ago: timedelta, text: str, rank: int = 0, **facts: Any) -> CandidateRequest:
        return inbox.open_request(
            "message",
            cfa,
            crowd.candidate(text=text, **facts),
            crowd.form(),
            now - ago,
            training=training_of(cfa, rank),
        )

    # Late, new, in hand, waiting for the candidate, closed: the inbox shows each.
    _tell_late(callback(deux_rives, timedelta(days=9), reasons=["place", "frais"]), now)
    message(deux_rives, timedelta(hours=3), "Bonjour, est-ce que je peux visiter les ateliers ?", 1, reasons=["porte"])
    callback(deux_rives, timedelta(minutes=40), 2, email=False, reasons=["modalite"], **MOTHER)
    in_hand = callback(deux_rives, timedelta(days=1), 1, reasons=["accompagnement"])
    inbox.log_call(in_hand, "voicemail", "staff", now - timedelta(hours=20), user=adviser, text="Rappeler après 17 h.")
    again = callback(deux_rives, timedelta(hours=6), 2, reasons=["debouche"])
    inbox.log_call(
        again, "no_answer", "staff", now - timedelta(hours=2), user=adviser, next_at=now + timedelta(hours=1)
    )
    inbox.assign(callback(deux_rives, timedelta(hours=9), reasons=["lieu"]), colleague, now, user=adviser)
    for ago, words, reason in (
        (8, "Bonjour, quels sont les frais pour la première année ?", "frais"),
        (30, "Bonjour, avez-vous des entreprises partenaires près d’Armentières ?", "accompagnement"),
        (52, "Bonjour, je n’ai pas eu de nouvelles de ma candidature.", "suivi"),
    ):
        message(deux_rives, timedelta(hours=ago), words, ago, reasons=[reason])
    waiting = message(deux_rives, timedelta(days=2), "Quel est le rythme de l’alternance ?", 2, reasons=["horaire"])
    inbox.answer(
        waiting, "Bonjour, une semaine au centre et deux en entreprise. Êtes-vous disponible mardi pour en parler ?",
        "staff", now - timedelta(days=1), user=colleague,
    )  # fmt: skip
    done = message(deux_rives, timedelta(days=4), "Où se trouve le centre ?", 3, reasons=["lieu"], asker="helper")
    inbox.answer(
        done,
        "Bonjour, au 12 rue de la Démonstration, à dix minutes de la gare.",
        "staff",
        now - timedelta(days=3),
        user=adviser,
    )
    inbox.close(done, "answered", "staff", now - timedelta(days=3), user=adviser)
    unreachable = callback(deux_rives, timedelta(days=5), 3)
    inbox.log_call(unreachable, "wrong_number", "staff", now - timedelta(days=4), user=adviser)
    inbox.close(unreachable, "unreachable", "staff", now - timedelta(days=4), user=adviser)
    callback(ravine, timedelta(hours=5), reasons=["debouche"])
    message(
        ravine, timedelta(days=1), "Bonjour, faut-il déjà avoir trouvé une entreprise ?", 1, reasons=["accompagnement"]
    )
    message(verger, timedelta(hours=2), "Bonjour, reste-t-il des places pour la rentrée ?", reasons=["place"])

    # Meetings of the coming days: individual, group, one cancelled.
    for cfa, count in ((deux_rives, 4), (ravine, 2)):
        free = [slot for slot in slots.free_for_cfa(cfa, now, 200) if not slot.is_group]
        for shown in free[:: max(len(free) // (count + 1), 1)][:count]:
            slot = slots.get_public(shown.public_id)
            candidate = crowd.candidate(overseas=cfa is ravine, reasons=["contenu"])
            booking.book(slot, candidate, crowd.form(), now - timedelta(hours=crowd.number), training_of(cfa))
    group = next(slot for slot in slots.free_for_cfa(deux_rives, now, 200) if slot.is_group)
    for _ in range(5):
        made = booking.book(
            slots.get_public(group.public_id), crowd.candidate(), crowd.form(), now - timedelta(hours=1)
        )
    cancelled = db.session.get_one(CandidateRequest, made.request_id).booking
    if cancelled:
        booking.cancel(cancelled, "candidate", now, choice="company")
    _fill(deux_rives, crowd, now)


def _tell_late(request: CandidateRequest, now: datetime) -> None:
    """Let the ladder look at the hours when it would have: reminder, team, then the candidate is told."""
    pace = times.pace_of(request, history.of(request), times.hours_of(request))
    if pace is not None:
        for at in (pace.reminder, pace.team, pace.candidate):
            if at <= now:
                ladder.look(request.id, at)


def _fill(cfa: Cfa, crowd: Crowd, now: datetime) -> None:
    """Fill the second coming session, so that its waiting list is seen; two people are on it."""
    later = [slot for slot in slots.free_for_cfa(cfa, now, 200) if slot.is_group][1]
    session = slots.get_public(later.public_id)
    for _ in range(later.seats_left):
        booking.book(session, crowd.candidate(), crowd.form(), now - timedelta(hours=2), training_of(cfa))
    for _ in range(2):
        waitlist.join(session, crowd.candidate(), crowd.form(), now, training_of(cfa), guests=1)
