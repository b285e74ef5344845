"""Signing in through the page, as a person does."""

from __future__ import annotations

from flask.testing import FlaskClient

from rdv.models import User
from tests import make
from tests.support.pages import Page, submit, visit


def sign_in(client: FlaskClient, person: User, password: str = make.PASSWORD, url: str = "/connexion") -> Page:
    """Sign this person in and return the page they land on."""
    return submit(client, visit(client, url), email=person.email, password=password, checked=False)
