"""The time from a key press to the next completion, beside Label Studio on the same machine and the same texts.

    python -m venv ls && ls/bin/pip install label-studio
    python -m benchmarks.label_studio ls/bin/label-studio     # about ten minutes on two cores; needs Chromium

Both serve a SQLite store with the same completions, to be scored from 1 to 5, in Chromium: once for one rater, once with
nineteen others at work who read for one to three seconds before each score. Here a score's key saves it; there the score's key
chooses it and Ctrl+Enter saves it, and the time counts from Ctrl+Enter, so that the second key costs Label Studio nothing.
"""

import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import httpx
import typer
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from backend.settings import ROOT
from benchmarks.presses import OTHERS, alone_and_among, new_page, press_key, rate_until, start_chromium
from benchmarks.servers import App, free_port, wait_for_port
from benchmarks.workbenches import ENVIRONMENT, fill, workbench_at

EMAIL, PASSWORD = "rater@example.org", "only-on-loopback"
CONFIG = (
    '<View><Header value="$prompt"/><Text name="text" value="$text"/>'
    '<Choices name="score" toName="text" choice="single-radio" required="true">'
    + "".join(f'<Choice value="{score}" hotkey="{score}"/>' for score in range(1, 6))
    + "</Choices></View>"
)
SHOWN = r"Oferta (\d+)!"
"""What tells one completion from the next."""


def main(
    label_studio: Annotated[Path, typer.Argument(help="Label Studio's command, in a virtual environment of its own.")],
    presses: Annotated[int, typer.Option(min=20, help="Key presses measured in each setting.")] = 100,
) -> None:
    """Measure."""
    if not label_studio.exists():
        raise typer.BadParameter(f"{label_studio} is not there; see the first lines of this file")
    completions = presses * 4 + OTHERS * presses * 2
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        theirs = _label_studio(browser, label_studio.resolve(), completions, presses)
        ours = _ours(browser, completions, presses)
        browser.close()
    ratios = {name: {which: round(ours[name][which] / theirs[name][which], 2) for which in ours[name]} for name in ours}
    for name, ratio in ratios.items():
        print(f"{name}: {ratio['p95']:.2f} of Label Studio's p95, {ratio['median']:.2f} of its median")
    asked = "import importlib.metadata as m; print(m.version('label-studio'))"
    version = subprocess.check_output([label_studio.parent / "python", "-c", asked], text=True).strip()
    result = {"label_studio": version, "presses": presses,
              "ours_ms": ours, "theirs_ms": theirs, "ratio": ratios}  # fmt: skip
    (ROOT / "benchmarks" / "results" / "label_studio.json").write_text(json.dumps(result, indent=2) + "\n")


def _ours(browser: Browser, completions: int, presses: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder, workbench_at(Path(folder)):
        fill(completions)
        app = App(ENVIRONMENT)
        try:
            page = new_page(browser)
            page.goto(f"{app.address}/annotate?rater=alone")
            page.get_by_role("button", name="excellent").wait_for()
            return alone_and_among(page, presses, SHOWN, press_key, lambda i, busy: rate_until(app.port, i, busy))
        finally:
            app.kill()


def _label_studio(browser: Browser, command: Path, completions: int, presses: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder, _running(command, Path(folder)) as address:
        page = new_page(browser)
        page.goto(f"{address}/user/login/")
        page.locator("input[name=email]").fill(EMAIL)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("button[type=submit]").click()
        page.wait_for_url(re.compile(r"projects|/$"))
        cookies = {c["name"]: c["value"] for c in page.context.cookies()}
        with _client(address, cookies) as client:
            made = client.post("/api/projects", json={"title": "push", "label_config": CONFIG, "sampling": "Uniform sampling",
                                                      "maximum_annotations": 1})  # fmt: skip
            project = made.raise_for_status().json()["id"]
            tasks = [{"prompt": f"Crie um push {i}", "text": f"Oferta {i}! Corra"} for i in range(completions)]
            client.post(f"/api/projects/{project}/import", json=tasks).raise_for_status()
        page.goto(f"{address}/projects/{project}/data?labeling=1")
        page.get_by_text("Oferta").first.wait_for()
        return alone_and_among(
            page, presses, SHOWN, _choose_and_submit, lambda i, busy: _rate_by_api(address, cookies, project, i, busy)
        )


def _choose_and_submit(page: Page, score: int) -> None:
    chosen = page.locator("input:checked, .ant-radio-checked, [aria-checked=true]").first
    for _ in range(60):
        page.keyboard.press(str(score))
        with suppress(TimeoutError):  # a busy page shows a text before it takes keys
            chosen.wait_for(state="attached", timeout=2_000)
            page.keyboard.press("Control+Enter")
            return
    raise SystemExit("Label Studio takes no keys")


def _rate_by_api(address: str, cookies: dict[str, str], project: int, number: int, busy: threading.Event) -> None:
    """Another rater: what the page asks the server for, without a browser."""
    rng = random.Random(number)
    with _client(address, cookies) as client:
        while not busy.is_set():
            with suppress(httpx.TimeoutException):  # who gets no answer asks again
                task = client.get(f"/api/projects/{project}/next").raise_for_status().json()["id"]
                time.sleep(rng.uniform(1, 3))
                score = {"choices": [str(rng.randint(1, 5))]}
                choice = {"from_name": "score", "to_name": "text", "type": "choices", "value": score}
                client.post(f"/api/tasks/{task}/annotations", json={"result": [choice]}).raise_for_status()


def _client(address: str, cookies: dict[str, str]) -> httpx.Client:
    headers = {"X-CSRFToken": cookies.get("csrftoken", ""), "Referer": address}
    return httpx.Client(base_url=address, cookies=cookies, headers=headers, timeout=120)


@contextmanager
def _running(command: Path, folder: Path) -> Iterator[str]:
    """The address of a Label Studio of one's own, gone afterwards."""
    port = free_port()
    server = subprocess.Popen(
        [command, "start", "--no-browser", "--port", str(port), "--data-dir", folder, "--username", EMAIL,
         "--password", PASSWORD],
        env={**os.environ, "COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false", "DEBUG": "false"},
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for_port(port, seconds=300)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


if __name__ == "__main__":
    typer.run(main)
