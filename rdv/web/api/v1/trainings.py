"""A training as a platform reads it: what is open there, its free slots, its links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from rdv import bookable, clock, directory, inbox, links, modes, partner_ids, slots
from rdv.errors import NotFound
from rdv.models import ApiKey, Platform, Training
from rdv.slots import FreeSlot
from rdv.web.api.blueprint import bp
from rdv.web.api.v1 import answering, shape
from rdv.web.api.v1.keyed import keyed
from rdv.web.problems import ApiProblem

NEXT = 3  # slots of a context
FRESH = 60  # seconds that an answer may be kept
FARTHEST = timedelta(days=550)


def meant(said: Mapping[str, str]) -> list[Training]:
    """Return the trainings that an identifier may mean, open ones when there are; raise ApiProblem when none is said or known."""
    if said.get("id"):
        try:
            return [directory.get_training(said["id"])]
        except NotFound:
            raise ApiProblem("formation-introuvable") from None
    read = partner_ids.read(said)
    if read is None:
        raise shape.wrong(
            "id",
            "un identifiant de formation est attendu (id, cle, parcoursup, onisep, affelnet, rco, ou siret avec cfd)",
        )
    found = partner_ids.open_ones(partner_ids.trainings(read))
    if not found:
        raise ApiProblem("formation-introuvable")
    return found


def the_one(said: Mapping[str, str]) -> Training:
    """Return the training that an identifier means; raise ApiProblem, with the choice, when it means several."""
    found = meant(said)
    if len(found) > 1:
        raise ApiProblem("formation-ambigue", trainings=[shown(each) for each in found])
    return found[0]


def shown(training: Training) -> dict[str, Any]:
    """Return a training as answers hold it."""
    return {
        "id": training.public_id,
        "title": training.shown_title,
        "centre": {"id": training.cfa.public_id, "name": training.cfa.shown_name, "siret": training.cfa.siret},
        "place": directory.shown_place(training.sites),
        "identifiers": {
            "cle": training.training_key, "parcoursup": training.parcoursup_id, "onisep": training.onisep_id,
            "affelnet": training.affelnet_id, "rco": training.rco_id,
        },
    }  # fmt: skip


def slots_shown(free: Sequence[FreeSlot], training: Training, platform: Platform) -> list[dict[str, Any]]:
    """Return free slots as answers hold them, each in the zone of its place."""
    sites = directory.sites_by_id(each.site_id for each in free)
    return [
        {
            "id": each.public_id,
            **answering.when(each, sites[each.site_id].timezone),
            "place": each.place,
            "address": sites[each.site_id].shown_address,
            "title": each.title,
            "capacity": each.capacity,
            "seats_left": each.seats_left,
            "link": links.slot_on(each, training, platform.code),
        }
        for each in free
    ]


def not_bookable(training: Training, platform: Platform) -> list[dict[str, str]]:
    """Return why a training is not bookable on a platform, empty when it is."""
    rules = bookable.rules(training, platform, clock.now())
    return [{"code": rule.code, "message": rule.sentence} for rule in rules if not rule.met]


@bp.get("/api/v1/training")
@keyed("trainings:read")
def v1_training(key: ApiKey) -> ResponseReturnValue:
    """What a platform shows of a training: bookable or why not, by which ways, the next slots, the link."""
    training, platform = the_one(request.args), key.platform
    reasons = not_bookable(training, platform)
    ways: list[str] = []
    free: list[FreeSlot] = []
    if not reasons:
        site = inbox.main_site(training.cfa, training)
        ways = [mode for mode in modes.MODES if modes.is_open(mode, training.cfa, site, training)]
        free = slots.free_for_training(training, clock.now(), NEXT, platform=platform.code)
        ways += ["slot"] if free else []
    return answering.read(
        {
            "training": shown(training),
            "bookable": not reasons,
            "reasons": reasons,
            "modes": ways,
            "next_slots": slots_shown(free, training, platform),
            "link": None if reasons else links.training_on(training, platform.code),
        },
        FRESH,
    )


@bp.get("/api/v1/slots")
@keyed("trainings:read")
def v1_slots(key: ApiKey) -> ResponseReturnValue:
    """The free slots of a training, soonest first, a page at a time; none where it is not bookable."""
    limit, since, until = shape.number("limit", 50, 200), shape.instant("from"), shape.instant("to")
    training, platform, now = the_one(request.args), key.platform, clock.now()
    free: list[FreeSlot] = []
    if not not_bookable(training, platform):
        free = slots.free_for_training(training, now, limit + 1, since=since, platform=platform.code)
    # A page ends with a whole hour, so that the next begins after it.
    page = (
        free
        if len(free) <= limit
        else [one for one in free[:limit] if one.starts_at < free[limit].starts_at] or free[:limit]
    )
    more = len(page) < len(free)
    if until is not None:
        more = more and page[-1].starts_at < until
        page = [one for one in page if one.starts_at < until]
    following = answering.instant(page[-1].starts_at) if more and page else None
    return answering.read({"slots": slots_shown(page, training, platform), "next": following}, FRESH)


@bp.post("/api/v1/training-links")
@keyed("trainings:read")
def v1_training_links(key: ApiKey) -> ResponseReturnValue:
    """The links of many trainings at once, in the order asked: what a mailing about wishes needs."""
    asked = shape.body("LinksAsked")["trainings"]
    found = [_known(each["training"]) for each in asked]
    # All at once: one by one, they cost the most of this call.
    there = bookable.among((each[0] for each in found if len(each) == 1), key.platform, clock.now())
    told = [_link(each.get("reference"), some, key.platform, there) for each, some in zip(asked, found, strict=True)]
    return answering.done({"links": told})


def _known(said: dict[str, str]) -> list[Training]:
    try:
        return meant(said)
    except ApiProblem:
        return []


def _link(reference: str | None, found: list[Training], platform: Platform, there: set[int]) -> dict[str, Any]:
    told: dict[str, Any] = {"reference": reference, "training": None, "link": None}
    if len(found) != 1:
        return {**told, "state": "ambiguous" if found else "unknown"}
    told["training"] = found[0].public_id
    if found[0].id not in there:
        return {**told, "state": "not_bookable"}
    return {**told, "state": "bookable", "link": links.training_on(found[0], platform.code)}
