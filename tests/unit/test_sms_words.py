"""One message: 160 septets of GSM 03.38, whatever a name holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdv.contacts import is_mobile, normalise_phone
from rdv.sms import words
from tests.support import frozen


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Réf. été à où là ì", "Réf. été à où là ì"),  # of the alphabet
        ("forêt, garçon, Noël, île", "foret, garcon, Noel, ile"),
        ("«\u00a0Œuvre\u202f» – l’été…", '" OEuvre " - l\'été...'),
        ("14\u00a0h\u00a030", "14 h 30"),
        ("ligne\r\nsuivante\t😀 ok", "ligne suivante ok"),
        ("Łódź, Çà", "Lódz, Çà".replace("ó", "o")),
        ("中文 CFA", "CFA"),
        ("œ", "oe"),
    ],
)
def test_what_forces_the_long_alphabet_is_transliterated(text, said):
    assert words.plain(text) == said
    assert words.septets(words.plain(text)) <= len(said) + said.count("€")


@pytest.mark.parametrize(("text", "count"), [("abc", 3), ("é", 1), ("€", 2), ("[a]", 5), ("", 0)])
def test_septets(text, count):
    assert words.septets(text) == count


@pytest.mark.parametrize("text", ["ê", "’", "\u00a0", "😀"])
def test_a_foreign_character_is_not_counted_but_refused(text):
    with pytest.raises(ValueError, match="GSM"):
        words.septets(text)


@given(st.text(max_size=300))
def test_any_name_fits_in_one_message(name):
    text = words.fitted(
        lambda named, zone: f"RDV demain à 14h{zone}{named}. Page : {'x' * 90}", name, " (heure de Paris)"
    )
    assert words.septets(text) <= words.LONGEST
    assert text.endswith("x" * 90)
    assert "RDV demain à 14h" in text


def test_the_name_shortens_first_then_goes_then_the_zone():
    def written(length):
        return words.fitted(lambda named, zone: "x" * length + zone + named, "Centre de formation", " (zone)")

    assert written(100).endswith(" (zone), Centre de formation")
    assert written(138).endswith(" (zone), Centre")
    assert written(150).endswith("x (zone)")
    assert written(160) == "x" * 160
    with pytest.raises(ValueError, match="too long"):
        written(161)


def test_moments_in_the_wall_time_of_the_site():
    at = frozen.parse("2026-12-01T13:30Z")
    assert words.moment(at, "Europe/Paris") == "mar. 01/12 à 14h30"
    assert words.moment(at, "Indian/Reunion") == "mar. 01/12 à 17h30"
    assert words.hour(frozen.parse("2026-12-01T08:00Z"), "Europe/Paris") == "9h"


@pytest.mark.parametrize(
    ("number", "mobile"),
    [
        ("+33612345678", True),
        ("+33756781234", True),
        ("+33639980001", True),  # Arcep: for fiction
        ("+262692123456", True),
        ("+590690123456", True),
        ("+594694123456", True),
        ("+596696123456", True),
        ("+687751234", True),
        ("+33199001234", False),  # fixed
        ("+262262123456", False),
        ("+32470123456", False),  # abroad: called, not texted
        ("+447911123456", False),
        ("", False),
        (None, False),
        ("06 12", False),
    ],
)
def test_french_mobiles_alone_are_texted(number, mobile):
    assert is_mobile(number) is mobile


@pytest.mark.parametrize("typed", ["06 39 98 00 01", "+33 6 39 98 00 01", "0033639980001", "0639980001"])
def test_numbers_kept_for_fiction_may_be_typed(typed):
    assert normalise_phone(typed) == "+33639980001"
