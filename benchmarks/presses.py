"""The time from a key press to the next completion in Chromium, for one rater and with nineteen others at work."""

import random
import shutil
import statistics
import threading
import time
from collections.abc import Callable

from playwright.sync_api import Browser, Page, Playwright

from benchmarks.streamlit_session import Session

OTHERS = 19
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
Press = Callable[[Page, int], None]
"""Gives the completion on screen a score from 1 to 5."""
Rate = Callable[[int, threading.Event], None]
"""Another rater, by number, who works until told to end."""
# Measures from the last key press to the frame with the next completion (or number of ratings): where the pattern's group changes.
_WATCH = """
pattern => {
  window.times = [];
  const shown = () => (document.body.innerText.match(new RegExp(pattern)) || [])[1];
  let last = shown(), pressed = 0;
  document.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    const now = shown();
    if (now !== undefined && now !== last) {
      last = now;
      requestAnimationFrame(() => window.times.push(performance.now() - pressed));
    }
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""


def start_chromium(playwright: Playwright) -> Browser:
    """The installed Chromium, without a window."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))


def new_page(browser: Browser) -> Page:
    """A page as wide as a desk's, in English."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000}, locale="en-US")
    page.set_default_timeout(120_000)
    return page


def alone_and_among(page: Page, presses: int, shown: str, press: Press, rate: Rate) -> dict[str, dict[str, float]]:
    """Milliseconds from a key press to the next completion on screen, median and p95: for one rater, and among twenty.

    Args:
        page: where a completion waits for its score.
        presses: how many in each setting.
        shown: a pattern whose group changes with the completion.
        press: scores it.
        rate: what the others do.
    """
    time.sleep(3)
    page.evaluate(_WATCH, shown)
    alone = _measured(page, "alone", presses, press)
    busy = threading.Event()
    others = [threading.Thread(target=rate, args=(i, busy), daemon=True) for i in range(OTHERS)]
    for thread in others:
        thread.start()
    time.sleep(15)
    among = _measured(page, "among twenty", presses, press)
    busy.set()
    for thread in others:
        thread.join(timeout=30)
    return {"one_rater": alone, "twenty_raters": among}


def _measured(page: Page, name: str, presses: int, press: Press) -> dict[str, float]:
    page.evaluate("() => { window.times = []; }")
    for i in range(presses):
        time.sleep(0.6)
        press(page, 1 + i % 5)
        page.wait_for_function("n => window.times.length > n", arg=i)
    times = sorted(page.evaluate("() => window.times"))
    found = {"median": round(statistics.median(times)), "p95": round(times[int(0.95 * (len(times) - 1))])}
    print(f"key press to next completion, {name}: median {found['median']} ms, p95 {found['p95']} ms", flush=True)
    return found


def press_key(page: Page, score: int) -> None:
    """On Annotate a score's key saves it."""
    page.keyboard.press(str(score))


def rate_until(port: int, number: int, busy: threading.Event) -> None:
    """Another rater on Annotate, who reads for one to three seconds before each score, until told to end."""
    rng = random.Random(number)
    session = Session(port, "annotate", rater=f"other {number}", timeout=120)
    while not busy.is_set():
        time.sleep(rng.uniform(1, 3))
        session.press(rng.choice(("useless", "poor", "usable", "good", "excellent")))
    session.close()
