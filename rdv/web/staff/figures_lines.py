"""Figures as the page shows them: numbers with their definition, bars, lines of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from babel.dates import format_date

from rdv import french, stats
from rdv.french import NBSP
from rdv.web import chart

TOO_FEW = "Trop peu"


@dataclass(frozen=True)
class Shown:
    """A figure: its value, what it is called, what it counts, and where to see what it is made of."""

    value: str
    label: str
    text: str
    more: str | None = None
    href: str | None = None


def share(value: float | None) -> str:
    """« 92 % », a dash when there is nothing to divide."""
    return "–" if value is None else f"{value * 100:.0f}{NBSP}%"


def waited(minutes: int | None) -> str:
    """« 5 h 20 » of opening hours, « Trop peu » when too few answers say it."""
    return TOO_FEW if minutes is None else french.duration(minutes)


def _shown(key: str, value: int | str, more: str | None = None, href: str | None = None) -> Shown:
    definition = stats.DEFINITIONS[key]
    return Shown(str(value), definition.label, definition.text, more, href)


def _too_few(answers: int, needed: int, what: str) -> str | None:
    """« 2 réponses : trop peu pour une médiane. »"""
    if answers >= needed:
        return None
    return f"{french.plural(answers, 'réponse')}{NBSP}: trop peu pour {what}." if answers else "Aucune réponse."


def answers(total: stats.Total, todo_url: str) -> list[Shown]:
    """How requests were answered."""
    found, spread = total.received, total.spread
    late = f"Dont {french.plural(found.late, 'en retard', 'en retard')}." if found.late else None
    return [
        _shown("received", found.received),
        _shown("answered", found.answered, f"{share(found.rate)} des demandes reçues." if found.received else None),
        _shown("on_time", found.on_time, f"{share(found.on_time / found.answered)} des réponses." if found.answered else None),
        _shown("waiting", found.waiting, late, todo_url if found.waiting else None),
        _shown("unanswered", found.unanswered),
        _shown("median", waited(spread.median), _too_few(spread.answers, stats.MEDIAN_FROM, "une médiane")),
        _shown("ninth", waited(spread.ninth), _too_few(spread.answers, stats.NINTH_FROM, "ce calcul")),
    ]  # fmt: skip


def path(total: stats.Total) -> list[Shown]:
    """From asking to coming."""
    found = total.received
    return [
        _shown("people", found.people),
        _shown("met", found.met, f"{share(found.met / found.people)} de ces demandes." if found.people else None),
        _shown(
            "came", found.attended, f"{share(found.attended / found.met)} des rendez-vous." if found.attended else None
        ),
    ]


def meetings(total: stats.Total, missing_url: str) -> list[Shown]:
    """Who came to the period's meetings."""
    found = total.met
    rate = f"{share(found.no_show_rate)} des présences notées." if found.no_show_rate is not None else None
    who = f"{found.by_candidate} par le candidat, {found.by_centre} par le centre." if found.cancelled else None
    return [
        _shown("booked", found.booked),
        _shown("attended", found.attended),
        _shown("no_show", found.no_show, rate),
        _shown("excused", found.excused),
        _shown("unknown", found.unknown, None, missing_url if found.unknown else None),
        _shown("cancelled", found.cancelled, who),
        _shown("coming", found.coming),
    ]


def arrived(months: Sequence[stats.Month]) -> chart.Chart:
    """Bars of the requests received: answered, then the others."""
    return chart.bars(
        [
            (
                _short(month),
                [("solid", month.received.answered), ("hatched", month.received.received - month.received.answered)],
                str(month.received.received or ""),
            )
            for month in months
        ]
    )


def delays(months: Sequence[stats.Month]) -> chart.Chart:
    """Bars of the medians, in hours; a month with too few answers has none."""
    return chart.bars(
        [
            (
                _short(month),
                [("solid", month.spread.median or 0)],
                f"{month.spread.median / 60:.0f}" if month.spread.median is not None and month.spread.median >= 60 else "<1"
                if month.spread.median is not None else "",
            )
            for month in months
        ],
        unit=60,
        suffix=f"{NBSP}h",
    )  # fmt: skip


def _short(month: stats.Month) -> str:
    return format_date(month.month, "LLL", locale="fr").rstrip(".")


def said(months: Sequence[stats.Month]) -> tuple[str, str]:
    """What the two pictures say, in words, for who does not see them."""
    most = max(months, key=lambda month: month.received.received)
    if not most.received.received:
        return "Aucune demande reçue.", "Aucune réponse."
    received = sum(month.received.received for month in months)
    answered = sum(month.received.answered for month in months)
    first = (
        f"{received} demandes en douze mois, dont {answered} répondues. Le mois le plus chargé est {french.month(most.month)}"
        f"{NBSP}: {french.plural(most.received.received, 'demande')}."
    )
    measured = [month for month in months if month.spread.median is not None]
    if not measured:
        return first, f"Aucun mois n’a {stats.MEDIAN_FROM}{NBSP}réponses{NBSP}: trop peu pour une médiane."
    slowest = max(measured, key=lambda month: month.spread.median or 0)
    fastest = min(measured, key=lambda month: month.spread.median or 0)
    second = (
        f"Le plus court{NBSP}: {waited(fastest.spread.median)} en {french.month(fastest.month)}. "
        f"Le plus long{NBSP}: {waited(slowest.spread.median)} en {french.month(slowest.month)}. "
        f"Dernier mois mesuré, {french.month(measured[-1].month)}{NBSP}: {waited(measured[-1].spread.median)}."
    )
    return first, second
