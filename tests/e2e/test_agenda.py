"""The agenda in a real browser: a table walked with the arrows, a list on phones, a file that downloads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from rdv import agenda, clock
from tests import make
from tests.support.live import DESK, PHONE, faults_of_screens, serving

pytestmark = pytest.mark.e2e


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre with slots on two days of next week."""
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, name="Campus Nord")
    adviser = make.adviser(cfa, email="bob@cfa-tilleuls.example")
    week = agenda.Week.of(clock.today("Europe/Paris")).shifted(1)
    monday, tuesday = (f"{week.monday + timedelta(days=offset)}" for offset in (0, 1))
    make.slot(adviser, site, starts_at=f"{monday}T09:00")
    make.booking(make.slot(adviser, site, starts_at=f"{monday}T10:00"), request={"first_name": "Noé", "last_name": "A"})
    make.booking(
        make.slot(adviser, site, starts_at=f"{tuesday}T10:00"), request={"first_name": "Zoé", "last_name": "B"}
    )
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(url=url, week=week, monday=monday)


def opened(browser: Browser, house: SimpleNamespace, path: str, **options: object) -> Page:
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


def test_arrows_walk_the_table(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, f"/equipe/agenda?semaine={house.week.code}")
    expect(page.locator(".rdv-grid")).to_be_visible()
    expect(page.locator(".rdv-only-narrow")).to_be_hidden()
    page.locator(".rdv-grid .rdv-event a").first.focus()
    for key, name in (
        ("ArrowDown", "Noé A"),
        ("ArrowRight", "Zoé B"),
        ("ArrowLeft", "Noé A"),
        ("Home", "Entretien d’orientation"),
        ("End", "Noé A"),
    ):
        page.keyboard.press(key)
        expect(page.locator(":focus")).to_have_text(name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/equipe/creneaux/*")


def test_every_view_is_accessible_on_a_desk_and_a_phone(browser: Browser, house: SimpleNamespace) -> None:
    day = f"semaine={house.week.code}&jour={house.monday}"
    week, one_day, listed = (f"/equipe/agenda?vue={view}&{day}" for view in ("semaine", "jour", "liste"))
    page = opened(browser, house, week)
    assert faults_of_screens(page, (week, one_day, listed)) == []
    page.set_viewport_size(PHONE)
    for path in (week, one_day):
        page.goto(path)
        expect(page.locator(".rdv-grid")).to_be_hidden()
        expect(page.locator(".rdv-only-narrow .rdv-event").first).to_be_visible()


def test_a_period_is_downloaded(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, f"/equipe/agenda?semaine={house.week.code}")
    page.get_by_text("Exporter (.ics)").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Exporter").click()
    assert download.value.suggested_filename == f"agenda-{house.week.monday}.ics"
    assert Path(download.value.path()).read_bytes().count(b"BEGIN:VEVENT") == 3
