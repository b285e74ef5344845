"""A database as large as the service may become, written in bulk: for plans (EXPLAIN) and benchmarks, not for rules.

Slots are spread over many centres; one of them (`Scale.training`) has a known number of coming slots. Ids are given, so
that rows of several tables may be written without reading any back.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import clock
from rdv.db import db, transaction
from rdv.identifiers import new_public_id
from rdv.models import (
    Booking,
    CandidateRequest,
    Cfa,
    FirstAnswer,
    MeetingType,
    Membership,
    RequestEvent,
    Site,
    Slot,
    SlotTraining,
    Training,
    User,
    training_site,
)
from rdv.models.closure import Closure

ROWS_AT_ONCE = 5_000
CFAS = 200
ADVISERS = 3  # of each CFA
TRAININGS = 4  # of each site


@dataclass(frozen=True)
class Scale:
    """What a test or a benchmark asks about: one centre among many."""

    cfa_id: int
    site_id: int
    adviser_id: int
    training_id: int
    training_public_id: str
    slot_public_ids: list[str]


def fill(
    slots: int, *, past: int = 0, booked: int = 0, asked: int = 0, here: int = 50, answered: int = 0, busiest: int = 0
) -> Scale:
    """Write `slots` open slots to come and `past` ones over, `booked` bookings with their requests,
    `asked` callback requests that wait, `answered` ones of the last twelve months, `busiest` of them at the first
    centre; then ANALYZE.

    The first centre has exactly `here` coming slots for its first training, whatever the total.
    """
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    chance = random.Random(11)
    stamps = {"created_at": now, "updated_at": now}
    cfas = [{"id": n, "public_id": new_public_id(), "siret": f"{n:014d}", "name": f"CFA {n}", "callback_open": True,
             "message_open": True, "sms_open": False, "answer_days": 2, "activated_at": now, "link_version": 1, **stamps}
            for n in range(1, CFAS + 1)]  # fmt: skip
    sites = [{"id": n, "public_id": new_public_id(), "cfa_id": n, "siret": "", "name": f"Site {n}", "insee": "59350",
              "address_key": str(n), "city": "Lille", "latitude": 50.6 + n % 20 / 100, "longitude": 3.0 + n % 7 / 100, "territory": "FR", "timezone": "Europe/Paris", **stamps}
             for n in range(1, CFAS + 1)]  # fmt: skip
    people = [{"id": n, "public_id": new_public_id(), "email": f"a{n}@cfa.example", "first_name": "Bob", "last_name": str(n),
               "session_token": "x", "link_version": 1, "is_service_team": False, "active": True, "agenda_version": 0, **stamps}
              for n in range(1, CFAS * ADVISERS + 1)]  # fmt: skip
    members = [
        {"user_id": person["id"], "cfa_id": _cfa_of_adviser(person["id"]), "role": "adviser", "created_at": now}
        for person in people
    ]
    kinds = [{"id": n, "public_id": new_public_id(), "cfa_id": n, "title": "Entretien", "duration_minutes": 20,
              "default_capacity": 1, "default_place": "on_site", "guests_allowed": 0, "guests_counted": False, **stamps}
             for n in range(1, CFAS + 1)]  # fmt: skip
    trainings = [{"id": n, "public_id": new_public_id(), "cfa_id": (n - 1) // TRAININGS + 1, "training_key": f"cle-{n}",
                  "identity": f"cle-{n}", "title": f"CAP {n}", "diploma_code": f"5000{n % 40:04d}", "rncp": f"RNCP{n % 50}", "starts_on": [], "remote": False, "published": True,
                  "source": {}, **stamps} for n in range(1, CFAS * TRAININGS + 1)]  # fmt: skip
    taught = [{"training_id": each["id"], "site_id": each["cfa_id"]} for each in trainings]
    closed = [{"public_id": new_public_id(), "cfa_id": n, "first_day": now.date(), "last_day": now.date(), **stamps}
              for n in range(2, CFAS + 1)]  # fmt: skip
    published = [
        _slot(n, _cfa_of_slot(n, slots, here), now, chance, over=n > slots) for n in range(1, slots + past + 1)
    ]
    chosen = [
        {"training_id": (row["cfa_id"] - 1) * TRAININGS + 1, "starts_at": row["starts_at"], "slot_id": row["id"]}
        for row in published
        if row["training_scope"] == "chosen"
    ]
    requests, events, bookings = _booked(published, booked, now, chance)
    requests += [_asked(booked + n, 1 + n % CFAS, now - timedelta(hours=n % 200)) for n in range(1, asked + 1)]
    begun = booked + asked
    answers = [
        _answered(begun + n, 1 if n <= busiest else 2 + n % (CFAS - 1), now, chance) for n in range(1, answered + 1)
    ]
    requests += [request for request, _ in answers]
    with transaction() as session:
        for table, rows in (
            (Cfa, cfas), (Site, sites), (User, people), (Membership, members), (MeetingType, kinds), (Training, trainings),
            (training_site, taught), (Closure, closed), (Slot, published), (SlotTraining, chosen), (CandidateRequest, requests),
            (RequestEvent, events), (Booking, bookings), (FirstAnswer, [answer for _, answer in answers]),
        ):  # fmt: skip
            target = table if isinstance(table, sa.Table) else table.__table__  # type: ignore[attr-defined]
            for start in range(0, len(rows), ROWS_AT_ONCE):
                session.connection().execute(sa.insert(target), rows[start : start + ROWS_AT_ONCE])
    with transaction() as session:
        session.connection().execute(sa.text("ANALYZE"))
    mine = [row["public_id"] for row in published if row["cfa_id"] == 1 and row["starts_at"] > now]
    return Scale(1, 1, 1, 1, str(trainings[0]["public_id"]), mine)


def _cfa_of_adviser(number: int) -> int:
    return (number - 1) // ADVISERS + 1


def _cfa_of_slot(number: int, slots: int, here: int) -> int:
    """The first coming slots are those of the first centre, the others go round all the others."""
    return 1 if number <= here else 2 + number % (CFAS - 1)


def _slot(number: int, cfa_id: int, now: Any, chance: random.Random, over: bool) -> dict[str, Any]:
    minutes = 20 * chance.randrange(1, 72 * 60)
    starts_at = now - timedelta(minutes=minutes) if over else now + timedelta(days=1, minutes=minutes)
    return {
        "id": number, "public_id": new_public_id(), "cfa_id": cfa_id, "site_id": cfa_id,
        "adviser_id": (cfa_id - 1) * ADVISERS + 1 + number % ADVISERS, "meeting_type_id": cfa_id, "place": "on_site",
        "starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=20), "capacity": 20, "extra_seats": 0,
        "seats_taken": 0, "status": "open", "listed": True, "day_full": False,
        # One in ten of the other centres' is for one training alone.
        "training_scope": "chosen" if cfa_id > 1 and number % 10 == 0 else "site",
        "edited_alone": False, "version": 1, "created_at": now, "updated_at": now,
    }  # fmt: skip


def _asked(number: int, cfa_id: int, at: datetime) -> dict[str, Any]:
    return {
        "id": number, "public_id": new_public_id(), "reference": f"R{number}", "cfa_id": cfa_id, "site_id": cfa_id,
        "mode": "callback", "asker": "candidate", "first_name": "Zoé", "last_name": str(number),
        "email": f"zoe{number}@courriel.example", "reasons": [], "callback_windows": [], "status": "new",
        "outcome": None, "owner_id": None, "due_at": at + timedelta(days=2), "search_text": "zoe", "link_version": 1,
        "name_key": f"zoe {number}", "person_key": f"{number:064d}",
        "version": 1, "last_event_at": at, "created_at": at, "updated_at": at,
    }  # fmt: skip


def _answered(number: int, cfa_id: int, now: Any, chance: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a request of the last twelve months and its first answer."""
    at = now - timedelta(minutes=chance.randrange(1, 365 * 24 * 60))
    minutes = int(chance.expovariate(1 / 400))
    request = _asked(number, cfa_id, at) | {
        "mode": ("callback", "message")[number % 2], "status": "closed", "outcome": "answered",
        "first_answered_at": at + timedelta(minutes=minutes), "training_id": (cfa_id - 1) * TRAININGS + 1 + number % TRAININGS,
        "platform_id": 1 + number % 3,
    }  # fmt: skip
    answer = {
        "request_id": number, "cfa_id": cfa_id, "site_id": cfa_id, "training_id": request["training_id"],
        "platform_id": request["platform_id"], "user_id": (cfa_id - 1) * ADVISERS + 1 + number % ADVISERS,
        "mode": request["mode"], "month": clock.to_zone(at, clock.PARIS).date().replace(day=1), "minutes": minutes,
        "on_time": number % 10 > 0, "answered_at": request["first_answered_at"],
    }  # fmt: skip
    return request, answer


def _booked(slots: list[dict[str, Any]], count: int, now: Any, chance: random.Random) -> tuple[list[Any], ...]:
    requests, events, bookings = [], [], []
    for number in range(1, count + 1):
        slot = slots[chance.randrange(len(slots))]
        if slot["seats_taken"] >= slot["capacity"]:
            continue
        slot["seats_taken"] += 1
        requests.append(
            {
                "id": number, "public_id": new_public_id(), "reference": f"R{number}", "cfa_id": slot["cfa_id"],
                "site_id": slot["site_id"], "mode": "slot", "asker": "candidate", "first_name": "Zoé",
                "last_name": str(number), "email": f"zoe{number}@courriel.example", "reasons": [], "callback_windows": [],
                "status": "closed", "outcome": "meeting_set", "owner_id": slot["adviser_id"], "due_at": None, "search_text": "zoe",
                "link_version": 1, "version": 1, "last_event_at": now, "created_at": now, "updated_at": now,
            }
        )  # fmt: skip
        events.append(
            {"request_id": number, "kind": "booked", "actor": "candidate", "at": now, "data": {}, "internal": False}
        )
        bookings.append(
            {
                "id": number, "public_id": new_public_id(), "request_id": number, "slot_id": slot["id"],
                "cfa_id": slot["cfa_id"], "starts_at": slot["starts_at"], "uid": f"{number}@rdv", "sequence": 0,
                "status": "booked", "person_key": f"{number:064d}", "guests": 0, "seats": 1, "walk_in": False,
                "created_at": now, "updated_at": now,
            }
        )  # fmt: skip
    return requests, events, bookings


def first_slot(scale: Scale) -> Slot:
    """Return a coming slot of the centre asked about."""
    return db.session.scalars(sa.select(Slot).where(Slot.public_id == scale.slot_public_ids[0])).one()
