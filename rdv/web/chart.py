"""Bars drawn on the server: where each stands in a picture of 400 × 200, for templates/components/chart.html."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 4, 20, 26
_ROUND = (1, 2, 5)


@dataclass(frozen=True)
class Part:
    """A piece of a bar; `kind`: solid or hatched, so that colour is never the only sign."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One bar, its parts from the bottom up, the value above it and the word under it (empty: none is written)."""

    x: float
    width: float
    middle: float
    parts: Sequence[Part]
    top: float
    value: str
    label: str


@dataclass(frozen=True)
class Mark:
    """A line across, with what it stands for."""

    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """What the picture holds."""

    bars: Sequence[Bar]
    marks: Sequence[Mark]
    floor: float = HEIGHT - _BOTTOM
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    width: int = WIDTH
    height: int = HEIGHT


def bars(columns: Sequence[tuple[str, Sequence[tuple[str, float]], str]], unit: float = 1, suffix: str = "") -> Chart:
    """Lay out columns of (label, parts as (kind, value), value in words); marks count in `unit`s, said with `suffix`.

    Every second label is written, the last one always: twelve months fit a telephone.
    """
    highest = max((sum(value for _, value in parts) for _, parts, _ in columns), default=0)
    ceiling = _ceiling(highest / unit) * unit
    scale = (HEIGHT - _TOP - _BOTTOM) / ceiling
    floor = HEIGHT - _BOTTOM
    step = (WIDTH - _LEFT - _RIGHT) / max(len(columns), 1)
    found = []
    for rank, (label, parts, words) in enumerate(columns):
        height, laid = 0.0, []
        for kind, value in parts:
            if value:
                height += value * scale
                laid.append(Part(kind, round(floor - height, 1), round(value * scale, 1)))
        x = _LEFT + step * (rank + 0.15)
        shown = len(columns) <= 6 or (len(columns) - 1 - rank) % 2 == 0
        found.append(
            Bar(
                round(x, 1), round(step * 0.7, 1), round(x + step * 0.35, 1), laid, round(floor - height - 4, 1), words,
                label if shown else "",
            )
        )  # fmt: skip
    levels = [ceiling, ceiling / 2] if ceiling / unit > 1 else [ceiling]
    marks = [Mark(round(floor - level * scale, 1), f"{_plain(level / unit)}{suffix}") for level in levels]
    return Chart(found, marks)


def _ceiling(value: float) -> float:
    """Return the round number (1, 2, 5, 10, 20…) at or above a value, 1 at least."""
    size = 1
    while True:
        for number in _ROUND:
            if value <= number * size:
                return number * size
        size *= 10


def _plain(value: float) -> str:
    return f"{value:g}".replace(".", ",")
