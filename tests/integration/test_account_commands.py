"""`create-admin` and `invite`: the first accounts."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient

from rdv.db import db
from rdv.models import Membership, OutgoingMail, User
from tests import make
from tests.support.pages import submit, visit

ADMIN = ["create-admin", "--email", "Dora.Petit@service.example", "--first-name", "Dora", "--last-name", "Petit"]


def run(app: Flask, *arguments: str, typed: str = "") -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=list(arguments), input=typed)
    db.session.rollback()
    db.session.expire_all()
    return result.exit_code, result.output


def test_an_administrator_receives_a_link(app: Flask, client: FlaskClient) -> None:
    code, told = run(app, *ADMIN)
    assert code == 0
    person = db.session.query(User).one()
    assert (person.email, person.is_service_team, person.password_hash) == ("dora.petit@service.example", True, None)
    link = told.strip().splitlines()[-1]
    page = visit(client, urlsplit(link).path)
    submit(client, page, password="Pivoine-Verte-31", follow=False, status=303)
    assert person.password_hash is not None
    code, told = run(app, *ADMIN)
    assert code == 0
    assert "/connexion" in told
    assert db.session.query(User).count() == 1


def test_a_password_may_be_asked_for_and_is_judged(app: Flask) -> None:
    typed = "motdepasse\nmotdepasse\nPivoine-Verte-31\nPivoine-Verte-31\n"
    code, told = run(app, *ADMIN, "--ask-password", typed=typed)
    assert code == 0, told
    assert "au moins 12" in told
    assert "Pivoine" not in told
    assert db.session.query(User).one().password_hash is not None


def test_an_incorrect_address_is_refused_with_an_example(app: Flask) -> None:
    code, told = run(app, "create-admin", "--email", "dora")
    assert code == 2
    assert "prenom.nom@exemple.fr" in told
    assert db.session.query(User).count() == 0


def test_inviting_into_a_centre(app: Flask) -> None:
    cfa = make.cfa()
    code, told = run(app, "invite", "--siret", cfa.siret, "--email", "lea@cfa-tilleuls.example")
    assert code == 0
    assert "/invitation/" in told
    assert db.session.query(Membership).one().role == "manager"
    assert db.session.query(OutgoingMail).one().kind == "invitation"
    code, told = run(app, "invite", "--siret", cfa.siret, "--email", "lea@cfa-tilleuls.example")
    assert code == 1
    assert "déjà partie" in told
    code, told = run(app, "invite", "--siret", "12345678900000", "--email", "lea@cfa-tilleuls.example")
    assert code == 1
    assert "Aucun centre" in told


def test_a_centre_without_account_receives_its_activation_link_once_a_day(app: Flask, freeze) -> None:
    time = freeze("2026-11-24T08:00Z")
    cfa = make.cfa(activated_at=None, email="direction@cfa-sans-compte.example")
    for _ in range(2):
        code, told = run(app, "send-activation", "--siret", cfa.siret)
        assert code == 0
        assert "direction@cfa-sans-compte.example" in told
    assert [mail.kind for mail in db.session.query(OutgoingMail)] == ["cfa_activation"]
    time.tick(days=1)
    run(app, "send-activation", "--siret", cfa.siret)
    assert db.session.query(OutgoingMail).count() == 2


def test_an_activation_that_cannot_be_sent_says_why(app: Flask) -> None:
    for cfa, words in ((make.cfa(), "déjà"), (make.cfa(activated_at=None, email=None), "aucune adresse")):
        code, told = run(app, "send-activation", "--siret", cfa.siret)
        assert code == 1
        assert words in told
    assert run(app, "send-activation", "--siret", "123")[0] == 1
    assert db.session.query(OutgoingMail).count() == 0
