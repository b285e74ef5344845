"""The day at one hand: who is next, who came in one tap, somebody who walks in, and the sheets on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from rdv import clock
from rdv.db import db
from rdv.models import Booking
from tests import make
from tests.support.live import DESK, PHONE, faults_of_screens, serving

pytestmark = pytest.mark.e2e

THUMB = 44  # CSS pixels


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre whose session is under way, whatever the hour: the day shown is that of its beginning."""
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, name="Campus Nord")
    adviser = make.adviser(cfa, email="bob@cfa-tilleuls.example")
    now = clock.now()
    _, midnight = clock.day_bounds(clock.to_zone(now, site.timezone).date(), site.timezone)
    start = min(now, midnight - timedelta(minutes=20)) - timedelta(minutes=5)
    session = make.slot(adviser, site, starts_at=start, minutes=60, capacity=6, place_detail="Amphithéâtre")
    people = [
        make.booking(session, request={"first_name": name, "last_name": "Démonstration"})
        for name in ("Aya", "Noé", "Lina")
    ]
    alone = make.slot(adviser, site, starts_at=start + timedelta(minutes=2), minutes=20)
    held = make.booking(alone, late_minutes=10, request={"first_name": "Zoé", "last_name": "Lambert"})
    make.booking(make.slot(adviser, site, starts_at=now - timedelta(days=1)), request={"first_name": "Hugo"})
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(url=url, session=session, people=people, held=held, alone=alone)


def opened(browser: Browser, house: SimpleNamespace, **options: object) -> Page:
    """Sign in and return the first screen."""
    context = browser.new_context(**{"viewport": PHONE, "base_url": house.url, "locale": "fr-FR", **options})  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill("bob@cfa-tilleuls.example")
    page.get_by_label("Mot de passe").fill(make.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/equipe")
    return page


def status_of(held: Booking) -> str:
    db.session.rollback()
    return db.session.get_one(Booking, held.id).status


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_session_is_told_tap_by_tap(browser: Browser, house: SimpleNamespace, script: bool) -> None:
    page = opened(browser, house, has_touch=True, java_script_enabled=script)
    page.get_by_role("link", name="Ouvrir la journée").click()
    expect(page.locator(".rdv-next__when")).to_contain_text("En cours")
    for held, word in zip(house.people, ("Présent", "Absent", "Excusé"), strict=True):
        button = page.locator(f"#rdv-{held.public_id}").get_by_role("button", name=word)
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= THUMB
        button.tap()
        expect(page.locator(f"#rdv-{held.public_id} [aria-pressed=true]")).to_contain_text(word)
        expect(page.locator(f"#rdv-{held.public_id}")).to_be_in_viewport()
    assert [status_of(held) for held in house.people] == ["attended", "no_show", "excused"]
    page.locator(f"#rdv-{house.people[1].public_id}").get_by_role("button", name="Absent").tap()
    expect(page.locator(f"#rdv-{house.people[1].public_id} [aria-pressed=true]")).to_have_count(0)
    assert status_of(house.people[1]) == "booked"


def test_the_one_who_is_next_is_called_and_counted(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, has_touch=True)
    for held in house.people:
        page.goto(f"/equipe/rendez-vous/{held.public_id}")
        page.get_by_role("button", name="Présent").tap()
        expect(page.locator("[aria-pressed=true]")).to_contain_text("Présent")
    page.goto("/equipe/journee")
    following = page.locator(".rdv-next")
    expect(following).to_contain_text("Zoé Lambert")
    expect(following).to_contain_text("En retard de 10 min")
    expect(following.get_by_role("link", name="Appeler")).to_have_attribute("href", f"tel:{house.held.request.phone}")
    expect(following.get_by_role("button", name="Présent")).to_be_in_viewport()
    following.get_by_role("button", name="Présent").tap()
    expect(page.get_by_role("status").first).to_contain_text("Zoé Lambert : présent.")
    assert status_of(house.held) == "attended"


def test_somebody_walks_in(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, has_touch=True)
    page.goto("/equipe/journee")
    page.locator(f"#creneau-{house.session.public_id}").get_by_role("link", name="Ajouter une personne").tap()
    page.get_by_label("Prénom", exact=True).fill("Inès")
    page.get_by_label("Nom", exact=True).fill("Démonstration")
    page.get_by_label("Téléphone", exact=True).fill("01 99 00 00 43")
    page.get_by_role("button", name="Continuer").tap()
    page.get_by_role("button", name="Ajouter à la liste").tap()
    expect(page.get_by_role("status").first).to_contain_text("Inès Démonstration est sur la liste")
    expect(page.locator(f"#creneau-{house.session.public_id} .rdv-attendee")).to_have_count(4)


def test_paper_holds_the_sheet_alone(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, viewport=DESK)
    day = clock.to_zone(house.session.starts_at, "Europe/Paris").date().isoformat()
    for path in (f"/equipe/journee/feuille?jour={day}", f"/equipe/creneaux/{house.session.public_id}/emargement"):
        page.goto(path)
        expect(page.get_by_role("button", name="Imprimer")).to_be_visible()
        page.emulate_media(media="print")
        for hidden in (".fr-header", ".fr-footer", "[data-print]"):
            expect(page.locator(hidden)).to_be_hidden()
        expect(page.locator(".rdv-sheet__table")).to_be_visible()
        page.emulate_media(media="screen")


def test_each_screen_is_accessible_and_fits(browser: Browser, house: SimpleNamespace) -> None:
    request = house.held.request.public_id
    paths = (
        "/equipe/journee",
        "/equipe/journee?sans-suite=1",
        "/equipe/journee/feuille",
        f"/equipe/creneaux/{house.session.public_id}/emargement",
        "/equipe/rendez-vous/nouveau?complets=y",
        f"/equipe/rendez-vous/{house.held.public_id}?vers={house.session.public_id}",
        f"/equipe/creneaux/{house.session.public_id}/inscrire?sans-rendez-vous=1",
        f"/equipe/creneaux/{house.alone.public_id}/inscrire?demande={request}",
    )
    assert faults_of_screens(opened(browser, house), paths) == []
