"""A training that another one replaces when both were known: its people, its coming slots and its choices go to that one.

(When only the old one was known, it takes the new key itself: rdv.catalogue.importer.)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from rdv.db import db
from rdv.models import CandidateRequest, SlotTraining, Training, TrainingAlias

_CHOICES = ("chosen_email", "callback_open", "message_open")


def take_over(ids: Sequence[int], now: datetime) -> None:
    """Give what hangs on these trainings to the open ones of the same centre that replace them, in the caller's transaction."""
    for old, new in db.session.execute(_pairs(ids)).all():
        db.session.execute(
            sa.update(CandidateRequest).where(CandidateRequest.training_id == old).values(training_id=new)
        )
        _publish(old, new, now)
        for name in _CHOICES:
            column = getattr(Training, name)
            chosen = db.session.scalar(sa.select(column).where(Training.id == old))
            if chosen is not None:
                db.session.execute(
                    sa.update(Training).where(Training.id == new, column.is_(None)).values({name: chosen})
                )


def _pairs(ids: Sequence[int]) -> sa.Select[int, int]:
    old, new = aliased(Training), aliased(Training)
    return (
        sa.select(old.id, new.id)
        .join(TrainingAlias, TrainingAlias.training_key == old.training_key)
        .join(new, new.id == TrainingAlias.training_id)
        .where(old.id.in_(ids), new.id.not_in(ids), new.closed_at.is_(None), new.cfa_id == old.cfa_id)
        .order_by(old.id)
    )


def _publish(old: int, new: int, now: datetime) -> None:
    """Offer the coming slots of the old training for the new one too."""
    other = aliased(SlotTraining)
    there = sa.exists().where(other.training_id == new, other.slot_id == SlotTraining.slot_id)
    coming = sa.select(sa.literal(new), SlotTraining.starts_at, SlotTraining.slot_id).where(
        SlotTraining.training_id == old, SlotTraining.starts_at > now, ~there
    )
    db.session.execute(sa.insert(SlotTraining).from_select(["training_id", "starts_at", "slot_id"], coming))
