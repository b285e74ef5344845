"""What a password must be: the CNIL's rules, common ones, the person's own words."""

from __future__ import annotations

import pytest
from werkzeug.security import generate_password_hash

from rdv import passwords
from rdv.errors import WeakPassword
from tests import make

OWN = ("camille.roux@cfa-tilleuls.example", "Camille", "Roux")


@pytest.mark.parametrize(
    "password",
    [
        make.PASSWORD,
        "Tournesol-42",  # 12 characters, four kinds
        "tournesol-42-vert",  # three kinds
        "un renard roule a velo",  # 20 or more, any kind
        "7394-6201-8850-1123-9",
        "démonstration-Orange-42",
        "Ελληνικά-λέξεις-42",
    ],
)
def test_accepted(password: str) -> None:
    passwords.check(password, OWN)


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("Tourneso-42", "au moins 12"),
        ("tournesolbleu", "au moins 12"),  # one kind, 13 characters
        ("tournesol-bleu-vert", "au moins 12"),  # two kinds, 19 characters
        ("A1-" + "é" * 254, "au plus 256"),
        ("Azertyuiop123!", "une suite"),
        ("Abcdefghijkl1!", "une suite"),
        ("12345678901234567890", "une suite"),
        ("09876543210987654321", "une suite"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "une suite"),
        ("Ab1-Ab1-Ab1-Ab1-", "répétition"),
        ("Motdepasse2026!", "trop courant"),
        ("2026-Motdepasse", "trop courant"),
        ("M0tdep@sse2026", "trop courant"),
        ("P@$$w0rd-1234", "trop courant"),
        ("Soleil-Soleil-1", "trop courant"),
        ("correct horse battery staple", "trop courant"),
        ("trois tournesols bleus dansent", "trop courant"),  # the example of the form
        ("Camille-Bleue-7", "ni votre nom"),
        ("camille.ROUX-7!!", "ni votre nom"),
        ("RdvApprentissage-7", "le nom du service"),
        ("AppRentissage-2027", "le nom du service"),
    ],
)
def test_refused_with_the_reason(password: str, told: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        passwords.hash_new(password, OWN)
    assert told in refusal.value.message


def test_short_names_are_not_own_words() -> None:
    passwords.check("Tournesol-Leo-42", ("leo@exemple.fr", "Léo", "Do"))


def test_the_form_tells_the_rules_that_are_checked() -> None:
    assert str(passwords.SHORTEST) in passwords.HINT
    assert str(passwords.SHORTEST_OF_ONE_KIND) in passwords.HINT


def test_a_kept_password_is_recognised_whatever_keyboard_typed_the_accents() -> None:
    kept = passwords.hash_new("Forêt-Étoilée-42")
    assert passwords.matches("Forêt-Étoilée-42", kept)
    assert passwords.matches("Fore\u0302t-E\u0301toile\u0301e-42", kept)
    assert not passwords.matches("Foret-Etoilee-42", kept)
    assert "Forêt" not in kept


def test_nobody_has_a_hash_as_costly_as_ours_and_matches_nothing() -> None:
    ours = generate_password_hash("Tournesol-Bleu-7")
    assert passwords._NOBODY.split("$")[0] == ours.split("$")[0]
    assert len(passwords._NOBODY) == len(ours)
    assert not passwords.matches("", None)


def test_common_words_are_folded_and_unique() -> None:
    lines = [
        line for line in passwords._COMMON.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    assert all(line.isalnum() and line == line.lower() and line.isascii() for line in lines)
    assert len(lines) == len(set(lines))
