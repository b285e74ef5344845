"""What was done about a request, as links of a mail to its CFA: each opens the signed page with that choice made, and one button."""

from __future__ import annotations

from rdv import links, outcomes
from rdv.mails.message import Link
from rdv.models import CandidateRequest


def of(request: CandidateRequest, to: str) -> tuple[Link, ...]:
    """Return (label, address) for the reader of an address: the request's, or that of a member of the team."""
    return tuple((each.short, links.outcome(request, word, to)) for word, each in outcomes.offered(request).items())
