"""How mails name and call candidates: an unverified mailbox never receives what a stranger typed (design.md §5.8)."""

from __future__ import annotations

import re

from rdv.models import CandidateRequest

# Letters, hyphens, apostrophes and spaces alone: no address, no number and no sentence with a link fits in.
_PLAIN = re.compile(r"[^\W\d_]+(?:[ \-’'][^\W\d_]+)*")
_LONGEST = 40


def plain_name(typed: str) -> str | None:
    """Return a typed name when it can only be a name, else None."""
    name = typed.strip().replace("'", "’")
    return name if len(name) <= _LONGEST and _PLAIN.fullmatch(name) else None


def greeting(request: CandidateRequest) -> str:
    """« Bonjour Zoé, » when the candidate wrote; a parent or a helper is not called by the candidate's name."""
    first_name = plain_name(request.first_name) if request.asker == "candidate" else None
    # « Marie Anne » is called; « Gagnez mille euros » is a sentence.
    return f"Bonjour {first_name}," if first_name and len(first_name.split()) <= 2 else "Bonjour,"


def candidate_name(request: CandidateRequest) -> str:
    """The name as the CFA reads it in a mail; an odd one is left to the request's page."""
    first_name, last_name = plain_name(request.first_name), plain_name(request.last_name)
    return f"{first_name} {last_name}" if first_name and last_name else "à lire dans la demande"


def phone_ending(e164: str | None) -> str | None:
    """« 56 78 »: enough to recognise one's own number, useless to anybody else."""
    return f"{e164[-4:-2]} {e164[-2:]}" if e164 else None
