"""Phones and addresses in one form, whoever types them."""

from __future__ import annotations

import pytest

from rdv.contacts import fold, masked_email, normalise_email, normalise_phone, person_key


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("06 12 34 56 78", "+33612345678"),
        ("06.12.34.56.78", "+33612345678"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("0033 6 12 34 56 78", "+33612345678"),
        ("01 99 00 12 34", "+33199001234"),
        ("02 61 91 12 34", "+33261911234"),
        ("0692 12 34 56", "+262692123456"),
        ("0262 20 12 34", "+262262201234"),
        ("0639 69 12 34", "+262639691234"),
        ("0690 00 12 34", "+590690001234"),
        ("0696 20 12 34", "+596696201234"),
        ("0596 50 12 34", "+596596501234"),
        ("0694 20 12 34", "+594694201234"),
        ("0508 41 23 45", "+508412345"),
        ("+687 25 12 34", "+687251234"),
        ("+689 87 12 34 56", "+68987123456"),
    ],
)
def test_phones_of_every_territory(typed, stored):
    assert normalise_phone(typed) == stored


@pytest.mark.parametrize("typed", ["", None, "3949", "0899 12 34 56", "06 12 34", "abc", "00", "06 12 34 56 78 90"])
def test_what_cannot_be_called_back(typed):
    assert normalise_phone(typed) is None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Zoe.Lambert@Exemple.FR ", "zoe.lambert@exemple.fr"),
        ("zoe@demonstration.example", "zoe@demonstration.example"),
        ("zoe@été.example", "zoe@xn--t-9fab.example"),
        ("zoe+cfa@exemple.fr", "zoe+cfa@exemple.fr"),
    ],
)
def test_addresses(typed, stored):
    assert normalise_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["", None, "zoe", "zoe@", "@exemple.fr", "zoé@exemple.fr", "a b@exemple.fr", "a@b@c.fr", "x" * 250 + "@a.fr"],
)
def test_addresses_no_mail_can_reach(typed):
    assert normalise_email(typed) is None


def test_the_same_person_however_typed():
    key = person_key("k", "Zoé", "Le Goff", "zoe@exemple.fr", None)
    assert key == person_key("k", " ZOE ", "le-goff", "ZOE@exemple.fr", "+33612345678")
    assert key != person_key("k", "Zoé", "Le Goff", "tom@exemple.fr", None)
    assert key != person_key("other", "Zoé", "Le Goff", "zoe@exemple.fr", None)
    assert person_key("k", "Léa", "Roy", None, "+33199001234") != person_key("k", "Tom", "Roy", None, "+33199001234")


def test_folding_and_masking():
    assert fold("Élève L’Œuvre-Ça") == fold("eleve l'œuvre ca")
    assert masked_email("zoe@exemple.fr") == "z…@exemple.fr"
