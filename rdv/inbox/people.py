"""Who of a CFA a request or a slot concerns."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from rdv.db import db
from rdv.models import CandidateRequest, Cfa, Membership, Site, Slot, Training, User


def managers(cfa_id: int) -> list[User]:
    """Return the active managers of a CFA."""
    return list(
        db.session.scalars(
            sa.select(User)
            .join(Membership, Membership.user_id == User.id)
            .where(
                Membership.cfa_id == cfa_id, Membership.role == "manager", Membership.ended_at.is_(None),
                User.active.is_(True), User.password_hash.is_not(None),
            )
            .order_by(User.id)
        )
    )  # fmt: skip


def answerable_for(slot: Slot) -> list[User]:
    """Return who is told about a slot: its adviser, or the managers once this one has left the CFA."""
    return [slot.adviser] if works_for(slot.cfa_id, slot.adviser_id) else managers(slot.cfa_id)


def works_for(cfa_id: int, user_id: int) -> bool:
    """Say whether somebody works for a CFA now."""
    query = sa.select(Membership.id).where(
        Membership.user_id == user_id, Membership.cfa_id == cfa_id, Membership.ended_at.is_(None)
    )
    return db.session.scalar(query) is not None


def team(cfa_id: int) -> list[Membership]:
    """Return the people of a CFA who can sign in, with the sites they are limited to."""
    query = (
        sa.select(Membership)
        .join(Membership.user)
        .options(joinedload(Membership.user), selectinload(Membership.sites))
        .where(
            Membership.cfa_id == cfa_id, Membership.ended_at.is_(None), User.active, User.password_hash.is_not(None)
        )
        .order_by(Membership.id)
    )  # fmt: skip
    return list(db.session.scalars(query))


def team_of(cfa_id: int, site_id: int | None) -> list[Membership]:
    """Return those of them who answer for one of its places: managers, and who works there or everywhere."""
    return [
        each
        for each in team(cfa_id)
        if each.role == "manager" or not each.sites or any(site.id == site_id for site in each.sites)
    ]


def colleagues(cfa_id: int) -> list[User]:
    """Return everybody who works for a CFA now, by name."""
    return list(
        db.session.scalars(
            sa.select(User)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.cfa_id == cfa_id, Membership.ended_at.is_(None), User.active.is_(True))
            .order_by(User.first_name, User.last_name, User.id)
        )
    )


def phone_of(request: CandidateRequest) -> str | None:
    """Return the number to call about a request: that of its training, its place or its CFA."""
    places = (request.training, request.site, request.cfa)
    return next((place.phone for place in places if place and place.phone), None)


def number_of(cfa: Cfa, training: Training | None) -> str | None:
    """Return the number to call about a training, or about anything there: its own, its place's or its CFA's."""
    places = (training, main_site(cfa, training), cfa)
    return next((place.phone for place in places if place and place.phone), None)


def main_site(cfa: Cfa, training: Training | None) -> Site | None:
    """Return the place a request concerns: the training's, else the CFA's first open one."""
    places = training.sites if training and training.sites else cfa.sites
    return next((site for site in places if site.closed_at is None), None)
