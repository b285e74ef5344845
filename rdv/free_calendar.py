"""The free slots of a CFA as a public calendar, for its own site: what its page offers, and nothing of anybody."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import directory, ical, links, rules, slots
from rdv.db import db
from rdv.errors import NotFound
from rdv.french import NBSP
from rdv.identifiers import UID_DOMAIN
from rdv.models import Cfa, MeetingType, Site, Slot
from rdv.settings import settings
from rdv.slots import FreeSlot

MOST = 300  # lines


@dataclass(frozen=True)
class FreeCalendar:
    """The lines that are shown now, and the validator of their calendar."""

    cfa: Cfa
    lines: list[FreeSlot]
    rows: dict[str, Any]  # versions and dates of their slots, by public id
    etag: str


def read(cfa_public_id: str, now: datetime) -> FreeCalendar:
    """Return what the own page of a CFA offers at this instant, or raise NotFound: unknown, or closed."""
    cfa = directory.get_cfa(cfa_public_id)
    if cfa.closed_at is not None:
        raise NotFound("Ce centre n’existe pas ou n’existe plus.")
    lines = slots.free_for_cfa(cfa, now, MOST, platform=rules.OWN_PAGE)
    query = sa.select(Slot.public_id, Slot.version, Slot.created_at, Slot.updated_at).where(
        Slot.public_id.in_([line.public_id for line in lines])
    )
    rows = {row.public_id: row for row in db.session.connection().execute(query)} if lines else {}
    dates = [_latest(Site, cfa), _latest(MeetingType, cfa)] if lines else []
    said = (
        cfa.updated_at, *dates, ical.RENDERING_VERSION, settings().public_url,
        *((line.public_id, rows[line.public_id].version) for line in lines),
    )  # fmt: skip
    etag = hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()[:32]
    return FreeCalendar(cfa, lines, rows, etag)


def body(found: FreeCalendar) -> bytes:
    """Return the calendar: one event for each line of the page, that makes nobody busy and leads to its booking page."""
    sites = {
        site.id: site
        for site in db.session.scalars(
            sa.select(Site).options(joinedload(Site.cfa)).where(Site.id.in_({line.site_id for line in found.lines}))
        )
    }
    kinds = db.session.execute(
        sa.select(MeetingType.id, MeetingType.title).where(
            MeetingType.id.in_({line.meeting_type_id for line in found.lines})
        )
    )
    titles: dict[int, str] = {row.id: row.title for row in kinds}
    events = [_event(line, found.rows[line.public_id], sites[line.site_id], titles) for line in found.lines]
    return ical.calendar(events, f"Créneaux libres – {found.cfa.shown_name}")


def _event(line: FreeSlot, row: Any, site: Site, titles: dict[int, str]) -> ical.Meeting:
    page = links.slot(line)
    return ical.Meeting(
        uid=f"{line.public_id}.libre@{UID_DOMAIN}",
        sequence=row.version,
        created_at=row.created_at,
        updated_at=max(row.updated_at, site.updated_at),
        starts_at=line.starts_at,
        ends_at=line.ends_at,
        summary=f"Créneau libre – {line.title or titles[line.meeting_type_id]}",
        location=ical.where(line.place, None, site),
        description=f"Réserver ce créneau{NBSP}: {page}",
        url=page,
        zone=site.timezone,
        free=True,
    )


def _latest(model: Any, cfa: Cfa) -> datetime | None:
    return db.session.scalar(
        sa.select(sa.func.max(model.updated_at, type_=model.updated_at.type)).where(model.cfa_id == cfa.id)
    )
