"""Signed links and form tokens: derived from the row, so that no raw token is stored.

A link is bound to a purpose, an object, a recipient and the row's `link_version`; raising the version revokes it.
A form token is bound to a purpose and an object, expires, and carries the submission id of its one rendering.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer

from rdv import clock
from rdv.errors import FormExpired, FormRefused, LinkInvalid
from rdv.settings import settings


@dataclass(frozen=True)
class Link:
    """What a valid link says; the loader still compares `recipient` and `version` with the row."""

    object_id: str
    recipient: str
    version: int
    issued_at: int  # seconds since 1970, UTC


def _serializer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        settings().secret_key, salt=f"rdv.{purpose}", signer_kwargs={"digest_method": hashlib.sha256}
    )


def keyed_hash(purpose: str, text: str) -> str:
    """Return a keyed SHA-256 (hex) of a text: what is stored or compared instead of the text."""
    return hmac.new(settings().secret_key.encode(), f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()


def recipient_mark(contact: str | None) -> str:
    """Return a short keyed mark of the recipient, so that a link dies when the contact changes."""
    return keyed_hash("recipient", (contact or "").lower())[:12]


def sign_link(purpose: str, object_id: str, recipient: str | None, version: int) -> str:
    """Return the token of a link for one object and one recipient."""
    payload = [object_id, recipient_mark(recipient), version, int(clock.now().timestamp())]
    return str(_serializer(purpose).dumps(payload))


def read_link(purpose: str, token: str, max_age: int | None = None) -> Link:
    """Return what a token says, or raise LinkInvalid: wrong, of another purpose, or older than max_age seconds."""
    try:
        object_id, recipient, version, issued_at = _serializer(purpose).loads(token)
    except (BadSignature, ValueError, TypeError):
        raise LinkInvalid from None
    if max_age is not None and clock.now().timestamp() - issued_at > max_age:
        raise LinkInvalid
    return Link(str(object_id), str(recipient), int(version), int(issued_at))


def check_link(link: Link, recipient: str | None, version: int) -> None:
    """Raise LinkInvalid unless the row still has this recipient and this version."""
    if link.version != version or not hmac.compare_digest(link.recipient, recipient_mark(recipient)):
        raise LinkInvalid


def check_recipient(link: Link, recipients: Iterable[str], version: int) -> str:
    """Return which of the row's contacts a link is bound to; raise LinkInvalid when none is, or it was revoked."""
    for recipient in recipients:
        if hmac.compare_digest(link.recipient, recipient_mark(recipient)) and link.version == version:
            return recipient
    raise LinkInvalid


_SHORT = 13  # characters of the mark of a short link: 65 bits


def sign_short(object_id: str, recipient: str | None, version: int) -> str:
    """Return the code of a short link: the identifier and a keyed mark, in letters and digits that telephones link whole."""
    text = f"short\n{object_id}\n{(recipient or '').lower()}\n{version}"
    digest = hmac.new(settings().secret_key.encode(), text.encode(), hashlib.sha256).digest()
    return object_id + base64.b32encode(digest).decode("ascii").lower()[:_SHORT]


def short_object(code: str) -> str:
    """Return the identifier that a short code names, unchecked: compare the whole with `sign_short`."""
    return code[:-_SHORT]


def check_short(code: str, recipients: Iterable[str | None], version: int) -> str | None:
    """Return the recipient a short code was signed for, or raise LinkInvalid: forged, revoked, or the contact changed."""
    for recipient in recipients:
        expected = sign_short(short_object(code), recipient, version)
        if hmac.compare_digest(expected.encode(), code.lower().encode()):
            return recipient
    raise LinkInvalid


@dataclass(frozen=True)
class FormToken:
    """A form that was rendered once: its submission id makes a replay recognisable."""

    submission_id: str
    issued_at: datetime


def sign_form(purpose: str, object_id: str, submission_id: str | None = None) -> str:
    """Return the token of one rendering of a form; a re-rendering after an error keeps its submission id."""
    payload = [object_id, submission_id or secrets.token_hex(12), clock.now().timestamp()]
    return str(_serializer(f"form.{purpose}").dumps(payload))


def read_form(purpose: str, object_id: str, token: str | None, typed: bool = True) -> FormToken:
    """Return the rendering a posted form comes from; `typed`: by somebody who needs a moment for it.

    Raises FormRefused when the token is missing, forged, of another form or posted faster than a person types,
    FormExpired when it is too old: in both cases the form is shown again with what was typed.
    """
    try:
        found_id, submission_id, issued = _serializer(f"form.{purpose}").loads(token or "")
    except (BadSignature, ValueError, TypeError):
        raise FormRefused from None
    if found_id != object_id:
        raise FormRefused
    age = clock.now().timestamp() - float(issued)
    if age > settings().form_max_seconds:
        raise FormExpired
    if typed and age < settings().form_min_seconds:
        raise FormRefused
    return FormToken(str(submission_id), datetime.fromtimestamp(float(issued), tz=clock.UTC))


def hash_secret(secret: str) -> str:
    """Return the stored form of a random secret of 128 bits or more (feeds): plain SHA-256 suffices."""
    return hashlib.sha256(secret.encode()).hexdigest()
