"""Which address of a centre receives a request: the nearest to the training that someone chose and that takes our mails,
else the nearest that the catalogue gives, else none, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from rdv import dead_addresses
from rdv.models import Cfa, Site, Training, training_site


class Rule(StrEnum):
    """Where an address was found: chosen by people, then given by the catalogue, each from the nearest to the farthest."""

    CHOSEN_TRAINING = "chosen_training"
    CHOSEN_SITE = "chosen_site"
    CHOSEN_CFA = "chosen_cfa"
    TRAINING = "training"
    SITE = "site"
    CFA = "cfa"
    MOST_FREQUENT = "most_frequent"  # among the trainings of the CFA
    NONE = "none"


_CHOSEN = (Rule.CHOSEN_TRAINING, Rule.CHOSEN_SITE, Rule.CHOSEN_CFA)


@dataclass(frozen=True, slots=True)
class ResolvedAddress:
    """An address, or None, and the rule that gave it; « none » is a legal state."""

    email: str | None
    rule: Rule


@dataclass(frozen=True, slots=True)
class Step:
    """One place where an address is looked for: « taken », « spare » (a nearer one was taken), « dead » or « missing »."""

    rule: Rule
    email: str | None
    state: str


def recipient_for(session: Session, training: Training | None, site: Site | None, cfa: Cfa) -> ResolvedAddress:
    """Return the address chosen for the training, its place or its CFA, else the catalogue's in the same order, else the one
    its trainings give most.

    Dead ones (rdv.dead_addresses) are passed over.
    """
    known = _known(session, training, site, cfa)
    dead = dead_addresses.among((email for email, _ in known), session)
    for email, rule in known:
        if email and email.lower() not in dead:
            return ResolvedAddress(email, rule)
    frequent = most_frequent_email(session, cfa)
    return ResolvedAddress(frequent, Rule.MOST_FREQUENT if frequent else Rule.NONE)


def explain(session: Session, training: Training | None, site: Site | None, cfa: Cfa) -> list[Step]:
    """Return every step of the rule, first to last, with what it found; at most one is « taken », as `recipient_for` says.

    Levels where nobody chose an address are not told: that is no fault, unlike a catalogue that gives none.
    """
    resolved = recipient_for(session, training, site, cfa)
    known = [*_known(session, training, site, cfa), (most_frequent_email(session, cfa), Rule.MOST_FREQUENT)]
    dead = dead_addresses.among((email for email, _ in known), session)
    steps = []
    for email, rule in known:
        if not email and rule in _CHOSEN:
            continue
        if not email:
            state = "missing"
        elif rule == resolved.rule:
            state = "taken"
        else:
            state = "dead" if email.lower() in dead else "spare"
        steps.append(Step(rule, email or None, state))
    return steps


def _known(
    session: Session, training: Training | None, site: Site | None, cfa: Cfa
) -> tuple[tuple[str | None, Rule], ...]:
    return in_order(training, site if site is not None else _only_site(session, training), cfa)


def in_order(training: Training | None, place: Site | None, cfa: Cfa) -> tuple[tuple[str | None, Rule], ...]:
    """Return what stands at each step of the rule but the last, first to last, dead addresses and empty steps too."""
    return (
        (training.chosen_email if training is not None else None, Rule.CHOSEN_TRAINING),
        (place.chosen_email if place is not None else None, Rule.CHOSEN_SITE),
        (cfa.chosen_email, Rule.CHOSEN_CFA),
        (training.email if training is not None else None, Rule.TRAINING),
        (place.email if place is not None else None, Rule.SITE),
        (cfa.email, Rule.CFA),
    )


def most_frequent_email(session: Session, cfa: Cfa) -> str | None:
    """Return the living address that most open trainings of this CFA give; the oldest training decides between equals."""
    query = (
        sa.select(Training.email)
        .where(Training.cfa_id == cfa.id, Training.closed_at.is_(None), Training.email.is_not(None))
        .where(Training.email != "", ~dead_addresses.of(Training.email))
        .group_by(Training.email)
        .order_by(sa.func.count().desc(), sa.func.min(Training.id))
        .limit(1)
    )
    return session.scalar(query)


def _only_site(session: Session, training: Training | None) -> Site | None:
    """The place is not named: it is known all the same when the training is taught at one place alone."""
    if training is None:
        return None
    query = (
        sa.select(Site)
        .join(training_site, training_site.c.site_id == Site.id)
        .where(training_site.c.training_id == training.id, Site.closed_at.is_(None))
        .limit(2)
    )
    found = session.scalars(query).all()
    return found[0] if len(found) == 1 else None
