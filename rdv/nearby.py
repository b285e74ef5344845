"""Other places where the same training is taught, near one that does not answer or that closed, and where somebody can be reached."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from rdv import french, modes, redirecting, rules, slots
from rdv.db import db
from rdv.models import CandidateRequest, Cfa, Site, Training, training_site
from rdv.slots import FreeSlot

FARTHEST_KM = 50  # by the great circle; an apprentice travels each day
MOST = 3
FAST_MINUTES = 2 * 8 * 60  # of working time: a median within the two working days that centres promise
_READ = 12  # nearest places looked at
_EARTH_KM = 6371.0
_KM_A_DEGREE = 111.2  # of latitude; a little less than the true value reads a little more than the circle


@dataclass(frozen=True)
class Place:
    """Where the same training is taught, how far, and what is open there."""

    training: Training
    site: Site
    cfa: Cfa
    km: float
    slot: FreeSlot | None  # the next free one
    fast: bool  # it answers within two working days, as measured

    @property
    def shown_km(self) -> str:
        """« 12 km », « moins de 1 km »."""
        return "moins de 1\u00a0km" if self.km < 1 else f"{round(self.km)}\u00a0km"

    @property
    def offers(self) -> str:
        """« Créneaux dès mardi 1er décembre à 14 h », or how it answers."""
        if self.slot is not None:
            return f"Créneaux dès {french.moment(self.slot.starts_at, self.site.timezone)}"
        return "Répond en général sous deux jours ouvrés" if self.fast else "Pas de créneau publié pour l’instant"


def places(request: CandidateRequest, now: datetime, limit: int = MOST) -> list[Place]:
    """Return the best other places for what a request asks: with free slots first, then those that answer fast, then the rest.

    Nothing without a training or coordinates, none that is closed, where nothing is open, or beyond FARTHEST_KM; the
    request's own place is left out, and the centres that passed it on. A training stands once, by its nearest place.
    """
    if request.training is None:
        return []
    origin = _located([request.site, *request.training.sites])
    former = redirecting.passed_on_by(request)
    # The links of a mail name no platform.
    return _best(request.training, origin, now, rules.OWN_PAGE, limit, but_site_id=request.site_id, but_cfas=former)


def instead_of(training: Training, now: datetime, page_code: str, limit: int = MOST) -> list[Place]:
    """Return the best places for who came for a training that closed, on the pages of a platform (`rules.OWN_PAGE`: of none).

    In the same order and under the same conditions as `places`; its own place too, where the same diploma stands anew.
    """
    return _best(training, _located(training.sites), now, page_code, limit)


def _best(
    wanted: Training, origin: tuple[float, float] | None, now: datetime, page_code: str, limit: int,
    but_site_id: int | None = None, but_cfas: Collection[int] = (),
) -> list[Place]:  # fmt: skip
    """Return the open places of the same training near a point, in the order in which people are offered them."""
    if origin is None:
        return []
    found: list[Place] = []
    for training, site, km in _nearest(wanted, but_site_id, origin):
        # One address leads to a training: a second place of it would open the first.
        known = any(each.site.id == site.id or each.training.id == training.id for each in found)
        if known or training.cfa_id in but_cfas:
            continue
        place = _open_place(training, site, km, now, page_code)
        if place is not None:
            found.append(place)
        if sum(each.slot is not None for each in found) >= limit:
            break  # read from the nearest on: no other can be better
    return sorted(found, key=lambda each: (each.slot is None, not each.fast, each.km))[:limit]


def find(request: CandidateRequest, training_public_id: str, now: datetime) -> Place | None:
    """Return one of the places offered for a request by its training, None when it is not offered any more."""
    return next((each for each in places(request, now) if each.training.public_id == training_public_id), None)


def _open_place(training: Training, site: Site, km: float, now: datetime, page_code: str) -> Place | None:
    """Return a place where a candidate may book, be called or write; None where they may do nothing."""
    free = slots.free_for_training(training, now, 4, platform=page_code)
    slot = next((each for each in free if each.site_id == site.id), free[0] if free else None)
    if slot is None and not any(modes.is_open(mode, training.cfa, site, training) for mode in ("callback", "message")):
        return None
    median = site.answer_median if site.answer_median is not None else training.cfa.answer_median
    return Place(training, site, training.cfa, km, slot, median is not None and median <= FAST_MINUTES)


def _located(sites: Iterable[Site | None]) -> tuple[float, float] | None:
    """Return where the first of these places that is located stands: there a candidate wanted to learn."""
    return next(
        (
            (site.latitude, site.longitude)
            for site in sites
            if site is not None and site.latitude is not None and site.longitude is not None
        ),
        None,
    )


def _nearest(
    training: Training, but_site_id: int | None, origin: tuple[float, float]
) -> Iterator[tuple[Training, Site, float]]:
    """Yield the places of the same training within the farthest distance, nearest first; two bounded index reads."""
    latitude, longitude = origin
    scale = max(math.cos(math.radians(latitude)), 0.01)
    north, east = FARTHEST_KM / _KM_A_DEGREE, FARTHEST_KM / _KM_A_DEGREE / scale
    up, across = Site.latitude - latitude, (Site.longitude - longitude) * scale
    flat = up * up + across * across  # near enough to order by, without trigonometry in the database
    found: dict[tuple[int, int], float] = {}
    for column, value in ((Training.diploma_code, training.diploma_code), (Training.rncp, training.rncp)):
        if value:
            # An OR of two columns would be no index read.
            query: Any = (
                sa.select(Training.id, Site.id, Site.latitude, Site.longitude)
                .join(training_site, training_site.c.training_id == Training.id)
                .join(Site, Site.id == training_site.c.site_id)
                .join(Cfa, Cfa.id == Training.cfa_id)
                .where(
                    column == value, Training.published.is_(True), Training.closed_at.is_(None),
                    Site.closed_at.is_(None), Cfa.closed_at.is_(None), Site.id != (but_site_id or 0),
                    Site.latitude.between(latitude - north, latitude + north),
                    Site.longitude.between(longitude - east, longitude + east),
                )
                .order_by(flat, Site.id, Training.id)
                .limit(_READ)
            )  # fmt: skip
            for training_id, site_id, *there in db.session.execute(query):
                found[(training_id, site_id)] = distance_km(origin, (there[0], there[1]))
    near = sorted((km, site_id, training_id) for (training_id, site_id), km in found.items() if km <= FARTHEST_KM)
    trainings, sites = _rows(near[:_READ])
    for km, site_id, training_id in near[:_READ]:
        yield trainings[training_id], sites[site_id], km


def _rows(near: list[tuple[float, int, int]]) -> tuple[dict[int, Training], dict[int, Site]]:
    """Read the trainings and places that were found, whole."""
    if not near:
        return {}, {}
    of_training = (
        sa.select(Training)
        .options(joinedload(Training.cfa))
        .where(Training.id.in_({training_id for _, _, training_id in near}))
    )
    of_site = sa.select(Site).where(Site.id.in_({site_id for _, site_id, _ in near}))
    return (
        {each.id: each for each in db.session.scalars(of_training)},
        {each.id: each for each in db.session.scalars(of_site)},
    )


def distance_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return the great-circle distance of two points given as latitude and longitude in degrees (haversine)."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(a), math.radians(b)) for a, b in (here, there))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(half, 1)))
