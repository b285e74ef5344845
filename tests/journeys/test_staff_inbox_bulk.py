"""Several requests at once: taken, given, answered, closed; what is left out is named, and nothing typed is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, replies
from rdv.db import db, transaction
from rdv.models import DeadAddress, OutgoingMail
from tests import make
from tests.support.pages import sign_in, submit, visit

URL = "/equipe/demandes"


@pytest.fixture
def cfa(app, freeze):
    freeze("2026-11-24T08:00Z")
    return make.cfa()


@pytest.fixture
def adviser(cfa, client):
    person = make.adviser(cfa, first_name="Bob", last_name="Garnier")
    sign_in(client, person)
    return person


def ask(cfa, name, hours=5, **columns):
    due = clock.now() + timedelta(hours=hours)
    values = {"mode": "message", "last_name": name, "search_text": f"zoe {name.lower()}", "due_at": due, **columns}
    return make.candidate_request(cfa, **values)


def touched_by_somebody(request, adviser):
    with transaction():
        inbox.note(request, "Vue entre-temps", clock.now(), user=adviser)


def mailed():
    query = sa.select(OutgoingMail.to_email).where(OutgoingMail.kind == "request_answered").order_by(OutgoingMail.id)
    return db.session.scalars(query).all()


def kinds(request):
    return [event.kind for event in request.events]


def test_requests_are_taken_and_given_and_those_changed_meanwhile_are_left_out_and_named(client, cfa, adviser):
    dora = make.adviser(cfa, first_name="Dora", last_name="Petit")
    first, second, third = ask(cfa, "Alpha"), ask(cfa, "Bravo"), ask(cfa, "Charlie")
    other = ask(make.cfa(), "Ailleurs")
    page = visit(client, f"{URL}?mode=message")
    touched_by_somebody(second, adviser)
    chosen = [first.public_id, second.public_id]
    page = submit(client, page, form="lot", button="Confier", demande=chosen, a=dora.public_id)
    assert "1 demande confiée à Dora Petit." in page.text
    assert "1 demande laissée de côté : Zoé Bravo (modifiée entre-temps)." in page.text
    assert page.url == f"{URL}?mode=message", "the filters stay"
    assert (first.owner_id, second.owner_id, third.owner_id) == (dora.id, None, None)
    assert kinds(first) == ["created", "assigned"]
    # One tap for oneself; a colleague's too.
    page = submit(client, page, form="lot", button="Prendre la demande de Zoé Alpha")
    assert (first.owner_id, "Vous suivez la demande de Zoé Alpha." in page.text) == (adviser.id, True)
    assert "Prendre la demande de Zoé Alpha" not in page.text
    page = submit(client, page, form="lot", button="Confier", demande=[first.public_id], a="personne")
    assert (first.owner_id, "1 demande remise à toute l’équipe." in page.text) == (None, True)
    # Nothing ticked, nobody chosen, another centre's, too many: told, and what was ticked stays.
    assert "Cochez d’abord" in submit(client, page, form="lot", button="Confier", a="moi", status=400).errors[0]
    again = submit(client, page, form="lot", button="Confier", demande=[third.public_id], status=400)
    assert "Choisissez à qui confier" in again.errors[0]
    assert again.fields("lot")["demande"] == [third.public_id]
    token = page.fields("lot")["csrf_token"][0]
    sent = {"csrf_token": token, "action": "confier", "a": "moi", f"version-{other.public_id}": other.version}
    assert client.post(f"{URL}/lot", data={**sent, "demande": other.public_id}).status_code == 400
    assert other.owner_id is None
    sent["csrf_token"] = "d’une autre session"
    kept = client.post(f"{URL}/lot", data={**sent, "demande": third.public_id, f"version-{third.public_id}": 1})
    assert (kept.status_code, "restée ouverte trop longtemps" in kept.text, third.owner_id) == (400, True, None)
    with transaction():
        many = [ask(cfa, f"N{number}").public_id for number in range(51)]
    sent["csrf_token"] = token
    refused = client.post(f"{URL}/lot", data={**sent, "demande": many})
    assert (refused.status_code, "50\u00a0demandes au plus" in refused.text) == (400, True)


def test_one_answer_to_many_is_read_again_before_it_leaves_and_reaches_those_it_can(client, cfa, adviser):
    first, second, third = ask(cfa, "Alpha"), ask(cfa, "Bravo"), ask(cfa, "Charlie")
    phoned = ask(cfa, "Delta", email=None)
    everybody = [each.public_id for each in (first, second, third, phoned)]
    page = submit(client, visit(client, URL), form="lot", button="Répondre…", demande=everybody)
    assert page.h1 == "Répondre à plusieurs personnes"
    assert "Zoé Delta : pas d’adresse électronique" in page.text
    empty = submit(client, page, status=400, button="Relire avant d’envoyer")
    assert any("Écrivez votre réponse" in error for error in empty.errors)
    third_left = [first.public_id, second.public_id]  # one thinks better of it
    page = submit(client, page, button="Relire avant d’envoyer", demande=third_left, text="Oui, il reste des places.")
    assert page.h1 == "Relire avant d’envoyer"
    for words in ("Oui, il reste des places.", first.email, second.email, "2 personnes"):
        assert words in page.text, words
    assert third.email not in page.text
    assert mailed() == [], "nothing leaves before the last button"
    back = submit(client, page, button="Modifier le message")
    assert back.fields()["text"] == ["Oui, il reste des places."]
    page = submit(client, back, button="Relire avant d’envoyer", text="Oui, il en reste.")
    touched_by_somebody(second, adviser)
    page = submit(client, page, button="Envoyer à 2 personnes")
    assert "Réponse envoyée à 1 personne." in page.text
    assert "Zoé Bravo : modifiée entre-temps" in page.text
    assert mailed() == [first.email]
    assert (first.status, first.owner_id, kinds(first)) == ("waiting_candidate", adviser.id, ["created", "answer"])
    assert second.status == "new"
    # What was typed is still there for whoever was left out; ticking them is having read.
    assert page.fields()["text"] == ["Oui, il en reste."]
    assert "demande" not in page.fields()
    page = submit(client, page, button="Relire avant d’envoyer", demande=[second.public_id])
    page = submit(client, page, button="Envoyer à 1 personne")
    assert "Réponse envoyée à 1 personne." in page.text
    assert (page.path, mailed()) == (URL, [first.email, second.email])


def test_a_saved_reply_is_filled_for_each_person_and_never_sent_with_braces(client, cfa, adviser):
    dear, cheap = make.training(cfa, title="CAP Cuisine"), make.training(cfa, title="CAP Pâtissier")
    with transaction():
        dear.reply_values = {"fees": "80 € de livres"}
        draft = replies.Draft("Frais", None, "Bonjour {prénom}, les frais sont de {frais}.")
        saved = replies.create(cfa, draft, clock.now().date(), adviser)
    first = ask(cfa, "Alpha", first_name="Inès", training_id=dear.id)
    second = ask(cfa, "Bravo", training_id=cheap.id)
    third = ask(cfa, "Charlie", first_name="Noé", training_id=dear.id)
    dead = ask(cfa, "Delta", training_id=dear.id, email_state="dead")
    make.saved(DeadAddress(email=dead.email, reason="hard_bounce", since=clock.now()))
    chosen = [each.public_id for each in (first, second, third, dead)]
    page = submit(client, visit(client, URL), form="lot", button="Répondre…", demande=chosen)
    assert "Zoé Delta : adresse électronique en erreur" in page.text
    page = submit(client, page, button="Insérer", reply=saved.public_id, text="Merci de votre message.")
    assert page.fields()["text"] == ["Merci de votre message.\n\nBonjour {prénom}, les frais sont de {frais}."]
    wrong = submit(client, page, button="Relire avant d’envoyer", text="Bonjour {nom}", status=400)
    assert any("{nom}, qui ne désigne rien" in error for error in wrong.errors)
    page = submit(client, page, button="Relire avant d’envoyer")
    assert "Zoé Bravo : rien à mettre à la place de {frais}" in page.text
    for words in ("Bonjour Inès, les frais sont de 80 € de livres.", "Bonjour Noé, les frais", "2 personnes"):
        assert words in page.text, words
    page = submit(client, page, button="Envoyer à 2 personnes")
    assert mailed() == [first.email, third.email]
    said = [event.text for event in first.events if event.kind == "answer"]
    assert said == ["Merci de votre message.\n\nBonjour Inès, les frais sont de 80 € de livres."]
    assert saved.used == 2
    assert second.status == "new"


def test_a_second_click_or_a_lost_session_sends_nothing_twice_and_keeps_the_words(client, cfa, adviser):
    first = ask(cfa, "Alpha")
    page = submit(client, visit(client, URL), form="lot", button="Répondre…", demande=[first.public_id])
    page = submit(client, page, button="Relire avant d’envoyer", text="Oui.")
    lost = submit(client, page, button="Envoyer à 1 personne", csrf_token="d’une autre session", status=400)
    assert "restée ouverte trop longtemps" in lost.text
    assert (lost.fields()["text"], mailed()) == (["Oui."], [])
    submit(client, page, button="Envoyer à 1 personne")
    again = submit(client, page, button="Envoyer à 1 personne", status=409)
    assert "Zoé Alpha : modifiée entre-temps" in again.text
    assert "Oui." in again.text
    assert mailed() == [first.email]


def test_many_are_closed_with_one_outcome_and_the_search_is_kept(client, cfa, adviser):
    first, second, third = ask(cfa, "Martin A"), ask(cfa, "Martin B"), ask(cfa, "Autre")
    done = ask(cfa, "Martin C", status="closed", outcome="answered")
    page = submit(client, visit(client, URL), form="Nom, téléphone", text="martin")
    chosen = [each.public_id for each in (first, second, done)]
    page = submit(client, page, form="lot", button="Terminer…", demande=chosen)
    assert "Zoé Martin C : déjà terminée" in page.text
    assert "chaque personne est prévenue par courriel" in page.text
    assert any(
        "Choisissez le résultat" in error for error in submit(client, page, status=400, button="Terminer les").errors
    )
    page = submit(client, page, button="Terminer les demandes cochées", outcome="no_follow_up")
    assert "2 demandes terminées." in page.text
    assert "« martin »" in page.text, "the search is shown again"
    assert [each.outcome for each in (first, second)] == ["no_follow_up"] * 2
    assert third.status == "new"
    assert mailed() == []
    told = db.session.scalars(sa.select(OutgoingMail.to_email).where(OutgoingMail.kind == "request_closed")).all()
    assert sorted(told) == sorted([first.email, second.email])


def test_the_whole_page_is_ticked_without_script_and_the_first_screen_lets_one_take(client, cfa, adviser):
    asked = {ask(cfa, name).public_id for name in ("Alpha", "Bravo")}
    page = visit(client, visit(client, URL).link("Tout cocher"))
    assert set(page.fields("lot")["demande"]) == asked
    page = submit(
        client, visit(client, "/equipe?suivi=personne"), form="lot?", button="Prendre la demande de Zoé Alpha"
    )
    assert page.url.startswith("/equipe?")
    assert "Vous suivez la demande de Zoé Alpha." in page.text
    assert "À traiter (1)" in page.text
