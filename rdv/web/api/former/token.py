"""`/api/v2/appointment`: the same with a key, or a token of API Apprentissage, which says the referrer (reference/predecessor.md §3.3)."""

from __future__ import annotations

from functools import partial

from flask import g, request
from flask.typing import ResponseReturnValue

from rdv import alternance_tokens, api_keys, clock, directory
from rdv.settings import settings
from rdv.web.api.blueprint import bp
from rdv.web.api.former import answers, context, schemas
from rdv.web.api.former.answers import Refused, said
from rdv.web.forms import count_failed_secret

IDENTIFIERS = {"cle_ministere_educatif": "cle", "parcoursup_id": "parcoursup", "onisep_id": "onisep"}
ORGANISATIONS = ("parcoursup", "onisep", "jeune_1_solution", "affelnet")
_SCOPE = "trainings:read"  # of our keys
_HABILITATION = "appointments:write"  # of their tokens
_UNREADABLE = "Unable to parse token "


@bp.post("/api/v2/appointment")
@answers.contract
def former_token() -> ResponseReturnValue:
    """Answer the fields of a training and the address of its form to the platform of a key, or of a signed token."""
    organisation = _organisation()
    asked = answers.body(partial(schemas.one_of, schemas.TOKEN))
    if organisation not in ORGANISATIONS:
        raise Refused(401, "Invalid organisation")
    platform = directory.get_platform(organisation)
    if platform is None or not platform.active:
        raise Refused(401, "Organisation not found")
    (name, value), *_ = asked.items()
    known = answers.known(IDENTIFIERS[name], value)
    if not known:
        raise Refused(404, "Training not found")
    training = context.first_open(known, platform)
    if training is not None:
        return said(context.facts(training, platform, with_rco=False))
    return said({"error": "Appointment request not available"})


def _organisation() -> str:
    """Return who calls, the call counted; raise Refused as the contract says a token is refused."""
    header, pem = request.headers.get("Authorization"), settings().api_apprentissage_public_key
    try:
        token = alternance_tokens.bearer(header)
    except alternance_tokens.Unreadable as error:
        raise Refused(401, _UNREADABLE + error.reason) from None
    if token.startswith(api_keys.PREFIX) or not pem:
        return _of_key(header)
    return _of_token(token, pem)


def _of_token(token: str, pem: str) -> str:
    try:
        bearer = alternance_tokens.read(token, pem, clock.now())
    except alternance_tokens.WrongAlgorithm:
        count_failed_secret()
        raise Refused(401, "Invalid token algorithm") from None
    except alternance_tokens.Unreadable as error:
        count_failed_secret()
        raise Refused(401, _UNREADABLE + error.reason) from None
    if not bearer.organisation:
        raise Refused(403, "Unauthorized: user organisation not defined")
    if _HABILITATION not in bearer.habilitations:
        raise Refused(403, "Unauthorized")
    api_keys.count_calls(f"organisation {bearer.organisation}")
    return bearer.organisation


def _of_key(header: str | None) -> str:
    now = clock.now()
    try:
        key = api_keys.identify(header, now)
    except api_keys.KeyEnded:
        raise Refused(401, _UNREADABLE + "token-expired") from None
    except api_keys.NoKey:
        count_failed_secret()
        raise Refused(401, _UNREADABLE + "invalid-signature") from None
    except api_keys.PlatformStopped:
        raise Refused(401, "Organisation not found") from None
    g.api_key_id = key.id
    try:
        api_keys.admit(key, _SCOPE, now)
    except api_keys.ScopeMissing:
        raise Refused(403, "Unauthorized") from None
    return key.platform.code
