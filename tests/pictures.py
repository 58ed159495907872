"""The pictures of the docs, made anew from the recorded example: ``python -m tests.pictures [name …]`` (needs Chromium).

Compare them by eye before they are committed.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from backend.release.start import first_start
from backend.settings import ROOT
from benchmarks.presses import start_chromium
from benchmarks.servers import App
from benchmarks.workbenches import workbench_at

IMAGES = ROOT / "docs" / "images"
WIDE = (1440, 900)
PICTURES: dict[str, tuple[str, tuple[int, int], str]] = {
    "home": ("", WIDE, "light"),
    "annotate": ("annotate?rater=Ana", WIDE, "light"),
    "annotate-800": ("annotate?rater=Ana", (800, 900), "light"),
    "annotate-800-dark": ("annotate?rater=Ana", (800, 900), "dark"),
    "pairs": ("pairs?rater=Ana", WIDE, "light"),
    "results": ("results", (1440, 1000), "light"),
    "audit": ("audit", (1440, 1000), "light"),
    "runs": ("runs", WIDE, "light"),
    "gap": ("runs", (1440, 600), "light"),
    "monitor": ("monitor", (1440, 1000), "light"),
    "train": ("train", WIDE, "light"),
    "own": ("own", WIDE, "light"),
}
"""Name -> (page, width and height in pixels, theme)."""
WAITS_FOR = {"results": "The reward rose"}
"""Name -> words that are there once the page has drawn what matters."""
SCROLLED_TO = {"gap": "Reward beside truth and people"}
"""Name -> words that the page is scrolled to, where it is not shown from its top."""


def take(browser: Browser, address: str, name: str) -> Path:
    """Take one picture; the file it is in."""
    page_name, (width, height), theme = PICTURES[name]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        locale="en-US",
    )
    page = context.new_page()
    page.goto(f"{address}/{page_name}")
    page.get_by_test_id("stMain").get_by_role("paragraph").first.wait_for(timeout=60_000)
    page.get_by_test_id("stStatusWidget").wait_for(state="detached", timeout=60_000)
    if name in WAITS_FOR:
        page.get_by_text(WAITS_FOR[name]).first.wait_for(timeout=60_000)
    page.wait_for_timeout(2_000)  # charts and tables are drawn after the script's end
    if name in SCROLLED_TO:
        page.get_by_text(SCROLLED_TO[name], exact=True).evaluate("element => element.scrollIntoView()")
        page.wait_for_timeout(2_000)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    context.close()
    return path


def main(names: list[str]) -> None:
    """Take the named pictures, or all."""
    with tempfile.TemporaryDirectory() as folder, workbench_at(Path(folder)):
        first_start()
        app = App({"WORKBENCH_MODELS_DIR": str(ROOT / "data" / "models")})
        try:
            with sync_playwright() as playwright:
                browser = start_chromium(playwright)
                for name in names or PICTURES:
                    print(take(browser, app.address, name))
                browser.close()
        finally:
            app.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
