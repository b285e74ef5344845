"""A served application and a real browser, for tests/e2e."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.processes import Run, answers, free_port, wait_until

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = {"width": 360, "height": 740}


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
def serving(environ: dict[str, str], folder: Path) -> Iterator[str]:
    """The address of the application, in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    run = Run(["run", "-p", str(port)], {**environ, "PUBLIC_URL": url}, folder)
    try:
        wait_until(lambda: answers(f"{url}/sante"), "the server answers")
        yield url
    finally:
        run.kill()


def accessibility_faults(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page as it stands."""
    return [
        f"{each['id']} ({each['impact']}): {each['help']} {[node['target'] for node in each['nodes']]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
