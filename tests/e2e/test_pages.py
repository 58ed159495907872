"""Every page in a real Chromium, on stores of every kind, wide and narrow: nothing breaks and nothing sticks out."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.release.example import load_example
from backend.runs.sync import sync_run
from backend.settings import ROOT
from backend.store.engine import writing
from backend.store.tables import Run
from benchmarks.workbenches import workbench_at
from tests.warm import WarmApp

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-pages")]
PAGES = ("", "annotate?rater=Ana", "results", "runs", "own", "audit", "train", "data")
# What is wider than the window and cannot be scrolled to inside its own box.
STICKS_OUT = "() => document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"


def add_run(folder: Path, status: str, reason: str, **more: object) -> None:
    """A run that ended as told, with the example's evaluations where its folder has them."""
    with writing() as session:
        session.add(
            Run(id=folder.name, name=folder.name, preset="nano", config={"max_steps": 60}, folder=str(folder),
                status=status, reason=reason, profile="v4.2.1", fingerprint="x", **{"seed": 1, **more})
        )  # fmt: skip
    sync_run(folder.name)


def fill(kind: str, folder: Path) -> None:
    """The store of that kind."""
    if kind == "empty":
        return
    load_example()
    if kind == "full":
        add_run(folder / "died", "failed", "out of GPU memory: lower num_generations\nLast lines of its log:\nboom")
        add_run(folder / "parent", "finished", "3 seeds")
        for seed in (1, 2, 3):
            shutil.copytree(ROOT / "examples" / "nano-run", folder / f"parent-s{seed}")
            add_run(folder / f"parent-s{seed}", "finished", "", parent_id="parent", seed=seed)


@pytest.fixture(scope="module", params=["empty", "example", "full"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One app for each kind of store: the tests here only look."""
    with workbench_at(tmp_path_factory.mktemp("pages"), WORKBENCH_LOAD_EXAMPLE="false") as folder:
        fill(request.param, folder)
        app = WarmApp({"WORKBENCH_MODELS_DIR": str(ROOT / "data" / "models")})
        yield app.address
        app.kill()


def test_every_page_opens_and_fits(address: str, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for width in (1440, 800):
        page.set_viewport_size({"width": width, "height": 1000})
        for name in PAGES:
            page.goto(f"{address}/{name}")
            expect(page.get_by_test_id("stMain").get_by_role("paragraph").first).to_be_visible()
            expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)  # it has been drawn to its end
            expect(page.get_by_test_id("stException")).to_have_count(0)
            assert page.evaluate(STICKS_OUT) <= 0, f"{name} at {width}"
    page.set_viewport_size({"width": 1440, "height": 1000})
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []


def test_seeds_and_a_died_run_are_read(address: str, page: Page, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["address"] != "full":
        pytest.skip("only the full store has them")
    page.goto(f"{address}/results?result_run=parent")
    expect(page.get_by_text("Over 3 seeds the mean reward moved by")).to_be_visible()
    page.goto(f"{address}/results?result_run=died")
    expect(page.get_by_text("out of GPU memory: lower num_generations")).to_be_visible()
