"""One browser for all of these tests, in which each has contexts of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.live import chromium


@pytest.fixture(scope="package")
def running_browser() -> Iterator[Browser]:
    """Chromium, started once."""
    with chromium() as found:
        yield found


@pytest.fixture
def browser(running_browser: Browser) -> Iterator[Browser]:
    """A browser that knows nothing of the tests before: no context, thus no cookie, no storage, no page."""
    assert running_browser.contexts == []
    yield running_browser
    for context in running_browser.contexts:
        context.close()
