"""`/api/v2/appointment`: the same with a key, whose platform is the referrer (reference/predecessor.md §3.3)."""

from __future__ import annotations

from flask import g, request
from flask.typing import ResponseReturnValue

from rdv import api_keys, clock, partner_ids
from rdv.models import ApiKey
from rdv.web.api.blueprint import bp
from rdv.web.api.former import answers, context
from rdv.web.api.former.answers import Refused, said
from rdv.web.forms import count_failed_secret

IDENTIFIERS = {"cle_ministere_educatif": "cle", "parcoursup_id": "parcoursup", "onisep_id": "onisep"}
ORGANISATIONS = ("parcoursup", "onisep", "jeune_1_solution", "affelnet")
_SCOPE = "trainings:read"
_UNREADABLE = "Unable to parse token "


@bp.post("/api/v2/appointment")
@answers.contract
def former_token() -> ResponseReturnValue:
    """Answer the fields of a training and the address of its form to the platform of a key."""
    key = _key()
    organisation = key.platform.code
    if organisation not in ORGANISATIONS:
        raise Refused(401, "Invalid organisation")
    asked = answers.body_object()
    named = [name for name in asked if name in IDENTIFIERS]
    if len(asked) != 1 or len(named) != 1 or not answers.is_text(asked[named[0]]):
        raise Refused(400, "Request validation failed")
    kind, value = IDENTIFIERS[named[0]], asked[named[0]]
    known = partner_ids.trainings(partner_ids.PartnerId(kind, value))
    if not known:
        raise Refused(404, "Training not found")
    training = context.first_open(known, key.platform)
    if training is not None:
        return said(context.facts(training, key.platform, with_rco=False))
    return said({"error": "Appointment request not available"})


def _key() -> ApiKey:
    """Return the key of the call, which it counts; raise Refused as the contract says a token is refused."""
    header, now = request.headers.get("Authorization"), clock.now()
    if not header or not header.lower().startswith("bearer "):
        raise Refused(401, _UNREADABLE + "missing-bearer")
    try:
        key = api_keys.identify(header, now)
    except api_keys.KeyEnded:
        raise Refused(401, _UNREADABLE + "expired") from None
    except api_keys.NoKey:
        count_failed_secret()
        raise Refused(401, _UNREADABLE + "invalid-signature") from None
    except api_keys.PlatformStopped:
        raise Refused(401, "Organisation not found") from None
    g.api_key_id = key.id
    try:
        api_keys.admit(key, _SCOPE, now)
    except api_keys.ScopeMissing:
        raise Refused(403, "Forbidden") from None
    return key
