"""A CFA without account answers by the link of its mail: nothing changes on opening, nothing is overwritten."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, links
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import OutgoingMail
from tests import make
from tests.support.pages import submit, visit
from tests.support.queries import queries

DAYS = 24 * 3600


@pytest.fixture
def cfa(app, freeze):
    freeze("2026-11-24T08:00Z")
    return make.cfa(activated_at=None, email="accueil@cfa-tilleuls.example")


def ask(cfa, mode="message", **changes):
    values = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33199000001"}
    person = Candidate(**{**values, "text": "Bonjour, quand venir\u00a0?", **changes})
    with transaction():
        return inbox.open_request(mode, cfa, person, Submission("1" * 24, "d"), clock.now())


def path(request):
    return links.answer(request).removeprefix("http://localhost")


def mails(kind):
    return db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind)).all()


def writes(seen):
    return [statement for statement in seen if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]


def test_the_link_shows_the_request_and_changes_nothing(client, cfa):
    request = ask(cfa)
    with queries() as seen:
        page = visit(client, path(request))
    for words in ("Zoé Lambert", "Bonjour, quand venir ?", "01 99 00 00 01", "zoe@courriel.example", request.reference):
        assert words in page.text
    assert "a…@cfa-tilleuls.example" in page.text
    assert writes(seen) == []
    assert (request.status, request.version) == ("new", request.version)
    assert "Set-Cookie" not in page.response.headers
    assert page.response.headers["Cache-Control"] == "no-store"
    assert "/activer/" in page.link("Activer notre espace")


def test_an_answer_is_mailed_and_shown_with_who_gave_it(client, cfa):
    request = ask(cfa)
    page = submit(client, visit(client, path(request)), form="Votre réponse", **{"answer-text": "Venez mercredi."})
    assert "C’est noté, merci" in page.text
    assert "Venez mercredi." in page.text
    assert "Le centre (a…@cfa-tilleuls.example)" in page.text
    assert "mardi 24 novembre à 9 h" in page.text
    assert (request.status, request.owner_id) == ("waiting_candidate", None)
    assert [mail.to_email for mail in mails("request_answered")] == ["zoe@courriel.example"]
    assert "Set-Cookie" not in page.response.headers


def test_a_second_answer_is_added_never_written_over(client, cfa):
    request = ask(cfa)
    page = submit(client, visit(client, path(request)), form="Votre réponse", **{"answer-text": "Venez mercredi."})
    page = submit(client, page, form="Votre réponse", **{"answer-text": "Plutôt jeudi."})
    assert "Venez mercredi." in page.text
    assert "Plutôt jeudi." in page.text
    assert len(mails("request_answered")) == 2


def test_a_double_click_answers_once_and_an_old_page_keeps_what_was_typed(client, cfa):
    request = ask(cfa)
    page = visit(client, path(request))
    for _ in range(2):
        submit(client, page, form="Votre réponse", **{"answer-text": "Venez mercredi."})
    assert len(mails("request_answered")) == 1
    late = submit(client, page, form="Votre réponse", status=409, **{"answer-text": "Venez jeudi."})
    assert "a été modifiée entre-temps" in late.text
    assert late.fields("Votre réponse")["answer-text"] == ["Venez jeudi."]
    assert len(mails("request_answered")) == 1


def test_a_call_is_noted_with_its_result(client, cfa):
    request = ask(cfa, mode="callback")
    page = visit(client, path(request))
    refused = submit(client, page, form="Résultat de l’appel", status=400)
    assert any("Choisissez le résultat de l’appel." in error for error in refused.errors)
    page = submit(client, page, form="Résultat de l’appel", **{"call-result": "no_answer"})
    assert "Appel : pas de réponse" in page.text
    assert (request.status, request.first_answered_at) == ("in_progress", None)
    submit(client, page, form="Résultat de l’appel", **{"call-result": "reached", "call-text": "Vient mardi"})
    assert request.status == "waiting_candidate"
    assert mails("request_answered") == []


def test_a_request_that_is_not_for_this_centre_is_filed_once(client, cfa):
    request = ask(cfa)
    page = visit(client, path(request))
    done = submit(client, page, form="Classer la demande")
    assert (request.status, request.outcome) == ("closed", "not_for_us")
    assert not done.all("details form button[value=call]")
    submit(client, page, form="Classer la demande")  # a second click finds it done
    assert [event.kind for event in request.events] == ["created", "closed"]


def test_without_address_the_page_offers_the_phone_alone(client, cfa):
    page = visit(client, path(ask(cfa, email=None)))
    assert "Votre réponse" not in page.text
    assert "tel:+33199000001" in page.links("Appeler")


def test_a_colleagues_answer_shows_and_their_notes_do_not(client, cfa):
    request = ask(cfa)
    adviser = make.adviser(cfa, first_name="Bob", last_name="Garnier")
    with transaction():
        inbox.answer(request, "Déjà répondu.", "staff", clock.now(), user=adviser)
        inbox.note(request, "Dossier sensible", clock.now(), user=adviser)
    with transaction():
        cfa.activated_at = clock.now()
    page = visit(client, path(request))
    assert "Déjà répondu." in page.text
    assert "Bob Garnier" in page.text
    assert "Dossier sensible" not in page.text
    assert not page.links("Activer notre espace")
    assert page.link("se connecter").endswith("/connexion")


@pytest.mark.parametrize("posted", [False, True])
def test_an_unknown_revoked_old_or_foreign_link_gets_a_helpful_page(client, cfa, freeze, posted):
    request = ask(cfa)
    good = path(request)
    form = visit(client, good)

    def refused(address):
        if posted:
            answer = client.post(
                address, data={name: values[0] for name, values in form.fields("Votre réponse").items()}
            )
            assert answer.status_code == 404
            assert "Ce lien ne fonctionne plus" in answer.text
            return
        page = visit(client, address, status=404)
        assert "aide@rdv-apprentissage.example" in page.text
        assert page.link("connectez-vous").endswith("/connexion")
        assert "Set-Cookie" not in page.response.headers

    refused("/demande/inconnu")
    refused(good[:-3])
    refused(good.replace("/demande/", "/demande/x"))
    refused(links.personal(request).replace("http://localhost/suivi/", "/demande/"))
    clock_of = freeze("2026-11-24T08:00Z")
    clock_of.tick(seconds=60 * DAYS + 1)
    refused(good)
    freeze("2026-11-24T08:00Z")
    with transaction():
        inbox.revoke_links(request, make.manager(cfa))
    refused(good)
    assert [event.kind for event in request.events] == ["created"]


def test_a_link_dies_when_the_address_that_received_it_changes(client, cfa):
    request = ask(cfa)
    good = path(request)
    with transaction():
        request.recipient_email = "autre@cfa-tilleuls.example"
    visit(client, good, status=404)


def test_a_form_too_old_forged_or_from_elsewhere_is_shown_again_as_typed(client, cfa, freeze):
    frozen = freeze("2026-11-24T08:00Z")
    request = ask(cfa)
    page = visit(client, path(request))
    typed = {"answer-text": "Venez mercredi."}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        again = submit(client, page, form="Votre réponse", status=400, headers=headers, **typed)
        assert again.fields("Votre réponse")["answer-text"] == ["Venez mercredi."]
    submit(client, page, form="Votre réponse", status=400, form_token="faux", **typed)
    submit(client, page, form="Votre réponse", status=400, site_web="https://robot.example", **typed)
    frozen.tick(hours=5)
    again = submit(client, page, form="Votre réponse", status=400, **typed)
    assert "resté ouvert trop longtemps" in again.text
    assert mails("request_answered") == []
    submit(client, again, form="Votre réponse")
    assert len(mails("request_answered")) == 1


def test_failed_links_are_counted(client, cfa, change_settings):
    change_settings(limit_failed_secrets=2)
    for _ in range(2):
        visit(client, "/demande/inconnu", status=404)
    visit(client, "/demande/inconnu", status=429)


def test_the_link_of_a_centre_that_was_closed_shows_nobody_any_more(client, cfa):
    request = ask(cfa)
    with transaction():
        cfa.closed_at = clock.now()
    page = visit(client, path(request), status=404)
    assert "Zoé" not in page.text
