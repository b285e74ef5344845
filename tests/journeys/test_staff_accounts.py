"""Signing in, its limits, the life of a session, and the guard that closes everything else."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from rdv import clock
from rdv.models import User
from rdv.web.staff.blueprint import OPEN, bp
from tests import make
from tests.support.pages import SAME_SITE, submit, visit
from tests.support.staff import sign_in

WRONG = "Adresse électronique ou mot de passe incorrect."


def test_the_right_password_opens_the_dashboard(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    sign_in(client, person)
    page = visit(client, "/equipe/profil")
    assert person.email in page.text
    assert person.last_sign_in_at is not None
    assert visit(client, "/connexion", status=303).response.location == "/equipe"


def test_a_wrong_password_shows_the_form_again_with_the_address(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    page = submit(client, visit(client, "/connexion"), email=person.email, password="Autre-Fleur-99", status=400)
    assert WRONG in page.text
    assert page.fields()["email"] == [person.email]
    assert page.title.startswith("Erreur")
    assert visit(client, "/equipe/profil", status=303)


@pytest.mark.parametrize(
    "columns", [{"active": False}, {"password_hash": None}, {"email": "quelquun.dautre@cfa-tilleuls.example"}]
)
def test_who_may_not_sign_in_reads_the_same_as_a_wrong_password(
    client: FlaskClient, columns: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    make.user(**columns)
    hashed: list[str] = []
    from rdv import passwords

    real = passwords.check_password_hash
    monkeypatch.setattr(
        passwords, "check_password_hash", lambda kept, typed: hashed.append(kept) or real(kept, typed)
    )
    email = columns.get("email") and "inconnu@cfa-tilleuls.example"
    known = email or _only_user().email
    page = submit(client, visit(client, "/connexion"), email=known, password=make.PASSWORD, status=400)
    assert WRONG in page.text
    assert len(hashed) == 1, "an unknown address takes as long as a known one"
    assert hashed[0].startswith("scrypt:32768:8:1$")


def _only_user() -> User:
    from rdv.db import db

    return db.session.query(User).one()
