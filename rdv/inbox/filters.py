"""What of the inbox is asked for: each filter as the condition it sets on requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rdv.contacts import fold, normalise_phone
from rdv.identifiers import normalise_reference
from rdv.inbox import calling
from rdv.inbox.state import TO_TREAT
from rdv.models import CandidateRequest

# The literal text of the partial indexes: neither planner recognises it behind parameters.
TODO = CandidateRequest.status.in_([sa.literal(status, literal_execute=True) for status in TO_TREAT])


@dataclass(frozen=True)
class Filter:
    """What of the inbox is shown; None means any. Filters combine."""

    status: str | None = None  # a status, or « todo »: everything that still waits for the CFA
    mode: str | None = None
    site_id: int | None = None
    team_site_ids: tuple[int, ...] = ()  # those places, and requests of no place
    owner_id: int | None = None  # 0: nobody
    training_id: int | None = None
    platform_id: int | None = None  # 0: the CFA's own page, or a link of its own
    reason: str | None = None
    late: bool = False
    due_until: datetime | None = None  # not late yet, and due before this instant
    planned: bool = False  # a call is planned…
    call_until: datetime | None = None  # …before this instant
    reachable: bool = False  # callbacks whose person can be called now
    received_from: datetime | None = None
    received_until: datetime | None = None
    text: str = ""
    reachable_first: bool = False  # an order, not a filter: callbacks that can be called now stand first

    @property
    def waits(self) -> bool:
        """True when only requests that wait for the CFA can match."""
        waiting_alone = self.late or self.due_until is not None or self.planned or self.call_until or self.reachable
        return self.status in ("todo", *TO_TREAT) or bool(waiting_alone)

    @property
    def by_call(self) -> bool:
        """True when calls are what is asked for: their hour is the order."""
        return self.planned or self.call_until is not None


def conditions(
    cfa_id: int, wanted: Filter, now: datetime, reachable: sa.ColumnElement[bool] | None = None
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of a filter on the requests of a CFA; `reachable`: those who can be called, when known."""
    of = CandidateRequest
    found: list[sa.ColumnElement[bool]] = [of.cfa_id == cfa_id]
    if wanted.waits and not wanted.by_call:  # no call is planned of a request that does not wait
        found.append(TODO)
    if wanted.status not in (None, "todo"):
        found.append(of.status == wanted.status)
    found += [
        column == value
        for column, value in (
            (of.mode, wanted.mode), (of.site_id, wanted.site_id), (of.training_id, wanted.training_id),
        )
        if value is not None
    ]  # fmt: skip
    found += [
        column.is_(None) if value == 0 else column == value
        for column, value in ((of.owner_id, wanted.owner_id), (of.platform_id, wanted.platform_id))
        if value is not None
    ]
    if wanted.team_site_ids:
        found.append(sa.or_(of.site_id.in_(wanted.team_site_ids), of.site_id.is_(None)))
    if wanted.reason:
        found.append(calling.holds(of.reasons, wanted.reason))
    if wanted.late:
        found.append(of.due_at < now)
    if wanted.due_until is not None:
        found += [of.due_at >= now, of.due_at < wanted.due_until]
    if wanted.by_call:
        found.append(of.next_attempt_at.is_not(None))
    if wanted.call_until is not None:
        found.append(of.next_attempt_at < wanted.call_until)
    if wanted.reachable:
        found.append(calling.reachable_among(cfa_id, now) if reachable is None else reachable)
    if wanted.received_from is not None:
        found.append(of.created_at >= wanted.received_from)
    if wanted.received_until is not None:
        found.append(of.created_at < wanted.received_until)
    if wanted.text:
        found.append(_matches(wanted.text))
    return found


def _matches(text: str) -> sa.ColumnElement[bool]:
    readings = [
        sa.and_(*(CandidateRequest.search_text.contains(word, autoescape=True) for word in words))
        for words in _readings(text)
    ]
    return sa.or_(sa.false(), *readings)


def _readings(text: str) -> Sequence[Sequence[str]]:
    """Return what a search may mean: words, a reference without its dashes, a phone or its beginning."""
    readings = [fold(text).split(), fold(normalise_reference(text)).split()]
    digits = "".join(ch for ch in text if ch.isdigit()).lstrip("0")
    if not any(ch.isalpha() for ch in text):  # « 222-W26-KSG » would read as a phone with letters
        readings.append([(normalise_phone(text) or digits).lstrip("+")])
    return [words for words in readings if any(words)]
