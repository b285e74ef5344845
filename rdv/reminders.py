"""Reminders: what is due and not sent yet, found among the live bookings every five minutes.

Nothing is queued ahead: a booking that moves, a setting that changes, count at the next look. A reminder is made once for
each booking, kind and hour (the dedup key), so that two workers, or a look repeated after a crash, write once; whether it
still makes sense is asked again when it leaves (rdv.mails.reminders, rdv.texts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import asker, notices, outbox, reminder_windows, sms
from rdv.db import db, transaction
from rdv.models import Booking, CandidateRequest, Cfa, OutgoingMail, OutgoingSms, RequestEvent, Site, Slot
from rdv.reminder_windows import Window

# Events after which the person knows the hour: they have just been told of it.
TELLING = ("booked", "moved", "slot_changed")
_TOGETHER = 200  # bookings written in one transaction


@dataclass(frozen=True)
class Plan:
    """One kind of reminder."""

    kind: str
    window: Callable[[datetime, str], Window]
    reach: timedelta  # how long before a meeting its window may open, at most
    spares_night: bool  # nothing hurries it
    by_sms: bool


WEEK = Plan("reminder_week", reminder_windows.of_the_week, timedelta(days=8), spares_night=True, by_sms=False)
DAY = Plan("reminder_day", reminder_windows.of_the_day, timedelta(hours=36), spares_night=False, by_sms=True)


@dataclass(frozen=True)
class _Reminder:
    model: type[OutgoingMail] | type[OutgoingSms]
    kind: str
    to: str
    key: str
    booking: Any
    window: Window

    def row(self) -> dict[str, Any]:
        """Return the pending row, with the hour that it tells."""
        data = {"starts_at": self.booking.starts_at.isoformat()}
        ids = {
            "request_id": self.booking.request_id, "booking_id": self.booking.id, "not_after": self.window.useful_until
        }  # fmt: skip
        if self.model is OutgoingSms:
            data |= notices.answer_to(False, self.booking.timezone)
            return outbox.sms_row(self.kind, self.to, self.key, data=data, **ids)
        return outbox.mail_row(self.kind, self.to, self.key, data=data, **ids)


def remind(now: datetime) -> None:
    """Queue the reminders that are due; harmless if run twice."""
    for plan in (WEEK, DAY):
        due = list(_due(plan, now))
        for start in range(0, len(due), _TOGETHER):
            wanted = _news(_not_queued(due[start : start + _TOGETHER]))
            if wanted:
                with transaction():
                    for model in (OutgoingMail, OutgoingSms):
                        outbox.add(model, [each.row() for each in wanted if each.model is model])


def _coming(now: datetime, reach: timedelta) -> Any:
    """Return the live bookings up to `reach` ahead, with what reminders need of them; an index read (literal status)."""
    return (
        sa.select(
            Booking.id, Booking.public_id, Booking.request_id, Booking.starts_at, Booking.created_at, Site.timezone,
            Cfa.sms_open, CandidateRequest.asker, CandidateRequest.email, CandidateRequest.phone,
            CandidateRequest.asker_email, CandidateRequest.asker_phone,
        )
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Site, Site.id == Slot.site_id)
        .join(Cfa, Cfa.id == Booking.cfa_id)
        .join(CandidateRequest, CandidateRequest.id == Booking.request_id)
        .where(
            Booking.status == sa.literal_column("'booked'"), Booking.starts_at > now, Booking.starts_at <= now + reach,
            Slot.status != "cancelled",
        )
        .order_by(Booking.starts_at, Booking.id)
    )  # fmt: skip


def _due(plan: Plan, now: datetime) -> Iterator[_Reminder]:
    """Yield every reminder whose moment has come and that still helps, queued already or not."""
    for booking in db.session.execute(_coming(now, plan.reach)).all():
        window = plan.window(booking.starts_at, booking.timezone)
        if not window.moment(booking.public_id) <= now < window.useful_until:
            continue
        if plan.spares_night and not reminder_windows.in_reading_hours(now, booking.timezone):
            continue
        key = f"{plan.kind}:{booking.public_id}:{int(booking.starts_at.timestamp())}"
        for model, rank, to in _people(booking, plan):
            yield _Reminder(model, plan.kind, to, f"{key}:{rank}" if rank else key, booking, window)


def _people(booking: Any, plan: Plan) -> Iterator[tuple[type[OutgoingMail] | type[OutgoingSms], int, str]]:
    """Yield whom to remind, with their rank: the candidate and a parent; a helper only when nobody else can be."""
    mails, phones = notices.addresses(booking), sms.numbers(booking, booking.sms_open)
    own = any(not asker.reads(booking, contact) for contact in (*mails, *phones))
    for model, contacts in ((OutgoingMail, mails), (OutgoingSms, phones if plan.by_sms else [])):
        for rank, to in enumerate(contacts):
            if not (own and booking.asker == "helper" and asker.reads(booking, to)):
                yield model, rank, to


def _not_queued(due: list[_Reminder]) -> list[_Reminder]:
    """Return those that are not in the outbox, sent or not."""
    queued: set[str] = set()
    for model in (OutgoingMail, OutgoingSms):
        keys = [each.key for each in due if each.model is model]
        if keys:
            found = db.session.scalars(sa.select(model.dedup_key).where(model.dedup_key.in_(keys)))
            queued |= {f"{model.__tablename__}:{key}" for key in found}
    return [each for each in due if f"{each.model.__tablename__}:{each.key}" not in queued]


def _news(due: list[_Reminder]) -> list[_Reminder]:
    """Return those whose person did not learn the hour too recently for it to need a reminder."""
    if not due:
        return []
    learned = db.session.execute(
        sa.select(RequestEvent.request_id, sa.func.max(RequestEvent.at))
        .where(RequestEvent.request_id.in_({each.booking.request_id for each in due}), RequestEvent.kind.in_(TELLING))
        .group_by(RequestEvent.request_id)
    )
    told: dict[int, datetime] = dict(iter(learned))
    return [
        each for each in due
        if told.get(each.booking.request_id, each.booking.created_at) < each.window.told_before
    ]  # fmt: skip
