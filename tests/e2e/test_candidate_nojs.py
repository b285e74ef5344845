"""A candidate on a phone, in a real browser without JavaScript: books, cancels, asks to be called back, writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page

from rdv.db import db
from rdv.models import Booking, CandidateRequest
from tests import make
from tests.support.live import PHONE, faults_in_light_and_dark, fits, serving

pytestmark = pytest.mark.e2e

# A radio shows its focus around its label.
FOCUS_SHOWS = """() => [document.activeElement, document.activeElement.nextElementSibling]
    .filter(Boolean)
    .map((each) => getComputedStyle(each))
    .some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none")"""


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre with a training and five free slots."""
    cfa = make.cfa(name="CFA des Tilleuls", disability_contact="Nora Petit, 01 99 00 12 34")
    site = make.site(cfa)
    training, adviser = make.training(cfa, site), make.adviser(cfa)
    day = date.today() + timedelta(days=7)  # noqa: DTZ011  any coming day will do
    slots = [make.slot(adviser, site, starts_at=f"{day}T{hour:02d}:00") for hour in (9, 10, 11, 14, 15)]
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(cfa=cfa, training=training, slots=slots, url=url, page=f"/formation/{training.public_id}")


@pytest.fixture
def phone(browser: Browser, house: SimpleNamespace) -> Iterator[Page]:
    """A phone of 360 × 740 without JavaScript."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, base_url=house.url, locale="fr-FR")
    yield context.new_page()
    assert context.cookies() == []
    context.close()


def type_in(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"#{name}").fill(value)


def only_request() -> CandidateRequest:
    db.session.rollback()
    return db.session.scalars(sa.select(CandidateRequest)).one()


def test_book_then_cancel(phone: Page, house: SimpleNamespace) -> None:
    phone.goto(house.page)
    first = phone.locator("a.rdv-slot:visible")
    assert first.count() == 3
    box = first.nth(2).bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"], "the next three slots stand on the first screen"
    assert fits(phone)
    phone.get_by_text("Plus de dates").click()
    assert phone.locator("a.rdv-slot:visible").count() == 5
    first.first.click()
    assert fits(phone)
    type_in(phone, first_name="Lina", last_name="Martin", email="lina@courriel.example")
    phone.get_by_role("button", name="Confirmer le rendez-vous").click()
    assert phone.locator("h1").inner_text() == "Rendez-vous confirmé"
    assert fits(phone)
    assert only_request().booking.slot_id == house.slots[0].id
    with phone.expect_download() as download:
        phone.get_by_role("link", name="Ajouter à mon agenda").click()
    assert download.value.suggested_filename == "rendez-vous.ics"
    phone.get_by_role("link", name="Annuler ce rendez-vous").click()
    phone.get_by_role("button", name="J’ai choisi un autre centre").click()
    assert phone.locator("h1").inner_text() == "Vous avez annulé ce rendez-vous"
    booking = only_request().booking
    assert (booking.status, booking.cancel_choice) == ("cancelled", "other_cfa")


def test_a_slot_just_taken_is_replaced_by_one_click(phone: Page, house: SimpleNamespace) -> None:
    phone.goto(house.page)
    phone.locator("a.rdv-slot:visible").first.click()
    type_in(phone, first_name="Lina", last_name="Martin", email="lina@courriel.example")
    make.booking(house.slots[0])
    phone.get_by_role("button", name="Confirmer le rendez-vous").click()
    assert "Ce que vous avez saisi est conservé" in phone.locator("main").inner_text()
    assert fits(phone)
    phone.locator("button.rdv-slot").first.click()
    assert phone.locator("h1").inner_text() == "Rendez-vous confirmé"
    db.session.rollback()
    assert db.session.scalars(sa.select(Booking.slot_id)).all() == [house.slots[0].id, house.slots[1].id]


def test_ask_to_be_called_back(phone: Page, house: SimpleNamespace) -> None:
    phone.goto(house.page)
    phone.get_by_role("link", name="Être rappelé").click()
    assert fits(phone)
    type_in(phone, first_name="Lina", last_name="Martin", phone="0692 12 34 56")
    phone.get_by_label("Le matin").check()
    phone.get_by_text("Vous faites cette demande pour quelqu’un d’autre").click()
    phone.get_by_label("Un parent").check()
    phone.get_by_role("button", name="Demander à être rappelé").click()
    assert phone.locator("h1").inner_text() == "Votre demande de rappel est envoyée"
    request = only_request()
    assert (request.phone, request.callback_windows, request.asker) == ("+262692123456", ["matin"], "parent")


def test_write_after_a_mistake(phone: Page, house: SimpleNamespace) -> None:
    phone.goto(house.page)
    phone.get_by_role("link", name="Écrire au centre").click()
    assert fits(phone)
    type_in(phone, first_name="Lina", last_name="Martin", email="lina@", text="Reste-t-il des places ?")
    phone.get_by_role("button", name="Envoyer le message").click()
    assert phone.title().startswith("Erreur")
    assert fits(phone)
    phone.locator("[role=alert] a").first.click()
    assert phone.url.endswith("#email")
    type_in(phone, email="lina@courriel.example")
    phone.get_by_role("button", name="Envoyer le message").click()
    assert phone.locator("h1").inner_text() == "Votre demande est envoyée"
    assert only_request().text == "Reste-t-il des places ?"


def test_book_with_the_keyboard_alone(browser: Browser, house: SimpleNamespace) -> None:
    context = browser.new_context(viewport=PHONE, base_url=house.url)
    page = context.new_page()
    page.goto(house.page)
    tab_to(page, "a.rdv-slot")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rendez-vous/*")
    for name, value in (("first_name", "Lina"), ("last_name", "Martin"), ("email", "lina@courriel.example")):
        tab_to(page, f"#{name}")
        page.keyboard.type(value)
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/suivi/*")
    assert page.locator("h1").inner_text() == "Rendez-vous confirmé"
    tab_to(page, "a[href$='/annuler']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/annuler")
    tab_to(page, "button[value=not_available]")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Vous avez annulé ce rendez-vous").wait_for()
    context.close()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus, always visible, is on such an element."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert page.evaluate(FOCUS_SHOWS), f"no visible focus on {selector}"
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_nothing_serious_for_axe(browser: Browser, house: SimpleNamespace) -> None:
    context = browser.new_context(viewport=PHONE, base_url=house.url)
    page = context.new_page()
    faults: dict[str, list[str]] = {}
    for path in (
        "/", house.page, f"/cfa/{house.cfa.public_id}", f"/rendez-vous/{house.slots[0].public_id}",
        f"{house.page}/etre-rappele", f"{house.page}/ecrire", "/renvoyer-mon-lien", "/accessibilite", "/suivi/faux",
    ):  # fmt: skip
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        faults[path] = faults_in_light_and_dark(page)
    page.goto(f"/rendez-vous/{house.slots[0].public_id}")
    page.get_by_role("button", name="Confirmer le rendez-vous").click()
    page.wait_for_selector("[role=alert]")
    faults["errors"] = faults_in_light_and_dark(page)
    type_in(page, first_name="Lina", last_name="Martin", email="lina@courriel.example")
    page.get_by_role("button", name="Confirmer le rendez-vous").click()
    page.wait_for_url("**/suivi/*")
    faults["personal"] = faults_in_light_and_dark(page)
    page.get_by_role("link", name="Annuler ce rendez-vous").click()
    page.wait_for_url("**/annuler")
    faults["cancel"] = faults_in_light_and_dark(page)
    context.close()
    assert not {path: found for path, found in faults.items() if found}


def test_the_page_of_a_training_is_light(browser: Browser, house: SimpleNamespace) -> None:
    context = browser.new_context(viewport=PHONE, base_url=house.url)
    page = context.new_page()
    weights: dict[str, int] = {}
    page.on("response", lambda answer: weights.update({answer.url: len(answer.body())}))
    page.goto(house.page, wait_until="networkidle")
    context.close()
    assert all(url.startswith(house.url) for url in weights)
    assert len(weights) < 8
    assert sum(weights.values()) < 60_000, weights
