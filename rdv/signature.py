"""Signed calls of machines: HMAC-SHA256 of « timestamp.body », within five minutes, with any of the accepted secrets."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime

from rdv.errors import RdvError

TOLERANCE = 300  # seconds, before or after
SCHEME = "v1="


class BadSignature(RdvError):
    """The call is not signed by who knows the secret, or is too old to be told from a replay."""

    message = "La signature de cet appel n’est pas valable. Vérifiez le secret, l’horodatage et le corps signé."
    status = 401


def sign(secret: str, timestamp: int | str, body: bytes) -> str:
    """Return the signature of a body at an instant, as the header holds it."""
    return SCHEME + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def check(secrets: Iterable[str], timestamp: str | None, signatures: str | None, body: bytes, now: datetime) -> None:
    """Raise BadSignature unless one of the signatures, separated by commas, was made with one of the secrets, lately."""
    if not re.fullmatch(r"\d{1,12}", timestamp or "", re.ASCII):
        raise BadSignature
    given = [each.strip().encode() for each in (signatures or "")[:1000].split(",")]
    # Every pair is compared, each in constant time: how long it takes tells nothing.
    matches = [
        hmac.compare_digest(sign(secret, timestamp or "", body).encode(), each) for secret in secrets for each in given
    ]
    if not any(matches) or abs(now.timestamp() - int(timestamp or "")) > TOLERANCE:
        raise BadSignature
