"""« Qu’avez-vous fait ? » on the page of a request, the next request, and passing one on."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, links, redirecting
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import OutgoingMail
from tests import make
from tests.support.pages import sign_in, submit, visit

URL = "/equipe/demandes"


@pytest.fixture
def cfa(app, freeze):
    freeze("2026-11-24T08:00Z")
    return make.cfa(name="CFA d’ici")


@pytest.fixture
def adviser(cfa, client):
    person = make.adviser(cfa, first_name="Bob", last_name="Garnier")
    sign_in(client, person)
    return person


def ask(cfa, number=1, mode="callback", training=None, **changes):
    values = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33199000001"}
    with transaction():
        return inbox.open_request(
            mode, cfa, Candidate(**{**values, **changes}), Submission(f"{number:024d}", "d"), clock.now(),
            training=training, callback_windows=["soir"] if mode == "callback" else None,
        )  # fmt: skip


def open_page(client, request):
    return visit(client, f"{URL}/{request.public_id}")


def mails(kind):
    return db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind).order_by(OutgoingMail.id)).all()


def test_what_was_done_is_said_in_two_taps_and_the_next_request_is_proposed(client, cfa, adviser):
    request = ask(cfa)
    second = ask(cfa, number=2, first_name="Léa", email="lea@courriel.example", phone="+33199000002")
    waits, theirs = ask(cfa, number=3), ask(cfa, number=4)
    with transaction():  # one that waits for a later call, one that is a colleague's: neither is next
        inbox.log_call(waits, "no_answer", "staff", clock.now())
        theirs.owner_id = make.adviser(cfa).id
    page = open_page(client, request)
    assert "La personne reçoit trois dates à choisir par courriel." in page.text
    page = submit(client, page, form="fait-form", outcome="pas-de-reponse", again_day="2026-11-25", again_time="17:15")
    assert "Prochain appel prévu mercredi 25 novembre à 17 h 15." in page.text
    assert (request.status, request.owner_id, request.attempts) == ("in_progress", adviser.id, 1)
    assert [mail.to_email for mail in mails("call_missed") if mail.request_id == request.id] == ["zoe@courriel.example"]
    assert page.link("Demande suivante") == f"{URL}/{second.public_id}"
    late = submit(client, page, form="fait-form", status=400, outcome="rappeler", text="Demain")
    assert late.fields("fait-form")["text"] == ["Demain"]
    assert late.links("Demande suivante") == []  # this one first
    page = submit(client, late, form="fait-form", outcome="rappeler", later_day="26/11/2026", later_time="10h30")
    assert request.next_attempt_at == clock.from_wall(clock.date(2026, 11, 26), clock.time(10, 30), "Europe/Paris")
    page = submit(client, page, form="fait-form", outcome="autrement")
    assert (request.status, request.next_attempt_at) == ("waiting_candidate", None)
    assert "Réponse donnée par un autre moyen" in page.text
    page = submit(client, page, form="fait-form", outcome="joint")  # they spoke again
    page = submit(client, page, form="fait-form", outcome="rendez-vous", text="Lundi 9 h au bureau")
    assert (request.status, request.outcome) == ("closed", "meeting_set")
    assert "Lundi 9 h au bureau" in page.text
    assert not page.all("#fait-form")
    assert inbox.rebuild(request) == inbox.state.of(request)
    assert mails("request_closed") == []
    with transaction():
        second.phone = None
    calls = [node.attributes["value"] for node in open_page(client, second).all("#fait-form [type=radio]")]
    assert calls == ["autrement", "rendez-vous", "pas-pour-nous"]


def test_an_act_by_link_while_the_page_is_open_is_told_and_nothing_typed_is_lost(client, app, cfa, adviser):
    request = ask(cfa)
    page = open_page(client, request)
    link = app.test_client()
    opened = visit(link, links.outcome(request, "joint").removeprefix("http://localhost"))
    submit(link, opened, form="fait-form")
    again = submit(client, page, form="fait-form", status=409, outcome="pas-de-reponse", text="Sonne dans le vide")
    assert "pendant que vous écriviez" in again.text
    assert "depuis le courriel" in again.text
    assert again.fields("fait-form")["text"] == ["Sonne dans le vide"]
    assert [event.kind for event in request.events] == ["created", "call"]


def test_a_manager_ends_the_links_and_the_person_has_theirs_again(client, cfa, adviser):
    request = ask(cfa)
    former = links.personal(request).removeprefix("http://localhost")
    page = open_page(client, request)
    assert "Annuler les liens envoyés" not in page.text
    sent = {"csrf_token": page.fields("fait-form")["csrf_token"][0], "action": "revoke"}
    assert client.post(page.path, data=sent).status_code == 403
    visit(client, former)
    other = client.application.test_client()
    sign_in(other, make.manager(cfa))
    after = submit(other, open_page(other, request), form="Annuler les liens envoyés")
    assert "n’ouvrent plus rien" in after.text
    visit(client, former, status=404)
    assert [mail.to_email for mail in mails("personal_link")] == ["zoe@courriel.example"]
    visit(client, links.personal(request).removeprefix("http://localhost"))


# -- passing on -------------------------------------------------------------------------------------------------------


def test_another_place_of_the_centre_in_three_clicks(client, cfa, adviser):
    make.site(cfa, name="Nord")
    second = make.site(cfa, name="Sud", email="sud@cfa-tilleuls.example")
    make.site(cfa, name="Fermé", closed_at=clock.now())
    request = ask(cfa)
    page = visit(client, open_page(client, request).link("Transmettre"))
    assert "Fermé" not in page.text
    assert not page.links("Nord")  # where it is
    page = visit(client, page.link("Sud"))
    done = submit(client, page, form="transmettre", button="Transmettre à ce lieu", text="Plutôt vous")
    assert "Demande transmise : CFA d’ici, Sud (Lille)" in done.text
    assert "Plutôt vous" in done.text
    assert request.site == second


def test_another_centre_by_its_distance_or_its_name_once_the_person_agrees(client, cfa, adviser):
    here = make.site(cfa, latitude=50.63, longitude=3.06)
    training = make.training(cfa, here)
    far, close = make.cfa(name="CFA d’Arras"), make.cfa(name="CFA de Douai")
    for centre, north, east in ((far, 50.29, 2.78), (close, 50.37, 3.08)):
        make.training(centre, make.site(centre, city=centre.name.split()[-1], latitude=north, longitude=east))
    odd = make.cfa(name="Lycée des Métiers", city="Roubaix")
    make.training(make.cfa(closed_at=clock.now()), make.site(make.cfa(name="Fermé")))
    request = ask(cfa, training=training)
    where = visit(client, open_page(client, request).link("Transmettre"))
    assert [node.text for node in where.all("a.rdv-row__name")] == ["CFA de Douai", "CFA d’Arras"]
    assert "CAP Pâtissier, Douai, à 29 km" in where.text
    found = submit(client, where, form="transmettre", q="roubaix")
    assert found.link("Lycée des Métiers")
    assert "Aucun centre ne porte ces mots" in submit(client, where, form="transmettre", q="zzz").text
    page = visit(client, where.link("CFA de Douai"))
    assert "Personne n’a encore échangé avec cette personne" in page.text
    assert not page.all("#transmettre [name=agreed]")
    # Posted all the same: refused, and what was typed stays.
    fields = page.fields("transmettre")
    sent = {
        "csrf_token": fields["csrf_token"][0],
        "version": fields["version"][0],
        "agreed": "y",
        "action": "transmettre",
    }
    refused = client.post(page.url, data={**sent, "text": "Motivée"})
    assert refused.status_code == 409
    assert "Motivée" in refused.text
    asked = submit(client, page, form="transmettre", button="Demander son accord", text="Motivée")
    assert "L’accord de Zoé Lambert est demandé." in asked.text
    assert "Accord demandé pour transmettre : CFA de Douai" in asked.text
    submit(client, open_page(client, request), form="fait-form", outcome="joint")
    page = visit(client, page.url)
    assert "Son accord est déjà demandé" in page.text
    refused = submit(client, page, form="transmettre", button="Transmettre", status=409)
    assert "D’après l’historique" in refused.text or "accord" in refused.text
    done = submit(client, refused, form="transmettre", button="Transmettre", agreed="y")
    assert "Demande transmise : CFA de Douai" in done.text
    made = redirecting.continued(request)
    assert (made.cfa, request.outcome) == (close, "redirected")
    assert not done.all("#fait-form")
    # The other centre reads whom it comes from, and nothing of ours.
    other = client.application.test_client()
    sign_in(other, make.adviser(close))
    theirs = visit(other, f"{URL}/{made.public_id}")
    assert "Demande transmise par CFA d’ici" in theirs.text
    assert "Accord demandé" not in theirs.text
    visit(other, f"{URL}/{request.public_id}", status=404)
    visit(other, f"{URL}/{request.public_id}/transmettre", status=404)
    for address in ("?centre=inconnu", f"?centre={odd.public_id}&lieu={here.public_id}", ""):
        visit(client, f"{URL}/{request.public_id}/transmettre/vers{address}", status=404)
