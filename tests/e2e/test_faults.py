"""The world breaks while people work: a database cut off and restarted, a full disk, a run killed under an open page."""

import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from backend.store.engine import reading, writing
from backend.store.tables import Rating, Run
from backend.training.config import TrainConfig
from benchmarks.servers import Proxy
from benchmarks.workbenches import ENVIRONMENT, fill, postgres_database, workbench_at
from tests import warm
from tests.live_runs import wait_until
from tests.warm import WarmApp

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-faults")]
CUT_SECONDS = 20


@pytest.fixture
def beyond_a_proxy(workbench: Path) -> Iterator[tuple[str, Proxy]]:
    """A workbench on PostgreSQL; the URL of its database beyond a proxy, and the proxy."""
    with postgres_database() as url, workbench_at(workbench, url):
        there = make_url(url)
        proxy = Proxy(there.host or "127.0.0.1", there.port or 5432)
        beyond = there.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        yield beyond, proxy
        proxy.cut()


def rate(page: Page, key: str, done: int) -> None:
    """Rate what has been on screen for a moment, see it counted and the next one drawn to its end.

    The count is drawn first: what is typed before the rest is there goes into the box of the item just rated.
    """
    time.sleep(0.6)
    page.keyboard.press(key)
    expect(page.get_by_text(f"{done} done")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def ratings() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Rating)) or 0


def test_a_database_away_for_twenty_seconds(beyond_a_proxy: tuple[str, Proxy], page: Page) -> None:
    url, proxy = beyond_a_proxy
    fill(20)
    app = WarmApp({**ENVIRONMENT, "DATABASE_URL": url})
    try:
        page.goto(f"{app.address}/annotate?rater=Ana")
        expect(page.get_by_text("0 done")).to_be_visible()
        for done, key in enumerate("135", start=1):
            rate(page, key, done)
        page.get_by_role("textbox", name="Comment").fill("o texto fica")

        proxy.cut()
        page.keyboard.press("Control+Enter")  # leaves the comment, which cannot be kept now
        expect(page.get_by_text("does not answer").first).to_be_visible()
        time.sleep(CUT_SECONDS)
        expect(page.get_by_text("does not answer").first).to_be_visible()
        assert ratings() == 3
        proxy.restore()
        expect(page.get_by_text("3 done")).to_be_visible()  # by itself, with what was being written
        expect(page.get_by_role("textbox", name="Comment")).to_have_value("o texto fica")
        rate(page, "4", 4)

        # Restarted: the server ends every connection, and nobody answers for a moment.
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                "pg_backend_pid()"
            )
        rate(page, "2", 5)  # a connection that is gone is replaced unseen
        proxy.cut()
        time.sleep(0.6)
        page.keyboard.press("5")
        expect(page.get_by_text("does not answer").first).to_be_visible()
        proxy.restore()
        expect(page.get_by_text("5 done")).to_be_visible()  # the last key was not confirmed, and is not counted
        rate(page, "5", 6)
        assert ratings() == 6
        with reading() as session:
            assert session.scalar(select(Rating.comment).where(Rating.comment != "")) == "o texto fica"
    finally:
        app.kill()


def test_a_run_goes_on_while_the_database_is_away(
    beyond_a_proxy: tuple[str, Proxy], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    """Everything is in its folder; the store has it all afterwards, and how it ended."""
    from backend.runs.create import create_run

    url, proxy = beyond_a_proxy
    run_id = create_run(tiny_config.model_copy(update={"max_steps": 6, "eval_steps": 3}))
    log = tmp_path / "out.txt"
    process = warm.start("--run", run_id, out=log, DATABASE_URL=url)
    try:
        wait_until("the base is evaluated", lambda: "base at step 0" in log.read_text())
        proxy.cut()
        wait_until("it has trained to the end without it", lambda: "tuned at step" in log.read_text())
        wait_until("it waits for it", lambda: "Trying again" in log.read_text())
        assert process.poll() is None
        proxy.restore()
        assert process.wait() == 0, log.read_text()[-2000:]
    finally:
        process.kill()
    with reading() as session:
        run = session.get_one(Run, run_id)
        assert run.status == "finished" and run.exit_code == 0
        from backend.store.evaluations import run_evaluations
        from backend.store.runs import load_metrics

        assert [e.label for e in run_evaluations(session, run_id)][-1] == "tuned"
        assert load_metrics(session, [run_id])["step"].max() == 6


def test_a_disk_with_no_room_is_said_and_over_when_there_is_some(workbench: Path, page: Page) -> None:
    """No file of the app may grow, as on a full disk; then it may again."""
    fill(20)
    app = WarmApp(ENVIRONMENT)
    try:
        page.goto(f"{app.address}/annotate?rater=Ana")
        expect(page.get_by_text("0 done")).to_be_visible()
        rate(page, "4", 1)
        resource.prlimit(app.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        time.sleep(0.6)
        page.keyboard.press("5")
        expect(page.get_by_text("nothing was saved just now").first).to_be_visible()
        assert ratings() == 1
        resource.prlimit(app.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        rate(page, "5", 2)
        assert ratings() == 2
    finally:
        app.kill()


def test_a_run_killed_under_an_open_page_is_said_to_have_died(workbench: Path, page: Page) -> None:
    from backend.runs.processes import mark_running

    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    folder = workbench / "runs" / "r1"
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("step 1\nCUDA out of memory. Tried to allocate\n")
    with writing() as session:
        run = Run(
            id="r1", name="the run", preset="nano", config={"max_steps": 5}, seed=1, folder=str(folder),
            status="queued", profile="v4.2.1", fingerprint="x",
        )  # fmt: skip
        session.add(run)
        mark_running(run, process.pid)
    app = WarmApp(ENVIRONMENT)
    try:
        page.goto(f"{app.address}/runs")
        expect(page.get_by_text(re.compile(r"\brunning$")).first).to_be_visible()
        process.kill()
        process.wait()
        expect(page.get_by_text(re.compile(r"\bfailed$")).first).to_be_visible()
        expect(page.get_by_text("out of GPU memory").first).to_be_visible()
    finally:
        process.kill()
        app.kill()
