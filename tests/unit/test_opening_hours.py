"""Opening hours as people write them."""

from __future__ import annotations

import pytest

from rdv.opening_hours import Span, read_spans, rows_of, show_spans, week_of

MORNING = Span(9 * 60, 12 * 60)
AFTERNOON = Span(14 * 60, 17 * 60 + 30)


@pytest.mark.parametrize(
    "text",
    [
        "9 h – 12 h, 14 h – 17 h 30",
        "9h-12h,14h-17h30",
        "9:00-12:00 / 14:00-17:30",
        "9 à 12 et 14 à 17:30",
        "de 14h à 17h30 ; de 9h à 12h",
        "9\u00a0h – 12\u00a0h, 14\u00a0h – 17\u00a0h\u00a030",
    ],
)
def test_read(text: str) -> None:
    assert read_spans(text) == [MORNING, AFTERNOON]


def test_an_empty_day_is_closed_and_a_day_may_end_at_midnight() -> None:
    assert read_spans("  ") == []
    assert read_spans("0h-24h") == [Span(0, 1440)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("le matin", "Écrivez les heures ainsi"),
        ("9h", "Écrivez les heures ainsi"),
        ("9h-12h,", "Écrivez les heures ainsi"),
        ("9h-25h", "de 0\u00a0h à 24\u00a0h"),
        ("9h75-12h", "de 0\u00a0h à 24\u00a0h"),
        ("12h-9h", "La fermeture vient après"),
        ("9h-9h", "La fermeture vient après"),
        ("9h-13h, 12h-17h", "se chevauchent"),
    ],
)
def test_refused_with_an_example(text: str, told: str) -> None:
    with pytest.raises(ValueError, match="9\u00a0h – 12\u00a0h") as refusal:
        read_spans(text)
    assert told in str(refusal.value)


def test_shown_as_it_is_read() -> None:
    shown = show_spans([MORNING, AFTERNOON])
    assert shown == "9\u00a0h – 12\u00a0h, 14\u00a0h – 17\u00a0h\u00a030"
    assert read_spans(shown) == [MORNING, AFTERNOON]


def test_a_week_goes_through_its_rows() -> None:
    week = [[MORNING, AFTERNOON], [], [MORNING], [], [], [], []]
    assert week_of(rows_of(week)) == week
