"""Links that other sites built badly: what only the browser knows of them still leads to the right place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from rdv import clock
from tests import make
from tests.support.live import PHONE, accessibility_faults, faults_of_screens, serving

pytestmark = pytest.mark.e2e
KEY = "088281P01211234567890123412345678901234-59350"


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A training taught at two places of one town, which share all but the end of their key."""
    cfa = make.cfa()
    places = [make.site(cfa, name="Campus Nord"), make.site(cfa, name="Campus Sud")]
    for number, place in enumerate(places, start=1):
        make.training(cfa, place, training_key=f"{KEY}#L0{number}", title=f"BTS Électrotechnique {number}")
    make.training(cfa, places[0], training_key=f"{KEY}#L103", title="BTS Électrotechnique 103")
    make.training(cfa, training_key=f"{KEY}#LAD", title="BTS Électrotechnique à distance", remote=True)
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(url=url)


@pytest.mark.parametrize(
    ("end", "title"),
    [
        ("#L02", "Électrotechnique 2"), ("#L01", "Électrotechnique 1"), ("#L103", "Électrotechnique 103"),
        ("#LAD", "Électrotechnique à distance"), ("#lad", "Électrotechnique à distance"),
    ],
)  # fmt: skip
def test_a_key_that_lost_its_end_in_the_browser_finds_it_again(
    browser: Browser, house: SimpleNamespace, end: str, title: str
) -> None:
    page = browser.new_page(viewport=PHONE, base_url=house.url)
    page.goto(f"/rdva?referrer=lba&cleMinistereEducatif={KEY}{end}")
    expect(page.locator("h1")).to_contain_text(title)
    assert page.url.endswith("?origine=lba")
    page.go_back()  # the choice was replaced: no page to get stuck on
    assert page.url == "about:blank"


@pytest.mark.parametrize(
    ("rest", "query"),
    [
        ("&referrer=lba", "?referrer=lba"),
        ("&referrer=2", "?referrer=2"),
        ("&origine=lba", "?origine=lba"),
        ("&q=1", ""),
    ],
)
def test_the_origin_that_followed_the_end_is_found_again(
    browser: Browser, house: SimpleNamespace, rest: str, query: str
) -> None:
    page = browser.new_page(viewport=PHONE, base_url=house.url)
    page.goto(f"/rdva?cleMinistereEducatif={KEY}#L02{rest}")
    expect(page.locator("h1")).to_contain_text("Électrotechnique 2")
    assert page.url.partition("?")[1] + page.url.partition("?")[2] == query
    kept = page.get_by_role("link", name="Écrire au centre").get_attribute("href")
    assert str(kept).endswith("?origine=lba") is bool(query)


@pytest.mark.parametrize("end", ["", "#L09", "#L1", "#L1030", "#LXX", "#%", "#x"])
def test_without_an_end_that_is_known_the_place_is_chosen(browser: Browser, house: SimpleNamespace, end: str) -> None:
    page = browser.new_page(viewport=PHONE, base_url=house.url)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"/rdva?referrer=lba&cleMinistereEducatif={KEY}{end}")
    expect(page.locator("h1")).to_contain_text("Choisissez le lieu")
    assert page.get_by_role("link", name="Électrotechnique").count() == 4
    assert accessibility_faults(page) == []
    assert faults == []


def test_who_comes_for_nothing_finds_what_is_open_on_any_screen_without_script(
    app: Flask, browser: Browser, process_env: dict[str, str], tmp_path: Path
) -> None:
    cfa = make.cfa(name="Centre interconsulaire de formation d’apprentis des Hauts-de-France")
    here = {"latitude": 50.63, "longitude": 3.06}
    closed = make.training(cfa, make.site(cfa, **here), title="BTS Électrotechnique", closed_at=clock.now())
    for number in range(6):
        make.training(
            cfa, make.site(cfa), title=f"Baccalauréat professionnel numéro {number}", diploma_code="1", rncp="2"
        )
    other = make.cfa()
    make.training(other, make.site(other, latitude=50.7, longitude=3.06), title="BTS Électrotechnique")
    unknown = f"/formation?cle=088281P013X{cfa.siret}{cfa.siret}-59350%23L07&origine=lba"
    with serving(process_env, tmp_path) as url:
        page = browser.new_page(viewport=PHONE, base_url=url)
        assert faults_of_screens(page, [f"/formation/{closed.public_id}?origine=lba", unknown]) == []
        bare = browser.new_context(viewport=PHONE, base_url=url, java_script_enabled=False).new_page()
        bare.goto(f"/f/{closed.public_id}?origine=lba")
        bare.get_by_role("link", name="BTS Électrotechnique").click()
        expect(bare.locator("h1")).to_have_text("BTS Électrotechnique")
        assert bare.url.endswith("?origine=lba")
        bare.goto(unknown)
        bare.get_by_label("Formation, centre ou ville").fill("électrotechnique")
        bare.get_by_role("button", name="Chercher").click()
        expect(bare.get_by_role("link", name="BTS Électrotechnique")).to_be_visible()
        assert "origine=lba" in bare.url
