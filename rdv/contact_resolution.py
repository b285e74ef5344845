"""Which address of a CFA receives a request, and by which rule (design.md §4)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from rdv.models import Cfa, Site, Training


@dataclass(frozen=True)
class ResolvedAddress:
    email: str | None
    rule: str


def recipient_for(session: Session, training: Training | None, site: Site | None, cfa: Cfa) -> ResolvedAddress:
    """Return the address that receives a request, « none » being a legal state."""
    for rule, email in (("training", training and training.email), ("site", site and site.email), ("cfa", cfa.email)):
        if email:
            return ResolvedAddress(email, rule)
    return ResolvedAddress(None, "none")
