"""The way in with one's own rewards: from two files, in the browser, to the first rating; and back to the example."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.settings import ROOT
from benchmarks.servers import App
from tests.e2e.helpers import again

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-own")]


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The app, started in a folder with a team's files."""
    for name in ("rewards.py", "completions.jsonl", "ratings.csv"):
        shutil.copy(ROOT / "examples" / "support" / name, tmp_path / name)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    app = App({"WORKBENCH_MODELS_DIR": str(ROOT / "data" / "models")}, folder=tmp_path)
    yield app.address
    app.kill()


def choose(page: Page, address: str) -> None:
    """Open the page and choose the reward file of the folder."""
    page.goto(f"{address}/own")
    box = page.get_by_role("combobox", name=re.compile("Reward functions"))
    option = page.get_by_role("option", name="rewards.py")
    again(box.click, option)
    option.click()


def test_from_two_files_to_the_first_rating_and_back(address: str, page: Page, tmp_path: Path) -> None:
    choose(page, address)
    page.get_by_label("… or its path on the server").first.fill("completions.jsonl")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Open these files")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Open these files").click()
    expect(page.get_by_text("200 completions, 200 of them new")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Reward functions and their weights: ")).to_be_visible()
    assert (tmp_path / "annotations-rewards.db").is_file()

    page.goto(f"{address}/annotate?rater=Ana")
    expect(page.get_by_text("0 done · ")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Would you send this reply to the customer?")).to_be_visible()
    expect(page.get_by_text("Beside the prompt, for the reward and for you:")).to_be_visible()
    expect(page.get_by_text("reference:")).to_be_visible()
    page.wait_for_timeout(600)  # a score for what was not on screen is refused
    again(page.get_by_role("button", name=re.compile("^usable")).click, page.get_by_text("1 done · "))

    page.goto(f"{address}/audit")
    expect(page.get_by_text("the file as it is")).to_be_visible(timeout=60_000)
    assert not page.get_by_text("SQL").count()

    page.goto(f"{address}/train")  # the prompts of the completions are there to train on
    expect(page.get_by_text("prompts, train + eval + test: ")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()

    page.goto(f"{address}/own")
    back = page.get_by_role("button", name="Back to the example")
    expect(back).to_be_visible(timeout=60_000)
    back.click()
    expect(back).to_have_count(0, timeout=60_000)
    page.goto(f"{address}/audit")
    expect(page.get_by_text("SQL Q&A").first).to_be_visible(timeout=60_000)


def test_a_file_that_does_not_fit_changes_nothing(address: str, page: Page, tmp_path: Path) -> None:
    (tmp_path / "wrong.jsonl").write_text('{"text": "no prompt", "answer": "x"}\n')
    choose(page, address)
    page.get_by_label("… or its path on the server").first.fill("wrong.jsonl")
    page.keyboard.press("Enter")
    expect(page.get_by_text("no column is known as the prompt")).to_be_visible(timeout=30_000)
    page.goto(f"{address}/audit")
    expect(page.get_by_text("SQL Q&A").first).to_be_visible(timeout=60_000)
