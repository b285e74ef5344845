"""Answering a request: saved replies and their variables, slots proposed, taking it back, two colleagues at once."""

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, links, replies
from rdv.db import db, transaction
from rdv.models import OutgoingMail, SavedReply, SeatHold
from tests import make
from tests.support.pages import SAME_SITE, sign_in, submit, visit

FORM = "ecrire-form"


@pytest.fixture
def house(app, freeze):
    time = freeze("2026-11-23T09:00Z")
    cfa = make.cfa(name="CFA des Tilleuls", phone="+33199000001")
    site = make.site(cfa, name="Site Nord", phone="+33199000001")
    adviser, colleague = make.adviser(cfa, first_name="Bob"), make.adviser(cfa, first_name="Carla", last_name="Petit")
    training = make.training(cfa, site, title="CAP Pâtissier")
    slots = [make.slot(adviser, site, starts_at=f"2026-12-0{day}T10:00") for day in (1, 2, 3, 4)]
    found = make.candidate_request(
        cfa, mode="message", site_id=site.id, training_id=training.id, first_name="Zoé", last_name="Lambert",
        email="zoe@courriel.example", reasons=["frais"],
    )  # fmt: skip
    with transaction():
        replies.begin(cfa, clock.today("Europe/Paris"), adviser)
    return SimpleNamespace(
        time=time, cfa=cfa, adviser=adviser, colleague=colleague, training=training, slots=slots, request=found
    )


@pytest.fixture
def path(house, client):
    sign_in(client, house.adviser)
    return f"/equipe/demandes/{house.request.public_id}"


def reply_named(title):
    return db.session.scalar(sa.select(SavedReply).filter_by(title=title))


def answers():
    db.session.expire_all()
    return db.session.scalars(
        sa.select(OutgoingMail).filter_by(kind="request_answered").order_by(OutgoingMail.id)
    ).all()


def test_a_saved_reply_fills_the_text_and_never_leaves_with_braces(client, house, path):
    page = visit(client, path)
    options = [option.text for option in page.all("select[name=answer-reply] option")]
    assert options[1].startswith("Frais d’inscription (question de la personne")  # their own question first
    fees = reply_named("Frais d’inscription")
    filled = submit(client, page, form=FORM, button="Insérer", **{"answer-reply": fees.public_id})
    shown = filled.one("textarea[name=answer-text]").text
    assert "Bonjour Zoé," in shown
    assert "01 99 00 00 01" in shown
    assert "{frais}" in shown
    assert "À compléter avant d’envoyer" in filled.text
    refused = submit(client, filled, form=FORM, button="Envoyer la réponse", status=422)
    assert "{frais} : rien n’est rempli pour cette formation ni pour le centre" in refused.text
    assert answers() == []
    values = visit(client, refused.link("Remplir frais, rythme, portes ouvertes"))
    submit(client, values, form="Enregistrer", fees="60 € de fournitures.")
    sent = submit(client, refused, form=FORM, button="Envoyer la réponse")
    assert "Réponse envoyée à Zoé Lambert." in sent.text
    (mail,) = answers()
    assert "60 € de fournitures." in mail.event.text
    assert "{" not in mail.event.text
    assert reply_named("Frais d’inscription").used == 1


def test_slots_are_kept_and_shown_as_buttons_to_the_candidate(client, house, path):
    places = reply_named("Places disponibles")
    page = submit(client, visit(client, path), form=FORM, button="Insérer", **{"answer-reply": places.public_id})
    ticked = page.fields(FORM)["answer-slots"]
    assert ticked == [slot.public_id for slot in house.slots[:3]]
    sent = submit(client, page, form=FORM, button="Envoyer la réponse", **{"answer-slots": ticked[:2]})
    assert "Réponse envoyée" in sent.text
    event = house.request.events[-1]
    assert "– mardi 1er décembre à 10 h\n– mercredi 2 décembre à 10 h" in event.text.replace("\u00a0", " ")
    assert [slot.seats_taken for slot in house.slots] == [1, 1, 0, 0]
    public = client.application.test_client()
    mine = f"/suivi/{links.personal_token(house.request)}"
    hidden = visit(public, mine)  # for twenty seconds nothing is told
    assert "Le centre vous propose" not in hidden.text
    assert "vous a répondu" not in hidden.text
    house.time.tick(seconds=21)
    shown = visit(public, mine)
    assert "Gardé pour vous jusqu’au mardi 24 novembre à 10 h" in shown.text
    assert len(shown.all("a.rdv-slot")) == 2
    after = submit(public, visit(public, shown.all("a.rdv-slot")[0].get("href")))
    assert after.h1 == "Rendez-vous confirmé"


@pytest.mark.sqlite_only  # pages alone: test_proposals says the rest
def test_taken_back_within_twenty_seconds_the_words_return(client, house, path):
    page = visit(client, path)
    typed = {
        "answer-text": "Bonjour, une faute.",
        "answer-slots": [house.slots[0].public_id],
        "answer-free_choice": "y",
    }
    sent = submit(client, page, form=FORM, button="Envoyer la réponse", **typed)
    assert "Annuler (20 s)" in sent.text
    back = submit(client, sent, form="Annuler", button="Annuler (20 s)")
    assert "Votre texte est revenu où vous l’aviez écrit." in back.text
    assert back.one("textarea[name=answer-text]").text.strip() == "Bonjour, une faute."
    assert back.fields(FORM)["answer-slots"] == [house.slots[0].public_id]
    assert back.all(".rdv-thread s")
    assert "Annulée" in back.text
    assert house.slots[0].seats_taken == 0
    assert [mail.status for mail in answers()] == ["dropped"]
    later = submit(client, back, form=FORM, button="Envoyer la réponse")
    house.time.tick(seconds=20)
    assert "Annuler (" not in visit(client, path).text
    late = submit(client, later, form="Annuler", button="Annuler (20 s)", status=409)
    assert "Il est trop tard pour annuler" in late.text


@pytest.mark.sqlite_only
def test_what_is_taken_back_is_nobodys_again_even_if_the_clock_wrote_meanwhile(client, house, path):
    asked = house.request
    assert asked.owner_id is None
    sent = submit(client, visit(client, path), form=FORM, button="Envoyer la réponse", **{"answer-text": "Trop vite."})
    db.session.expire_all()
    assert asked.owner_id == house.adviser.id
    with make.writing():
        inbox.record(asked, "follow_up", "system", clock.now(), data={"rung": 1}, internal=True)
    submit(client, sent, form="Annuler", button="Annuler (20 s)")
    db.session.expire_all()
    assert asked.owner_id is None
    assert [mail.status for mail in answers()] == ["dropped"]


@pytest.mark.sqlite_only
def test_a_colleague_who_answers_meanwhile_is_seen_and_nothing_typed_is_lost(client, house, path):
    page = visit(client, path)
    other = client.application.test_client()
    sign_in(other, house.colleague)
    theirs = visit(other, path)
    assert "Bob" in theirs.one("[data-presence]").text
    submit(other, theirs, form=FORM, button="Envoyer la réponse", **{"answer-text": "C’est moi qui réponds."})
    refused = submit(
        client, page, form=FORM, button="Envoyer la réponse", status=409, **{"answer-text": "Moi aussi je réponds."}
    )
    assert "Pendant que vous écriviez" in refused.text
    assert "C’est moi qui réponds." in refused.one(".fr-callout .rdv-thread").text
    assert refused.one("textarea[name=answer-text]").text.strip() == "Moi aussi je réponds."
    assert "Annuler (" not in refused.text  # it is hers
    assert "Réponse envoyée" in submit(client, refused, form=FORM, button="Envoyer la réponse").text
    assert len(answers()) == 2


@pytest.mark.sqlite_only
def test_two_people_see_each_other_and_who_writes(client, house, path):
    page = visit(client, path)
    assert page.one("[data-presence]").text == ""
    other = client.application.test_client()
    sign_in(other, house.colleague)
    theirs = visit(other, path)
    token = theirs.one("[data-presence]").get("data-token")
    told = other.post(path + "/presence", data={"csrf_token": token, "writing": "1"}, headers=SAME_SITE)
    assert "Bob" in told.json["others"]
    token = page.one("[data-presence]").get("data-token")
    answer = client.post(path + "/presence", data={"csrf_token": token}, headers=SAME_SITE)
    assert answer.json == {"others": "Carla Petit écrit une réponse."}
    visit(other, path)  # what was typed has left, or was dropped with its page
    answer = client.post(path + "/presence", data={"csrf_token": token}, headers=SAME_SITE)
    assert answer.json == {"others": "Carla Petit regarde aussi cette demande."}
    house.time.tick(seconds=61)
    assert client.post(path + "/presence", data={"csrf_token": token}, headers=SAME_SITE).json == {"others": ""}
    stranger = client.application.test_client()
    sign_in(stranger, make.manager(make.cfa()))
    assert stranger.get(path).status_code == 404


def test_the_library_is_shared_dated_and_guarded(client, house):
    sign_in(client, house.adviser)
    house.time.to("2027-06-01T09:00Z")
    sign_in(client, house.adviser)
    page = visit(client, "/equipe/reponses-types")
    assert page.text.count("À relire") == len(replies.STARTERS)
    fees = reply_named("Frais d’inscription")
    form = visit(client, f"/equipe/reponses-types/{fees.public_id}")
    submit(client, form, form="Relue aujourd’hui")
    assert visit(client, "/equipe/reponses-types").text.count("À relire") == len(replies.STARTERS) - 1
    # The form read before that is of another version: both texts are shown, and sending again is a choice.
    changed = {"title": "Frais et équipement", "text": "Bonjour {prénom}, voici\u00a0: {frais}"}
    refused = submit(client, form, form="Enregistrer", button="Enregistrer", status=409, **changed)
    assert "La version enregistrée entre-temps" in refused.text
    assert refused.one("input[name=title]").get("value") == "Frais et équipement"
    submit(client, refused, form="Enregistrer", button="Enregistrer")
    assert reply_named("Frais et équipement") is not None
    bad = submit(
        client, visit(client, "/equipe/reponses-types/nouvelle"), title="Tarifs", text="Voici {prix}.", status=400
    )
    assert "Il n’y a pas de variable {prix}" in bad.text
    twice = submit(client, bad, title="Frais et équipement", text="Voici {frais}.", status=409)
    assert "porte déjà ce titre" in twice.text
    stranger = client.application.test_client()
    sign_in(stranger, make.manager(make.cfa()))
    visit(stranger, f"/equipe/reponses-types/{fees.public_id}", status=404)
    visit(stranger, f"/equipe/reponses-types/valeurs/{house.training.public_id}", status=404)
    assert "Aucune réponse type" in visit(stranger, "/equipe/reponses-types").text


def test_a_slot_gone_meanwhile_sends_nothing_and_keeps_the_words(client, house, path):
    page = visit(client, path)
    make.booking(house.slots[0])
    typed = {"answer-text": "Bonjour.", "answer-slots": [house.slots[0].public_id]}
    refused = submit(client, page, form=FORM, button="Envoyer la réponse", status=409, **typed)
    assert "n’est plus libre" in refused.text
    assert refused.one("textarea[name=answer-text]").text.strip() == "Bonjour."
    assert answers() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SeatHold)) == 0
    with transaction():
        inbox.close(house.request, "answered", "staff", clock.now(), user=house.adviser)
    assert "Annuler (20 s)" in visit(client, path).text
