"""Nobody answered: what the candidate's page says then, « avez-vous été contacté ? », and sending the request elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, jobs, links
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import CandidateRequest, OutgoingMail
from tests import make
from tests.support.pages import submit, visit


@pytest.fixture
def late(app, freeze):
    """A request whose candidate has just been told; a centre ten kilometres away has a slot."""
    frozen = freeze("2026-11-24T09:00Z")
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, latitude=50.63, longitude=3.06)
    training = make.training(cfa, site)
    other = make.cfa(name="CFA du Hainaut")
    there = make.site(other, latitude=50.72, longitude=3.06, city="Douai")
    same = make.training(other, there)
    make.slot(make.adviser(other), there, trainings=[same], starts_at="2026-12-08T10:00")
    make.slot(make.adviser(cfa), site, trainings=[training], starts_at="2026-12-09T10:00")
    person = Candidate("Zoé", "Lambert", "zoe@courriel.example", "+33199000001", text="Bonjour")
    with transaction():
        request = inbox.open_request("callback", cfa, person, Submission("a" * 24, "d"), clock.now(), training=training)
    frozen.to("2026-12-01T16:00Z")
    jobs.follow_up(clock.now())
    assert request.rung == 3
    return request


def path(request, rest: str = "") -> str:
    return links.personal(request).removeprefix("http://localhost") + rest


def test_the_page_says_what_happened_and_the_word_of_the_candidate_counts(client, late):
    page = visit(client, path(late))
    assert page.h1 == "Le centre n’a pas encore répondu"
    assert "Personne ne l’a fait à ce jour. Il a été relancé" in page.text
    assert "Le service vous a prévenu du retard" in page.text
    assert page.link("CFA du Hainaut")
    dates = [slot.get("href") for slot in page.all("a.rdv-slot")]
    assert len(dates) == 1, "the dates of the centre, once"
    assert page.link("Voir toutes les dates")
    ask = visit(client, path(late, "/contact"))
    assert late.rung == 3, "opening the page says nothing"
    told = submit(client, ask, button="Non, pas encore")
    assert "le centre est prévenu" in told.text
    assert (late.rung, late.due_at > clock.now()) == (0, True)
    again = submit(client, told, button="Non, pas encore")
    assert "Une réponse est attendue avant" in again.text
    kinds = db.session.scalars(sa.select(OutgoingMail.kind).where(OutgoingMail.kind == "not_contacted")).all()
    assert len(kinds) == 1
    over = submit(client, again, button="Oui, le centre a répondu")
    assert "La demande est terminée" in over.text
    assert (late.status, late.outcome) == ("closed", "answered")
    page = visit(client, path(late))
    assert not page.links("CFA du Hainaut")
    refused = client.post(path(late, "/contact"), data={"reponse": "non", "form_token": "faux"})
    assert refused.status_code in (400, 409, 410)
    assert late.status == "closed"


def test_one_button_sends_the_request_to_the_other_centre(client, late):
    address = visit(client, path(late)).link("CFA du Hainaut")
    page = visit(client, address)
    assert "à 10 km" in page.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 1
    after = submit(client, page, button="Envoyer ma demande à ce centre")
    assert "Votre demande de rappel est envoyée" in after.text
    made = db.session.scalars(sa.select(CandidateRequest).where(CandidateRequest.id != late.id)).one()
    assert (late.outcome, made.redirected_from_id, made.first_name) == ("redirected", late.id, "Zoé")
    assert made.due_at > clock.now() + timedelta(days=1)
    # A second click, a link of an older mail: the same page.
    client.post(address, data={})
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 2


@pytest.mark.sqlite_only  # the lock is that of every act
def test_a_request_that_was_answered_meanwhile_stays(client, late):
    page = visit(client, visit(client, path(late)).link("CFA du Hainaut"))
    with transaction():
        inbox.answer(late, "Pardon du retard.", "cfa_link", clock.now())
    after = submit(client, page, button="Envoyer ma demande à ce centre", status=409)
    assert "Votre demande a changé depuis" in after.text
    assert (late.status, db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest))) == (
        "waiting_candidate", 1,
    )  # fmt: skip


@pytest.mark.sqlite_only  # words alone
def test_what_is_not_offered_cannot_be_reached(client, late):
    stranger = make.training(make.cfa(), make.site(make.cfa()))
    visit(client, path(late, f"/autre-centre/{stranger.public_id}"), status=404)
    visit(client, path(late, "/autre-centre/inconnu"), status=404)


def test_a_centre_that_closed_promises_nothing_more(client, late):
    with make.writing():
        late.cfa.closed_at = clock.now()
    due = late.due_at
    ask = visit(client, path(late, "/contact"))
    told = submit(client, ask, button="Non, pas encore", status=409)
    assert "Ce centre n’accueille plus de candidats" in told.text
    assert told.link("Chercher un autre centre").startswith("/?q=")
    db.session.expire_all()
    assert (late.rung, late.due_at) == (3, due)
    assert "Merci" in submit(client, ask, button="Oui, le centre a répondu").text
