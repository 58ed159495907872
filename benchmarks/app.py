"""How fast the app is with a million completions and a million metric points: key presses, the audit page, the curves.

python -m benchmarks.app                     # about ten minutes on two cores; needs Chromium
python -m benchmarks.app --completions 20000 --ratings 4000   # smaller

Builds a SQLite store of that size in a temporary folder, starts the app on it, and drives it in Chromium: the time from
a key press to the next completion on screen, for one rater and with nineteen others at work. The interval of Spearman's
ρ is compared with scipy.stats.bootstrap around scipy.stats.spearmanr on the same data.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from playwright.sync_api import sync_playwright
from scipy import stats

from backend.audit.correlation import correlate
from backend.settings import ROOT
from benchmarks.filled import CURVES, fill
from benchmarks.presses import alone_and_among, new_page, press_key, rate_until, start_chromium
from benchmarks.servers import App
from benchmarks.workbenches import workbench_at

CURVE_RUNS = 20
CHARTS = 10


def main(
    completions: Annotated[int, typer.Option(min=1000)] = 1_000_000,
    ratings: Annotated[int, typer.Option(min=100)] = 200_000,
    presses: Annotated[int, typer.Option(min=20, help="Key presses measured in each setting.")] = 100,
) -> None:
    """Measure."""
    result: dict[str, Any] = {"completions": completions, "ratings": ratings}
    result["interval_speedup"] = _interval()
    with tempfile.TemporaryDirectory() as folder, workbench_at(Path(folder), WORKBENCH_LOAD_EXAMPLE="false"):
        _fill(completions, ratings)
        app = App({})
        try:
            result |= _drive(app, presses)
        finally:
            app.kill()
    path = ROOT / "benchmarks" / "results" / "app.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _interval(n: int = 60, resamples: int = 10_000) -> float:
    """Compare our interval of ρ with scipy's bootstrap of its spearmanr; returns how many times faster ours is."""
    rng = np.random.default_rng(0)
    human = rng.integers(1, 6, n).astype(float)
    reward = human + rng.normal(0, 1.5, n)
    ours, theirs = [], []
    for _ in range(3):
        began = time.perf_counter()
        (found,) = correlate(human, reward[:, None], range(n))
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        reference = stats.bootstrap(
            (human, reward), lambda x, y: stats.spearmanr(x, y).statistic, paired=True, vectorized=False,
            n_resamples=resamples, method="percentile", rng=np.random.default_rng(0),
        ).confidence_interval  # fmt: skip
        theirs.append(time.perf_counter() - began)
    ratio = min(theirs) / min(ours)
    print(f"interval of ρ, n = {n}: scipy's bootstrap, {resamples} resamples, {min(theirs):.2f} s, ours {min(ours):.4f} s "
          f"(with p), {ratio:.0f}x; intervals [{reference.low:.3f}, {reference.high:.3f}] and "
          f"[{found.low:.3f}, {found.high:.3f}]")  # fmt: skip
    return round(ratio, 1)


def _fill(completions: int, ratings: int) -> None:
    """A store of that size: four tasks, two ratings on each rated completion, everything in the queue; twenty long runs."""
    began = time.perf_counter()
    fill(completions, ratings, CURVE_RUNS, steps=completions // (CURVE_RUNS * len(CURVES)))
    print(f"filled the store in {time.perf_counter() - began:.0f} s", flush=True)


def _drive(app: App, presses: int) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        page = new_page(browser)
        page.goto(f"{app.address}/annotate?rater=alone")
        page.get_by_role("button", name="excellent").wait_for()
        times = alone_and_among(page, presses, r"(\d+) done", press_key, lambda i, busy: rate_until(app.port, i, busy))
        audits = []
        for _ in range(2):
            began = time.perf_counter()
            page.goto(f"{app.address}/audit")
            page.get_by_role("heading", name="ρ").first.wait_for()
            page.get_by_role("tab", name="Components").wait_for()
            audits.append(time.perf_counter() - began)
        curves = []
        for _ in range(2):
            began = time.perf_counter()
            page.goto(f"{app.address}/runs?" + "&".join(f"runs=run {i} · r{i:05}" for i in range(CURVE_RUNS)))
            page.locator("[data-testid=stVegaLiteChart] svg").nth(CHARTS - 1).wait_for()
            curves.append(time.perf_counter() - began)
        browser.close()
    print(f"curves of {CURVE_RUNS} runs: first {curves[0]:.1f} s, again {curves[1]:.1f} s")
    print(f"audit page: first {audits[0]:.1f} s, again {audits[1]:.1f} s")
    return {
        **{f"{setting}_ms": measured for setting, measured in times.items()},
        "audit_first_s": round(audits[0], 2),
        "audit_again_s": round(audits[1], 2),
        "curves_first_s": round(curves[0], 2),
        "curves_again_s": round(curves[1], 2),
    }


if __name__ == "__main__":
    typer.run(main)
