"""The admin in a real browser, under the real CSP: deleting asks, nothing is blocked, nothing is fetched elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Dialog, Page

from rdv.db import db
from rdv.models import Platform
from tests import make
from tests.support import live

pytestmark = pytest.mark.e2e


@pytest.fixture
def served(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of the application, served by a process of its own on the test's database."""
    with live.serving(process_env, tmp_path) as url:
        yield url


@pytest.fixture
def page(browser: Browser, served: str) -> Iterator[Page]:
    """A page signed in as the service team, which fails the test on a CSP refusal or a request elsewhere."""
    make.service_member(email="dora@service.example")
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=served)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    page.on(
        "request",
        lambda sent: None if urlsplit(sent.url).netloc == urlsplit(served).netloc else refused.append(sent.url),
    )
    page.goto("/connexion?next=/admin/")
    page.get_by_label("Adresse électronique").fill("dora@service.example")
    page.get_by_label("Mot de passe", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.wait_for_url("**/admin/")
    yield page
    context.close()
    assert not refused, "\n".join(refused)


def platforms() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(sa.select(Platform.code)))


def test_deleting_asks_first(page: Page) -> None:
    make.saved(Platform(code="essai", name="Essai"))
    page.goto("/admin/plateformes/")
    delete = page.get_by_role("button", name="Supprimer essai")
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", dismiss)
    delete.click()
    page.reload()
    assert asked == ["Supprimer définitivement «\u00a0essai\u00a0»\u00a0?"]
    assert "essai" in platforms()

    page.once("dialog", lambda dialog: dialog.accept())
    delete.click()
    page.get_by_role("status").wait_for()
    assert "essai" not in platforms()


def test_pages_are_whole_under_the_csp_and_accessible(page: Page) -> None:
    cfa = make.cfa()
    make.cfa()
    make.cfa()
    make.site(cfa)
    for name in ("centres", "lieux", "comptes", "courriels", "demandes", "taches", "plateformes", "journal"):
        answer = page.goto(f"/admin/{name}/")
        assert answer is not None
        assert "'nonce-" in answer.headers["content-security-policy"]
        assert page.locator("h1").count() == 1
        serious = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
        assert not serious, f"{name}: {[(each['id'], each['nodes'][0]['html']) for each in serious]}"
    page.goto("/admin/centres/")
    page.get_by_role("row", name=cfa.siret).get_by_role("link", name="Modifier").click()
    page.get_by_label("Adresse choisie").fill("contact@cfa-tilleuls.example")
    page.get_by_role("button", name="Enregistrer").click()
    page.wait_for_url("**/admin/centres/**")
    assert page.get_by_role("status").count() == 1
    page.get_by_role("row", name=cfa.siret).get_by_role("link", name="Voir").click()
    assert "contact@cfa-tilleuls.example" in page.locator("main").inner_text()
