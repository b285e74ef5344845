"""The adviser's own day in the demonstration: who came, who is next, and meetings of the day before without outcome."""

from __future__ import annotations

from datetime import datetime, timedelta

from rdv import agenda, attendance, booking, slots
from rdv.demo.agenda import CALL, INFORMATION, INTERVIEW, Kind, kinds_of
from rdv.demo.people import ADVISER, DEUX_RIVES
from rdv.demo.requests import Crowd, training_of
from rdv.models import Cfa, Slot, User

# Of the day: the hour counted from now, what kind of meeting, how many people.
MEETINGS: tuple[tuple[timedelta, Kind, int], ...] = (
    (timedelta(hours=-25), INTERVIEW, 1),
    (timedelta(hours=-24, minutes=-30), CALL, 1),
    (timedelta(minutes=-150), INTERVIEW, 1),
    (timedelta(minutes=-75), INFORMATION, 4),
    (timedelta(minutes=25), INTERVIEW, 1),
    (timedelta(minutes=70), CALL, 1),
)
FIRST_NUMBER = 40  # of the invented people of that day


def fill(cfas: dict[str, Cfa], users: dict[str, User], now: datetime) -> None:
    """Write the meetings of the day, reserved to who has their link; of the past ones, half are told."""
    cfa, adviser = cfas[DEUX_RIVES], users[ADVISER.email]
    crowd = Crowd()
    crowd.number = FIRST_NUMBER
    kinds = kinds_of(cfa)
    for ahead, kind, people in MEETINGS:
        start = (now + ahead).replace(second=0, microsecond=0)
        start -= timedelta(minutes=start.minute % 5)
        offer = slots.Offer(
            cfa.sites[0], kinds[kind.title], kind.place, None, kind.capacity, listed=False, training_scope="site"
        )
        span = slots.Span(start, start + timedelta(minutes=kind.minutes))
        (slot,) = slots.publish(cfa, adviser, offer, [span], now, by=adviser, allow_overlap=True)
        _book(slot, cfa, crowd, people)
        if kind is INFORMATION:
            _tell(slot, now, adviser)


def _book(slot: Slot, cfa: Cfa, crowd: Crowd, people: int) -> None:
    long_before = slot.starts_at - timedelta(days=3)
    for _ in range(people):
        booking.book(slot, crowd.candidate(reasons=["contenu", "place"]), crowd.form(), long_before, training_of(cfa))


def _tell(slot: Slot, now: datetime, adviser: User) -> None:
    """Tell who came to a session: three did, one did not."""
    for rank, held in enumerate(agenda.bookings([slot])[slot.id]):
        attendance.mark(held, "no_show" if rank == 3 else "attended", now, adviser)
