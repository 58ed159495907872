"""Every page with axe-core, in both themes and languages; its title, language and layout shift; and who may frame it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from backend.release.example import load_example
from backend.settings import ROOT
from benchmarks.workbenches import workbench_at
from tests.warm import WarmApp

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-accessibility")]
PAGES = ("", "annotate?rater=Ana", "results", "runs", "monitor", "own", "audit", "train", "data", "events")
NOT_OURS = {"list", "listitem"}
"""Streamlit's navigation puts the sections' <div> between <ul> and <li>."""
LAYOUT_SHIFT = """
    window.shift = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""
RUN_AXE = """
    axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations.map(
        (v) => [v.id, v.impact, v.nodes.map((n) => n.html.slice(0, 200) + " " + n.failureSummary)]))
"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    if shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs npm: .ci/run installs it")
        pytest.skip("no npm on this machine (Debian: apt-get install nodejs npm)")
    folder = tmp_path_factory.mktemp("axe")
    shutil.copy(Path(__file__).parents[1] / "axe" / "package.json", folder)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on the recorded example."""
    with workbench_at(tmp_path_factory.mktemp("accessibility"), WORKBENCH_LOAD_EXAMPLE="false"):
        load_example()
        app = WarmApp({"WORKBENCH_MODELS_DIR": str(ROOT / "data" / "models")})
        yield app.address
        app.kill()


@pytest.fixture(params=[("light", "en-US"), ("dark", "pt-BR")], ids=["light-en", "dark-pt"])
def context(request: pytest.FixtureRequest, page: Page) -> Iterator[BrowserContext]:
    """A browser window in a theme and a language."""
    theme, locale = request.param
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme=theme, locale=locale)
    context.add_init_script(LAYOUT_SHIFT)
    yield context
    context.close()


def opened(page: Page, url: str) -> None:
    """Open a page and wait until it has been drawn to its end."""
    page.goto(url)
    page.get_by_test_id("stMain").get_by_role("paragraph").first.wait_for()
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    page.wait_for_timeout(500)  # what is drawn after the script's end: charts, tables


def serious(page: Page, axe: str) -> list[Any]:
    """axe's serious and critical findings that are ours."""
    page.evaluate(axe)
    found = page.evaluate(RUN_AXE)
    return [
        (rule, nodes) for rule, impact, nodes in found if impact in ("serious", "critical") and rule not in NOT_OURS
    ]


def test_axe_finds_nothing_serious(address: str, context: BrowserContext, axe: str) -> None:
    titles = set()
    page = context.new_page()
    for name in PAGES:
        opened(page, f"{address}/{name}")
        assert serious(page, axe) == [], name
        titles.add(page.title())
    assert len(titles) == len(PAGES)
    language = page.evaluate("document.documentElement.lang")
    assert language == ("pt-BR" if "Início · Reward Workbench" in titles else "en")


def test_the_sidebar_does_not_push_the_page_aside(address: str, context: BrowserContext) -> None:
    page = context.new_page()
    for name in ("", "audit", "own"):
        opened(page, f"{address}/{name}")
        assert page.evaluate("window.shift") < 0.1, name


def test_a_kept_page_is_sent_anew_because_our_style_may_have_changed(address: str) -> None:
    first = httpx.get(address, headers={"Accept": "text/html"}, timeout=30)
    again = httpx.get(address, headers={"Accept": "text/html", "If-None-Match": first.headers["etag"]}, timeout=30)
    assert again.status_code == 200 and "<style>" in again.text


def test_no_other_site_may_put_a_page_into_a_frame(address: str) -> None:
    for name in ("", "results", "_stcore/health"):
        answer = httpx.get(f"{address}/{name}", headers={"Accept": "text/html"}, timeout=30)
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
