"""Keys of the API in the service team's pages: made, shown once, replaced, ended."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from rdv import api_keys, clock
from rdv.db import db
from rdv.models import ApiKey, AuditEntry
from tests import make
from tests.support.pages import sign_in, submit, visit


@pytest.fixture
def service(app, client):
    person = make.service_member()
    sign_in(client, person)
    return person


def secrets_of(page) -> list[str]:
    return [node.text.strip() for node in page.all("code")]


def test_a_secret_is_shown_once(client, service):
    page = visit(client, "/admin/cles/new/", checked=False)
    page = submit(
        client, page, platform_code="affelnet", name="site public", chosen_scopes=["trainings:read"], checked=False
    )
    (secret,) = secrets_of(page)
    key = api_keys.authenticate(f"Bearer {secret}", "trainings:read", clock.now())
    assert (key.platform.code, key.name, key.scopes) == ("affelnet", "site public", ["trainings:read"])
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "api_key.created")).one()
    assert entry.user_id == service.id
    for path in ("/admin/cles/", f"/admin/cles/details/?id={key.public_id}", "/admin/journal/"):
        answer = client.get(path)
        assert secret not in answer.text
        assert key.secret_hash not in answer.text
        assert secret not in str(answer.headers)


def test_what_lacks_is_asked_again(client, service):
    page = visit(client, "/admin/cles/new/", checked=False)
    page = submit(client, page, platform_code="lba", name="", checked=False)
    assert "Dites à quoi sert cette clé" in page.text
    assert "au moins un droit" in page.text
    assert db.session.scalars(sa.select(ApiKey)).all() == []


def test_keys_are_replaced_and_ended_in_the_list(client, service):
    old = make.api_key("lba")
    page = visit(client, "/admin/cles/", checked=False)
    page = submit(client, page, form="actions", button="Remplacer", rowid=[old.key.public_id], checked=False)
    (secret,) = secrets_of(page)
    assert "marchent encore jusqu’au" in page.text
    for each in (secret, old.secret):
        assert api_keys.authenticate(f"Bearer {each}", "trainings:read", clock.now())
    page = visit(client, "/admin/cles/", checked=False)
    assert "Remplacée, marche encore" in page.text
    submit(client, page, form="actions", button="Retirer", rowid=[old.key.public_id], checked=False)
    with pytest.raises(api_keys.KeyEnded):
        api_keys.authenticate(f"Bearer {old.secret}", "trainings:read", clock.now())
    page = visit(client, "/admin/cles/", checked=False)
    page = submit(client, page, form="actions", button="Retirer", rowid=[old.key.public_id], checked=False)
    assert "déjà retirée" in page.text


def test_the_last_refusals_of_a_key_are_seen(client, service):
    key = make.api_key("lba").key
    api_keys.note_refusal(key.id, "api_v1.requests", 422, "contenu-invalide", clock.now())
    page = visit(client, f"/admin/cles/details/?id={key.public_id}", checked=False)
    assert re.search(r"api_v1\.requests, 422 contenu-invalide", page.text)
