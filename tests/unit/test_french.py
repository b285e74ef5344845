"""French as it is printed: no-break spaces, « 1er », « 14 h 30 »."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from rdv import french


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_days_and_moments():
    assert plain(french.day(date(2026, 12, 1))) == "mardi 1er décembre"
    assert plain(french.day(date(2026, 12, 11), year=True)) == "vendredi 11 décembre 2026"
    assert plain(french.short_day(date(2026, 12, 1))) == "mar. 1er déc."
    instant = datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
    assert plain(french.moment(instant)) == "mardi 1er décembre à 14 h 30"
    assert plain(french.moment(instant, "Indian/Reunion")) == "mardi 1er décembre à 17 h 30 (heure de La Réunion)"
    assert plain(french.time_range(instant, datetime(2026, 12, 1, 14, tzinfo=UTC))) == "de 14 h 30 à 15 h"


@pytest.mark.parametrize(("minutes", "text"), [(20, "20 min"), (60, "1 h"), (90, "1 h 30"), (65, "1 h 05")])
def test_durations(minutes, text):
    assert plain(french.duration(minutes)) == text


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("+33612345678", "06 12 34 56 78"),
        ("+262692123456", "06 92 12 34 56"),
        ("+687251234", "+687 25.12.34"),
        (None, ""),
    ],
)
def test_phones(stored, shown):
    assert plain(french.phone(stored)) == shown


def test_zero_is_singular():
    assert [plain(french.plural(count, "place")) for count in (0, 1, 2)] == ["0 place", "1 place", "2 places"]


def test_no_ordinary_space_may_break_a_date():
    assert " " not in french.day(date(2026, 12, 1), year=True)
