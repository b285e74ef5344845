"""Where to look in the demonstration: addresses and accounts, for whoever tries it by hand or by script."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from rdv import clock, feeds, ladder, links, slots
from rdv.db import db, transaction
from rdv.demo import centres, people, staff, waiting_without_account
from rdv.demo.requests import training_of
from rdv.models import Booking, CandidateRequest


def facts() -> dict[str, Any]:
    """Return the addresses and accounts; makes a new « démo » feed secret at each call."""
    now = clock.now()
    cfas, users = centres(), staff.users()
    cfa = cfas[people.DEUX_RIVES]
    free = slots.free_for_cfa(cfa, now, 200)
    single = next(slot for slot in free if not slot.is_group)
    group = next(slot for slot in free if slot.is_group)
    booked = db.session.scalars(
        sa.select(CandidateRequest)
        .join(Booking, Booking.request_id == CandidateRequest.id)
        .where(CandidateRequest.cfa_id == cfa.id, Booking.status == "booked")
        .order_by(CandidateRequest.id.desc())
    ).first()
    waiting = waiting_without_account(now)
    late = db.session.scalars(sa.select(CandidateRequest).where(CandidateRequest.rung >= ladder.TOLD)).first()
    found = {
        "base_url": links.absolute(""),
        "adviser": {"email": people.ADVISER.email, "password": people.PASSWORD},
        "manager": {"email": people.MANAGER.email, "password": people.PASSWORD},
        "admin": {"email": people.ADMIN.email, "password": people.PASSWORD},
        "training_url": links.training(training_of(cfa)),
        "cfa_url": links.cfa(cfa),
        "slot_url": links.absolute(f"/rendez-vous/{single.public_id}"),
        "group_slot_url": links.absolute(f"/rendez-vous/{group.public_id}"),
        "personal_url": links.personal(booked) if booked else None,
        "late_url": links.personal(late) if late else None,
        "answer_url": links.answer(waiting) if waiting else None,
        "inbox_url": links.absolute("/equipe/demandes"),
        "agenda_url": links.absolute("/equipe/agenda"),
    }
    with transaction():
        secret = feeds.create(users[people.ADVISER.email], cfa, feeds.Choice(), "démo")
    return {**found, "feed_url": links.feed(secret)}
