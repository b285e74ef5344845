"""What candidates are told of a closure, on the pages of a centre and in its first mail."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from rdv import clock, closures, deadlines, french
from rdv.french import NBSP
from rdv.models import Cfa, Closure, Site

AHEAD = timedelta(days=7)  # a closure is announced that long before it begins


def of_closure(cfa: Cfa, site: Site | None, now: datetime) -> str | None:
    """Return « Le centre est fermé du 20 juillet au 16 août : réponses à partir du lundi 17 août. », or None.

    For the closure that holds now or begins within a week: whole days of the CFA or of the site alone. Hours of one
    day, or the absence of one adviser, change nothing for a candidate. Closures that touch each other are one.
    """
    today = clock.to_zone(now, site.timezone if site else clock.PARIS).date()
    shut = closures.of_place(cfa.id, site.id if site else None, today)
    first = next((one for one in shut if one.starts is None and one.first_day <= today + AHEAD), None)
    if first is None:
        return None
    last_day, labels = _joined(first, shut)
    begun = first.first_day <= today
    closed = f"{_where(cfa, first)} {'est' if begun else 'sera'} fermé {_days(first.first_day, last_day)}"
    if len(labels) == 1:
        closed += f" ({labels.pop()})"
    back = deadlines.first_opening(last_day + timedelta(days=1), site, shut)
    if back is None:
        return f"{closed}."
    answers = f"réponses à partir du {french.day(back)}."
    # Before it begins, what is asked now may well be answered in time.
    return (
        f"{closed}{NBSP}: {answers}" if begun else f"{closed}. Demandes reçues pendant cette période{NBSP}: {answers}"
    )


def _joined(first: Closure, shut: list[Closure]) -> tuple[date, set[str]]:
    """Return the last day of a closure and of those that follow it without a day between, with all their labels."""
    last_day, labels = first.last_day, {first.label or ""}
    for one in shut:
        if one.starts is None and first.first_day <= one.first_day <= last_day + timedelta(days=1):
            last_day = max(last_day, one.last_day)
            labels.add(one.label or "")
    return last_day, labels - {""}


def _where(cfa: Cfa, closure: Closure) -> str:
    several = sum(site.closed_at is None for site in cfa.sites) > 1
    if closure.site is not None and several:
        return f"Le lieu de formation «{NBSP}{closure.site.shown_name}{NBSP}»"
    return "Le centre"


def _days(first: date, last: date) -> str:
    """« du 20 juillet au 16 août », « le vendredi 15 mai »."""
    if first == last:
        return f"le {french.day(first)}"
    same_month = (first.year, first.month) == (last.year, last.month)
    begins = ("1er" if first.day == 1 else str(first.day)) if same_month else french.day_of_month(first, year=False)
    return f"du {begins} au {french.day_of_month(last, year=False)}"
