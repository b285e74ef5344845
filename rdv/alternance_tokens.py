"""Tokens that API Apprentissage signs for the platforms that call through it: who calls, and what it may do.

A token is a JWT signed in ES512 (P-521), whose payload is {email, organisation, habilitations}. Nothing of it is kept:
the address of the person who made it least of all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from jwt.types import Options

ALGORITHM = "ES512"
_HEADER = re.compile(r"bearer\s+(\S+)", re.IGNORECASE)
_LONGEST = 8000  # characters
# The instants are checked below, by our own clock; audience and issuer are not of this contract.
_OURS = Options(verify_exp=False, verify_nbf=False, verify_iat=False, verify_aud=False, verify_iss=False)


class Unreadable(Exception):
    """A token that proves nothing; `reason` is the word of the contract."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongAlgorithm(Exception):
    """A token signed otherwise than it must be."""


@dataclass(frozen=True)
class Bearer:
    """Who a token speaks for, and the habilitations that it was given."""

    organisation: str | None
    habilitations: frozenset[str]


def bearer(header: str | None) -> str:
    """Return the token of an Authorization header; raise Unreadable when it holds none."""
    match = _HEADER.fullmatch((header or "").strip())
    if match is None:
        raise Unreadable("missing-bearer")
    return match[1]


def read(token: str, pem: str, now: datetime) -> Bearer:
    """Return who a token speaks for; raise Unreadable or WrongAlgorithm. One algorithm, an end that is still ahead."""
    if len(token) > _LONGEST:
        raise Unreadable("invalid-signature")
    try:
        said = jwt.decode(token, pem, algorithms=[ALGORITHM], options=_OURS)
    except jwt.InvalidAlgorithmError:
        raise WrongAlgorithm from None
    except jwt.InvalidTokenError:
        raise Unreadable("invalid-signature") from None
    if not _is_number(said.get("exp")) or not _is_number(said.get("nbf", 0)):
        raise Unreadable("invalid-format")
    if said["exp"] <= now.timestamp():
        raise Unreadable("token-expired")
    if said.get("nbf", 0) > now.timestamp():
        raise Unreadable("invalid-format")
    return _bearer(said)


def _bearer(said: dict[str, Any]) -> Bearer:
    email, organisation, given = said.get("email"), said.get("organisation"), said.get("habilitations")
    sound = (
        isinstance(email, str)
        and "@" in email
        and "organisation" in said
        and (organisation is None or isinstance(organisation, str))
        and isinstance(given, dict)
        and all(isinstance(value, bool) for value in given.values())
    )
    if not sound:
        raise Unreadable("invalid-format")
    return Bearer(organisation, frozenset(name for name, value in (given or {}).items() if value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
