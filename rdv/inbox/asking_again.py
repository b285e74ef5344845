"""The same person asks again for the same training within four days: what they type is added to their first request.

Nothing of the first request is told to who posts, since anybody may know a name and an address: its link goes to the
contact that it holds. Who knows the address alone, under another name, makes an ordinary request.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import asker, personal_links
from rdv.candidate import Candidate, Submission
from rdv.db import db, one_at_a_time
from rdv.errors import RequestReplayed
from rdv.inbox import acts, opening, replying, state
from rdv.models import CandidateRequest, Cfa, Training
from rdv.settings import settings
from rdv.tokens import keyed_hash

SAME_ASK = timedelta(days=4)  # as today's service (reference/predecessor.md §7.1)
# What the first request may hold otherwise: told beside the note, and taken by nobody unread.
_CONTACTS = ("phone", "asker_first_name", "asker_last_name", "asker_email", "asker_phone")


def open_or_add(
    mode: str,
    cfa: Cfa,
    candidate: Candidate,
    submission: Submission,
    now: datetime,
    *,
    training: Training | None = None,
    callback_windows: list[str] | None = None,
) -> CandidateRequest | None:
    """Record a callback or a message; None when it was added to the request that this person made lately instead.

    Two posts of one person at the same instant take turns: one makes the request, the other its note.
    Raises ModeClosed, and RequestReplayed on a known submission id.
    """
    opening.open_place(mode, cfa, training)
    person = candidate.person_key(settings().secret_key)
    about = f"{cfa.id}\n{training.id if training else ''}"
    one_at_a_time(keyed_hash("ask", f"{about}\n{person}"))
    if opening.earlier(submission) is not None:
        raise RequestReplayed
    first = _first(person, cfa, training, now)
    if first is None:
        return opening.open_request(
            mode, cfa, candidate, submission, now, training=training, callback_windows=callback_windows
        )
    _add(first, mode, candidate, submission, now, callback_windows or [])
    return None


def _first(person: str, cfa: Cfa, training: Training | None, now: datetime) -> CandidateRequest | None:
    """Return this person's open request about this training (or none of a centre's), the first one, locked."""
    query = sa.select(CandidateRequest).where(
        CandidateRequest.person_key == person,
        CandidateRequest.training_id == training.id if training else CandidateRequest.training_id.is_(None),
        CandidateRequest.cfa_id == cfa.id,
        CandidateRequest.mode.in_(("callback", "message")),
        CandidateRequest.status != "closed",
        CandidateRequest.created_at >= now - SAME_ASK,
    )
    return db.session.scalars(query.order_by(CandidateRequest.id).limit(1).with_for_update(of=CandidateRequest)).first()


def _add(
    first: CandidateRequest, mode: str, candidate: Candidate, submission: Submission, now: datetime, windows: list[str]
) -> None:
    """Add what was typed as a note, once a rendered form, and send the person the link of their request."""
    if replying.written(first, submission.id) is not None:
        return
    waited = first.status not in state.TO_TREAT
    data: dict[str, Any] = {"public": True, "form": submission.id, "mode": mode, "reasons": candidate.reasons}
    typed = {name: getattr(candidate, name) for name in _CONTACTS}
    other = {name: value for name, value in typed.items() if value and value != getattr(first, name)}
    if other:
        data["typed"] = other
    # Two people may stand behind one contact: who fills the form is known by the contact that is theirs.
    as_asker = asker.present(candidate) and asker.reads(first, asker.who_asks(candidate))
    event = acts.add_candidate_note(first, candidate.text, now, as_asker=as_asker, data=data, windows=windows or None)
    if waited:
        replying.tell(first, event)  # it is their turn again
    personal_links.send_again(first, now, to=candidate.email or candidate.phone)
