"""Opening hours of a site, as people write them: « 9 h – 12 h, 14 h – 17 h 30 ».

Minutes after local midnight; weekday 0 is Monday. Closing at 24 h is allowed, crossing midnight is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from rdv.french import NBSP
from rdv.models import OpeningHours

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
EXAMPLE = f"9{NBSP}h – 12{NBSP}h, 14{NBSP}h – 17{NBSP}h{NBSP}30"
_TIME = r"(\d{1,2})\s*(?:[hH:]\s*(\d{2})?)?"
_SPAN = re.compile(rf"\s*(?:de\s+)?{_TIME}\s*(?:[-–—]|à)\s*{_TIME}\s*")


@dataclass(frozen=True, order=True)
class Span:
    """From opening to closing, in minutes after midnight."""

    opens: int
    closes: int


def read_spans(text: str) -> list[Span]:
    """Return the spans of one day, in order; none when the day is closed. Raises ValueError with a French sentence."""
    if not text.strip():
        return []
    spans = sorted(_read_span(piece) for piece in re.split(r"[,;/]|\bet\b", text))
    for before, after in pairwise(spans):
        if after.opens < before.closes:
            raise ValueError("Deux plages se chevauchent. Exemple\u00a0: " + EXAMPLE)
    return spans


def _read_span(piece: str) -> Span:
    match = _SPAN.fullmatch(piece)
    if match is None:
        raise ValueError(f"Écrivez les heures ainsi\u00a0: {EXAMPLE}")
    opens, closes = (int(match[i]) * 60 + int(match[i + 1] or 0) for i in (1, 3))
    if max(int(match[2] or 0), int(match[4] or 0)) > 59 or closes > 24 * 60:
        raise ValueError(f"Une heure va de 0{NBSP}h à 24{NBSP}h. Exemple\u00a0: {EXAMPLE}")
    if opens >= closes:
        raise ValueError(f"La fermeture vient après l’ouverture. Exemple\u00a0: {EXAMPLE}")
    return Span(opens, closes)


def show_spans(spans: list[Span]) -> str:
    """Return the spans of one day as people write them; empty when the day is closed."""
    return ", ".join(f"{_show(span.opens)} – {_show(span.closes)}" for span in spans)


def _show(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours}{NBSP}h" + (f"{NBSP}{rest:02d}" if rest else "")


def week_of(hours: list[OpeningHours]) -> list[list[Span]]:
    """Return the spans of each weekday from the rows of a site."""
    week: list[list[Span]] = [[] for _ in WEEKDAYS]
    for row in hours:
        week[row.weekday].append(Span(row.opens_minute, row.closes_minute))
    return [sorted(spans) for spans in week]


def rows_of(week: list[list[Span]]) -> list[OpeningHours]:
    """Return new rows for the spans of each weekday."""
    return [
        OpeningHours(weekday=weekday, opens_minute=span.opens, closes_minute=span.closes)
        for weekday, spans in enumerate(week)
        for span in spans
    ]
