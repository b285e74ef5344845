"""Subscribing to one's own calendar in a real browser: made, shown once, changed and taken away with the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, expect

from rdv.db import db
from rdv.models import CalendarFeed
from tests import make
from tests.e2e.test_staff_series import opened, press_until
from tests.support.live import DESK, PHONE, faults_in_light_and_dark, faults_of_screens, fits, serving

pytestmark = pytest.mark.e2e


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre with two places and an adviser."""
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, name="Campus Nord")
    make.site(cfa, name="Campus Sud")
    adviser = make.adviser(cfa, email="bob@cfa-tilleuls.example")
    make.slot(adviser, site, make.meeting_type(cfa))
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(url=url, adviser=adviser)


def feed() -> CalendarFeed:
    db.session.rollback()
    return db.session.scalars(sa.select(CalendarFeed)).one()


def test_a_calendar_by_the_keyboard_alone(browser: Browser, house: SimpleNamespace) -> None:
    page = opened(browser, house, "/equipe/calendriers")
    press_until(page, "Nom de l’appareil")
    page.keyboard.type("Téléphone de Bob")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("L’adresse de")
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert faults_in_light_and_dark(page) == []
        assert fits(page)
    address = page.locator("#adresse").inner_text()
    path = urlsplit(address).path
    assert page.request.get(path).status == 200

    own = f"/equipe/calendriers/{feed().public_id}"
    assert faults_of_screens(page, ["/equipe/calendriers", own, "/equipe/profil"]) == []
    page.set_viewport_size(DESK)
    page.goto(own)
    assert address not in page.content()  # shown once
    press_until(page, "Initiales et référence")
    page.keyboard.press("ArrowDown")
    press_until(page, "Enregistrer")
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]").first).to_be_visible()
    assert feed().detail == "full"

    page.goto("/equipe/calendriers")
    press_until(page, "Retirer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults_in_light_and_dark(page) == []
    press_until(page, "Retirer")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Aucun calendrier pour le moment")).to_be_visible()
    assert feed().revoked_at is not None
    assert page.request.get(path).status == 404
