"""An adviser's day in a real browser: publish a run with the keyboard, answer a request, and every screen accessible."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from rdv import clock, links
from rdv.db import db
from rdv.models import CandidateRequest, Slot
from tests import make
from tests.support.live import DESK, PHONE, faults_of_screens, serving

pytestmark = pytest.mark.e2e


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre with an adviser, requests late and not, and a meeting today when the day still allows one."""
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, name="Campus Nord")
    training, adviser = make.training(cfa, site), make.adviser(cfa, email="bob@cfa-tilleuls.example")
    make.meeting_type(cfa, title="Entretien individuel", duration_minutes=20)
    now = clock.now()
    late = make.candidate_request(
        cfa, mode="message", due_at=now - timedelta(days=2, hours=1), training_id=training.id, site_id=site.id,
        text="Reste-t-il des places ?", first_name="Lina", last_name="Martin",
    )  # fmt: skip
    make.candidate_request(cfa, due_at=now + timedelta(days=1), first_name="Noé", last_name="Durand")
    soon = make.slot(adviser, site, starts_at=now + timedelta(minutes=10), minutes=20)
    make.booking(soon, request={"first_name": "Zoé", "last_name": "Lambert"})
    group = make.slot(adviser, site, starts_at=now + timedelta(days=3), capacity=12)
    booked = make.booking(group)
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(url=url, late=late, group=group, booked=booked, adviser=adviser)


def opened(browser: Browser, house: SimpleNamespace, **options: object) -> Page:
    """Sign in and return the first screen; anything the browser refuses fails the test."""
    context = browser.new_context(**{"viewport": DESK, "base_url": house.url, "locale": "fr-FR", **options})  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill("bob@cfa-tilleuls.example")
    page.get_by_label("Mot de passe").fill(make.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/equipe")
    return page


def count_slots() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Slot)) or 0


def press_until(page: Page, words: str) -> None:
    """Move with Tab, as a person without a mouse, until the focus stands on these words."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim().replace(/\\s+/g, ' ')"
        )
        if words in focus:
            return
    pytest.fail(f"the keyboard never reaches « {words} »")


def test_publish_a_run_with_the_keyboard_alone(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house)
    press_until(page, "Publier des créneaux")
    page.keyboard.press("Enter")
    page.wait_for_url("**/publier")
    day = clock.today("Europe/Paris") + timedelta(days=8)
    press_until(page, "Jour")
    page.get_by_label("Jour", exact=True).fill(day.isoformat())  # typing a date depends on the browser's language
    for words, typed in (("Début", "14:00"), ("Fin de la plage", "17:00")):
        press_until(page, words)
        page.get_by_label(words).fill(typed)
    before = count_slots()
    page.keyboard.press("Enter")  # shows the result, publishes nothing
    title = page.get_by_role("heading", name="9 créneaux à publier")
    expect(title).to_be_focused()
    assert count_slots() == before
    press_until(page, "Publier ces créneaux")
    page.keyboard.press("Enter")
    page.wait_for_url("**/agenda*")
    expect(page.get_by_role("status").first).to_contain_text("9 créneaux publiés")
    assert count_slots() == before + 9
    assert page.locator(".rdv-event:visible", has_text="Libre").count() == 9


def test_fields_follow_the_choice_and_are_all_there_without_styles(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house)
    page.goto("/equipe/creneaux/publier")
    page.locator("summary", has_text="Campus Nord").click()
    page.locator("summary", has_text="Pour toutes les formations").click()
    room, video = page.get_by_label("Salle"), page.get_by_label("Adresse de la visioconférence")
    expect(room).to_be_visible()
    expect(video).to_be_hidden()
    page.get_by_label("En visioconférence").check()
    expect(video).to_be_visible()
    expect(room).to_be_hidden()
    expect(page.get_by_label("Chercher une formation")).to_be_hidden()
    page.get_by_label("Seulement certaines").check()
    expect(page.get_by_label("Chercher une formation")).to_be_visible()


def test_answer_a_late_request_from_the_first_screen_on_a_phone(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, viewport=PHONE, java_script_enabled=False)
    expect(page.get_by_role("heading", name="À traiter (2, dont 1 en retard)")).to_be_visible()
    expect(page.get_by_text("En retard de 2 jours")).to_be_visible()
    page.get_by_role("link", name="Lina Martin", exact=True).click()
    page.get_by_label("Votre réponse").fill("Oui, il reste trois places.")
    page.get_by_role("button", name="Envoyer la réponse").click()
    expect(page.get_by_role("status").first).to_contain_text("Réponse envoyée à Lina Martin.")
    expect(page.locator(".rdv-thread")).to_contain_text("Oui, il reste trois places.")
    db.session.rollback()
    found = db.session.get_one(CandidateRequest, house.late.id)
    assert (found.status, found.owner_id) == ("waiting_candidate", house.adviser.id)
    page.goto("/equipe")
    expect(page.get_by_role("heading", name="À traiter (1)")).to_be_visible()


def test_cancelling_asks_on_a_page_of_its_own(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house)
    page.goto(f"/equipe/creneaux/{house.group.public_id}")
    page.get_by_role("link", name="Annuler le créneau").click()
    expect(page.get_by_text("1 personne inscrite sera prévenue")).to_be_visible()
    page.get_by_role("button", name="Annuler le créneau").click()
    expect(page.get_by_role("status").first).to_contain_text("1 personne prévenue")


def test_every_screen_is_accessible_and_fits(browser: Browser, house: SimpleNamespace) -> None:
    paths = (
        "/equipe",
        "/equipe/demandes",
        f"/equipe/demandes/{house.late.public_id}",
        f"/equipe/demandes/{house.booked.request.public_id}",
        "/equipe/agenda",
        "/equipe/agenda?vue=liste",
        "/equipe/creneaux/publier",
        "/equipe/creneaux/dupliquer",
        "/equipe/series",
        f"/equipe/creneaux/{house.group.public_id}",
        f"/equipe/creneaux/{house.group.public_id}/annuler",
        f"/equipe/rendez-vous/{house.booked.public_id}",
        "/equipe/types-de-rendez-vous",
        "/equipe/types-de-rendez-vous/nouveau",
        links.answer(house.late).removeprefix("http://localhost"),  # a CFA without account
    )
    assert faults_of_screens(opened(browser, house), paths) == []
