"""Kinds of meetings that a CFA offers, with the defaults that its slots start from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from rdv import audit, booking, slots
from rdv.contacts import fold
from rdv.db import db
from rdv.errors import NotFound, RdvError
from rdv.models import Cfa, MeetingType, Slot, User


class TitleTaken(RdvError):
    """Two kinds of meetings of one CFA would read the same."""

    message = "Un type de rendez-vous porte déjà ce titre. Choisissez-en un autre, par exemple «\u00a0Visite de l’atelier\u00a0»."
    status = 409


@dataclass(frozen=True)
class Draft:
    """What is typed of a meeting type; durations in minutes."""

    title: str
    duration_minutes: int
    default_capacity: int = 1
    default_place: str = "on_site"
    description: str | None = None
    instructions: str | None = None
    what_to_bring: str | None = None
    guests_allowed: int = 0  # people one may come with
    guests_counted: bool = False  # each of them takes a seat


# Proposed to a CFA that has none yet, and created with its first publication.
SUGGESTED = {
    "individuel": Draft("Entretien individuel", 20),
    "collectif": Draft("Réunion d’information collective", 60, default_capacity=12),
}


def listed(cfa_id: int, archived: bool = False) -> list[MeetingType]:
    """Return the meeting types of a CFA by title: those in use, or the archived ones."""
    state = MeetingType.archived_at.is_not(None) if archived else MeetingType.archived_at.is_(None)
    return list(
        db.session.scalars(
            sa.select(MeetingType).where(MeetingType.cfa_id == cfa_id, state).order_by(MeetingType.title)
        )
    )


def get_for_cfa(cfa_id: int, public_id: str) -> MeetingType:
    """Return a meeting type of this CFA, or raise NotFound."""
    found = db.session.scalar(
        sa.select(MeetingType).where(MeetingType.public_id == public_id, MeetingType.cfa_id == cfa_id)
    )
    if found is None:
        raise NotFound("Ce type de rendez-vous n’existe pas dans votre centre.")
    return found


def create(cfa: Cfa, draft: Draft, *, by: User | None) -> MeetingType:
    """Add a meeting type; raises TitleTaken."""
    _refuse_taken(cfa.id, draft.title)
    made = MeetingType(cfa_id=cfa.id, **asdict(draft))
    db.session.add(made)
    db.session.flush()
    audit.record("meeting_type.created", user=by, cfa=cfa, object_type="meeting_type", object_id=made.public_id)
    return made


def create_suggested(cfa: Cfa, *, by: User | None) -> dict[str, MeetingType]:
    """Give a CFA without any meeting type those of SUGGESTED, by their key; nothing when it already has some.

    The CFA's row is locked first: two first publications together make one pair.
    """
    db.session.execute(sa.select(Cfa.id).where(Cfa.id == cfa.id).with_for_update())
    if db.session.scalar(sa.select(MeetingType.id).where(MeetingType.cfa_id == cfa.id).limit(1)) is not None:
        return {}
    return {key: create(cfa, draft, by=by) for key, draft in SUGGESTED.items()}


def change(meeting_type: MeetingType, draft: Draft, now: datetime, *, by: User) -> None:
    """Change a meeting type; a new title or programme reaches the calendars, published slots keep their length.

    Raises TitleTaken.
    """
    _refuse_taken(meeting_type.cfa_id, draft.title, but=meeting_type.id)
    shown = ("description", "instructions", "what_to_bring")
    if draft.title != meeting_type.title:
        slots.rename_meeting_type(meeting_type, draft.title, now)
    elif any(getattr(meeting_type, name) != getattr(draft, name) for name in shown):
        booking.touch(Slot.meeting_type_id == meeting_type.id, now)
    for name, value in asdict(draft).items():
        setattr(meeting_type, name, value)
    _record("changed", meeting_type, by)


def archive(meeting_type: MeetingType, now: datetime, *, by: User) -> None:
    """Stop offering a meeting type for new slots; those published stay."""
    meeting_type.archived_at = now
    _record("archived", meeting_type, by)


def restore(meeting_type: MeetingType, *, by: User) -> None:
    """Offer an archived meeting type again; raises TitleTaken when another has taken its title since."""
    _refuse_taken(meeting_type.cfa_id, meeting_type.title, but=meeting_type.id)
    meeting_type.archived_at = None
    _record("restored", meeting_type, by)


def _record(act: str, meeting_type: MeetingType, by: User) -> None:
    cfa = db.session.get_one(Cfa, meeting_type.cfa_id)
    audit.record(f"meeting_type.{act}", user=by, cfa=cfa, object_type="meeting_type", object_id=meeting_type.public_id)


def _refuse_taken(cfa_id: int, title: str, but: int | None = None) -> None:
    if any(fold(other.title) == fold(title) and other.id != but for other in listed(cfa_id)):
        raise TitleTaken
