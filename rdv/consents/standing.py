"""What a centre answered, platform by platform."""

from __future__ import annotations

import sqlalchemy as sa

from rdv.db import db
from rdv.errors import NotFound
from rdv.models import Cfa, Platform, PlatformConsent, PlatformSite, Site


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
    return opt_out_of(consent.cfa_id)


def opt_out_of(cfa_id: int) -> list[PlatformConsent]:
    """Return the answers of a centre about every active opt_out platform."""
    query = (
        sa.select(PlatformConsent)
        .join(PlatformConsent.platform)
        .where(PlatformConsent.cfa_id == cfa_id, Platform.life_cycle == "opt_out", Platform.active.is_(True))
        .order_by(PlatformConsent.platform_id)
    )
    return list(db.session.scalars(query))


def chosen_sites(cfa: Cfa, platform: Platform) -> dict[int, bool]:
    """Return, by the id of the place, what was chosen for some places alone."""
    query = (
        sa.select(PlatformSite.site_id, PlatformSite.shown)
        .join(Site, Site.id == PlatformSite.site_id)
        .where(Site.cfa_id == cfa.id, PlatformSite.platform_id == platform.id)
    )
    return {row.site_id: row.shown for row in db.session.execute(query)}
