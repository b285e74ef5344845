"""The coming slots of the demonstration: weekly habits, published again as days go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from rdv import clock, series, slots
from rdv.db import db
from rdv.demo.people import ADVISER, COLLEAGUE, DEUX_RIVES, OVERSEAS, RAVINE, Staff
from rdv.models import Cfa, MeetingType, SlotSeries, User

DAYS_AHEAD = 21


@dataclass(frozen=True)
class Habit:
    """What an adviser publishes every week."""

    staff: Staff
    siret: str
    site: int  # rank among the CFA's sites
    weekday: int
    start: time
    end: time
    title: str
    place: str = "on_site"
    detail: str | None = "Bureau 12, rez-de-chaussée"
    capacity: int = 1
    pause: int = 0


@dataclass(frozen=True)
class Kind:
    """A meeting type of the demonstration."""

    title: str
    minutes: int
    description: str
    bring: str | None = None
    capacity: int = 1
    place: str = "on_site"
    guests: int = 0  # people one may come with


INTERVIEW = Kind(
    "Entretien individuel", 20, "Un échange sur votre projet, la formation et la recherche d’entreprise.",
    "Votre dernier bulletin et un CV si vous en avez un.",
)  # fmt: skip
CALL = Kind("Échange par téléphone", 15, "Nous vous appelons pour répondre à vos questions.", place="phone")
VIDEO = Kind("Échange en visioconférence", 20, "Le lien vous est envoyé avec la confirmation.", place="video")
INFORMATION = Kind(
    "Réunion d’information collective",
    60,
    "Présentation du centre, visite des ateliers, questions.",
    capacity=12,
    guests=2,
)
KINDS = (INTERVIEW, CALL, VIDEO, INFORMATION)
ROOM = "https://visio.deux-rives.example/salon-1"

HABITS = (
    Habit(ADVISER, DEUX_RIVES, 0, 1, time(14), time(17), INTERVIEW.title),
    Habit(COLLEAGUE, DEUX_RIVES, 0, 1, time(14), time(16), INTERVIEW.title),  # equal slots: shown once
    Habit(ADVISER, DEUX_RIVES, 0, 3, time(9), time(11), INTERVIEW.title),
    Habit(ADVISER, DEUX_RIVES, 0, 0, time(16), time(17, 30), CALL.title, "phone", None),
    Habit(COLLEAGUE, DEUX_RIVES, 1, 3, time(10), time(12), INTERVIEW.title),
    Habit(COLLEAGUE, DEUX_RIVES, 1, 4, time(13, 30), time(15, 30), VIDEO.title, "video", ROOM, pause=10),
    Habit(ADVISER, DEUX_RIVES, 0, 2, time(14), time(15), INFORMATION.title, detail="Amphithéâtre", capacity=12),
    Habit(OVERSEAS, RAVINE, 0, 1, time(8), time(10), INTERVIEW.title),
    Habit(OVERSEAS, RAVINE, 0, 3, time(13), time(15), CALL.title, "phone", None),
    Habit(OVERSEAS, RAVINE, 0, 2, time(9), time(10), INFORMATION.title, detail="Salle Bourbon", capacity=12),
)


def kinds_of(cfa: Cfa) -> dict[str, MeetingType]:
    """Return the meeting types of a CFA by title, made if they are not there."""
    known = {
        kind.title: kind for kind in db.session.scalars(sa.select(MeetingType).where(MeetingType.cfa_id == cfa.id))
    }
    for kind in KINDS:
        if kind.title not in known:
            known[kind.title] = MeetingType(
                cfa_id=cfa.id, title=kind.title, duration_minutes=kind.minutes, description=kind.description,
                what_to_bring=kind.bring, default_capacity=kind.capacity, default_place=kind.place,
                guests_allowed=kind.guests,
            )  # fmt: skip
            db.session.add(known[kind.title])
    db.session.flush()
    return known


def publish_habits(
    users: dict[str, User], cfas: dict[str, Cfa], now: datetime, habits: Sequence[Habit] = HABITS
) -> int:
    """Publish what is missing of the coming weeks and return how many slots; days off are left out."""
    made = 0
    for habit in habits:
        cfa, adviser = cfas[habit.siret], users[habit.staff.email]
        kind = kinds_of(cfa)[habit.title]
        site = cfa.sites[habit.site]
        offer = slots.Offer(site, kind, habit.place, habit.detail, habit.capacity, listed=True, training_scope="site")
        tomorrow = clock.to_zone(now, site.timezone).date() + timedelta(days=1)
        rule = series.Rule(
            first_day=tomorrow,
            ranges=(series.Range(habit.start, habit.end),),
            minutes=kind.duration_minutes,
            pause=habit.pause,
            weekdays=(habit.weekday,),
            last_day=tomorrow + timedelta(days=DAYS_AHEAD - 1),
        )
        planned = series.plan(rule, offer, now)
        found = series.preview(cfa.id, adviser, planned, now)
        missing = {each.key for each in found if not each.conflicts}
        if missing:
            published = series.publish(
                cfa, adviser, planned, now, by=adviser, keep=missing, seen=series.fingerprint(found),
                rule=None if _has_series(adviser, offer) else rule,
            )  # fmt: skip
            made += len(published.slots)
    return made


def _has_series(adviser: User, offer: slots.Offer) -> bool:
    """Say whether a habit began before: what is topped up later makes no series of its own."""
    found = sa.select(SlotSeries.id).where(
        SlotSeries.adviser_id == adviser.id,
        SlotSeries.site_id == offer.site.id,
        SlotSeries.meeting_type_id == offer.meeting_type.id,
    )
    return db.session.scalar(found.limit(1)) is not None
