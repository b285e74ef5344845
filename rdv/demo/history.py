"""A year behind the demonstration: requests answered long ago and meetings held, so that figures have something to say.

Requests are written as rows, with the events that lead to their state: nothing is told to anybody, and it costs a second.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from rdv import agenda, attendance, booking, clock, deadlines, slots
from rdv.db import db
from rdv.demo.agenda import INFORMATION, INTERVIEW, kinds_of
from rdv.demo.people import ADVISER, COLLEAGUE, DEUX_RIVES, MANAGER, OVERSEAS, RAVINE
from rdv.demo.requests import Crowd, training_of
from rdv.identifiers import new_reference
from rdv.inbox import first_answers
from rdv.models import CandidateRequest, Cfa, RequestEvent, Site, User

DAYS = 330
FIRST_NUMBER = 200  # of the invented people of that year
ANSWERS = (
    "Bonjour, oui, il reste des places. Êtes-vous disponible pour en parler\u00a0?",
    "Bonjour, la formation alterne une semaine au centre et deux en entreprise.",
    "Bonjour, la formation est gratuite et rémunérée\u00a0: l’entreprise verse un salaire.",
)
SESSIONS = 6  # before the day of the demonstration, one every six weeks
OUTCOMES = ("attended", "attended", "attended", "no_show", "attended", "excused")


def fill(cfas: dict[str, Cfa], users: dict[str, User], now: datetime) -> None:
    """Write the year of two centres."""
    chance, crowd = random.Random(26), Crowd()  # noqa: S311  invented, and the same each time
    crowd.number = FIRST_NUMBER
    team = [users[person.email] for person in (ADVISER, ADVISER, COLLEAGUE, MANAGER)]
    _answered(cfas[DEUX_RIVES], team, 110, now, chance, crowd)
    _answered(cfas[RAVINE], [users[OVERSEAS.email]], 25, now, chance, crowd)
    _met(cfas[DEUX_RIVES], team, now, crowd)


def _answered(cfa: Cfa, team: Sequence[User], count: int, now: datetime, chance: random.Random, crowd: Crowd) -> None:
    """Write requests of the year, most of them answered within what was promised."""
    hours = {site.id: deadlines.Hours(site, cfa.id, (now - timedelta(days=DAYS + 10)).date()) for site in cfa.sites}
    trainings = [training_of(cfa, rank) for rank in range(4)]
    made: list[tuple[CandidateRequest, datetime | None, User]] = []
    for number in range(count):
        training = trainings[number % len(trainings)]
        site: Site = training.sites[0]
        # More of them in spring than in autumn, and faster answers as the months go by.
        ago = int(DAYS * chance.betavariate(1.2, 1.1)) + 4
        local = clock.to_zone(now - timedelta(days=ago), site.timezone).date()
        arrived = clock.from_wall(local, time(8 + chance.randrange(12), chance.randrange(60)), site.timezone)
        minutes = int(chance.expovariate(1 / (200 + ago)))
        answered = hours[site.id].later(arrived, minutes) if chance.random() < 0.9 else None
        mode, reference = chance.choice(("callback", "message", "message")), new_reference()
        over = (answered or arrived) + timedelta(days=3)
        request = CandidateRequest(
            **crowd.candidate(overseas=cfa.siret == RAVINE, reasons=["place"]).columns(reference),
            reference=reference, cfa_id=cfa.id, site_id=site.id, training_id=training.id, mode=mode, status="closed",
            outcome="answered" if answered else "no_follow_up", first_answered_at=answered, last_event_at=over,
            due_at=deadlines.due_at(arrived, site, cfa.answer_days, cfa.id, shut=hours[site.id].shut),
            owner_id=team[number % len(team)].id, created_at=arrived, updated_at=over,
        )  # fmt: skip
        made.append((request, answered, team[number % len(team)]))
    db.session.add_all(request for request, _, _ in made)
    db.session.flush()
    for request, answered, user in made:
        db.session.add_all(_thread(request, answered, user, chance))
        if answered:
            first_answers.record(request, answered, user)
    db.session.flush()


def _thread(
    request: CandidateRequest, answered: datetime | None, user: User, chance: random.Random
) -> list[RequestEvent]:
    """Return the events of a request, in order."""
    due = request.due_at.isoformat() if request.due_at else None
    found = [
        RequestEvent(kind="created", actor="candidate", at=request.created_at, data={"mode": request.mode, "due": due})
    ]
    if answered and request.mode == "callback":
        call = {"kind": "call", "data": {"result": "reached"}, "internal": True}
        found.append(RequestEvent(actor="staff", user_id=user.id, at=answered, **call))
    elif answered:
        found.append(
            RequestEvent(kind="answer", actor="staff", user_id=user.id, at=answered, text=chance.choice(ANSWERS))
        )
    found.append(
        RequestEvent(
            kind="closed", actor="staff", user_id=user.id, at=request.last_event_at, internal=True,
            data={"outcome": request.outcome},
        )
    )  # fmt: skip
    for event in found:
        event.request_id = request.id
    return found


def _met(cfa: Cfa, team: Sequence[User], now: datetime, crowd: Crowd) -> None:
    """Write sessions and interviews of the year, and who came to each."""
    kinds = kinds_of(cfa)
    for rank in range(SESSIONS):
        for kind, people, hour in ((INFORMATION, 4, 10), (INTERVIEW, 1, 15)):
            site, adviser = cfa.sites[0], team[rank % len(team)]
            day = clock.to_zone(now, site.timezone).date() - timedelta(days=40 * (rank + 1) - 9)
            start = clock.from_wall(day - timedelta(days=day.weekday()), time(hour), site.timezone)
            offer = slots.Offer(
                site, kinds[kind.title], kind.place, None, kind.capacity, listed=False, training_scope="site"
            )
            span = slots.Span(start, start + timedelta(minutes=kind.minutes))
            (slot,) = slots.publish(cfa, adviser, offer, [span], now, by=adviser, allow_overlap=True)
            for number in range(people):
                asked = start - timedelta(days=4 + number)
                booking.book(slot, crowd.candidate(reasons=["porte"]), crowd.form(), asked, training_of(cfa, number))
            for number, held in enumerate(agenda.bookings([slot])[slot.id]):
                if rank == SESSIONS - 1 and number == 0:
                    booking.cancel(held, "candidate", start - timedelta(days=1), choice="company")
                elif (number + rank) % 11:  # of some, nobody told
                    attendance.mark(held, OUTCOMES[(number + rank) % len(OUTCOMES)], now, adviser)
