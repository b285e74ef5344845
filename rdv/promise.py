"""When an answer may be expected, as candidates read it: what was measured, and the date promised.

« Le centre répond en général sous 1 jour ouvré, au plus tard jeudi 26 novembre à 17 h. » Never sooner than the place's
own median, never later than the due date; without a median, or when it is slower than what is promised, the date alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rdv import clock, deadlines, french
from rdv.models import CandidateRequest, Cfa, Site

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Promise:
    """What is promised, in words; the due date always, the rest when it is true now."""

    due: str  # « jeudi 26 novembre à 17 h »
    usual: str | None = None  # « sous 1 jour ouvré »
    resumes: str | None = None  # « lundi 17 août »: the place is shut today, and answers again that day

    @property
    def sentence(self) -> str:
        """The whole of it, where a closure is told beside."""
        if self.resumes:
            return f"Réponses à partir du {self.resumes}, au plus tard {self.due}."
        if self.usual:
            return f"Le centre répond en général {self.usual}, au plus tard {self.due}."
        return f"Réponse au plus tard {self.due}."

    @property
    def to_who_waits(self) -> str:
        """The whole of it, to somebody who has asked already and reads nothing else of a closure."""
        if self.resumes:
            return (
                f"Le centre est fermé en ce moment\u00a0: réponses à partir du {self.resumes}, au plus tard {self.due}."
            )
        return self.sentence if self.usual else f"Réponse attendue avant {self.due}."


def when_asked(cfa: Cfa, site: Site | None, now: datetime) -> Promise:
    """Return what is promised to who asks now."""
    hours = _hours(cfa, site, now)
    due_at = deadlines.due_at(now, site, cfa.answer_days, cfa.id, shut=hours.shut)
    return _promise(hours, cfa, site, now, due_at, now)


def of_request(request: CandidateRequest, now: datetime) -> Promise | None:
    """Return what still holds of what was promised to a request that waits for its first answer; None when none is due.

    What is usual counts from the day of asking, and is no longer said once that time has passed without an answer.
    """
    if request.due_at is None:
        return None
    if request.first_answered_at is not None or request.mode == "slot":  # it waits for something else
        return Promise(_moment(request.due_at, request.site))
    hours = _hours(request.cfa, request.site, min(request.created_at, now))
    return _promise(hours, request.cfa, request.site, request.created_at, request.due_at, now)


def _hours(cfa: Cfa, site: Site | None, from_instant: datetime) -> deadlines.Hours:
    zone = site.timezone if site else clock.PARIS
    return deadlines.Hours(site, cfa.id, clock.to_zone(from_instant, zone).date())


def _promise(
    hours: deadlines.Hours, cfa: Cfa, site: Site | None, asked_at: datetime, due_at: datetime, now: datetime
) -> Promise:
    due = _moment(due_at, site)
    today = hours.day_of(now)
    if any(one.starts is None and one.first_day <= today <= one.last_day for one in hours.shut):
        back = deadlines.first_opening(today + timedelta(days=1), site, hours.shut)
        if back is not None and back <= hours.day_of(due_at):
            return Promise(due, resumes=french.day(back))
    median = site.answer_median if site and site.answer_median is not None else cfa.answer_median
    if median is None:
        return Promise(due)
    expected = hours.later(asked_at, median)
    if not now <= expected <= due_at:
        return Promise(due)
    return Promise(due, usual=_usual(hours, asked_at, expected))


def _usual(hours: deadlines.Hours, asked_at: datetime, expected: datetime) -> str:
    """Say how long an answer usually takes: rounded up, so that it is never sooner than what was measured."""
    if expected - asked_at <= _HOUR:
        return "dans l’heure"
    first, last = hours.day_of(asked_at), hours.day_of(expected)
    ahead = range(1, (last - first).days + 1)
    days = sum(bool(hours.of_day(first + timedelta(days=number))) for number in ahead)
    return f"sous {french.plural(days, 'jour ouvré', 'jours ouvrés')}" if days else "dans la journée"


def _moment(instant: datetime, site: Site | None) -> str:
    return french.moment(instant, site.timezone if site else clock.PARIS)
