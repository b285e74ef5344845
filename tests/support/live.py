"""A served application and a real browser, for tests/e2e."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from config import Config
from tests.support import forks

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 800}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; skips, with the reason, where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def serving(environ: dict[str, str], _folder: Path) -> Iterator[str]:
    """The address of the application, in a process of its own."""
    process = forks.Process(_serve, env=environ)
    try:
        url = process.stdout.readline().strip()
        assert url, process.communicate()
        yield url
    finally:
        process.kill()
        process.communicate()


def _serve() -> None:
    """Serve as `flask run` does, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        app = forks.application(Config.from_env({**os.environ, "PUBLIC_URL": url}))
        server = make_server("127.0.0.1", port, app, threaded=True, fd=listening.fileno())
        print(url, flush=True)  # noqa: T201
        server.serve_forever()


def accessibility_faults(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page as it stands."""
    there = page.evaluate("'axe' in window")  # reading half a megabyte of it takes as long as what it does
    return [
        f"{each['id']} ({each['impact']}): {each['help']} {[node['target'] for node in each['nodes']]}"
        for each in (Axe("") if there else Axe()).run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def faults_in_light_and_dark(page: Page) -> list[str]:
    """Return what axe finds on the page as it stands, in each of the two colour schemes."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half way to another
        found += [f"{scheme}: {fault}" for fault in accessibility_faults(page)]
    page.emulate_media(color_scheme="light")
    return found


def width_of_content(page: Page) -> int:
    """Return the width of the loaded document, in CSS pixels: wider than the screen, it scrolls sideways.

    A click returns once the next page is on its way, when it may still have no root element.
    """
    page.wait_for_load_state("load")
    return int(page.locator("html").evaluate("root => root.scrollWidth"))


def fits(page: Page) -> bool:
    """Whether nothing is wider than the screen of the page."""
    screen = page.viewport_size
    assert screen is not None
    return width_of_content(page) <= screen["width"]


def faults_of_screens(page: Page, paths: Iterable[str]) -> list[str]:
    """Open each screen on a desk and on a phone, and return what axe finds in both schemes, and what is too wide."""
    found = []
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        for path in paths:
            page.goto(path)
            wide = width_of_content(page)
            faults = faults_in_light_and_dark(page) + ([f"{wide} pixels wide"] if wide > size["width"] else [])
            found += [f"{path} at {size['width']} pixels: {fault}" for fault in faults]
    return found
