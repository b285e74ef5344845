"""Who came. A meeting nobody told about stays unknown, never absent by default; seats do not move.

A no-show hears « on vous a manqué » the same evening, once; after two, a person decides (reference/scheduling-peers.md §5, 19).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import clock, deadlines, inbox, notices, outbox, thread
from rdv.db import db
from rdv.errors import RdvError, WrongTransition
from rdv.models import Booking, CandidateRequest, Membership, OutgoingMail, Slot, User

OUTCOMES = {"attended": "Présent", "no_show": "Absent", "excused": "Excusé"}
UNKNOWN = "booked"  # what undoing goes back to
OPENS_BEFORE = timedelta(minutes=30)  # who comes early is seen early
SHOWN = timedelta(days=30)  # how long a meeting without outcome is counted
RECALLED = timedelta(days=7)  # how long its adviser is reminded by mail

_EVENING = (time(18, 30), time(20, 30))  # wall time of the site
_SLIP = timedelta(minutes=15)  # left to undo a tap too many
_MORNING = (time(9), time(12))  # a worker that was down catches up until noon


def opens_at(slot: Slot) -> datetime:
    """Return the instant from which attendance can be told."""
    return slot.starts_at - OPENS_BEFORE


def mark(booking: Booking, outcome: str, now: datetime, user: User) -> None:
    """Tell who came, or take it back (`booked`); saying it twice changes nothing.

    Raises WrongTransition: cancelled, or more than half an hour before the start.
    """
    if outcome not in (*OUTCOMES, UNKNOWN):
        raise RdvError("Choisissez présent, absent ou excusé.")
    changed = db.session.connection().execute(
        sa.update(Booking)
        .where(
            Booking.id == booking.id,
            Booking.status.not_in(("cancelled", outcome)),
            Booking.starts_at <= now + OPENS_BEFORE,
        )
        .values(status=outcome, updated_at=now)
    )
    db.session.refresh(booking)
    if changed.rowcount != 1:
        if booking.status == outcome:
            return
        raise WrongTransition(
            "Ce rendez-vous est annulé\u00a0: il n’y a pas de présence à noter." if booking.status == "cancelled"
            else "La présence se note à partir de 30 minutes avant le début du rendez-vous."
        )  # fmt: skip
    request: CandidateRequest = booking.request
    db.session.refresh(request, with_for_update={"of": CandidateRequest})
    thread.add(request, "attendance", "staff", now, user=user, data={"outcome": outcome})
    if outcome == "no_show" and not earlier_no_shows(booking):
        _write_missed(booking, now)


# -- « on vous a manqué » ---------------------------------------------------------------------------------------------


def earlier_no_shows(booking: Booking) -> int:
    """Return how many other meetings of this CFA the same person missed."""
    if booking.person_key is None:
        return 0
    return db.session.scalar(
        sa.select(sa.func.count()).where(
            Booking.person_key == booking.person_key,
            Booking.cfa_id == booking.cfa_id,
            Booking.status == "no_show",
            Booking.id != booking.id,
        )
    ) or 0  # fmt: skip


def evening(slot: Slot, now: datetime) -> tuple[datetime, datetime] | None:
    """Return when a person who missed a meeting may be written to: that evening or the next one, between 18:30 and 20:30.

    None once both are over. UTC instants, from the wall time of the site.
    """
    zone = slot.site.timezone
    met = clock.to_zone(slot.starts_at, zone).date()
    for day in (met, met + timedelta(days=1)):
        opens, closes = (clock.from_wall(day, at, zone) for at in _EVENING)
        begins = max(opens, now + _SLIP)
        if begins < closes:
            return begins, closes
    return None


def can_write_missed(booking: Booking, now: datetime) -> bool:
    """Say whether the staff may still decide to write: missed, reachable, in time, and nothing written yet."""
    return (
        booking.status == "no_show"
        and bool(notices.addresses(booking.request))
        and evening(booking.slot, now) is not None
        and not missed_is_written(booking)
    )


def missed_is_written(booking: Booking) -> bool:
    """Say whether the message of this missed meeting exists, sent or not."""
    query = sa.select(OutgoingMail.id).where(OutgoingMail.dedup_key == _missed_key(booking))
    return db.session.scalar(query) is not None


def write_missed(booking: Booking, now: datetime, user: User) -> None:
    """Write to somebody who missed more than one meeting, because a person decided so; raises WrongTransition."""
    if not can_write_missed(booking, now):
        raise WrongTransition("Ce message est déjà parti, ou il est trop tard pour l’envoyer. Appelez la personne.")
    _write_missed(booking, now)
    request: CandidateRequest = booking.request
    thread.add(
        request, "note", "staff", now, user=user, text="Message «\u00a0On vous a manqué\u00a0» demandé.", internal=True
    )


def _write_missed(booking: Booking, now: datetime) -> None:
    window = evening(booking.slot, now)
    told = notices.addresses(booking.request)
    if window is None or not told:
        return
    outbox.enqueue(
        "missed_you", told[0], _missed_key(booking), request_id=booking.request_id, booking_id=booking.id,
        not_before=window[0], not_after=window[1],
    )  # fmt: skip


def _missed_key(booking: Booking) -> str:
    # Of this hour: a meeting that was moved after a tap too many may really be missed.
    return f"missed_you:{booking.public_id}:{int(booking.starts_at.timestamp())}"


def came_back(booking: Booking) -> bool:
    """Say whether the same person, or the same contact, holds a later meeting of this CFA."""
    request = booking.request
    same = [column == value for column, value in _contacts(request) if value]
    if booking.person_key is not None:
        same.append(Booking.person_key == booking.person_key)
    query = (
        sa.select(Booking.id)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .where(
            Booking.cfa_id == booking.cfa_id, Booking.id != booking.id, Booking.status != "cancelled",
            Booking.starts_at > booking.starts_at, sa.or_(sa.false(), *same),
        )
        .limit(1)
    )  # fmt: skip
    return db.session.scalar(query) is not None


def _contacts(request: CandidateRequest) -> tuple[tuple[sa.ColumnElement[str | None], str | None], ...]:
    return (CandidateRequest.email, request.email), (CandidateRequest.phone, request.phone)  # type: ignore[return-value]


# -- meetings without outcome -----------------------------------------------------------------------------------------


def _missing(now: datetime, since: timedelta) -> tuple[sa.ColumnElement[bool], ...]:
    """Literal status, so that the partial index serves on both engines."""
    return (
        Booking.status == sa.literal_column("'booked'"),
        Booking.starts_at > now - since,
        Booking.starts_at < now,
        Slot.ends_at <= now,
        # Whoever was erased is asked about no more.
        sa.exists().where(CandidateRequest.id == Booking.request_id, CandidateRequest.erased_at.is_(None)),
    )


def count_missing(cfa_id: int, now: datetime, adviser_id: int | None = None) -> int:
    """Return how many past meetings of a CFA, or of one adviser, wait for a word on who came."""
    query = sa.select(sa.func.count()).select_from(Booking).join(Slot, Slot.id == Booking.slot_id)
    query = query.where(Booking.cfa_id == cfa_id, *_missing(now, SHOWN))
    if adviser_id is not None:
        query = query.where(Slot.adviser_id == adviser_id)
    return db.session.scalar(query) or 0


def slots_missing(cfa_id: int, now: datetime, adviser_id: int | None = None, limit: int = 50) -> list[Slot]:
    """Return the past slots that have such meetings, latest first."""
    waiting = sa.select(Booking.slot_id).join(Slot, Slot.id == Booking.slot_id)
    waiting = waiting.where(Booking.cfa_id == cfa_id, *_missing(now, SHOWN))
    query = (
        sa.select(Slot)
        .options(joinedload(Slot.site), joinedload(Slot.meeting_type), joinedload(Slot.adviser))
        .where(Slot.id.in_(waiting))
        .order_by(Slot.starts_at.desc(), Slot.id)
        .limit(limit)
    )
    if adviser_id is not None:
        query = query.where(Slot.adviser_id == adviser_id)
    return list(db.session.scalars(query))


def recalled(user: User, now: datetime) -> list[Booking]:
    """Return the meetings of the last seven days that this person is reminded of, oldest first.

    Their own; as a manager, those of an adviser who left. Nothing in a centre where they no longer work.
    """
    centres = sa.select(Membership.cfa_id).where(Membership.user_id == user.id, Membership.ended_at.is_(None))
    told = _Told()
    return [booking for booking in _recalled(now, Booking.cfa_id.in_(centres)) if user.id in told.about(booking.slot)]


def recall(now: datetime) -> None:
    """Remind each adviser, at 9 h of their place, of the meetings without outcome: once a day, on working days."""
    told = _Told()
    waiting: dict[int, tuple[User, Slot]] = {}
    for booking in _recalled(now):
        for person in told.about(booking.slot).values():
            waiting[person.id] = (person, booking.slot)  # the latest meeting says where they are
    for person, slot in waiting.values():
        zone, territory = slot.site.timezone, slot.site.territory
        local = clock.to_zone(now, zone)
        day = local.date()
        off = day.weekday() >= 5 or day in deadlines.public_holidays(territory, day.year)
        if off or not _MORNING[0] <= local.time() < _MORNING[1]:
            continue
        outbox.enqueue(
            "outcomes_missing", person.email, f"outcomes_missing:{person.public_id}:{day:%Y%m%d}", user_id=person.id,
            not_after=clock.from_wall(day, time(18), zone),
        )  # fmt: skip


def _recalled(now: datetime, *more: sa.ColumnElement[bool]) -> list[Booking]:
    query = (
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .options(joinedload(Booking.slot).joinedload(Slot.site), joinedload(Booking.request))
        .where(*_missing(now, RECALLED), *more)
        .order_by(Booking.starts_at, Booking.id)
    )
    return list(db.session.scalars(query))


class _Told:
    """Who answers for an adviser's slots in a CFA, asked once for each."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], dict[int, User]] = {}

    def about(self, slot: Slot) -> dict[int, User]:
        """Return them by id."""
        key = (slot.adviser_id, slot.cfa_id)
        if key not in self._known:
            self._known[key] = {person.id: person for person in inbox.answerable_for(slot)}
        return self._known[key]
