"""What a centre answered, platform by platform."""

from __future__ import annotations

import sqlalchemy as sa

from rdv.db import db
from rdv.errors import NotFound
from rdv.models import Cfa, Platform, PlatformConsent


def get(public_id: str) -> PlatformConsent:
    """Return an answer by its public id, or raise NotFound."""
    found = db.session.scalar(sa.select(PlatformConsent).where(PlatformConsent.public_id == public_id))
    if found is None:
        raise NotFound
    return found


def of_cfa(cfa: Cfa) -> dict[int, PlatformConsent]:
    """Return all that a centre answered, by the id of the platform."""
    query = sa.select(PlatformConsent).where(PlatformConsent.cfa_id == cfa.id)
    return {consent.platform_id: consent for consent in db.session.scalars(query)}


def together(consent: PlatformConsent) -> list[PlatformConsent]:
    """Return the answers that one mail is about: those of every active opt_out platform, or this premium one alone."""
    if consent.platform.life_cycle != "opt_out":
        return [consent]
    query = (
        sa.select(PlatformConsent)
        .join(PlatformConsent.platform)
        .where(PlatformConsent.cfa_id == consent.cfa_id, Platform.life_cycle == "opt_out", Platform.active.is_(True))
        .order_by(PlatformConsent.platform_id)
    )
    return list(db.session.scalars(query))
