"""The team page: who sees it, who changes it, what ends with a membership."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from rdv import links, memberships
from rdv.db import db, transaction
from rdv.errors import AlreadyMember, LastManager
from rdv.models import AuditEntry, CalendarFeed, Cfa, Membership, OutgoingMail, User
from tests import make
from tests.support.frozen import FrozenClock
from tests.support.pages import SAME_SITE, Page, sign_in, submit, visit

TEAM = "/equipe/membres"


def invitations() -> list[OutgoingMail]:
    return list(db.session.scalars(sa.select(OutgoingMail).filter_by(kind="invitation").order_by(OutgoingMail.id)))


def actions(cfa: Cfa) -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).filter_by(cfa_id=cfa.id).order_by(AuditEntry.id)))


def invite(client: FlaskClient, status: int = 200, **fields: object) -> Page:
    typed = {"first_name": "Léa", "last_name": "Petit", "email": "lea.petit@cfa-tilleuls.example", **fields}
    return submit(client, visit(client, f"{TEAM}/inviter"), status=status, **typed)


def token(client: FlaskClient) -> str:
    return visit(client, "/equipe/profil").fields(0)["csrf_token"][0]


def test_everyone_sees_the_team_and_only_managers_change_it(client: FlaskClient) -> None:
    cfa = make.cfa()
    site = make.site(cfa, name="Site du Port")
    make.manager(cfa)
    adviser = make.adviser(cfa, site)
    make.manager(make.cfa(), last_name="Dailleurs")
    sign_in(client, adviser)
    page = visit(client, TEAM)
    assert "Alice Martin" in page.text
    assert "Site du Port" in page.text
    assert "Bob Garnier (vous)" in page.text
    assert "Dailleurs" not in page.text
    assert not page.links("Inviter")
    assert not page.links("Modifier")


def test_an_adviser_cannot_act_on_the_team(client: FlaskClient) -> None:
    cfa = make.cfa()
    manager = make.manager(cfa)
    sign_in(client, make.adviser(cfa))
    own_token = token(client)
    for url in (f"{TEAM}/inviter", f"{TEAM}/{manager.public_id}"):
        visit(client, url, status=403)
    for url in ("inviter", manager.public_id, f"{manager.public_id}/retirer", f"{manager.public_id}/renvoyer"):
        answer = client.post(f"{TEAM}/{url}", data={"csrf_token": own_token, "role": "adviser"}, headers=SAME_SITE)
        assert answer.status_code == 403, url
    assert [each.role for each in memberships.team(cfa)] == ["manager", "adviser"]


def test_another_centres_people_do_not_exist_here(client: FlaskClient) -> None:
    elsewhere = make.cfa()
    stranger = make.adviser(elsewhere)
    make.manager(elsewhere)
    sign_in(client, make.manager(make.cfa()))
    own_token = token(client)
    visit(client, f"{TEAM}/{stranger.public_id}", status=404)
    visit(client, f"{TEAM}/inconnu", status=404)
    for url in ("", "/retirer", "/renvoyer"):
        data = {"csrf_token": own_token, "role": "manager"}
        assert client.post(f"{TEAM}/{stranger.public_id}{url}", data=data, headers=SAME_SITE).status_code == 404
    assert stranger.memberships[0].role == "adviser"
    assert stranger.memberships[0].ended_at is None


def test_inviting_mails_a_link_that_opens_the_account(app: Flask, client: FlaskClient) -> None:
    cfa = make.cfa()
    port, gare = make.site(cfa, name="Site du Port"), make.site(cfa, name="Site de la Gare")
    sign_in(client, make.manager(cfa))
    page = invite(client, role="adviser", sites=[gare.public_id])
    assert "Une invitation est partie à l’adresse lea.petit@cfa-tilleuls.example." in page.text
    assert "Invitation envoyée" in page.text
    (mail,) = invitations()
    assert (mail.to_email, mail.cfa_id) == ("lea.petit@cfa-tilleuls.example", cfa.id)
    assert mail.user is not None
    assert [site.id for site in mail.user.memberships[0].sites] == [gare.id]
    assert port.id != gare.id
    newcomer = app.test_client()
    opened = submit(
        newcomer, visit(newcomer, urlsplit(links.invitation(mail.user)).path), password="Pivoine-Verte-31",
        checked=False,
    )  # fmt: skip
    assert opened.path == "/equipe"
    assert "membership.invited" in actions(cfa)


def test_what_is_missing_is_said_and_what_was_typed_kept(client: FlaskClient) -> None:
    sign_in(client, make.manager(make.cfa()))
    page = invite(client, status=400, email="lea.petit", first_name="")
    assert "Indiquez le prénom de la personne." in page.errors
    assert any("Exemple" in error for error in page.errors)
    assert page.fields()["last_name"] == ["Petit"]
    assert not invitations()


def test_inviting_twice_is_refused(client: FlaskClient) -> None:
    sign_in(client, make.manager(make.cfa()))
    invite(client)
    page = invite(client, status=409, email="LEA.Petit@cfa-tilleuls.example")
    assert "Cette personne fait déjà partie de votre équipe." in page.errors
    assert len(invitations()) == 1


def test_a_closed_account_is_not_invited(client: FlaskClient) -> None:
    sign_in(client, make.manager(make.cfa()))
    closed = make.user(active=False)
    page = invite(client, status=409, email=closed.email)
    assert any("fermé par l’équipe du service" in error for error in page.errors)


def test_invitations_are_limited(client: FlaskClient, change_settings: Callable[..., None]) -> None:
    change_settings(limit_posts_per_cfa=1)
    sign_in(client, make.manager(make.cfa()))
    invite(client)
    invite(client, status=429, email="autre@cfa-tilleuls.example")
    assert len(invitations()) == 1


def test_who_left_is_invited_again_with_another_role(client: FlaskClient) -> None:
    cfa = make.cfa()
    former = make.adviser(cfa)
    with make.writing():
        former.memberships[0].ended_at = former.created_at
    sign_in(client, make.manager(cfa))
    invite(client, email=former.email, role="manager")
    assert db.session.query(Membership).filter_by(user_id=former.id).one().role == "manager"
    assert "Bob Garnier" in visit(client, TEAM).text, "their own names"


def test_an_invitation_goes_again_until_accepted(client: FlaskClient, freeze: Callable[[str], FrozenClock]) -> None:
    clock = freeze("2026-11-24T08:00Z")
    sign_in(client, make.manager(make.cfa()))
    invite(client)
    (mail,) = invitations()
    assert mail.user is not None
    url = f"{TEAM}/{mail.user.public_id}"
    submit(client, visit(client, url), form="renvoyer")
    assert len(invitations()) == 1, "one a minute at most"
    clock.tick(minutes=1)
    page = submit(client, visit(client, url), form="renvoyer")
    assert "L’invitation est repartie" in page.text
    assert len(invitations()) == 2


def test_an_account_already_open_is_not_invited_again(client: FlaskClient) -> None:
    cfa = make.cfa()
    adviser = make.adviser(cfa)
    sign_in(client, make.manager(cfa))
    assert "Renvoyer" not in visit(client, f"{TEAM}/{adviser.public_id}").text
    url = f"{TEAM}/{adviser.public_id}/renvoyer"
    assert client.post(url, data={"csrf_token": token(client)}, headers=SAME_SITE).status_code == 409
    assert not invitations()


def test_a_role_changes_at_once(app: Flask, client: FlaskClient) -> None:
    cfa = make.cfa()
    make.site(cfa)
    site = make.site(cfa, name="Site du Port")
    adviser = make.adviser(cfa)
    theirs = app.test_client()
    sign_in(theirs, adviser)
    visit(theirs, f"{TEAM}/inviter", status=403)
    sign_in(client, make.manager(cfa))
    page = visit(client, f"{TEAM}/{adviser.public_id}")
    submit(client, page, form="acces", role="manager", sites=[site.public_id])
    visit(theirs, f"{TEAM}/inviter")
    page = visit(client, f"{TEAM}/{adviser.public_id}")
    assert page.fields("acces")["role"] == ["manager"]
    assert page.fields("acces")["sites"] == [site.public_id]
    assert "membership.changed" in actions(cfa)


def test_the_places_of_another_centre_cannot_be_given(client: FlaskClient) -> None:
    cfa = make.cfa()
    make.site(cfa)
    make.site(cfa)
    foreign = make.site(make.cfa())
    adviser = make.adviser(cfa)
    sign_in(client, make.manager(cfa))
    data = {"csrf_token": token(client), "role": "adviser", "sites": foreign.public_id}
    assert client.post(f"{TEAM}/{adviser.public_id}", data=data, headers=SAME_SITE).status_code == 400
    assert adviser.memberships[0].sites == []


def test_access_withdrawn_is_seen_at_the_next_click(app: Flask, client: FlaskClient) -> None:
    cfa, other = make.cfa(), make.cfa()
    adviser = make.adviser(cfa)
    site, abroad = make.site(cfa), make.site(other)
    slot, held = make.slot(adviser, site), make.booking(make.slot(adviser, site, starts_at="2030-01-07T09:00"))
    there = make.slot(adviser, abroad, starts_at="2030-01-08T09:00")
    mine = _feed(adviser, cfa)
    elsewhere = _feed(adviser, other)
    theirs = app.test_client()
    sign_in(theirs, adviser)
    manager = make.manager(cfa)
    kept = _feed(manager, cfa)
    sign_in(client, manager)
    page = submit(client, visit(client, f"{TEAM}/{adviser.public_id}"), form="retirer")
    assert "Bob Garnier n’a plus accès à votre centre." in page.text
    assert "2 créneaux à venir sont fermés aux réservations" in page.text
    assert (slot.status, held.slot.status, held.status, there.status) == ("closed", "closed", "booked", "open")
    assert "Bob Garnier" not in visit(client, TEAM).one("table").text
    assert visit(theirs, TEAM, status=303).response.location.startswith("/equipe/changer-de-centre")
    assert mine.revoked_at is not None
    assert (elsewhere.revoked_at, kept.revoked_at) == (None, None)
    assert "membership.ended" in actions(cfa)


def _feed(user: User, cfa: Cfa) -> CalendarFeed:
    number = db.session.query(CalendarFeed).count()
    row = CalendarFeed(user_id=user.id, cfa_id=cfa.id, scope="adviser", name="Téléphone", secret_hash=f"{number:064d}")
    saved: CalendarFeed = make.saved(row)
    return saved


@pytest.mark.parametrize(
    "other", [None, {"password_hash": None}, {"active": False}], ids=["alone", "invited", "closed"]
)
def test_the_last_manager_who_can_sign_in_stays(client: FlaskClient, other: dict[str, object] | None) -> None:
    cfa = make.cfa()
    manager = make.manager(cfa)
    if other is not None:
        make.manager(cfa, **other)
    sign_in(client, manager)
    url = f"{TEAM}/{manager.public_id}"
    refused = submit(client, visit(client, url), form="retirer", status=409)
    assert any("garde au moins un responsable" in error for error in refused.errors)
    refused = submit(client, visit(client, url), form="acces", role="adviser", status=409)
    assert any("garde au moins un responsable" in error for error in refused.errors)
    assert manager.memberships[0].role == "manager"
    assert manager.memberships[0].ended_at is None


def test_a_manager_may_leave_when_another_stays(client: FlaskClient) -> None:
    cfa = make.cfa()
    manager = make.manager(cfa)
    make.manager(cfa)
    sign_in(client, manager)
    page = submit(client, visit(client, f"{TEAM}/{manager.public_id}"), form="retirer")
    assert page.h1 == "Aucun centre"


@pytest.mark.concurrent
def test_two_managers_who_withdraw_each_other_leave_one(app: Flask) -> None:
    cfa = make.cfa()
    people = [make.manager(cfa).id for _ in range(2)]
    ready = threading.Barrier(2)
    refused: list[int] = []

    def withdraw(index: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                with transaction() as session:
                    membership = session.scalars(sa.select(Membership).filter_by(user_id=people[1 - index])).one()
                    by = session.get(User, people[index])
                    assert by is not None
                    memberships.end(membership, by)
            except LastManager:
                refused.append(index)
            finally:
                db.session.remove()

    _together(withdraw)
    assert len(refused) == 1
    assert len(memberships.team(cfa)) == 1


@pytest.mark.concurrent
def test_two_managers_who_invite_the_same_person_together_make_one_account(app: Flask) -> None:
    cfa_id = make.cfa().id
    ready = threading.Barrier(2)
    refused: list[int] = []

    def invite_lea(index: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                with transaction() as session:
                    cfa = session.get(Cfa, cfa_id)
                    assert cfa is not None
                    memberships.invite(cfa, "lea.petit@cfa-tilleuls.example", "Léa", "Petit", "adviser")
            except AlreadyMember:
                refused.append(index)
            finally:
                db.session.remove()

    _together(invite_lea)
    assert len(refused) == 1
    assert db.session.query(User).count() == 1
    assert len(invitations()) == 1


def _together(act: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=act, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
