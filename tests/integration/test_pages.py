"""visit() and submit() behave as a browser does."""

import pytest
from flask import redirect, request

from tests.support.pages import submit, visit

pytestmark = pytest.mark.own_app

FORM = """<!doctype html><html lang="fr"><head><title>Essai</title></head><body><main><h1>Essai</h1>
<form method="post"><input type="hidden" name="form_token" value="jeton">
<label>Nom <input name="nom" value="Zoé"></label>
<label>Message <textarea name="texte">
Bonjour</textarea></label>
<label>Qui <select name="qui"><option value="a">A</option><option value="b" selected>B</option></select></label>
<label><input type="radio" name="mode" value="m"> M</label><label><input type="radio" name="mode" value="n" checked> N</label>
<label><input type="checkbox" name="jours" value="lun" checked> L</label>
<label><input type="checkbox" name="jours" value="mar"> M</label>
<label>Fermé <input name="ferme" disabled value="x"></label>
<button type="submit" name="geste" value="un">Envoyer</button><button type="submit" name="geste" value="deux">Garder</button>
</form></main></body></html>"""


@pytest.fixture
def posted(app):
    seen = []

    @app.route("/essai", methods=["GET", "POST"])
    def essai():
        if request.method == "POST":
            seen.append((request.form.to_dict(flat=False), request.headers.get("Sec-Fetch-Site")))
            return redirect("/essai?fait=1")
        return FORM

    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    return seen


def test_a_form_is_sent_as_the_browser_sends_it(client, posted):
    page = visit(client, "/essai")
    after = submit(client, page, button="Garder", nom="Léa", jours=["lun", "mar"])
    assert after.url == "/essai?fait=1"
    form, site = posted[0]
    assert site == "same-origin"
    assert form == {
        "form_token": ["jeton"], "nom": ["Léa"], "texte": ["Bonjour"], "qui": ["b"], "mode": ["n"],
        "jours": ["lun", "mar"], "geste": ["deux"],
    }  # fmt: skip


def test_what_the_form_does_not_offer_is_an_error_of_the_test(client, posted):
    page = visit(client, "/essai")
    for fields in ({"inconnu": "x"}, {"ferme": "x"}, {"qui": "c"}, {"mode": "z"}, {"jours": ["dim"]}):
        with pytest.raises(AssertionError):
            submit(client, page, **fields)
    assert posted == []


def test_error_pages_are_linted_too(client):
    page = visit(client, "/nulle-part", status=404)
    assert page.h1 == "Page introuvable"
