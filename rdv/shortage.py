"""Sites whose link has no slot left: their team is told once, and again only after slots came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock, inbox, outbox, seats
from rdv.db import db
from rdv.models import Cfa, OutgoingMail, Site, Slot, User

LATELY = timedelta(days=60)  # a site that published nothing since then does not use slots
AWAKE = (8, 20)  # hours of the site between which a mail may leave


def sites_without_slot(now: datetime, only: Sequence[str] | None = None) -> list[Site]:
    """Return the sites of activated CFAs that published lately and where nothing can be booked now, nor opens by itself.

    A site is also served by its CFA's slots for every training. `only`: public ids of sites.
    """
    of_site = Slot.site_id == Site.id
    serves = sa.and_(Slot.cfa_id == Site.cfa_id, sa.or_(of_site, Slot.training_scope == "cfa"))
    published = sa.exists().where(of_site, Slot.starts_at > now - LATELY, Slot.status != "cancelled")
    query = (
        sa.select(Site)
        .join(Cfa, Cfa.id == Site.cfa_id)
        .options(joinedload(Site.cfa))
        .where(
            Site.closed_at.is_(None), Cfa.closed_at.is_(None), Cfa.activated_at.is_not(None), published,
            ~sa.exists().where(serves, _offered(now)),
        )
        .order_by(Site.cfa_id, Site.id)
    )  # fmt: skip
    return list(db.session.scalars(query if only is None else query.where(Site.public_id.in_(only))))


def _offered(now: datetime) -> sa.ColumnElement[bool]:
    """What a candidate can book, now or once it opens by the rules: nothing has to be published for it."""
    waits = sa.and_(
        Slot.status == "open", Slot.starts_at > now, Slot.opens_at > now, Slot.starts_at > Slot.opens_at,
        sa.or_(Slot.closes_at.is_(None), Slot.closes_at > Slot.opens_at),
    )  # fmt: skip
    return sa.and_(
        Slot.listed.is_(True), Slot.seats_taken < Slot.capacity, sa.or_(sa.and_(*seats.bookable(now)), waits)
    )


def tell(now: datetime) -> int:
    """Tell the teams of the sites that have just run out, and return how many mails; harmless if run twice.

    Between 20:00 and 8:00 of the site it waits for the morning; nobody gets two in one day: a site whose people were
    told of another one waits for the next.
    """
    empty = sites_without_slot(now)
    _mark(sa.and_(Site.no_slot_told_at.is_not(None), Site.id.not_in([site.id for site in empty])), None)
    sent = 0
    for cfa_id in dict.fromkeys(site.cfa_id for site in empty):
        untold = [
            site for site in empty if site.cfa_id == cfa_id and site.no_slot_told_at is None and _awake(site, now)
        ]
        sent += _tell(untold, now) if untold else 0
    return sent


def _tell(untold: Sequence[Site], now: datetime) -> int:
    people = inbox.team(untold[0].cfa_id)
    concerned: dict[int, list[Site]] = {}  # by person
    for site in untold:
        of_site = [each for each in people if not each.sites or site in each.sites]
        keys = [_key(each.user, site, now) for each in of_site]
        known = sa.select(OutgoingMail.id).where(OutgoingMail.dedup_key.in_(keys)).limit(1)
        if not of_site or db.session.scalar(known) is not None:
            continue
        _mark(Site.id == site.id, now)
        for each in of_site:
            concerned.setdefault(each.user_id, []).append(site)
    for each in people:
        mine = concerned.get(each.user_id)
        if mine:
            outbox.enqueue(
                "no_slot_left", each.user.email, _key(each.user, mine[0], now), user_id=each.user_id,
                cfa_id=each.cfa_id, data={"sites": [site.public_id for site in mine]},
            )  # fmt: skip
    return len(concerned)


def _mark(which: sa.ColumnElement[bool], told_at: datetime | None) -> None:
    """Note whether the teams of these sites know; calendars show nothing of it, and read the site's date."""
    db.session.execute(sa.update(Site).where(which).values(no_slot_told_at=told_at, updated_at=Site.updated_at))


def still_short(site_public_ids: Iterable[str], now: datetime) -> list[Site]:
    """Return those of these sites where nothing can be booked still."""
    return sites_without_slot(now, list(site_public_ids))


def _awake(site: Site, now: datetime) -> bool:
    first, last = AWAKE
    return first <= clock.to_zone(now, site.timezone).hour < last


def _key(user: User, site: Site, now: datetime) -> str:
    return f"no_slot_left:{user.public_id}:{clock.to_zone(now, site.timezone):%Y%m%d}"
