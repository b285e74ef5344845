"""Plateformes: the manager's choices, place by place, the centre's own site, and why a training is bookable where."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import bookable, clock, consents, directory
from rdv.db import db
from rdv.models import AuditEntry, CfaDomain, DeadAddress, Platform, PlatformConsent, PlatformSite
from tests import make
from tests.support.pages import sign_in, submit, visit

PAGE = "/equipe/plateformes"


@pytest.fixture
def cfa(app, freeze):
    freeze("2027-01-20T08:00Z")
    return make.cfa()


@pytest.fixture
def training(cfa):
    return make.training(
        cfa, make.site(cfa, name="Lille"), make.site(cfa, name="Douai"), parcoursup_id="9001", parcoursup_visible=True
    )  # fmt: skip


def state(cfa, code):
    found = consents.of_cfa(cfa).get(make.platform(code).id)
    return found.state if found else None


def actions():
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def form_of(page, code, label):
    """Return the words that only this form holds: its button and the platform's name."""
    return next(
        index
        for index, each in enumerate(page.all("form"))
        if each.get("action") == f"{PAGE}/{code}" and label in each.text
    )


def press(client, code, label):
    page = visit(client, PAGE)
    return submit(client, page, form=form_of(page, code, label))


def test_the_manager_accepts_refuses_and_comes_back(client, cfa, training):
    sign_in(client, make.manager(cfa))
    page = visit(client, PAGE)
    assert "4 jours ouvrés" in page.text
    press(client, "parcoursup", "Accepter")
    assert state(cfa, "parcoursup") == "active"
    assert bookable.on(training, make.platform("parcoursup"), clock.now())
    page = press(client, "parcoursup", "Ne plus afficher")
    assert state(cfa, "parcoursup") == "refused"
    assert "Refusé depuis le 20 janvier 2027, pour tous vos lieux." in page.text
    press(client, "parcoursup", "Accepter")
    assert state(cfa, "parcoursup") == "active"
    assert actions().count("platform_consent.accepted") == 2
    assert "platform_consent.refused" in actions()


def test_a_platform_that_asks_nothing_may_be_hidden(client, cfa, training):
    sign_in(client, make.manager(cfa))
    press(client, "carif_oref", "Masquer")
    assert not bookable.on(training, make.platform("carif_oref"), clock.now())
    press(client, "carif_oref", "Afficher")
    assert bookable.on(training, make.platform("carif_oref"), clock.now())


def test_an_adviser_reads_and_changes_nothing(client, cfa, training):
    sign_in(client, make.adviser(cfa))
    page = visit(client, PAGE)
    assert "Seuls les responsables" in page.text
    assert not page.all("main form")
    assert visit(client, f"{PAGE}/parcoursup/lieux", status=403)


def test_each_place_may_be_shown_or_hidden(client, cfa, training):
    sign_in(client, make.manager(cfa))
    press(client, "parcoursup", "Accepter")
    lille, douai = training.sites
    address = f"{PAGE}/parcoursup/lieux"
    assert address in {each.get("href") for each in visit(client, PAGE).all("a")}
    submit(client, visit(client, address), form=address, **{f"lieu-{lille.public_id}": "non"})
    assert bookable.on(training, make.platform("parcoursup"), clock.now())
    submit(client, visit(client, address), form=address, **{f"lieu-{douai.public_id}": "non"})
    assert not bookable.on(training, make.platform("parcoursup"), clock.now())
    submit(client, visit(client, address), form=address, **{f"lieu-{lille.public_id}": "comme"})
    assert bookable.on(training, make.platform("parcoursup"), clock.now())
    assert db.session.scalar(sa.select(sa.func.count()).select_from(PlatformSite)) == 1
    assert actions().count("platform_site.changed") == 3


def test_places_of_another_centre_stay_out_of_reach(client, cfa, training):
    other = make.cfa()
    place = make.site(other)
    sign_in(client, make.manager(cfa))
    page = visit(client, f"{PAGE}/parcoursup/lieux")
    assert place.public_id not in page.html
    foreign = make.training(other, place)
    visit(client, f"/equipe/reglages/formations/{foreign.public_id}/plateformes", status=404)


def test_the_centres_own_site_opens_with_a_yes_and_its_names(client, cfa, training):
    sign_in(client, make.manager(cfa))
    press(client, "cfa", "Activer")
    domains = f"{PAGE}/cfa/adresses"
    page = submit(client, visit(client, PAGE), form=domains, hosts="localhost", status=400)
    assert "n’est pas l’adresse d’un site" in page.text
    assert page.one("textarea[name=hosts]").text.strip() == "localhost"
    page = submit(client, visit(client, PAGE), form=domains, hosts="https://www.Mon-CFA.fr/accueil\nécoles.example")
    assert sorted(db.session.scalars(sa.select(CfaDomain.host))) == ["www.mon-cfa.fr", "xn--coles-9ra.example"]
    assert bookable.on(training, make.platform("cfa"), clock.now())
    assert f"/cfa/{cfa.public_id}?origine=cfa" in page.text
    assert "cfa_domain.changed" in actions()
    submit(client, page, form=domains, hosts="www.mon-cfa.fr")
    assert directory.domains_of(cfa) == ["www.mon-cfa.fr"]


def test_each_rule_is_red_or_green_and_leads_where_it_is_put_right(client, cfa, training):
    sign_in(client, make.manager(cfa))
    address = f"/equipe/reglages/formations/{training.public_id}/plateformes"
    page = visit(client, address)
    assert page.one("#parcoursup summary").text.endswith("Non réservable")
    assert page.one("#carif_oref summary").text.endswith("Réservable")
    assert "n’a pas encore accepté" in page.one("#parcoursup").text
    assert PAGE in {each.get("href") for each in page.all("#parcoursup a")}
    press(client, "parcoursup", "Accepter")
    page = visit(client, address)
    assert "À corriger" not in page.one("#parcoursup").text


def test_the_service_team_reads_the_same_rules(client, cfa, training):
    sign_in(client, make.service_member())
    page = visit(client, f"/admin/reservable/?formation={training.training_key}")
    assert "Parcoursup : non réservable" in page.text
    assert "n’a pas encore accepté" in page.text
    assert "Carif-Oref : réservable" in page.text
    assert "Aucune formation" in visit(client, "/admin/reservable/?formation=rien").text


def test_the_service_team_answers_for_a_centre_and_the_journal_tells(client, cfa, training):
    row = make.saved(PlatformConsent(cfa_id=cfa.id, platform_id=make.platform("parcoursup").id, state="invited"))
    sign_in(client, make.service_member())
    assert "Attendue" in visit(client, "/admin/reponses/").text
    token = visit(client, "/admin/").all("input[name=csrf_token]")[0].get("value")
    client.post("/admin/reponses/action/", data={"action": "accept", "rowid": row.public_id, "csrf_token": token})
    assert state(cfa, "parcoursup") == "active"
    assert consents.of_cfa(cfa)[make.platform("parcoursup").id].decided_by == "team"
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "platform_consent.accepted")).one()
    assert entry.data == {"platform": "parcoursup", "by": "team"}


def test_the_service_team_changes_the_days_of_a_campaign(client, cfa):
    sign_in(client, make.service_member())
    address = "/admin/plateformes/edit/?id=parcoursup"
    page = visit(client, address)
    assert page.fields()["campaign_from"] == ["02/01"]
    wrong = submit(client, page, form=1, button="Enregistrer", campaign_from="31/02")
    assert "par exemple 15/01" in wrong.text
    submit(client, visit(client, address), form=1, button="Enregistrer", campaign_from="05/02", reset_on="")
    row = db.session.scalars(sa.select(Platform).where(Platform.code == "parcoursup")).one()
    assert (row.campaign_from, row.reset_on) == ("02-05", None)


def test_why_this_address_is_told_to_the_centre_and_to_the_service_team(client, app):
    cfa = make.cfa(email="direction@cfa.example")
    training = make.training(cfa, make.site(cfa, email=None), email="morte@cfa.example")
    make.saved(DeadAddress(email="morte@cfa.example", reason="hard_bounce", since=clock.now()))
    sign_in(client, make.manager(cfa))
    team = app.test_client()
    sign_in(team, make.service_member())
    pages = (
        (client, f"/equipe/reglages/formations/{training.public_id}/plateformes", True),
        (team, f"/admin/reservable/?formation={training.public_id}", False),
    )
    for browser, address, checked in pages:
        text = visit(browser, address, checked=checked).text
        assert "Les demandes de rappel et les messages pour cette formation arrivent à direction@cfa.example." in text
        assert "De la formation : morte@cfa.example. Écartée : nos messages en reviennent." in text
        assert "Du lieu de formation : Le catalogue n’en donne pas." in text
    with make.writing():
        cfa.email = None
    for browser, address, checked in pages:
        text = visit(browser, address, checked=checked).text
        assert "Aucune adresse ne reçoit les demandes" in text
        assert "Créneaux et téléphone restent ouverts" in text
