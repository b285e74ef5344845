"""Rows for the tests, with sensible invented defaults: `make.slot(adviser, site)`; any column may be given by name.

Each function writes in a transaction of its own, or in the one that is open. What it returns belongs to the test's
session: an attribute read later is read again from the database (the client expires everything after each request).
Call inside an application context (the `app` fixture pushes one).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from rdv import api_keys, clock
from rdv.db import db, transaction
from rdv.models import (
    Booking,
    CandidateRequest,
    Cfa,
    MeetingType,
    Membership,
    Platform,
    RequestEvent,
    Site,
    Slot,
    SlotTraining,
    Training,
    User,
)

PASSWORD = "Tournesol-Bleu-7"  # of every user below

_numbers = count(1)


@contextmanager
def writing() -> Iterator[Session]:
    """Join the open transaction, or open one."""
    session = db.session()
    if session.info.get("in_transaction"):
        yield session
    else:
        with transaction() as session:
            yield session


def saved(row: Any) -> Any:
    """Write any row and return it with its id."""
    with writing() as session:
        session.add(row)
        session.flush()
    return row


def siret() -> str:
    """Return a new SIRET with a right key."""
    body = f"9{next(_numbers):012d}"
    total = sum(_luhn(int(digit), double=index % 2 == 0) for index, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


def _luhn(digit: int, double: bool) -> int:
    value = digit * 2 if double else digit
    return value - 9 if value > 9 else value


def phone() -> str:
    """Return a new number of the range kept for fiction, in E.164 (01 99 00 xx xx)."""
    return f"+3319900{next(_numbers) % 10_000:04d}"


@lru_cache
def password_hash(password: str = PASSWORD) -> str:
    """Hash once, with a light scrypt: that of the application is slow on purpose, at each sign-in."""
    return generate_password_hash(password, method="scrypt:1024:8:1")


# The house


def cfa(**columns: Any) -> Cfa:
    """Return a CFA with an account, open to callbacks and messages."""
    number = next(_numbers)
    values = {
        "siret": siret(),
        "name": f"CFA des Tilleuls {number}",
        "email": f"accueil{number}@cfa-tilleuls.example",
        "phone": phone(),
        "city": "Lille",
        "activated_at": clock.now(),
    }
    return saved(Cfa(**{**values, **columns}))


def site(cfa: Cfa, **columns: Any) -> Site:
    """Return a teaching place in Lille; `timezone="Indian/Reunion", territory="RE"` puts it elsewhere."""
    number = next(_numbers)
    values = {
        "cfa_id": cfa.id,
        "siret": cfa.siret,
        "name": f"Site des Tilleuls {number}",
        "address": f"{number} rue des Tilleuls",
        "postal_code": "59000",
        "city": "Lille",
        "insee": "59350",
        "address_key": f"{number} rue des tilleuls",
        "department": "59",
        "email": f"site{number}@cfa-tilleuls.example",
        "phone": phone(),
    }
    return saved(Site(**{**values, **columns}))


def training(cfa: Cfa, *sites: Site, **columns: Any) -> Training:
    """Return a training taught at these sites."""
    key = columns.pop("training_key", f"{next(_numbers):06d}-cle-de-test")
    values = {
        "cfa_id": cfa.id,
        "training_key": key,
        "identity": key,
        "title": "CAP Pâtissier",
        "diploma": "CAP",
        "level": "3",
        "diploma_code": "50022137",
        "rncp": "RNCP38765",
    }
    with writing() as session:
        row = Training(**{**values, **columns})
        session.add(row)
        row.sites.extend(sites)
        session.flush()
    return row


# Its people


def user(**columns: Any) -> User:
    """Return a person who can sign in with `make.PASSWORD`, member of no CFA."""
    number = next(_numbers)
    values = {
        "email": f"camille.roux{number}@cfa-tilleuls.example",
        "first_name": "Camille",
        "last_name": "Roux",
        "phone": phone(),
        "password_hash": password_hash(),
    }
    return saved(User(**{**values, **columns}))


def service_member(**columns: Any) -> User:
    """Return a member of the service team (/admin)."""
    return user(**{"first_name": "Dora", "last_name": "Petit", "is_service_team": True, **columns})


def member(cfa: Cfa, role: str, sites: Iterable[Site] = (), **columns: Any) -> User:
    """Return a person with a role in this CFA; `sites` narrows it."""
    with writing() as session:
        person = user(**columns)
        membership = Membership(user_id=person.id, cfa_id=cfa.id, role=role)
        session.add(membership)
        membership.sites.extend(sites)
        session.flush()
        session.expire(person, ["memberships"])
    return person


def manager(cfa: Cfa, **columns: Any) -> User:
    """Return a manager of this CFA."""
    return member(cfa, "manager", **{"first_name": "Alice", "last_name": "Martin", **columns})


def adviser(cfa: Cfa, *sites: Site, **columns: Any) -> User:
    """Return an adviser of this CFA, of every site unless some are given."""
    return member(cfa, "adviser", sites, **{"first_name": "Bob", "last_name": "Garnier", **columns})


# Their agenda


def meeting_type(cfa: Cfa, **columns: Any) -> MeetingType:
    """Return a kind of meeting: half an hour, one candidate, on site."""
    return saved(MeetingType(**{"cfa_id": cfa.id, "title": "Entretien d’orientation", **columns}))


def slot(
    adviser: User,
    site: Site,
    meeting_type: MeetingType | None = None,
    starts_at: str | datetime | None = None,
    capacity: int = 1,
    trainings: Iterable[Training] = (),
    minutes: int | None = None,
    **columns: Any,
) -> Slot:
    """Return an open slot, in seven days at 13:00 UTC unless told.

    `starts_at`: an instant, or wall time of the site when it carries no offset (« 2026-11-24T14:00 »).
    `trainings`: the slot is for these alone; otherwise for every training of its site.
    """
    with writing() as session:
        kind = meeting_type or _any_meeting_type(session, site.cfa_id)
        start = _instant(starts_at, site)
        chosen = list(trainings)
        values = {
            "cfa_id": site.cfa_id,
            "site_id": site.id,
            "adviser_id": adviser.id,
            "meeting_type_id": kind.id,
            "place": kind.default_place,
            "starts_at": start,
            "ends_at": start + timedelta(minutes=minutes or kind.duration_minutes),
            "capacity": capacity,
            "training_scope": "chosen" if chosen else "site",
        }
        row = Slot(**{**values, **columns})
        session.add(row)
        session.flush()
        for each in chosen:
            session.add(SlotTraining(training_id=each.id, starts_at=start, slot_id=row.id))
        session.flush()
    return row


def _any_meeting_type(session: Session, cfa_id: int) -> MeetingType:
    found = session.scalars(sa.select(MeetingType).filter_by(cfa_id=cfa_id).order_by(MeetingType.id).limit(1)).first()
    if found is None:
        found = MeetingType(cfa_id=cfa_id, title="Entretien d’orientation")
        session.add(found)
        session.flush()
    return found


def _instant(given: str | datetime | None, site: Site) -> datetime:
    if given is None:
        return (clock.now() + timedelta(days=7)).replace(hour=13, minute=0, second=0, microsecond=0)
    if isinstance(given, str):
        given = datetime.fromisoformat(given)
    if given.tzinfo is None:
        return clock.from_wall(given.date(), given.time(), site.timezone)
    return given.astimezone(UTC)


# What candidates ask: rows as they stand, without the rules (use rdv.inbox, rdv.booking for those)


def candidate_request(cfa: Cfa, mode: str = "callback", **columns: Any) -> CandidateRequest:
    """Return a request just received, its first event included."""
    number = next(_numbers)
    now = clock.now()
    values = {
        "cfa_id": cfa.id,
        "mode": mode,
        "first_name": "Zoé",
        "last_name": "Lambert",
        "email": f"zoe.lambert{number}@courriel.example",
        "phone": phone(),
        "recipient_email": cfa.email,
        "search_text": "zoe lambert",
        "due_at": None if mode == "slot" else now + timedelta(days=2),
        "last_event_at": now,
        **({"status": "closed", "outcome": "meeting_set"} if mode == "slot" else {}),
    }
    with writing() as session:
        row = CandidateRequest(**{**values, **columns})
        session.add(row)
        session.flush()
        session.add(RequestEvent(request_id=row.id, kind="created", actor="candidate", at=row.last_event_at))
        session.flush()
    return row


def booking(slot: Slot, **columns: Any) -> Booking:
    """Return a booked seat and its request (`.request`); columns of the request go in `request={…}`."""
    of_request = columns.pop("request", {})
    with writing() as session:
        request = candidate_request(slot.cfa, mode="slot", **{"site_id": slot.site_id, **of_request})
        row = Booking(
            **{
                "request_id": request.id,
                "slot_id": slot.id,
                "cfa_id": slot.cfa_id,
                "starts_at": slot.starts_at,
                "person_key": f"{next(_numbers):064d}",
                **columns,
            }
        )
        session.add(row)
        if row.status != "cancelled":
            session.execute(
                sa.update(Slot).where(Slot.id == slot.id).values(seats_taken=Slot.seats_taken + (row.seats or 1))
            )
            session.expire(slot)
        session.flush()
    return row


def platform(code: str = "lba") -> Platform:
    """Return one of the platforms that the migrations create."""
    return db.session.execute(sa.select(Platform).filter_by(code=code)).scalar_one()


def api_key(code: str = "lba", *scopes: str, at: datetime | None = None) -> api_keys.NewKey:
    """Return a new key of a platform and its secret; every scope unless told."""
    with writing():
        return api_keys.create(platform(code), "essais", scopes or api_keys.SCOPES, at or clock.now())
