"""Who is told of a centre's place on platforms: who decides, and those whose address receives requests."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from rdv import bookable, contact_resolution, dead_addresses
from rdv.db import db
from rdv.models import Cfa, Platform, Training


def decision_maker(cfa: Cfa) -> str | None:
    """Return the address that decides for a centre: its own, else the one its trainings give most; None when there is none."""
    return contact_resolution.recipient_for(db.session(), None, None, cfa).email


def contacts(cfa: Cfa, platforms: list[Platform]) -> list[str]:
    """Return each address that receives requests about a training these platforms show, without the one that decides."""
    query = (
        sa.select(Training)
        .options(selectinload(Training.sites))
        .where(Training.cfa_id == cfa.id, Training.published.is_(True), Training.closed_at.is_(None))
        .order_by(Training.id)
    )
    if all(platform.life_cycle == "premium" for platform in platforms):
        query = query.where(sa.or_(*(sa.and_(sa.true(), *bookable.listed_on(platform)) for platform in platforms)))
    nearest: list[list[str | None]] = []
    for training in db.session.scalars(query):
        sites = [site for site in training.sites if site.closed_at is None]
        place = sites[0] if len(sites) == 1 else None
        nearest.append([email for email, _ in contact_resolution.in_order(training, place, cfa)])
    dead = dead_addresses.among(email for steps in nearest for email in steps)
    decides = (decision_maker(cfa) or "").lower()
    found: dict[str, str] = {}
    for steps in nearest:
        email = next((each for each in steps if each and each.lower() not in dead), None)
        if email and email.lower() != decides:
            found.setdefault(email.lower(), email)
    return list(found.values())
