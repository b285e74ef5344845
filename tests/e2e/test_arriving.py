"""Links that other sites built badly: what only the browser knows of them still leads to the right place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from tests import make
from tests.support.live import PHONE, accessibility_faults, serving

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
