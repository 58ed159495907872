"""What grows when the store does: pages with a thousand runs, a start with two hundred thousand ratings, a hundred live runs.

python -m benchmarks.scale                     # all three; the third needs TEST_POSTGRES_URL
python -m benchmarks.scale runs ratings        # these alone
python -m benchmarks.scale runs --most 100     # smaller

Every number stands beside the same of the smallest store of the same run: that is the baseline. The last column is by how much
a cost rises for ten times as much, between the two largest stores: 1 is constant, 10 is linear, more is worse than linear.
Time is the process's own (CPU), so that a busy machine changes it little; ``seconds`` are by the clock.
"""

import json
import logging
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from math import log10
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from sqlalchemy import select, text
from streamlit.testing.v1 import AppTest

from app.pages import PAGES
from backend.rating.queue import claim_next
from backend.rating.ratings import save_rating
from backend.settings import ROOT
from backend.store.engine import reading, writing
from backend.store.ratings import get_rater
from benchmarks.filled import fill
from benchmarks.live import live_runs
from benchmarks.load import let_rate
from benchmarks.queries import counted_queries
from benchmarks.servers import App
from benchmarks.streamlit_session import Session
from benchmarks.workbenches import ENVIRONMENT, postgres_database, workbench_at
from benchmarks.workbenches import fill as fill_queue

NAMES = [page.name for page in PAGES]
RUNS, RATINGS = (10, 100, 1_000), (4_000, 40_000, 200_000)
COMPLETIONS_PER_RATING = 5
_SCORES = 50
_IDLE = 0.05
"""CPU seconds in a second, below which a server has loaded what it loads."""


def main(
    parts: Annotated[list[str] | None, typer.Argument(help="runs, ratings, live; all when left out.")] = None,
    most: Annotated[int, typer.Option(help="The largest store: runs, or ratings.")] = 200_000,
    live: Annotated[int, typer.Option(min=2, help="Live runs.")] = 100,
    raters: Annotated[int, typer.Option(min=2, help="Raters meanwhile.")] = 50,
    minutes: Annotated[float, typer.Option(help="How long they rate, alone and beside the live runs.")] = 0.7,
) -> None:
    """Measure."""
    logging.disable(logging.WARNING)  # Streamlit's, of pages that are drawn without a server
    path = ROOT / "benchmarks" / "results" / "scale.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "runs": lambda: _grown([n for n in RUNS if n <= most], "runs", with_runs),
        "ratings": lambda: _grown([n for n in RATINGS if n <= most], "ratings", with_ratings),
        "live": lambda: beside_live_runs(live, raters, minutes),
    }
    for part in parts or list(measures):
        kept[part] = measures[part]()
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


# --- growing stores -------------------------------------------------------------------------------------------------
def _grown(sizes: list[int], of: str, measure: Callable[[int], dict[str, float]]) -> dict[str, Any]:
    """Measure stores of each size; prints and returns name -> what it is at each size, and how it grows."""
    found: dict[str, list[float]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, workbench_at(Path(folder), **ENVIRONMENT):
            for name, value in measure(size).items():
                found.setdefault(name, []).append(round(value, 4))
    print(
        f"\n| {of} | " + " | ".join(f"{size:,}" for size in sizes) + " | × per tenfold |\n|" + "---|" * (len(sizes) + 2)
    )
    rows = {}
    for name, values in found.items():
        growth = _per_tenfold(sizes, values)
        rows[name] = {"at": dict(zip(map(str, sizes), values, strict=True)), "per_tenfold": growth}
        print(f"| {name} | " + " | ".join(f"{value:g}" for value in values) + f" | {growth} |", flush=True)
    return rows


def _per_tenfold(sizes: list[int], values: list[float]) -> float | None:
    """By how much the cost rises for ten times as much, between the two largest stores."""
    if len(sizes) < 2 or min(values[-2:]) <= 0:
        return None
    return round((values[-1] / values[-2]) ** (1 / log10(sizes[-1] / sizes[-2])), 2)


def with_runs(runs: int) -> dict[str, float]:
    """Each page's queries and CPU seconds, drawn a second time, with so many runs: a tenth live, a tenth in a queue."""
    fill(2_000, 400, runs, live=runs // 10, waiting=runs // 10)
    found = {}
    for name in (*NAMES, "results of two"):
        draw = page_of(name)
        draw.run()
        with counted_queries() as queries:
            began = time.process_time()
            draw.run()
            found[f"{name}: CPU seconds"] = time.process_time() - began
        found[f"{name}: queries"] = len(queries)
        if draw.exception:
            raise SystemExit(f"{name}: {draw.exception[0].value}")
    return found


def page_of(name: str) -> AppTest:
    """A page that is drawn in this process; ``results of two`` compares two evaluations."""
    file, _, two = name.partition(" of ")
    page = AppTest.from_file(str(ROOT / "app" / "screens" / f"{file}.py"), default_timeout=600)
    if two:
        page.session_state["compare"] = two
    page.query_params["rater"] = "rater 1"  # Annotate and Compare draw nothing for nobody
    return page


def with_ratings(ratings: int) -> dict[str, float]:
    """What a server takes for its first draw of the audit and then for every page; and a rater's draw, claim and save."""
    fill(COMPLETIONS_PER_RATING * ratings, ratings, 10)
    found: dict[str, float] = {}
    with _server() as app:
        _draw(app, "audit", "audit, first draw after a start", found)
        for name in NAMES:
            _draw(app, name, f"{name}, opened again" if name == "audit" else f"{name}, opened", found)
    with writing() as session:
        rater = get_rater(session, "rater 1").id
    with counted_queries() as queries:
        began = time.process_time()
        for n in range(_SCORES):
            with writing() as session:
                claimed = claim_next(session, rater)
            assert claimed is not None
            with writing() as session:
                save_rating(session, claimed, rater, score=1 + n % 5)
        found["draw, claim and save a score: CPU seconds"] = (time.process_time() - began) / _SCORES
    found["draw, claim and save a score: queries"] = len(queries) / _SCORES
    return found


@contextmanager
def _server() -> Any:
    """A server just started, with nothing loading any more."""
    app = App(ENVIRONMENT)
    try:
        used = -1.0
        while (now := sum(psutil.Process(app.pid).cpu_times()[:2])) - used > _IDLE:
            used = now
            time.sleep(1)
        yield app
    finally:
        app.kill()


def _draw(app: App, page: str, name: str, found: dict[str, float]) -> None:
    """Open a page in a new session, and note the clock's seconds and the server's own."""
    server = psutil.Process(app.pid)
    began, used = time.perf_counter(), sum(server.cpu_times()[:2])
    session = Session(app.port, page, timeout=600)
    found[f"{name}: seconds"] = time.perf_counter() - began
    found[f"{name}: CPU seconds"] = sum(server.cpu_times()[:2]) - used
    session.close()
    if any(text.startswith("exception") for text in session.texts):
        raise SystemExit(f"{page}: {session.texts[-1]}")


# --- live runs ------------------------------------------------------------------------------------------------------
def beside_live_runs(live: int, raters: int, minutes: float) -> dict[str, Any]:
    """Raters at work on PostgreSQL, alone (the baseline) and beside so many live runs of the same machine."""
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_database() as url,
        workbench_at(Path(folder), url, **ENVIRONMENT),
    ):
        _check_connections(live + 40)
        fill_queue(int(4 * raters * minutes * 60 / 6) + 400)
        with _server() as app:
            alone = let_rate(app, raters, minutes)
            pages: dict[str, float] = {}
            for name in ("train, the first draw", "train"):
                _draw(app, "train", name, pages)
            ages: list[float] = []
            with live_runs(live) as runs:
                began, used = time.perf_counter(), runs.cpu_seconds()
                beside = let_rate(app, raters, minutes, lambda: ages.append(runs.oldest() or 0.0))
                share = (runs.cpu_seconds() - used) / (time.perf_counter() - began)
                _draw(app, "train", "train beside them", pages)
    middle, most = np.quantile(ages, (0.5, 1))
    found = {
        "live": live, "alone": alone, "beside": beside, "pages": {name: round(value, 2) for name, value in pages.items()},
        "oldest_sign_of_life_s": {"median": round(middle, 1), "most": round(most, 1)}, "cores_of_the_runs": round(share, 3),
    }  # fmt: skip
    print(f"\n{live} live runs: the oldest sign of life is {middle:.1f} s old at the median, {most:.1f} s at most; "
          f"they use {share:.2f} cores")  # fmt: skip
    for at in ("p50_ms", "p95_ms"):
        print(f"{raters} raters, {at}: {alone[at]} alone, {beside[at]} beside them, × {beside[at] / alone[at]:.2f}")
    print(found["pages"], flush=True)
    return found


def _check_connections(wanted: int) -> None:
    with reading() as session:
        most = int(session.scalar(select(text("current_setting('max_connections')"))) or 0)
    if most < wanted:
        raise SystemExit(
            f"the server has max_connections = {most}; a connection for every live run and the app needs {wanted}"
        )


if __name__ == "__main__":
    typer.run(main)
