"""The whole loop in a real Chromium: sample, rate, see ρ, launch a run, kill the app in the middle, read the verdict."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from backend.settings import ROOT
from benchmarks.servers import App
from tests.e2e.helpers import again, open_tab

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-loop")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A workbench of its own without the example; nano is shared with the project's cache, since building it takes minutes."""
    folder = tmp_path_factory.mktemp("e2e")
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'annotations.db'}",
        "WORKBENCH_DATA_DIR": str(folder / "data"),
        "WORKBENCH_MODELS_DIR": str(ROOT / "data" / "models"),
        "WORKBENCH_RUNS_DIR": str(folder / "runs"),
        "WORKBENCH_LOAD_EXAMPLE": "false",
    }


@pytest.fixture(scope="module")
def app(environment: dict[str, str]) -> Iterator[App]:
    """A running app on an empty store."""
    served = App(environment)
    yield served
    served.kill()


def status(page: Page, word: str) -> Locator:
    """A run's badge: its text is the icon's name and the word."""
    return page.get_by_text(re.compile(rf"\b{word}$")).first


def press(page: Page, key: str, then: str) -> None:
    """Press a key as a person would: once the item has been on screen."""

    def read_and_press() -> None:
        time.sleep(0.6)  # a key pressed earlier than this is not taken: nobody has read the item
        page.keyboard.press(key)

    again(read_and_press, page.get_by_text(then))


def test_rate_audit_train_and_read_the_verdict(app: App, page: Page) -> None:
    address = app.address
    # Have nano answer the push prompts.
    page.goto(f"{address}/data")
    expect(page.get_by_text("Facts").first).to_be_visible(timeout=60_000)
    open_tab(page, "Sample completions", "Policy")
    page.get_by_role("combobox", name="Task").click()
    page.get_by_role("option", name="Push").click()
    count = page.get_by_role("spinbutton", name="Completions per prompt")
    count.fill("1")
    count.press("Tab")
    again(
        page.get_by_role("button", name="Sample").click,
        page.get_by_text(re.compile(r"starting|loading|taught|sampling|stored")).first,
    )
    expect(page.get_by_text("stored 15 completions")).to_be_visible(timeout=240_000)

    # Rate five completions by keyboard.
    page.goto(f"{address}/annotate?rater=Ana")
    expect(page.get_by_text("0 done")).to_be_visible()
    for done, key in enumerate("13524"):
        press(page, key, f"{done + 1} done")

    # Backspace takes the last one back; rate it again.
    press(page, "Backspace", "4 done")
    press(page, "4", "5 done")

    # ρ appears, with n = 5.
    page.goto(f"{address}/audit")
    expect(page.get_by_role("heading", name=re.compile("^ρ"))).to_be_visible()
    expect(page.get_by_text("· n = 5")).to_be_visible()

    # Launch three steps of nano from the Train page.
    page.goto(f"{address}/train")
    expect(page.get_by_role("button", name="Launch")).to_be_enabled(timeout=60_000)  # all of it is drawn
    steps = page.get_by_role("spinbutton", name="Steps", exact=True)
    steps.fill("3")
    steps.press("Enter")
    page.wait_for_timeout(1000)
    page.get_by_text("Other fields").click()  # fewer and shorter answers: what is tried is the way, not the model
    others = {
        "test_prompts": "20", "final_samples": "1", "max_completion_length": "48", "preflight_prompts": "2",
        "override_reason": "a test",
    }  # fmt: skip
    for field, value in others.items():
        of = page.get_by_role("textbox", name=field, exact=True)
        of.fill(value)
        of.press("Enter")
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Launch").click()
    expect(status(page, "running")).to_be_visible(timeout=60_000)

    # The app killed and started again, the page reloaded: the run is still there, and ends by itself.
    app.kill()
    app.start()
    page.reload()
    expect(status(page, "running")).to_be_visible(timeout=60_000)
    page.goto(f"{address}/runs")
    expect(status(page, "finished")).to_be_visible(timeout=420_000)
    expect(page.get_by_text("Reward on the eval prompts, per task")).to_be_visible()

    # Base against tuned, in one sentence.
    page.goto(f"{address}/results")
    expect(page.get_by_role("heading", name=re.compile("^The reward rose in"))).to_be_visible()
    page.get_by_text("All the numbers").click()
    expect(page.get_by_text("Wilcoxon signed-rank")).to_be_visible()


def test_a_taken_port_is_a_message_and_not_a_traceback(app: App, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "app", "--port", str(app.port)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"port {app.port} is taken" in done.stderr and "PORT=" in done.stderr
