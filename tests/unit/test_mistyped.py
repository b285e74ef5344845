"""What a mistyped address is corrected to, and the addresses that nobody must be asked about."""

import pytest

from rdv.mistyped import correction


@pytest.mark.parametrize(
    ("meant", "typed"),
    [
        ("gmail.com", "gmial.com gmai.com gmal.com gmil.com gnail.com gamil.com gmali.com gmaill.com gmail.con gmail.fr gmail gmailcom "
                      "gmail,com gmail.cm gmail.co gmail.com. gmailcom. gmail;com gmaul.com gmsil.com GMAIL.CON"),
        ("hotmail.fr", "hotmial.fr hotmal.fr hotmai.fr hotmail.fe hotmail.ft hotmaill.fr hotmail"),
        ("hotmail.com", "hotmial.com hotmail.con homail.com hotmail.comm hotmailcom"),
        ("orange.fr", "orange.fe orage.fr oragne.fr orange.rf ornage.fr orangefr orange"),
        ("wanadoo.fr", "wanado.fr wandoo.fr wanadoo.com wanadou.fr wanadoo.frr"),
        ("laposte.net", "laposte.nte lapost.net laposte.fr laposte.com laposte"),
        ("outlook.fr", "outlok.fr outloook.fr oulook.fr outlook.fe"),
        ("icloud.com", "iclod.com icloud.con icoud.com icloud.fr"),
        ("yahoo.fr", "yaho.fr yahho.fr yahoo.fe"),
        ("cfa-tilleuls.com", "cfa-tilleuls.con"),
        ("numericable.fr", "numricable.fr"),
    ],
)  # fmt: skip
def test_the_usual_slips_are_corrected(meant, typed):
    found = {domain: correction(f"Zoe.Lambert@{domain}") for domain in typed.split()}
    assert found == dict.fromkeys(found, f"zoe.lambert@{meant}")


def test_what_stands_before_is_read_too():
    assert correction(" zoe @gmail.com ") == "zoe@gmail.com"
    assert correction("www.zoe@gmail.com") == "zoe@gmail.com"
    assert correction("zoe@gmail.com") is None
    assert correction("Zoe@GMAIL.com") is None


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "hotmail.fr", "hotmail.com", "hotmail.be", "live.fr", "live.com", "gmx.fr", "mail.com", "ymail.com", "aol.com", "aol.fr", "free.fr", "sfr.fr", "neuf.fr", "msn.com", "me.com", "proton.me", "protonmail.com", "yahoo.fr", "yahoo.com", "yahoo.be", "laposte.net", "bbox.fr", "orange.fr", "orange.com", "googlemail.com", "ac-lille.fr", "ac-paris.fr", "lycee-dupont.fr", "lime.fr", "tree.fr", "cfa-tilleuls.example", "courriel.example", "mission-locale.org", "ecole.nc", "mairie.re", "univ-lille.fr", "etu.univ-lyon1.fr", "post.ch"],
)  # fmt: skip
def test_nobody_is_asked_about_a_real_address(domain):
    assert correction(f"zoe@{domain}") is None


@pytest.mark.parametrize(
    "typed", [None, "", "zoe", "zoe@", "@gmial.com", "a@b@gmial.com", "x" * 300 + "@gmial.com", "zoe@inconnu"]
)
def test_what_makes_no_sense_is_left_to_the_form(typed):
    assert correction(typed) is None
