"""The lint sees each fault it is there for."""

import pytest

from tests.support.dom import parse
from tests.support.lint import lint

GOOD = """<!doctype html>
<html lang="fr"><head><title>Prendre rendez-vous</title><link rel="stylesheet" href="/static/css/rdv.css?v=1"></head>
<body><main><h1>Quand êtes-vous disponible\u00a0?</h1>
<p>Le centre <b>répond</b>\u00a0: sous deux jours, c’est promis\u00a0!</p>
<form method="post" action="/rendez-vous"><input type="hidden" name="form_token" value="x">
<label for="nom">Nom</label><input id="nom" name="nom" value="l'Ami ?">
<textarea name="texte" aria-label="Message">J'ai ceci : ?</textarea>
<button type="submit">Réserver</button></form><a href="/rendez-vous/abcdefgh23456789">Voir</a></main></body></html>"""


def test_a_good_page_passes():
    assert lint(GOOD) == []


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('lang="fr"', 'lang="en"', "lang=fr"),
        ("<!doctype html>", "", "doctype"),
        ("<title>Prendre rendez-vous</title>", "<title></title>", "<title>"),
        ("<main>", "<main><h1>Deux</h1>", "<h1>"),
        ('<label for="nom">Nom</label>', "", "no label"),
        ('for="nom"', 'for="autre"', "does not exist"),
        ("<p>", '<p id="nom">', "twice"),
        ('name="form_token"', 'name="autre"', "form_token"),
        ('value="x"', 'value=""', "form_token"),
        ("<p>", '<p style="color:red">', "style="),
        ("<p>", '<p onclick="x()">', "onclick="),
        ("<p>", "<script>x()</script><p>", "inline"),
        ("<p>", "<style>p{}</style><p>", "inline"),
        ("/rendez-vous/abcdefgh23456789", "/rendez-vous/12", "integer"),
        ("/rendez-vous/abcdefgh23456789", "/rendez-vous?slot_id=12", "integer"),
        ("/rendez-vous/abcdefgh23456789", "#", "nowhere"),
        ("/static/css/rdv.css?v=1", "https://cdn.example/x.css", "another site"),
        ("disponible\u00a0?", "disponible ?", "double sign"),
        ("</b>\u00a0:", "</b> :", "double sign"),
        ("</b>\u00a0:", "</b>\n :", "double sign"),
        ("promis\u00a0!", "promis !", "double sign"),
        ("c’est", "c'est", "apostrophe"),
        ("promis", "« promis »", "« »"),
        ("promis", "None", "Python word"),
        ("promis", "{{ name }}", "template"),
        ("promis", "Invalid", "not French"),
        ("promis", "2026-11-24", "date"),
        ("promis", "promis...", "three dots"),
        ("<p>", '<p title="L\'accueil">', "apostrophe"),
        ("<b>répond</b>", "<b>répond", "comes before"),
        ("<p>", '<p><img src="/x.png">', "no alt"),
        ('type="submit"', "", "no type"),
        (">Voir<", "><", "no words"),
    ],
)
def test_each_fault_is_told(was, becomes, told):
    assert was in GOOD
    assert any(told in problem for problem in lint(GOOD.replace(was, becomes)))


def test_words_of_a_person_are_quoted_as_they_are():
    page = GOOD.replace("promis", "J'ai une question ?")
    assert lint(page)
    assert lint(page, quoted=["J'ai une question ?"]) == []


def test_selectors():
    root, _, _ = parse('<div id="a" class="x y"><p class="x">un</p><p data-k="v w">deux</p></div><p>trois</p>')
    assert [node.text for node in root.all("p")] == ["un", "deux", "trois"]
    assert [node.text for node in root.all("#a p.x, [data-k]")] == ["un", "deux"]
    assert root.one('p[class="x"]').text == "un"
    assert root.one("div.x.y").get("id") == "a"
