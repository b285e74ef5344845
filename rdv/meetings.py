"""Meetings as calendars show them: one for each booking, or one for each group session.

What a feed and an exported file have in common; the caller says which slots, and how much of the person. A feed reads
few columns and joins what is rendered already (`rdv.rendered`); only what changed since is read whole and rendered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock, ical, links, rendered
from rdv.db import db
from rdv.french import NBSP, plural
from rdv.identifiers import UID_DOMAIN
from rdv.models import Booking, CandidateRequest, Cfa, MeetingType, RenderedEvent, Site, Slot, Training, User
from rdv.settings import settings

Where = Sequence[sa.ColumnElement[bool]]
Found = tuple[Any, str, bytes]  # start, UID, bytes: calendars are in this order
ROWS_AT_ONCE = 500  # ids in one statement


@dataclass(frozen=True)
class Cancelled:
    """Which cancellations are still shown as such: decided since an instant, of meetings not over before another."""

    since: datetime
    not_over_before: datetime


@dataclass(frozen=True)
class Shown:
    """How much a calendar shows.

    `full`: names and training, else initials. `named`: the adviser. `cancelled`: with cancellations. `free`: individual
    slots that nobody has booked, as free time.
    """

    full: bool
    named: bool
    cancelled: Cancelled | None = None
    free: bool = False

    @property
    def variant(self) -> str:
        """Name what is said of one meeting: bytes rendered for one variant serve all calendars of it."""
        return ("full" if self.full else "minimal") + ("+" if self.named else "")


def meetings(where: Where, shown: Shown) -> list[ical.Meeting]:
    """Return the meetings of the slots that these conditions choose, soonest first."""
    rows, of_slots = _of_bookings(where, shown), _of_slots(where, shown)
    sites = _sites([*rows, *of_slots])
    found = [_of_booking(row, sites[row.site_id], shown) for row in rows]
    found += [_of_slot(row, sites[row.site_id], shown) for row in of_slots]
    return sorted(found, key=lambda meeting: (meeting.starts_at, meeting.uid))


def events(where: Where, shown: Shown, now: datetime) -> list[bytes]:
    """Return the same, rendered, at the cost of a join when nothing changed; what had to be rendered is kept."""
    salt = f"{ical.RENDERING_VERSION}\n{settings().public_url}"
    found, kept = _rendered(_light_bookings(where, shown), "booking_id", shown, salt)
    more, of_slots = _rendered(_light_slots(where, shown), "slot_id", shown, salt)
    rendered.keep([*kept, *of_slots], shown.variant, now)
    return [content for _, _, content in sorted(found + more)]


# -- what is rendered already ---------------------------------------------------------------------------------------


def _raw(column: Any) -> Any:
    """A value as the driver gives it: it is compared, never shown."""
    return sa.type_coerce(column, sa.String())


def _light(subject: Any, shown: Shown, *stamps: Any) -> sa.Select[Any]:
    """Select order, identity and rendered bytes of subjects, then the versions and dates of all that is said of them."""
    column = RenderedEvent.booking_id if subject is Booking else RenderedEvent.slot_id
    uid = Booking.uid if subject is Booking else Slot.public_id.label("uid")
    names = (User.first_name, User.last_name) if shown.named else ()
    query: sa.Select[Any] = (
        sa.select(
            _raw(Slot.starts_at), uid, subject.id, RenderedEvent.stamp, RenderedEvent.content,
            Slot.version, _raw(Slot.updated_at), _raw(Site.updated_at), _raw(Cfa.updated_at),
            _raw(MeetingType.updated_at), *names, *stamps,
        )
        .select_from(Slot)
        .join(MeetingType, MeetingType.id == Slot.meeting_type_id)
        .join(User, User.id == Slot.adviser_id)
        .join(Site, Site.id == Slot.site_id)
        .join(Cfa, Cfa.id == Site.cfa_id)
    )  # fmt: skip
    if subject is Booking:
        query = query.join(Booking, Booking.slot_id == Slot.id)
    return query.outerjoin(RenderedEvent, sa.and_(column == subject.id, RenderedEvent.variant == shown.variant))


def _light_bookings(where: Where, shown: Shown) -> sa.Select[Any]:
    stamps = [Booking.sequence, _raw(Booking.updated_at), Booking.status]
    if shown.full:
        stamps += [_raw(CandidateRequest.updated_at), _raw(Training.updated_at)]
    query = _light(Booking, shown, *stamps)
    if shown.full:
        query = query.join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        query = query.outerjoin(Training, Training.id == CandidateRequest.training_id)
    return query.where(*where, *_chosen_bookings(shown.cancelled))


def _light_slots(where: Where, shown: Shown) -> sa.Select[Any]:
    return _light(Slot, shown).where(*where, *_chosen_slots(shown))


def _rendered(query: sa.Select[Any], subject: str, shown: Shown, salt: str) -> tuple[list[Found], list[rendered.Event]]:
    """Return all events of a query, and those that had to be rendered."""
    found: list[Found] = []
    missing: dict[int, tuple[Any, str]] = {}  # by id: start, stamp
    for starts_at, uid, subject_id, kept, content, *versions in db.session.connection().execute(query):
        # The row as it is: equal versions give equal bytes, and nothing has to be dropped when one changes.
        stamp = hashlib.blake2b("|".join([salt, *map(str, versions)]).encode(), digest_size=16).hexdigest()
        if kept == stamp:
            found.append((starts_at, uid, bytes(content)))
        else:
            missing[subject_id] = (starts_at, stamp)
    made = []
    for subject_id, uid, content in _render(subject, list(missing), shown):
        starts_at, stamp = missing[subject_id]
        found.append((starts_at, uid, content))
        made.append(rendered.Event(subject, subject_id, stamp, content))
    return found, made


def _render(subject: str, ids: Sequence[int], shown: Shown) -> Iterable[tuple[int, str, bytes]]:
    for start in range(0, len(ids), ROWS_AT_ONCE):
        some = ids[start : start + ROWS_AT_ONCE]
        if subject == "booking_id":
            rows = _read(_BOOKINGS.where(Booking.id.in_(some)))
        else:
            rows = _read(_SLOTS.where(Slot.id.in_(some)))
        sites = _sites(rows)
        for row in rows:
            site = sites[row.site_id]
            if subject == "booking_id":
                yield row.booking_id, row.uid, ical.event(_of_booking(row, site, shown))
            else:
                yield row.slot_id, row.slot_public_id, ical.event(_of_slot(row, site, shown))


# -- what is said of one ----------------------------------------------------------------------------------------------

_OF_SLOT = (
    Slot.id.label("slot_id"), Slot.public_id.label("slot_public_id"), Slot.site_id, Slot.place, Slot.place_detail,
    Slot.starts_at, Slot.ends_at, sa.func.coalesce(Slot.title, MeetingType.title).label("title"),
    Slot.updated_at.label("slot_updated_at"), MeetingType.updated_at.label("kind_updated_at"),
    User.public_id.label("adviser_public_id"), User.first_name.label("adviser_first_name"),
    User.last_name.label("adviser_last_name"),
)  # fmt: skip
_BOOKINGS: Any = (
    sa.select(
        *_OF_SLOT, Booking.id.label("booking_id"), Booking.public_id.label("booking_public_id"), Booking.uid,
        Booking.sequence, Booking.status, Booking.created_at, Booking.updated_at,
        CandidateRequest.public_id.label("request_public_id"), CandidateRequest.reference,
        CandidateRequest.first_name, CandidateRequest.last_name,
        CandidateRequest.updated_at.label("request_updated_at"),
        Training.title.label("training_title"), Training.updated_at.label("training_updated_at"),
    )
    .select_from(Booking)
    .join(Slot, Slot.id == Booking.slot_id)
    .join(MeetingType, MeetingType.id == Slot.meeting_type_id)
    .join(User, User.id == Slot.adviser_id)
    .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
    .outerjoin(Training, Training.id == CandidateRequest.training_id)
)  # fmt: skip
_SLOTS: Any = (
    sa.select(
        *_OF_SLOT, Slot.version, Slot.status, Slot.created_at, Slot.seats_taken, Slot.capacity,
        (Slot.capacity + Slot.extra_seats).label("seats"),
    )
    .join(MeetingType, MeetingType.id == Slot.meeting_type_id)
    .join(User, User.id == Slot.adviser_id)
)  # fmt: skip


def _read(query: sa.Select[Any]) -> Sequence[Any]:
    return db.session.connection().execute(query).all()


def _chosen_bookings(cancelled: Cancelled | None) -> tuple[sa.ColumnElement[bool], ...]:
    live = Booking.status != "cancelled"
    if cancelled is not None:
        live = sa.or_(live, sa.and_(Booking.cancelled_at >= cancelled.since, Slot.ends_at >= cancelled.not_over_before))
    return (Slot.capacity == 1, live)


def _chosen_slots(shown: Shown) -> tuple[sa.ColumnElement[bool], ...]:
    cancelled = shown.cancelled
    live = Slot.status != "cancelled"
    if cancelled is not None:
        live = sa.or_(live, sa.and_(Slot.updated_at >= cancelled.since, Slot.ends_at >= cancelled.not_over_before))
    group = Slot.capacity > 1
    if shown.free:
        group = sa.or_(group, sa.and_(Slot.seats_taken == 0, Slot.status == "open"))
    return (group, live)


def _of_bookings(where: Where, shown: Shown) -> Sequence[Any]:
    return _read(_BOOKINGS.where(*where, *_chosen_bookings(shown.cancelled)))


def _of_slots(where: Where, shown: Shown) -> Sequence[Any]:
    return _read(_SLOTS.where(*where, *_chosen_slots(shown)))


def _sites(rows: Iterable[Any]) -> dict[int, Site]:
    wanted = {row.site_id for row in rows}
    query = sa.select(Site).options(joinedload(Site.cfa)).where(Site.id.in_(wanted))
    return {site.id: site for site in db.session.scalars(query)} if wanted else {}


def _of_booking(row: Any, site: Site, shown: Shown) -> ical.Meeting:
    cancelled = row.status == "cancelled"
    updated_at = max(row.updated_at, row.slot_updated_at, row.kind_updated_at, site.updated_at, site.cfa.updated_at)
    summary, said, url = row.title, [], ""
    if not cancelled:
        url = links.absolute(f"/equipe/demandes/{row.request_public_id}")
        day = clock.to_zone(row.starts_at, site.timezone).date()
        outcome = links.staff_outcome(day, row.adviser_public_id, row.booking_public_id)
        said = [row.title, f"Référence{NBSP}: {row.reference}", f"Demande{NBSP}: {url}"]
        said.append(f"Dire si la personne est venue{NBSP}: {outcome}")
        who = f"{row.first_name[:1]}. {row.last_name[:1]}. ({row.reference})"
        if shown.full:
            who = " – ".join(part for part in (f"{row.first_name} {row.last_name}", row.training_title) if part)
            updated_at = max(updated_at, row.request_updated_at, row.training_updated_at or updated_at)
        summary = _whose(f"RDV {who}", row, shown)
    return _meeting(row, site, row.uid, row.sequence, updated_at, summary, said, url, cancelled)


def _of_slot(row: Any, site: Site, shown: Shown) -> ical.Meeting:
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
        summary = _whose(summary, row, shown)
    updated_at = max(row.slot_updated_at, row.kind_updated_at, site.updated_at, site.cfa.updated_at)
    return _meeting(
        row, site, slot_uid(row.slot_public_id), row.version, updated_at, summary, said, url, cancelled, free=not group
    )


def slot_uid(public_id: str) -> str:
    """Return the UID of a group session, or of a free slot."""
    return f"{public_id}@{UID_DOMAIN}"


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
        video="" if cancelled else ical.video(row.place, row.place_detail),
        cancelled=cancelled,
        free=free,
    )


def _whose(summary: str, row: Any, shown: Shown) -> str:
    """A calendar of several advisers says which one each meeting belongs to."""
    return f"{summary} – {row.adviser_first_name} {row.adviser_last_name}" if shown.named else summary
