"""What the button « Prendre rendez-vous » shows of a training on a platform, for the API and for our own pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from rdv import bookable, clock, directory, french, links, partner_ids, rules, slots
from rdv.models import Platform, Training
from rdv.slots import FreeSlot

LABEL = "Prendre rendez-vous"
_A_WEEK = timedelta(days=6)  # further, the name of a day alone would mean two dates


@dataclass(frozen=True)
class Button:
    """What the script draws; `frame_url` is None where no page may frame ours: the link opens a page."""

    bookable: bool
    label: str
    next_slot: str | None
    url: str | None
    frame_url: str | None


NOTHING = Button(False, LABEL, None, None, None)


def button_of(said: Mapping[str, str], platform: Platform | None, now: datetime) -> Button | None:
    """Return the button of the training that these identifiers mean, as docs/links.md names them; None without any.

    Several open trainings behind one identifier: a link to the page that lets one choose.
    """
    meant = partner_ids.read(said)
    if meant is None:
        return None
    found = [each for each in partner_ids.trainings(meant) if _shown(each, platform, now)]
    if not found:
        return NOTHING
    if len(found) > 1:
        query = urlencode(meant.query() | ({"origine": platform.code} if platform else {}))
        return Button(True, LABEL, None, links.absolute(f"/formation?{query}"), None)
    training = found[0]
    free = slots.free_for_training(training, now, 1, platform=platform.code if platform else rules.OWN_PAGE)
    if platform is None:
        return Button(True, LABEL, next_slot(free, now), links.training(training), None)
    url = links.training_on(training, platform.code)
    framed = bool(platform.origins) or platform.life_cycle == "own_site"
    return Button(True, LABEL, next_slot(free, now), url, f"{url}&cadre=1" if framed else None)


def _shown(training: Training, platform: Platform | None, now: datetime) -> bool:
    """Say whether the button stands there: the platform's rule, or, on a page of no platform, what the page offers."""
    if platform is not None:
        return bookable.on(training, platform, now)
    return directory.is_open(training) and bookable.reachable(training, rules.OWN_PAGE, now)


def next_slot(free: list[FreeSlot], now: datetime) -> str | None:
    """« Prochain créneau : demain à 14 h » in the zone of its place, None without any."""
    if not free:
        return None
    zone = directory.sites_by_id([free[0].site_id])[free[0].site_id].timezone
    local, today = clock.to_zone(free[0].starts_at, zone), clock.to_zone(now, zone).date()
    ahead = local.date() - today
    day = french.day(local)
    if ahead <= timedelta(days=1):
        day = "demain" if ahead else "aujourd’hui"
    elif ahead <= _A_WEEK:
        day = day.split(french.NBSP)[0]
    hour = french.clock_time(local) + french.zone_suffix(zone)
    joined = f"{day}{french.NBSP}{hour}" if timedelta(days=1) < ahead <= _A_WEEK else f"{day} à{french.NBSP}{hour}"
    return f"Prochain créneau{french.NBSP}: {joined}"
