"""A month of slots in a real browser: one line or the form, by the keyboard, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from rdv import clock
from rdv.db import db
from rdv.models import Slot, SlotSeries
from tests import make
from tests.support.live import DESK, PHONE, accessibility_faults, fits, serving

pytestmark = pytest.mark.e2e


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre with an adviser who has published before: their place and type are known."""
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, name="Campus Nord", territory="FR")
    adviser = make.adviser(cfa, email="bob@cfa-tilleuls.example")
    kind = make.meeting_type(cfa, title="Entretien individuel", duration_minutes=20)
    make.slot(adviser, site, kind, starts_at=clock.now() - timedelta(days=7), minutes=20)
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(url=url, cfa=cfa, site=site, adviser=adviser)


def opened(browser: Browser, house: SimpleNamespace, path: str, **options: object) -> Page:
    """Sign in and open a page; anything the browser refuses fails the test."""
    context = browser.new_context(**{"viewport": DESK, "base_url": house.url, "locale": "fr-FR", **options})  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill("bob@cfa-tilleuls.example")
    page.get_by_label("Mot de passe").fill(make.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/equipe")
    page.goto(path)
    return page


def focused(page: Page) -> str:
    words = page.evaluate(
        "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim().replace(/\\s+/g, ' ')"
    )
    return str(words).replace("\u00a0", " ")


def press_until(page: Page, words: str, key: str = "Tab") -> None:
    """Move with Tab, as a person without a mouse, until the focus stands on these words."""
    for _ in range(80):
        page.keyboard.press(key)
        if words in focused(page):
            return
    pytest.fail(f"the keyboard never reaches « {words} »")


def published() -> list[Slot]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Slot).where(Slot.starts_at > clock.now()).order_by(Slot.starts_at)))


@pytest.mark.parametrize(
    "options", [{"viewport": DESK}, {"viewport": PHONE, "java_script_enabled": False}], ids=["desk", "phone-no-script"]
)
def test_a_month_in_one_line_with_the_keyboard_alone(browser: Browser, house: SimpleNamespace, options: dict) -> None:
    page = opened(browser, house, "/equipe/creneaux/publier", **options)
    press_until(page, "En une ligne")
    page.keyboard.type("mar jeu 14h-15h /20min pendant 4 semaines")
    page.keyboard.press("Enter")
    title = page.locator("#preview-title")
    expect(title).to_contain_text("à publier")
    assert published() == []
    scripted = options.get("java_script_enabled", True)
    if scripted:  # axe is a script too
        expect(title).to_be_focused()
        assert accessibility_faults(page) == []
    assert fits(page)
    boxes = page.locator("input[name=keep]:checked")
    count = boxes.count()
    press_until(page, "Publier ces créneaux")
    press_until(page, "14 h – 14 h 20")
    page.keyboard.press("Space")  # this one is skipped
    expect(boxes).to_have_count(count - 1)
    press_until(page, "Publier ces créneaux", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/equipe/series/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Les mardis et jeudis de 14")
    assert len(published()) == count - 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SlotSeries)) == 1
    assert not scripted or accessibility_faults(page) == []


def test_a_series_by_the_form_and_a_week_again_on_a_phone(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, "/equipe/creneaux/publier", viewport=PHONE)
    day = clock.today("Europe/Paris") + timedelta(days=8)
    page.get_by_label("Jour", exact=True).fill(day.isoformat())
    page.get_by_label("Début").fill("09:00")
    page.get_by_label("Fin de la plage").fill("10:00")
    page.locator("#repeter summary").click()
    page.get_by_label("Ou nombre de jours").fill("2")
    page.get_by_role("button", name="Publier", exact=True).click()
    expect(page.locator("#preview-title")).to_contain_text("à publier")
    page.get_by_role("button", name="Publier ces créneaux").click()
    page.wait_for_url("**/equipe/series/*")
    assert fits(page)
    made = len(published())
    assert made >= 3
    page.goto("/equipe/creneaux/dupliquer")
    assert accessibility_faults(page) == []
    assert fits(page)
    page.get_by_role("button", name="Publier ces créneaux").click()  # last week's one slot, if its hour is to come
    page.wait_for_load_state()
    assert len(published()) in (made, made + 1)
