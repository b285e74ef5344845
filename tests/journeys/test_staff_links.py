"""Invitation, forgotten password, « activer notre espace »: links shown by GET, used once by POST."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from rdv import links, memberships
from rdv.db import db, transaction
from rdv.models import AuditEntry, Cfa, Membership, OutgoingMail, User
from tests import make
from tests.support.frozen import FrozenClock
from tests.support.pages import SAME_SITE, sign_in, submit, visit

NEW = "Pivoine-Verte-31"


def path(url: str) -> str:
    return urlsplit(url).path


def mails(kind: str) -> list[OutgoingMail]:
    return list(db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind).order_by(OutgoingMail.id)))


def can_sign_in(app: Flask, person: User, password: str) -> bool:
    browser = app.test_client()
    page = visit(browser, "/connexion")
    answer = browser.post(
        "/connexion",
        data={"email": person.email, "password": password, "csrf_token": page.fields()["csrf_token"][0]},
        headers=SAME_SITE,
    )
    return bool(answer.status_code == 303)


# Invitation


def invited(cfa: Cfa, role: str = "adviser", **columns: object) -> User:
    person = make.member(cfa, role, password_hash=None, **columns)
    assert isinstance(person, User)
    return person


def test_an_invited_person_opens_their_account(app: Flask, client: FlaskClient) -> None:
    cfa = make.cfa(name="CFA du Nord")
    person = invited(cfa)
    page = visit(client, path(links.invitation(person)))
    assert "CFA du Nord" in page.text
    assert person.email in page.text
    assert page.fields()["first_name"] == ["Camille"]
    submit(client, page, first_name="Léa", last_name="Roux", password=NEW, checked=False)
    assert client.get("/equipe/profil").status_code == 200, "signed in at once"
    assert person.first_name == "Léa"
    assert can_sign_in(app, person, NEW)


def test_showing_an_invitation_changes_nothing(client: FlaskClient) -> None:
    person = invited(make.cfa())
    url = path(links.invitation(person))
    before = (person.link_version, person.session_token, person.updated_at)
    for _ in range(3):
        visit(client, url)
    client.head(url)
    assert (person.link_version, person.session_token, person.updated_at) == before


def test_a_weak_or_missing_answer_shows_the_form_again_and_the_link_lives(client: FlaskClient) -> None:
    person = invited(make.cfa())
    page = visit(client, path(links.invitation(person)))
    again = submit(client, page, first_name="Léa", last_name="", password=NEW, status=400)
    assert "Indiquez votre nom." in again.errors
    assert again.fields()["first_name"] == ["Léa"]
    again = submit(client, page, first_name="Léa", last_name="Roux", password="motdepasse", status=400)
    assert any("au moins 12" in error for error in again.errors)
    assert person.password_hash is None
    submit(client, again, password=NEW, checked=False)
    assert person.password_hash is not None


def test_an_invitation_serves_once(app: Flask, client: FlaskClient) -> None:
    person = invited(make.cfa())
    url = path(links.invitation(person))
    page = visit(client, url)
    submit(client, page, first_name="Léa", last_name="Roux", password=NEW, checked=False)
    thief = app.test_client()
    dead = visit(thief, url, status=404)
    assert "Cette invitation n’est plus valable" in dead.text
    assert dead.link("Se connecter") == "/connexion"
    answer = thief.post(url, data={**page.fields(), "first_name": "Eve", "password": "Autre-Fleur-99"})
    assert answer.status_code == 404
    assert can_sign_in(app, person, NEW)


def test_two_posts_of_one_link_cannot_both_win(app: Flask) -> None:
    """The loser holds the version it read; only the guarded update decides."""
    from rdv import accounts
    from rdv.errors import LinkInvalid

    person = invited(make.cfa())
    stale = person.link_version

    def accept(first_name: str) -> None:
        with transaction() as session:
            loaded = session.get(User, person.id)
            assert loaded is not None
            sa.orm.attributes.set_committed_value(loaded, "link_version", stale)
            accounts.accept_invitation(loaded, first_name, "Roux", make.password_hash(NEW))

    accept("Léa")
    with pytest.raises(LinkInvalid):
        accept("Eve")
    assert person.first_name == "Léa"


@pytest.mark.parametrize("days", [13, 15])
def test_an_invitation_lasts_fourteen_days(
    client: FlaskClient, freeze: Callable[[str], FrozenClock], days: int
) -> None:
    clock = freeze("2026-11-24T08:00Z")
    url = path(links.invitation(invited(make.cfa())))
    clock.tick(days=days)
    visit(client, url, status=200 if days < 14 else 404)


def test_links_are_of_one_purpose_one_person_one_address(client: FlaskClient) -> None:
    person = invited(make.cfa())
    token = path(links.invitation(person)).rsplit("/", 1)[1]
    visit(client, f"/mot-de-passe/{token}", status=404)
    visit(client, f"/activer/{token}", status=404)
    visit(client, f"/invitation/{token[:-2]}", status=404)
    with make.writing():
        person.email = "nouvelle.adresse@cfa-tilleuls.example"
    visit(client, f"/invitation/{token}", status=404)


def test_guessing_links_is_counted(client: FlaskClient, change_settings: Callable[..., None]) -> None:
    change_settings(limit_failed_secrets=3)
    for i in range(3):
        visit(client, f"/invitation/devine-{i}", status=404)
    visit(client, "/invitation/devine", status=429)
    visit(client, "/activer/devine", status=429)


def test_the_first_manager_who_accepts_activates_the_centre(client: FlaskClient) -> None:
    cfa = make.cfa(activated_at=None)
    manager = invited(cfa, "manager")
    page = visit(client, path(links.invitation(manager)))
    submit(client, page, first_name="Léa", last_name="Roux", password=NEW, checked=False)
    assert cfa.activated_at is not None


def test_an_adviser_who_accepts_does_not_activate_the_centre(client: FlaskClient) -> None:
    cfa = make.cfa(activated_at=None)
    page = visit(client, path(links.invitation(invited(cfa))))
    submit(client, page, first_name="Léa", last_name="Roux", password=NEW, checked=False)
    assert cfa.activated_at is None


def test_who_has_an_account_is_sent_to_sign_in(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    other = make.cfa()
    with transaction():
        memberships.invite(other, person.email, "Autre", "Nom", "adviser")
    page = visit(client, path(links.invitation(person)), follow=True)
    assert page.path == "/connexion"
    assert "Vous avez déjà un compte" in page.text
    assert person.first_name == "Bob", "their names are theirs"
    token = page.fields()["csrf_token"][0]
    client.post(path(links.invitation(person)), data={"csrf_token": token, "password": NEW}, headers=SAME_SITE)
    assert can_sign_in(app, person, make.PASSWORD), "an invitation does not change a password"


# Forgotten password


def ask(client: FlaskClient, email: str, status: int = 200) -> str:
    return submit(client, visit(client, "/mot-de-passe-oublie"), email=email, status=status).text


def test_the_answer_is_the_same_for_an_address_without_account(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    closed = make.user(active=False)
    known = ask(client, person.email)
    assert "Si un compte existe à cette adresse" in known
    assert ask(client, "inconnue@cfa-tilleuls.example") == known
    assert ask(client, closed.email) == known
    assert [mail.to_email for mail in mails("password_reset")] == [person.email]
    assert mails("password_reset")[0].user_id == person.id


def test_an_incorrect_address_is_shown_again(client: FlaskClient) -> None:
    page = submit(client, visit(client, "/mot-de-passe-oublie"), email="camille", status=400)
    assert "Exemple" in page.errors[0]
    assert page.fields()["email"] == ["camille"]


def test_asking_is_limited_for_an_address_known_or_not(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(limit_sign_in_per_account=2)
    person = make.adviser(make.cfa())
    for email in (person.email, "inconnue@cfa-tilleuls.example"):
        ask(client, email)
        ask(client, email)
        assert "Attendez une heure" in ask(client, email, status=429)
    assert len(mails("password_reset")) == 1, "one a minute at most"


def test_asking_is_limited_for_a_network(client: FlaskClient, change_settings: Callable[..., None]) -> None:
    change_settings(limit_sign_in_per_address=2)
    for i in range(2):
        ask(client, f"inconnue{i}@cfa-tilleuls.example")
    ask(client, make.user().email, status=429)
    assert not mails("password_reset")


def test_a_reset_link_changes_the_password_once_and_ends_sessions(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    phone = app.test_client()
    sign_in(phone, person)
    url = path(links.password_reset(person))
    page = visit(client, url)
    weak = submit(client, page, password="Garnier-2027-Bob", status=400)
    assert any("ni votre nom" in error for error in weak.errors)
    submit(client, weak, password=NEW, checked=False)
    assert client.get("/equipe/profil").status_code == 200
    assert phone.get("/equipe/profil").status_code == 303
    assert can_sign_in(app, person, NEW)
    assert not can_sign_in(app, person, make.PASSWORD)
    assert visit(app.test_client(), url, status=404).link("Recevoir un nouveau lien") == "/mot-de-passe-oublie"
    assert [mail.to_email for mail in mails("password_changed")] == [person.email]


def test_a_reset_link_lasts_two_hours(client: FlaskClient, freeze: Callable[[str], FrozenClock]) -> None:
    clock = freeze("2026-11-24T08:00Z")
    url = path(links.password_reset(make.user()))
    clock.tick(hours=1, minutes=59)
    visit(client, url)
    clock.tick(minutes=2)
    visit(client, url, status=404)


def test_a_changed_password_kills_a_reset_link_already_mailed(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    url = path(links.password_reset(person))
    sign_in(client, person)
    submit(client, visit(client, "/equipe/profil/mot-de-passe"), current=make.PASSWORD, password=NEW)
    visit(client, url, status=404)


def test_a_reset_lets_in_somebody_whose_account_is_locked(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(limit_sign_in_per_account=1)
    person = make.adviser(make.cfa())
    submit(client, visit(client, "/connexion"), email=person.email, password="Autre-Fleur-99", status=400)
    submit(client, visit(client, "/connexion"), email=person.email, password=make.PASSWORD, status=429)
    submit(client, visit(client, path(links.password_reset(person))), password=NEW, checked=False)
    assert client.get("/equipe/profil").status_code == 200


# « Activer notre espace »


def sleeping(**columns: object) -> Cfa:
    cfa = make.cfa(activated_at=None, email="direction@cfa-nord.example", name="CFA du Nord", **columns)
    assert isinstance(cfa, Cfa)
    return cfa


def activate(client: FlaskClient, url: str) -> None:
    page = visit(client, url)
    after = submit(client, page, first_name="Léa", last_name="Roux", password=NEW)
    assert after.path == "/equipe/reglages"
    assert "L’espace de votre centre est ouvert." in after.text


def test_who_controls_the_address_becomes_the_manager(app: Flask, client: FlaskClient) -> None:
    cfa = sleeping()
    url = path(links.activate(cfa, "direction@cfa-nord.example"))
    page = visit(client, url)
    assert "CFA du Nord" in page.text
    assert cfa.activated_at is None, "showing changes nothing"
    activate(client, url)
    membership = db.session.query(Membership).filter_by(cfa_id=cfa.id).one()
    assert (membership.role, membership.user.email) == ("manager", "direction@cfa-nord.example")
    assert cfa.activated_at is not None
    assert can_sign_in(app, membership.user, NEW)
    assert db.session.query(AuditEntry).filter_by(action="cfa.activated", cfa_id=cfa.id).count() == 1


def test_the_other_addresses_of_the_centre_are_told_once_each(client: FlaskClient) -> None:
    cfa = sleeping()
    site = make.site(cfa, email="Site@cfa-nord.example")
    make.site(cfa, email=None)
    make.training(cfa, site, email="formation@cfa-nord.example")
    make.training(cfa, site, email="site@cfa-nord.example")
    make.training(cfa, site, email="direction@cfa-nord.example")
    make.training(make.cfa(), email="ailleurs@cfa-sud.example")
    activate(client, path(links.activate(cfa, "formation@cfa-nord.example")))
    told = mails("cfa_activated_notice")
    assert sorted(mail.to_email for mail in told) == ["direction@cfa-nord.example", "site@cfa-nord.example"]
    assert all(mail.cfa_id == cfa.id and mail.user_id for mail in told)
    assert not any("@" in mail.dedup_key for mail in told)


def test_at_most_twenty_notices(client: FlaskClient) -> None:
    cfa = sleeping()
    for i in range(30):
        make.training(cfa, email=f"formation{i}@cfa-nord.example")
    activate(client, path(links.activate(cfa, "direction@cfa-nord.example")))
    assert len(mails("cfa_activated_notice")) == 20


def test_the_link_is_dead_once_the_centre_is_active(app: Flask, client: FlaskClient) -> None:
    cfa = sleeping()
    make.site(cfa, email="site@cfa-nord.example")
    url, other = (path(links.activate(cfa, f"{name}@cfa-nord.example")) for name in ("direction", "site"))
    page = visit(client, url)
    activate(client, url)
    for dead in (url, other):
        shown = visit(app.test_client(), dead, status=410)
        assert "L’espace de ce centre est déjà ouvert" in shown.text
        assert "aide@rdv-apprentissage.example" in shown.text
        assert shown.link("Se connecter") == "/connexion"
    assert client.post(url, data=page.fields(), headers=SAME_SITE).status_code == 410
    assert db.session.query(Membership).filter_by(cfa_id=cfa.id).count() == 1


def test_the_link_is_bound_to_an_address_of_that_centre(client: FlaskClient) -> None:
    cfa = sleeping()
    other = make.cfa(activated_at=None, email="direction@cfa-sud.example")
    visit(client, path(links.activate(cfa, "intrus@courriel.example")), status=404)
    visit(client, path(links.activate(cfa, "direction@cfa-sud.example")), status=404)
    url = path(links.activate(cfa, "direction@cfa-nord.example"))
    with make.writing():
        cfa.email = "nouvelle@cfa-nord.example"
    dead = visit(client, url, status=404)
    assert "l’adresse qui l’a reçu n’est plus celle du centre" in dead.text
    assert (cfa.activated_at, other.activated_at) == (None, None)


def test_an_existing_account_confirms_by_its_password(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa(), email="direction@cfa-nord.example")
    cfa = sleeping()
    page = visit(client, path(links.activate(cfa, person.email)))
    assert "Vous avez déjà un compte à cette adresse" in page.text
    assert "first_name" not in page.fields()
    wrong = submit(client, page, password="Autre-Fleur-99", status=400)
    assert "Ce mot de passe n’est pas le bon." in wrong.errors
    assert cfa.activated_at is None
    after = submit(client, page, password=make.PASSWORD)
    assert "CFA du Nord" in after.text, "the new centre is the one shown"
    assert person.first_name == "Bob"
    assert can_sign_in(app, person, make.PASSWORD)


def test_confirming_is_limited_like_signing_in(client: FlaskClient, change_settings: Callable[..., None]) -> None:
    change_settings(limit_sign_in_per_account=2)
    person = make.user(email="direction@cfa-nord.example")
    cfa = sleeping()
    page = visit(client, path(links.activate(cfa, person.email)))
    for status in (400, 400, 429):
        page = submit(client, page, password="Autre-Fleur-99", status=status)
    submit(client, page, password=make.PASSWORD, status=429)
    assert cfa.activated_at is None


def test_a_former_adviser_becomes_manager_again(client: FlaskClient) -> None:
    cfa = sleeping()
    person = make.adviser(cfa, email="direction@cfa-nord.example")
    with make.writing():
        person.memberships[0].ended_at = person.created_at
    submit(client, visit(client, path(links.activate(cfa, person.email))), password=make.PASSWORD)
    membership = db.session.query(Membership).filter_by(cfa_id=cfa.id).one()
    assert (membership.role, membership.ended_at) == ("manager", None)


def test_a_closed_account_is_sent_to_the_service_team(client: FlaskClient) -> None:
    make.user(email="direction@cfa-nord.example", active=False)
    page = visit(client, path(links.activate(sleeping(), "direction@cfa-nord.example")), status=409)
    assert "aide@rdv-apprentissage.example" in page.text
