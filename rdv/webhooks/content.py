"""What a delivery says, as JSON bytes: the contract of docs/webhooks.md. Nobody is named unless the platform is entitled."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rdv import inbox
from rdv.models import CandidateRequest, Platform, Slot, Training

CONTACTS = "candidate"  # the only key that names a person


def write(
    event_id: str, kind: str, at: datetime, platform: Platform, request: dict[str, Any] | None, **more: Any
) -> bytes:
    """Return the bytes of a delivery. `more`: other keys of the first level."""
    told = {"id": event_id, "type": kind, "at": instant(at), "platform": platform.code, "request": request, **more}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def without_contacts(body: bytes) -> bytes:
    """Return the same delivery without the person."""
    told = json.loads(body)
    told.pop(CONTACTS, None)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def instant(at: datetime | None) -> str | None:
    """« 2026-11-24T08:00:00Z »: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def of_request(request: CandidateRequest, slot: Slot | None, now: datetime) -> dict[str, Any]:
    """Return a request without its person. An answer that may still be taken back has not happened yet."""
    settled = inbox.settled_state(request, now)
    return {
        "id": request.public_id,
        "reference": request.reference,
        "mode": request.mode,
        "status": settled.status,
        "outcome": settled.outcome,
        "created_at": instant(request.created_at),
        "first_answered_at": instant(settled.first_answered_at),
        "cfa": {"siret": request.cfa.siret, "uai": request.cfa.uai},
        "site": {"siret": request.site.siret or None, "uai": request.site.uai} if request.site else None,
        "training": _training(request.training) if request.training else None,
        "slot": _slot(slot) if slot else None,
    }


def contacts(request: CandidateRequest) -> dict[str, str | None]:
    """Return what an entitled platform is told of the candidate; who asks for them is nobody's business."""
    return {
        "first_name": request.first_name,
        "last_name": request.last_name,
        "email": request.email,
        "phone": request.phone,
    }


def _training(training: Training) -> dict[str, str | None]:
    names = ("training_key", "parcoursup_id", "affelnet_id", "onisep_id", "rco_id", "diploma_code", "rncp")
    return {name: getattr(training, name) for name in names}


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "starts_at": instant(slot.starts_at),
        "ends_at": instant(slot.ends_at),
        "timezone": slot.site.timezone,
        "place": slot.place,
        "group": slot.capacity > 1,
    }
