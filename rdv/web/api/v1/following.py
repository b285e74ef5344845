"""What became of the requests that a platform sent: states and instants; people only where it is entitled to them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload

from rdv.db import db
from rdv.models import ApiKey, Booking, CandidateRequest, Platform
from rdv.web.api.blueprint import bp
from rdv.web.api.v1 import answering, shape
from rdv.web.api.v1.keyed import keyed
from rdv.web.problems import ApiProblem

FRESH = 0  # asked again each time, answered 304


@bp.get("/api/v1/requests/<public_id>")
@keyed("requests:read")
def v1_request(key: ApiKey, public_id: str) -> ResponseReturnValue:
    """One request of this platform; another's does not exist here."""
    found = db.session.scalar(_of(key.platform).where(CandidateRequest.public_id == public_id))
    if found is None:
        raise ApiProblem("introuvable", "Cette demande n’existe pas, ou n’a pas été envoyée par votre plateforme.")
    return answering.read(shown(found, key.platform), FRESH)


@bp.get("/api/v1/requests")
@keyed("requests:read")
def v1_requests(key: ApiKey) -> ResponseReturnValue:
    """The requests of this platform that moved lately or all of them, oldest first, a page at a time."""
    limit, after, since = shape.number("limit", 50, 200), shape.cursor(), shape.instant("from")
    query = _of(key.platform)
    if since is not None:
        query = query.where(CandidateRequest.created_at >= since)
    if after:
        last = sa.select(CandidateRequest.id).where(
            CandidateRequest.public_id == after, CandidateRequest.platform_id == key.platform_id
        )
        found_id = db.session.scalar(last)
        if found_id is None:
            raise shape.wrong("after", "la dernière demande de la page précédente est attendue")
        query = query.where(CandidateRequest.id > found_id)
    page = list(db.session.scalars(query.order_by(CandidateRequest.id).limit(limit + 1)))
    following = page[limit - 1].public_id if len(page) > limit else None
    return answering.read({"requests": [shown(each, key.platform) for each in page[:limit]], "next": following}, FRESH)


def _of(platform: Platform) -> sa.Select[CandidateRequest]:
    return (
        sa.select(CandidateRequest)
        .options(
            joinedload(CandidateRequest.training),
            joinedload(CandidateRequest.booking).joinedload(Booking.slot),
            joinedload(CandidateRequest.site),
        )
        .where(CandidateRequest.platform_id == platform.id)
    )


def shown(found: CandidateRequest, platform: Platform) -> dict[str, Any]:
    """Return the state of a request, with the person's contacts only for a platform that is entitled to them."""
    told: dict[str, Any] = {
        "id": found.public_id,
        "mode": found.mode,
        "state": found.status,
        "outcome": found.outcome,
        "training": found.training.public_id if found.training else None,
        "created_at": answering.instant(found.created_at),
        "due_at": answering.instant(found.due_at),
        "answered_at": answering.instant(found.first_answered_at),
        "booking": _meeting(found.booking) if found.booking else None,
    }
    if platform.gets_contacts and found.erased_at is None:
        told["candidate"] = {
            "first_name": found.first_name, "last_name": found.last_name, "email": found.email, "phone": found.phone,
        }  # fmt: skip
    return told


def _meeting(held: Booking) -> dict[str, Any]:
    return {"state": held.status, "slot": held.slot.public_id, **answering.when(held.slot, held.slot.site.timezone)}
