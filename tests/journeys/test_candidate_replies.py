"""What a person adds to their request from their page, and what the page says of each state."""

from types import SimpleNamespace

import pytest

from rdv import booking, clock, inbox, links
from rdv.db import transaction
from tests import make
from tests.support.pages import submit, visit


@pytest.fixture
def house(app, freeze):
    time = freeze("2026-11-23T09:00Z")
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    slot = make.slot(adviser, site, starts_at="2026-12-01T10:00")
    found = make.candidate_request(
        cfa, site_id=site.id, email="zoe@courriel.example", phone="+33199005678", asker="parent",
        asker_first_name="Marie", asker_email="marie@courriel.example",
    )  # fmt: skip
    return SimpleNamespace(time=time, cfa=cfa, adviser=adviser, slot=slot, request=found)


def path(house, to=None):
    return f"/suivi/{links.personal_token(house.request, to)}"


def call(house, result, **more):
    with transaction():
        inbox.log_call(house.request, result, "staff", clock.now(), user=house.adviser, **more)


def test_a_message_wakes_the_request_and_stays_with_its_author(client, house):
    with transaction():
        inbox.answer(house.request, "Bonjour.", "staff", clock.now(), user=house.adviser)
    house.time.tick(minutes=1)
    form = visit(client, visit(client, path(house)).link("Répondre ou ajouter un message"))
    empty = submit(client, form, status=422)
    assert "Écrivez votre message avant de l’envoyer." in empty.errors
    after = submit(client, empty, text="Et le samedi, c’est possible.")
    assert "Et le samedi, c’est possible." in after.text
    assert house.request.status == "in_progress"
    submit(client, empty, text="Et le samedi, c’est possible.")  # the second click
    assert [event.kind for event in house.request.events].count("candidate_note") == 1
    parent = visit(client, path(house, "marie@courriel.example"))
    assert "Message ajouté" in parent.text
    assert "samedi" not in parent.text


def test_a_meeting_cancelled_leaves_what_was_asked_since_to_be_answered(client, house):
    held = make.booking(house.slot, request={"email": "lea@courriel.example"})
    with transaction():
        inbox.add_candidate_note(held.request, "Mon chien d’assistance vient aussi.", clock.now())
    due = held.request.due_at
    with transaction():
        booking.cancel(held, "candidate", clock.now(), choice="not_available")
    assert (held.status, held.request.status, held.request.due_at) == ("cancelled", "in_progress", due)
    assert inbox.rebuild(held.request) == inbox.state.of(held.request)
    page = visit(client, f"/suivi/{links.personal_token(held.request)}")
    assert page.h1 == "Vous avez annulé ce rendez-vous"
    assert "Réponse attendue avant" in page.text


@pytest.mark.sqlite_only  # pages alone: test_proposals says the rest
def test_other_hours_and_what_the_page_says_of_calls(client, house):
    call(house, "no_answer")
    assert "Prochain essai prévu" not in visit(client, path(house)).text  # may still be taken back
    house.time.tick(minutes=1)
    page = visit(client, path(house))
    assert page.h1 == "Le centre a essayé de vous appeler"
    assert "Prochain essai prévu vers le" in page.text
    assert page.all("a.rdv-slot")  # a date, instead of waiting
    form = visit(client, page.link("Changer mes moments pour être rappelé"))
    assert "Choisissez au moins un moment." in submit(client, form, status=422, windows=[]).errors
    after = submit(client, form, windows=["soir"])
    assert "Nouveaux moments pour être rappelé" in after.text
    assert "En fin de journée" in after.text
    house.time.tick(minutes=5)
    call(house, "wrong_number")
    house.time.tick(minutes=1)
    page = visit(client, path(house))
    assert page.h1 == "Le centre a essayé de vous appeler 2 fois"
    assert "Le numéro donné ne semble pas être le bon." in page.text


@pytest.mark.sqlite_only
def test_the_limit_of_posts_keeps_the_words(client, house, change_settings):
    change_settings(limit_posts_per_contact=1)
    address = path(house) + "/ecrire"
    submit(client, visit(client, address), text="Un.")
    refused = submit(client, visit(client, address), text="Deux, trop vite.", status=429)
    assert refused.one("textarea").text.strip() == "Deux, trop vite."
    assert [event.text for event in house.request.events if event.kind == "candidate_note"] == ["Un."]


@pytest.mark.sqlite_only
def test_a_request_passed_on_takes_no_message_here(client, house):
    make.saved(house.request)
    with transaction():
        inbox.record(house.request, "redirected", "staff", clock.now(), user=house.adviser, data={"to": "x"})
    for tail in ("/ecrire", "/moments", "/creneaux"):
        answer = client.get(path(house) + tail)
        assert (answer.status_code, answer.location) == (303, path(house))
