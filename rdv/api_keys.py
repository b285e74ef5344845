"""Keys of the API: each speaks for one platform, within the scopes it was given; the database holds a hash alone.

A secret is shown once, when its key is made. A rotation makes another key and lets the former one work for some days, so
that a platform changes it without a pause.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from rdv import audit, throttle
from rdv.db import db, note
from rdv.errors import NotFound, RdvError, TooManyRequests, WrongTransition
from rdv.models import ApiKey, ApiRefusal, Platform, User
from rdv.settings import settings
from rdv.throttle import Limit
from rdv.tokens import hash_secret

PREFIX = "rdv_"  # a secret that leaked is found by its shape
SCOPES: dict[str, str] = {
    "trainings:read": "Lire les formations\u00a0: ce qui est ouvert, créneaux libres, liens",
    "requests:write": "Envoyer des demandes et des réservations",
    "requests:read": "Suivre ce qui a été envoyé",
    "statistics:read": "Lire les chiffres de la plateforme",
}
OVERLAP_DAYS = 14  # that a replaced key still works, unless told
MOST_OVERLAP_DAYS = 90
NAME_LENGTH = 80  # characters, as the column
REFUSALS_KEPT = timedelta(days=30)
_USED_AT_MOST = timedelta(hours=1)
_HEADER = re.compile(r"bearer +(rdv_[A-Za-z0-9_-]{20,80})", re.IGNORECASE)


class NoKey(RdvError):
    """A call without a key, or with one that is not, or no longer, ours."""

    message = (
        "Cet appel demande une clé valable dans l’en-tête « Authorization: Bearer … ». "
        "Vérifiez la clé, ou demandez-en une à l’équipe du service."
    )
    status = 401


class KeyEnded(NoKey):
    """A key that was replaced or revoked: only who holds its secret reads it."""

    message = "Cette clé n’est plus valable\u00a0: elle a été remplacée ou retirée. Utilisez la nouvelle."


class ScopeMissing(RdvError):
    """A key that may not do this; the sentence names the scope."""

    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"Cette clé n’a pas le droit «\u00a0{scope}\u00a0». Demandez-le à l’équipe du service.")
        self.scope = scope


class PlatformStopped(RdvError):
    """The service team stopped this platform."""

    message = "Cette plateforme est arrêtée\u00a0: rien n’y est montré. Écrivez à l’équipe du service."
    status = 403


@dataclass(frozen=True)
class NewKey:
    """A key just made, and its secret: nothing shows it again."""

    key: ApiKey
    secret: str


def create(
    platform: Platform,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    by: User | None = None,
    *,
    replaces: str | None = None,
) -> NewKey:
    """Make a key for a platform; raise ValueError on a scope that is not ours. `by` None: the command line."""
    wanted = set(scopes)
    if not wanted <= set(SCOPES):
        raise ValueError(f"unknown scopes: {sorted(wanted - set(SCOPES))}")
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        platform_id=platform.id, name=name[:NAME_LENGTH], secret_hash=hash_secret(secret), created_at=now,
        scopes=[scope for scope in SCOPES if scope in wanted],
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()
    facts = {"platform": platform.code, "scopes": key.scopes} | ({"replaces": replaces} if replaces else {})
    audit.record("api_key.created", user=by, object_type="api_key", object_id=key.public_id, data=facts)
    return NewKey(key, secret)


def rotate(key: ApiKey, now: datetime, days: int = OVERLAP_DAYS, by: User | None = None) -> NewKey:
    """Make the key that replaces one, which still works for so many days; raise WrongTransition when it was replaced or revoked."""
    changed = db.session.connection().execute(
        sa.update(ApiKey)
        .where(ApiKey.id == key.id, ApiKey.revoked_at.is_(None), ApiKey.expires_at.is_(None))
        .values(expires_at=now + timedelta(days=min(max(days, 0), MOST_OVERLAP_DAYS)))
    )
    if changed.rowcount != 1:
        raise WrongTransition("Cette clé est déjà remplacée ou retirée.")
    db.session.expire(key)
    audit.record("api_key.rotated", user=by, object_type="api_key", object_id=key.public_id, data={"days": days})
    return create(key.platform, key.name, key.scopes, now, by, replaces=key.public_id)


def revoke(key: ApiKey, now: datetime, by: User | None = None) -> None:
    """End a key at once and for ever; raise WrongTransition when it was already."""
    changed = db.session.connection().execute(
        sa.update(ApiKey).where(ApiKey.id == key.id, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
    )
    if changed.rowcount != 1:
        raise WrongTransition("Cette clé est déjà retirée.")
    db.session.expire(key)
    audit.record("api_key.revoked", user=by, object_type="api_key", object_id=key.public_id)


def get(public_id: str) -> ApiKey:
    """Return a key by its public identifier, or raise NotFound."""
    found = db.session.scalar(sa.select(ApiKey).where(ApiKey.public_id == public_id))
    if found is None:
        raise NotFound("Cette clé n’existe pas.")
    return found


def every() -> Sequence[ApiKey]:
    """Return every key, ended ones too, platform by platform."""
    return db.session.scalars(
        sa.select(ApiKey).options(joinedload(ApiKey.platform)).order_by(ApiKey.platform_id, ApiKey.id)
    ).all()


def state(key: ApiKey, now: datetime) -> str:
    """Return « revoked », « ended » (its overlap is over), « replaced » (still in its overlap) or « live »."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "live"
    return "replaced" if now < key.expires_at else "ended"


# -- a call -----------------------------------------------------------------------------------------------------------


def identify(header: str | None, now: datetime) -> ApiKey:
    """Return the key that an Authorization header holds, with its platform; raise NoKey, KeyEnded or PlatformStopped."""
    match = _HEADER.fullmatch((header or "").strip())
    if match is None:
        raise NoKey
    key = db.session.scalar(
        sa.select(ApiKey).options(joinedload(ApiKey.platform)).where(ApiKey.secret_hash == hash_secret(match[1]))
    )
    if key is None:
        raise NoKey
    if state(key, now) in ("revoked", "ended"):
        raise KeyEnded
    if not key.platform.active:
        raise PlatformStopped
    return key


def permit(key: ApiKey, scope: str) -> None:
    """Raise ScopeMissing unless a key has this scope."""
    if scope not in key.scopes:
        raise ScopeMissing(scope)


def authenticate(header: str | None, scope: str, now: datetime) -> ApiKey:
    """Return the key of a call that may do what it asks, counted and its use noted; with its platform.

    Raises NoKey, KeyEnded, PlatformStopped, ScopeMissing, TooManyRequests (`until` says when to come back).
    """
    key = identify(header, now)
    admit(key, scope, now)
    return key


def admit(key: ApiKey, scope: str, now: datetime) -> None:
    """Let a known key do what it asks, its call counted and its use noted; raise ScopeMissing or TooManyRequests."""
    permit(key, scope)
    count_calls(key.public_id)
    note_use(key, now)


def count_calls(caller: str) -> None:
    """Count a call against the limits of its key or organisation, a minute and an hour; raise TooManyRequests.

    A busy database counts none.
    """
    config = settings()
    try:
        throttle.count(
            [
                Limit("api.minute", caller, config.limit_api_per_minute, 60),
                Limit("api.hour", caller, config.limit_api_per_hour, 3600),
            ]
        )
    except TooManyRequests as error:
        raise CallsPerKey(until=error.until) from None
    except OperationalError:  # a locked database never fails what only reads
        return


class CallsPerKey(TooManyRequests):
    """Too many calls of one key."""

    message = "Trop d’appels avec cette clé. Attendez le délai de l’en-tête Retry-After, puis reprenez plus lentement."


def note_use(key: ApiKey, now: datetime) -> None:
    """Keep when a key was last used, at most hourly."""
    if key.last_used_at is not None and now - key.last_used_at < _USED_AT_MOST:
        return
    note(sa.update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))


# -- what was refused -------------------------------------------------------------------------------------------------


def note_refusal(key_id: int, endpoint: str, status: int, problem: str, now: datetime) -> None:
    """Keep that a call of a key was refused, never what it said; who calls too much is kept once a minute."""
    if status == 429:
        known = sa.select(ApiRefusal.id).where(
            ApiRefusal.api_key_id == key_id, ApiRefusal.at > now - timedelta(minutes=1), ApiRefusal.status == 429
        )
        if db.session.scalar(known.limit(1)) is not None:
            return
    note(
        sa.insert(ApiRefusal).values(
            api_key_id=key_id, at=now, endpoint=endpoint[:60], status=status, problem=problem[:60]
        )
    )


def last_refusals(key: ApiKey, limit: int = 20) -> Sequence[ApiRefusal]:
    """Return the last refused calls of a key, newest first."""
    query = sa.select(ApiRefusal).where(ApiRefusal.api_key_id == key.id)
    return db.session.scalars(query.order_by(ApiRefusal.at.desc(), ApiRefusal.id.desc()).limit(limit)).all()


def purge(now: datetime) -> None:
    """Delete refusals that nobody looks at any more."""
    db.session.execute(sa.delete(ApiRefusal).where(ApiRefusal.at < now - REFUSALS_KEPT))
