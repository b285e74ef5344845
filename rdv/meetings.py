"""Meetings as calendars show them: one for each booking, or one for each group session.

What a feed and an exported file have in common; the caller says which slots, and how much of the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rdv import ical, links
from rdv.db import db
from rdv.french import NBSP, plural
from rdv.identifiers import UID_DOMAIN
from rdv.models import Booking, CandidateRequest, MeetingType, Site, Slot, Training, User

Where = Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Cancelled:
    """Which cancellations are still shown as such: decided since an instant, of meetings not over before another."""

    since: datetime
    not_over_before: datetime


def meetings(
    cfa_id: int,
    where: Where,
    *,
    full: bool,
    named: bool,
    cancelled: Cancelled | None = None,
    free: bool = False,
) -> list[ical.Meeting]:
    """Return the meetings of the slots of a CFA that these conditions choose, soonest first.

    `full`: with names and training, else initials. `named`: with the adviser. `cancelled`: with cancellations.
    `free`: with individual slots that nobody has booked, as free time.
    """
    sites = {site.id: site for site in db.session.scalars(sa.select(Site).where(Site.cfa_id == cfa_id))}
    found = [_of_booking(row, sites[row.site_id], full, named) for row in _individual(where, cancelled)]
    found += [_of_slot(row, sites[row.site_id], named) for row in _slots(where, cancelled, free)]
    return sorted(found, key=lambda meeting: (meeting.starts_at, meeting.uid))


_OF_SLOT = (
    Slot.public_id.label("slot_public_id"), Slot.site_id, Slot.place, Slot.place_detail, Slot.starts_at, Slot.ends_at,
    sa.func.coalesce(Slot.title, MeetingType.title).label("title"), User.first_name.label("adviser_first_name"),
    User.last_name.label("adviser_last_name"),
)  # fmt: skip


def _individual(where: Where, cancelled: Cancelled | None) -> Sequence[Any]:
    live = Booking.status != "cancelled"
    if cancelled is not None:
        live = sa.or_(live, sa.and_(Booking.cancelled_at >= cancelled.since, Slot.ends_at >= cancelled.not_over_before))
    query = (
        sa.select(
            *_OF_SLOT, Booking.uid, Booking.sequence, Booking.status, Booking.created_at, Booking.updated_at,
            CandidateRequest.public_id.label("request_public_id"), CandidateRequest.reference,
            CandidateRequest.first_name, CandidateRequest.last_name,
            CandidateRequest.updated_at.label("request_updated_at"),
            Training.title.label("training_title"), Training.updated_at.label("training_updated_at"),
        )
        .join(Slot, Slot.id == Booking.slot_id)
        .join(MeetingType, MeetingType.id == Slot.meeting_type_id)
        .join(User, User.id == Slot.adviser_id)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .outerjoin(Training, Training.id == CandidateRequest.training_id)
        .where(*where, Slot.capacity == 1, live)
    )  # fmt: skip
    return db.session.connection().execute(query).all()


def _slots(where: Where, cancelled: Cancelled | None, free: bool) -> Sequence[Any]:
    live = Slot.status != "cancelled"
    if cancelled is not None:
        live = sa.or_(live, sa.and_(Slot.updated_at >= cancelled.since, Slot.ends_at >= cancelled.not_over_before))
    group = Slot.capacity > 1
    if free:
        group = sa.or_(group, sa.and_(Slot.seats_taken == 0, Slot.status == "open"))
    query = (
        sa.select(
            *_OF_SLOT, Slot.version, Slot.status, Slot.created_at, Slot.updated_at, Slot.seats_taken, Slot.capacity,
            (Slot.capacity + Slot.extra_seats).label("seats"),
        )
        .join(MeetingType, MeetingType.id == Slot.meeting_type_id)
        .join(User, User.id == Slot.adviser_id)
        .where(*where, group, live)
    )  # fmt: skip
    return db.session.connection().execute(query).all()


def _of_booking(row: Any, site: Site, full: bool, named: bool) -> ical.Meeting:
    cancelled = row.status == "cancelled"
    updated_at, summary, said, url = max(row.updated_at, site.updated_at), row.title, [], ""
    if not cancelled:
        url = links.absolute(f"/equipe/demandes/{row.request_public_id}")
        said = [row.title, f"Référence{NBSP}: {row.reference}", f"Demande{NBSP}: {url}"]
        who = f"{row.first_name[:1]}. {row.last_name[:1]}. ({row.reference})"
        if full:
            who = " – ".join(part for part in (f"{row.first_name} {row.last_name}", row.training_title) if part)
            updated_at = max(updated_at, row.request_updated_at, row.training_updated_at or updated_at)
        summary = _whose(f"RDV {who}", row, named)
    return _meeting(row, site, row.uid, row.sequence, updated_at, summary, said, url, cancelled)


def _of_slot(row: Any, site: Site, named: bool) -> ical.Meeting:
    cancelled, group = row.status == "cancelled", row.capacity > 1
    summary, said, url = row.title, [], ""
    if not cancelled:
        url = links.absolute(f"/equipe/creneaux/{row.slot_public_id}")
        if group:
            said = [f"Liste des inscrits{NBSP}: {url}"]
            summary = f"{row.title} – {plural(row.seats_taken, 'place prise', 'places prises')} sur {row.seats}"
        else:
            said = [f"Créneau{NBSP}: {url}"]
            summary = f"Créneau libre – {row.title}"
        summary = _whose(summary, row, named)
    uid = f"{row.slot_public_id}@{UID_DOMAIN}"
    updated_at = max(row.updated_at, site.updated_at)
    return _meeting(row, site, uid, row.version, updated_at, summary, said, url, cancelled, free=not group)


def _meeting(
    row: Any,
    site: Site,
    uid: str,
    sequence: int,
    updated_at: datetime,
    summary: str,
    said: list[str],
    url: str,
    cancelled: bool,
    free: bool = False,
) -> ical.Meeting:
    return ical.Meeting(
        uid=uid,
        sequence=sequence,
        created_at=row.created_at,
        updated_at=updated_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        summary=summary,
        location=ical.where(row.place, row.place_detail, site),
        description="\n".join(said),
        url=url,
        zone=site.timezone,
        cancelled=cancelled,
        free=free,
    )


def _whose(summary: str, row: Any, named: bool) -> str:
    """A calendar of several advisers says which one each meeting belongs to."""
    return f"{summary} – {row.adviser_first_name} {row.adviser_last_name}" if named else summary
