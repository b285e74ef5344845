"""A centre answers about platforms by the link of its mail: opening changes nothing, each answer is said clearly."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock, consents, jobs, links
from rdv.db import db
from rdv.models import OutgoingMail, PlatformConsent, PlatformQuestion
from tests import make
from tests.support.pages import submit, visit
from tests.support.queries import queries

DECIDES = "direction@cfa-tilleuls.example"


@pytest.fixture
def cfa(app, freeze, change_settings):
    """A centre invited everywhere on 20 January 2027."""
    freeze("2027-01-20T02:00Z")
    change_settings(platform_campaigns=True)
    cfa = make.cfa(email=DECIDES, activated_at=None)
    make.training(cfa, make.site(cfa), parcoursup_id="9001", parcoursup_visible=True, onisep_id="AF.9001")
    jobs.invite_to_platforms(clock.now())
    return cfa


def path(cfa, code, email=DECIDES):
    consent = consents.of_cfa(cfa)[make.platform(code).id]
    return links.platform_choice(consent, email).removeprefix("http://localhost")


def states(cfa):
    return {row.platform.code: row.state for row in consents.of_cfa(cfa).values()}


def kinds():
    return [row.kind for row in db.session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))]


def test_opening_changes_nothing_and_tells_the_day(client, cfa):
    with queries() as seen:
        page = visit(client, path(cfa, "lba"))
    assert "4 février 2027, sauf si vous le refusez" in page.text
    for name in ("La bonne alternance", "Onisep", "1jeune1solution"):
        assert name in page.text
    assert not [each for each in seen if each.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    assert "set-cookie" not in {name.lower() for name, _ in client.get(path(cfa, "lba")).headers}


def test_a_button_refuses_and_the_page_says_already_refused(client, cfa):
    page = visit(client, path(cfa, "lba"))
    after = submit(client, page, form="reponse", button="Je refuse")
    assert "Votre réponse est enregistrée" in after.text
    assert "Déjà refusé" in visit(client, path(cfa, "lba")).text
    assert {states(cfa)[code] for code in ("lba", "onisep", "jeune_1_solution")} == {"refused"}
    again = submit(client, page, form="reponse", button="Je refuse", status=409)
    assert "Déjà refusé" in again.text
    assert kinds().count("optout_refused") == 1


def test_after_silence_the_link_still_stops_the_platforms(client, cfa, freeze):
    freeze("2027-02-04T02:00Z")
    jobs.open_platforms(clock.now())
    page = visit(client, path(cfa, "lba"))
    submit(client, page, form="reponse", button="Ne plus afficher mes formations")
    assert states(cfa)["lba"] == "refused"


def test_a_yes_names_the_commitment_and_is_said_once_given(client, cfa):
    page = visit(client, path(cfa, "parcoursup"))
    assert "4 jours ouvrés" in page.text
    assert "Parcoursup" in page.text
    after = submit(client, page, form="reponse", button="J’accepte")
    assert states(cfa)["parcoursup"] == "active"
    assert "Déjà accepté" in after.text
    assert "Déjà accepté" in submit(client, page, form="reponse", button="J’accepte", status=409).text
    assert "Déjà accepté" in submit(client, page, form="reponse", button="Je refuse", status=409).text
    assert states(cfa)["lba"] == "invited"  # one answer, one platform


def test_a_question_reaches_the_service_team_and_an_empty_one_is_refused(client, cfa):
    page = visit(client, path(cfa, "lba"))
    assert submit(client, page, form="question", status=400).errors
    after = submit(client, page, form="question", text="Est-ce gratuit ?")
    assert "Votre question est envoyée" in after.text
    assert db.session.scalars(sa.select(PlatformQuestion.text)).one() == "Est-ce gratuit ?"
    assert "platform_question" in kinds()
    assert states(cfa)["lba"] == "invited"


def test_the_link_lives_thirty_days_and_dies_with_its_address(client, cfa, freeze):
    address = path(cfa, "parcoursup")
    with make.writing():
        cfa.email = "nouvelle-direction@cfa-tilleuls.example"
    wrong = visit(client, address, status=404)
    assert "SIRET" in wrong.text
    with make.writing():
        cfa.email = DECIDES
    visit(client, address)
    freeze("2027-02-19T02:00Z")
    visit(client, address)
    freeze("2027-02-19T02:01Z")
    visit(client, address, status=404)


def test_a_link_of_a_forgotten_season_opens_nothing(client, cfa):
    address = path(cfa, "parcoursup")
    with make.writing() as session:
        session.execute(sa.delete(PlatformConsent))
    visit(client, address, status=404)
