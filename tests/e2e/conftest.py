"""The browser of the end-to-end tests."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.presses import CHROMIUM, start_chromium


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium: .ci/run installs it")
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, locale="en-US")
        page.set_default_timeout(30_000)
        expect.set_options(timeout=30_000)  # the first drawing of a page on a busy machine takes its time
        yield page
        browser.close()
